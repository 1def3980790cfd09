"""Texts, classified by a pretrained model from a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcts.adapters.tasks.data import Data
from lamcts.adapters.tasks.text_task import TextClassification
from lamcts.adapters.training import require_torch
from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from torch import nn

    from lamcts.adapters.tasks.networks.pretrained import Pretrained, PretrainedClassifier, Tuned

__all__ = ["PretrainedTextClassification"]


class PretrainedTextClassification(TextClassification):
    """A `TextClassification` whose networks are a Hugging Face model, tuned in one way or another.

    `build` may return what `pretrained` gives. The model's own tokenizer is used.

    Args:
        model: A local folder with ``config.json``, tokenizer and weights as safetensors. Nothing is
            downloaded, and no code of the folder is run.
        data: As in `TextClassification`.
        epochs: As in `TorchTask`, and so are those that follow.
        patience: Epochs without a better score after which a trial ends.
        amp: Type of numbers inside the network.
        device: Where to train.
        threads: Of the CPU, in a trial.
        seed: Fixes the new last layers and the order of the data.

    Attributes:
        length: Tokens that are read of a text, at most: fewer where no training text has as many.
    """

    length: int = 64

    def __init__(
        self,
        *,
        model: str | None = None,
        data: str | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        amp: Literal["off", "bf16", "fp16"] = "off",
        device: str = "cpu",
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        super().__init__(
            data=data,
            epochs=epochs,
            patience=patience,
            amp=amp,
            device=device,
            threads=threads,
            seed=seed,
        )
        self.model = model

    def pretrained(
        self,
        *,
        tuned: Tuned = "all",
        rank: int = 8,
        targets: str | Sequence[str] = "queries-values",
        dropout: float = 0.0,
    ) -> PretrainedClassifier:
        """The model with its pretrained weights, and new last layers for the classes of the data.

        Args:
            tuned: What is trained: the last layers (``"head"``), these and low-rank changes inside
                (``"lora"``), or every weight (``"all"``).
            rank: Of the changes.
            targets: Layers that are changed: ``"queries-values"``, ``"all-linear"``, or names.
            dropout: In every layer for it, and before the changes.

        Raises:
            InvalidArgument: There is no such model.
            DependencyNotInstalled: transformers or peft is missing.
        """
        self.data_for(None)  # says which classes there are
        return self._pretrained.classifier(
            self.classes, tuned=tuned, rank=rank, targets=targets, dropout=dropout
        )

    def data_for(self, x: Any) -> Data:
        """The texts as rows of the model's token numbers, (n, length)."""
        return self._rows

    def sizes(self, model: nn.Module) -> dict[str, float]:
        """``params``, and ``trained``: those that the training changes."""
        trained = sum(weights.numel() for weights in model.parameters() if weights.requires_grad)
        return {**super().sizes(model), "trained": float(trained)}

    def assets(self, x: Any) -> dict[str, Any]:
        """The tokenizer as the package tokenizers reads it, and what the network answers."""
        self.data_for(x)  # says how much of a text is read
        found = {"tokenizer.json": self._pretrained.tokenizer_json()}
        found["classes.json"] = list(self.classes)
        return {name: content for name, content in found.items() if content is not None}

    def export(self, folder: Path, form: str, out: Path) -> str:
        """As `TorchTask.export`; ``huggingface`` is a folder that transformers loads.

        Raises:
            InvalidArgument: No such form.
            RunError: The folder is of no finished training.
        """
        if form != "huggingface":
            return super().export(folder, form, out)
        require_torch()
        from lamcts.adapters.tasks.final import trained_network

        network: Any = trained_network(self, folder)
        self._pretrained.save(network, out)
        return "model and tokenizer for transformers, what was trained merged into its weights"

    @cached_property
    def _pretrained(self) -> Pretrained:
        if self.model is None:
            raise InvalidArgument(
                "model: none given; --set model=FOLDER, the local folder of a Hugging Face model"
            )
        require_torch()
        from lamcts.adapters.tasks.networks.pretrained import Pretrained

        return Pretrained(self.model, self.length)

    @cached_property
    def _rows(self) -> Data:
        model, texts = self._pretrained, self.load_data()
        model.shorten(texts.train[0])
        parts = (texts.train, texts.validation, texts.test)
        return Data(*((model.encode(part[0]), part[1]) for part in parts))
