"""A language model of characters: architecture and training searched together.

    lamcts run problems/my_nlp_task.py --set data=FILE.txt
    lamcts run problems/my_nlp_task.py --prune halving

Without ``data`` the text is that of Python's ``help()``. Copy this file to change the space, the
limit, or ``build`` to a network of yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamcts.adapters.tasks import LanguageModel
from lamcts.spaces import Box, Dict, Discrete

if TYPE_CHECKING:
    from torch import nn


class MyNLPTask(LanguageModel):
    """Bits a character, to be made small; settings as in `TorchTask`."""

    constraints = ("params<=50e3",)
    space = Dict(
        kind=Discrete(2),  # Transformer, recurrent
        layers=Box(1, 3, dtype=int),
        width=Box(1, 4, dtype=int),  # times 16
        heads=Discrete(3),  # 1, 2, 4
        ffn=Box(1.0, 4.0),  # width of the feed-forward network, as a multiple
        positions=Discrete(4),  # none, learned, sinusoidal, rotary
        dropout=Box(0.0, 0.3),
        batch_size=Box(8, 32, dtype=int, scale="log"),
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
    )

    def canonical(self, x: Any) -> Any:
        """What means nothing to a recurrent network is always the same."""
        return {**x, "heads": 0, "ffn": 1.0, "positions": 0} if x["kind"] else x

    def build(self, x: Any) -> nn.Module:
        """A network for rows of characters."""
        from lamcts.adapters.tasks.networks.language import (
            RecurrentLanguageModel,
            TransformerLanguageModel,
        )
        from lamcts.adapters.tasks.networks.transformer import POSITIONS, Shape

        symbols, layers, width = len(self.classes), x["layers"], 16 * x["width"]
        dropout = x["dropout"]
        if x["kind"]:
            return RecurrentLanguageModel(symbols, layers=layers, width=width, dropout=dropout)
        shape = Shape(
            layers,
            width,
            heads=(1, 2, 4)[x["heads"]],
            ffn=x["ffn"],
            dropout=dropout,
            positions=POSITIONS[x["positions"]],
            length=self.length,
        )
        return TransformerLanguageModel(symbols, shape)
