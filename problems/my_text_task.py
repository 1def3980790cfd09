"""Your own labelled texts: tokenizer, architecture and training searched together.

    lamcts run problems/my_text_task.py --set data=FILE.tsv

Lines of ``FILE.tsv`` are ``label<TAB>text``; without it, sentences of Python's ``help()`` are read.
Copy this file to change the space, the limit, or ``build`` to a network of yours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamcts.adapters.tasks import TextClassification
from lamcts.spaces import Box, Dict, Discrete

if TYPE_CHECKING:
    from torch import nn


class MyTextTask(TextClassification):
    """Validation accuracy of a classifier of texts; settings as in `TorchTask`."""

    constraints = ("params<=1e6",)
    space = Dict(
        tokens=Discrete(2),  # words, characters
        min_count=Box(1, 5, dtype=int),
        embedding=Box(1, 8, dtype=int),  # times 16
        reader=Discrete(4),  # mean, convolution, recurrence, transformer
        width=Box(16, 96, dtype=int),
        layers=Box(1, 2, dtype=int),
        dropout=Box(0.0, 0.7),
        batch_size=Box(16, 64, dtype=int, scale="log"),
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
    )

    def build(self, x: Any) -> nn.Module:
        """A network for rows of token numbers."""
        from lamcts.adapters.tasks.networks.text import READERS, TextClassifier

        return TextClassifier(
            len(self.tokenizer(x)),
            len(self.classes),
            embedding=16 * x["embedding"],
            reader=READERS[x["reader"]],
            width=x["width"],
            layers=x["layers"],
            dropout=x["dropout"],
            length=self.length,
        )
