"""Hugging Face models from a local folder, as classifiers of texts. Importing this loads PyTorch.

Nothing is downloaded, no code of a folder is run, and weights are read as safetensors alone: a
pickle would run what it holds.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["TUNED", "Pretrained", "PretrainedClassifier", "Tuned"]

#: What is trained: the new last layers, these and low-rank changes inside, or every weight.
Tuned = Literal["head", "lora", "all"]
TUNED: tuple[Tuned, ...] = ("head", "lora", "all")

#: Names of the layers that make queries and values, in the models that transformers has; some make
#: keys with them.
_QUERIES_AND_VALUES = (
    *("query", "value", "query_proj", "value_proj", "q_proj", "v_proj", "q_lin", "v_lin"),
    *("q", "v", "qkv", "qkv_proj", "Wqkv", "c_attn", "query_key_value"),
)

_LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


class PretrainedClassifier(nn.Module):
    """A model of the library that takes rows of token numbers and gives one score a class.

    Args:
        model: Of transformers, for the classification of sequences; or what peft makes of it.
        padding: The number of the token that a row is filled up with.
    """

    def __init__(self, model: Any, padding: int) -> None:
        super().__init__()
        self.model = model
        self.padding = padding

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores (n, classes) of rows (n, length)."""
        # Where nothing is computed a mask has no values to be looked at, and costs are the same.
        mask = None if tokens.is_meta else (tokens != self.padding).long()
        scores: Tensor = self.model(input_ids=tokens, attention_mask=mask).logits
        return scores


class Pretrained:
    """A folder with a model of transformers and its tokenizer.

    Args:
        folder: Has ``config.json``, the tokenizer's files, and weights as safetensors.
        length: Tokens that are read of a text, at most.

    Raises:
        InvalidArgument: The folder is none, or its tokenizer cannot be loaded.
        DependencyNotInstalled: transformers or peft is missing.
    """

    def __init__(self, folder: str | Path, length: int) -> None:
        self.folder = _checked(Path(folder))
        _require_libraries()
        from transformers import AutoTokenizer

        with self._loading():
            self.tokenizer: Any = AutoTokenizer.from_pretrained(self.folder, **_LOCAL)
        if self.tokenizer.pad_token is None:
            # Models that continue a text have none; what stands behind the end is masked.
            self.tokenizer.pad_token = self.tokenizer.eos_token or self.tokenizer.unk_token
        if self.tokenizer.pad_token is None:
            raise InvalidArgument(
                f"model: the tokenizer of {str(folder)!r} has no token to fill up short texts "
                "with; set its pad_token"
            )
        self.tokenizer.padding_side = self.tokenizer.truncation_side = "right"
        self.length = min(length, self.tokenizer.model_max_length)

    def shorten(self, texts: Sequence[str]) -> None:
        """Read no more tokens of a text than the longest of these has."""
        rows = self.tokenizer(list(texts), truncation=True, max_length=self.length)["input_ids"]
        self.length = max(map(len, rows))

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """(n, length) token numbers; a longer text is cut, a shorter one filled up."""
        found = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=self.length
        )
        return np.asarray(found["input_ids"], dtype=np.int64)

    def tokenizer_json(self) -> Any:
        """The tokenizer as ``tokenizers.Tokenizer.from_str`` takes it, filling up and cutting too.

        ``None`` for one that is written in Python.
        """
        import json

        if not self.tokenizer.is_fast:
            return None
        self.encode([""])  # tells the tokenizer to fill up and to cut
        return json.loads(self.tokenizer.backend_tokenizer.to_str())

    def classifier(
        self,
        classes: Sequence[str],
        *,
        tuned: Tuned = "all",
        rank: int = 8,
        targets: str | Sequence[str] = "queries-values",
        dropout: float = 0.0,
    ) -> PretrainedClassifier:
        """The model with last layers for these classes; on the ``meta`` device without weights.

        Args:
            classes: Their names.
            tuned: What is trained, of `TUNED`.
            rank: Of the changes, with ``"lora"``; they are scaled by 2.
            targets: Layers that are changed, with ``"lora"``: ``"queries-values"``,
                ``"all-linear"``, or names.
            dropout: In every layer for it, and before the changes.

        Raises:
            InvalidArgument: The model cannot be loaded, or has no layers of these names.
        """
        from transformers import AutoConfig, AutoModelForSequenceClassification

        names = dict(enumerate(classes))
        with self._loading():
            config: Any = AutoConfig.from_pretrained(
                self.folder,
                id2label=names,
                label2id={name: i for i, name in names.items()},
                problem_type="single_label_classification",
                **_LOCAL,
            )
            config.pad_token_id = self.tokenizer.pad_token_id
            if torch.get_default_device().type == "meta":
                model: Any = AutoModelForSequenceClassification.from_config(
                    config, dtype=torch.float32
                )
            else:
                model = AutoModelForSequenceClassification.from_pretrained(
                    self.folder,
                    config=config,
                    dtype=torch.float32,
                    use_safetensors=True,
                    ignore_mismatched_sizes=True,  # last layers for other classes are made anew
                    **_LOCAL,
                )
            for module in model.modules():
                if isinstance(module, nn.Dropout):
                    module.p = dropout
            if tuned == "head":
                head = _head(model)
                for name, weights in model.named_parameters():
                    weights.requires_grad_(any(part in head for part in name.split(".")))
            elif tuned == "lora":
                model = _with_changes(model, rank, targets, dropout)
        return PretrainedClassifier(model, self.tokenizer.pad_token_id)

    def save(self, network: PretrainedClassifier, folder: Path) -> None:
        """Write a trained network and the tokenizer as transformers reads them, changes merged."""
        model = network.model
        with self._loading():
            if hasattr(model, "merge_and_unload"):
                model = model.merge_and_unload()
            model.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """A block in which the libraries are silent and what they raise names the folder."""
        from transformers.utils import logging as reports

        verbosity, bars = reports.get_verbosity(), reports.is_progress_bar_enabled()
        reports.set_verbosity(logging.CRITICAL)
        reports.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of one library about the other
                yield
        except Exception as error:  # they raise whatever their parts do
            why = " ".join(str(error).split())[:200]
            raise InvalidArgument(
                f"model: {str(self.folder)!r} cannot be used: {type(error).__name__}: {why}"
            ) from error
        finally:
            reports.set_verbosity(verbosity)
            if bars:
                reports.enable_progress_bar()


def _with_changes(model: Any, rank: int, targets: str | Sequence[str], dropout: float) -> Any:
    """A model whose weights stay, with low-rank changes of some layers and trained last layers.

    LoRA: Hu et al. (2021), https://arxiv.org/abs/2106.09685
    """
    from peft import LoraConfig, get_peft_model

    head = _head(model)
    if targets == "queries-values":
        targets = _QUERIES_AND_VALUES
    settings: Any = LoraConfig(
        task_type="SEQ_CLS",
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        exclude_modules=rf"(.*\.)?({'|'.join(head)})(\..*)?",
        modules_to_save=head,
    )
    return get_peft_model(model, settings)


def _head(model: Any) -> list[str]:
    """Names of the last layers: those beside the pretrained part, and its pooler.

    A pooler was trained for another question, or not at all: many models come without.
    """
    children = [part for part in model.named_children() if part[1] is not model.base_model]
    children += [part for part in model.base_model.named_children() if part[0] == "pooler"]
    return [name for name, part in children if any(True for _ in part.parameters())]


def _checked(folder: Path) -> Path:
    """The folder, if it looks like a model's.

    Raises:
        InvalidArgument: It does not.
    """
    mend = "give one that `hf download NAME --local-dir FOLDER` or save_pretrained wrote"
    if not (folder / "config.json").is_file():
        raise InvalidArgument(
            f"model: {str(folder)!r} is no folder of a model: it has no config.json; {mend}"
        )
    if (folder / "adapter_config.json").exists():
        raise InvalidArgument(
            f"model: {str(folder)!r} has an adapter in it; merge it into its model first"
        )
    if not any(folder.glob("*.safetensors")):
        raise InvalidArgument(
            f"model: {str(folder)!r} has no weights as safetensors, and others are not read, "
            "since they may run code; convert them first"
        )
    return folder


def _require_libraries() -> None:
    try:
        import peft  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise DependencyNotInstalled(
            f"a Hugging Face model needs {error.name}, which is not installed; "
            'run: pip install "lamcts[hf]"'
        ) from error
