"""Your own labelled texts and a Hugging Face model: how it is best tuned.

    lamcts run problems/my_pretrained_task.py --set model=FOLDER --set data=FILE.tsv

``FOLDER`` has the model's ``config.json``, tokenizer and weights as safetensors; nothing is
downloaded. Lines of ``FILE.tsv`` are ``label<TAB>text``; without it, sentences of Python's
``help()`` are read. Needs ``pip install "lamcts[hf]"``. Copy this file to change the space.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamcts.adapters.tasks import PretrainedTextClassification
from lamcts.spaces import Box, Dict, Discrete

if TYPE_CHECKING:
    from torch import nn

#: What LoRA changes; names of layers, in a tuple, may stand here too.
TARGETS = ("queries-values", "all-linear")


class MyPretrainedTask(PretrainedTextClassification):
    """Validation accuracy of a tuned model; settings as in `TorchTask`, and ``model``."""

    base = replace(PretrainedTextClassification.base, epochs=2)
    final_epochs = 4
    space = Dict(
        tuned=Discrete(3),  # the last layers, LoRA, every weight
        rank=Box(0, 4, dtype=int),  # of LoRA, a power of 2
        targets=Discrete(len(TARGETS)),
        dropout=Box(0.0, 0.3),
        batch_size=Box(8, 32, dtype=int, scale="log"),
        learning_rate=Box(1e-5, 1e-2, scale="log"),
        weight_decay=Box(1e-4, 0.1, scale="log"),
    )

    def canonical(self, x: Any) -> Any:
        """What means nothing without LoRA is always the same."""
        return x if x["tuned"] == 1 else {**x, "rank": 0, "targets": 0}

    def build(self, x: Any) -> nn.Module:
        """A network for rows of token numbers."""
        from lamcts.adapters.tasks.networks.pretrained import TUNED

        return self.pretrained(
            tuned=TUNED[x["tuned"]],
            rank=2 ** x["rank"],
            targets=TARGETS[x["targets"]],
            dropout=x["dropout"],
        )
