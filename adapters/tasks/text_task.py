"""Texts: classified, or continued character by character."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lamcts.adapters.tasks.data import Data, class_numbers, split_data
from lamcts.adapters.tasks.english import ALPHABET, english, sentences, windows
from lamcts.adapters.tasks.files import opened
from lamcts.adapters.tasks.texts import Tokenizer, Tokens, read_tsv
from lamcts.adapters.tasks.torch_task import TorchTask
from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["LanguageModel", "TextClassification"]

Texts = tuple[Sequence[str], Any]


class TextClassification(TorchTask):
    """A `TorchTask` on texts; the score is the accuracy.

    ``data`` is a file of lines ``label<TAB>text``, of which a fifth each is set aside to validate
    and to test; or a folder with such files ``train.tsv``, ``test.tsv`` and, if it is not to be a
    fifth of the former, ``validation.tsv``. By default, the network is to say from which topic of
    Python's ``help()`` a sentence is.

    Attributes:
        length: Tokens that are read of a text, at most.
    """

    length: int = 40

    def load_data(self) -> Data:
        """Texts, not encoded yet, with class numbers; ``classes`` says what these mean."""
        if self.data is None:
            self.notice = (
                "Data: sentences of Python's help() by topic; yours: --set data=FILE.tsv, "
                "lines of label<TAB>text"
            )
            texts, labels = sentences()
            return self._split(texts, labels)
        if os.path.isdir(self.data):
            return self._parts(Path(self.data))
        return self._split(*read_tsv(self.data))

    def tokenizer(self, x: Any) -> Tokenizer:
        """How the texts of a point are cut, fitted to the training texts: override it to change.

        Of the point's variables ``tokens`` (0: words, 1: characters) and ``min_count`` (rarer
        tokens are not told apart) are used, where they are there.
        """
        kind: Tokens = "characters" if x.get("tokens", 0) else "words"
        asked = (kind, int(x.get("min_count", 1)))
        if asked not in self._tokenizers:
            texts, _ = super().data_for(x).train
            self._tokenizers[asked] = Tokenizer.fit(texts, kind, min_count=asked[1])
        return self._tokenizers[asked]

    def data_for(self, x: Any) -> Data:
        """The texts of a point's tokenizer, as numbers (n, length)."""
        texts, tokenizer = super().data_for(x), self.tokenizer(x)
        if tokenizer not in self._encoded:
            parts = (texts.train, texts.validation, texts.test)
            encoded = ((tokenizer.encode(part[0], self.length), part[1]) for part in parts)
            self._encoded[tokenizer] = Data(*encoded)
        return self._encoded[tokenizer]

    def assets(self, x: Any) -> dict[str, Any]:
        """The tokenizer, and what the network answers."""
        tokenizer = {"length": self.length, **self.tokenizer(x).to_json()}
        return {"tokenizer.json": tokenizer, "classes.json": list(self.classes)}

    # Costs are asked for often: texts are cut and numbered once for each tokenizer.

    @cached_property
    def _tokenizers(self) -> dict[tuple[Tokens, int], Tokenizer]:
        return {}

    @cached_property
    def _encoded(self) -> dict[Tokenizer, Data]:
        return {}

    def _split(self, texts: Sequence[str], labels: Sequence[str]) -> Data:
        self.classes = _in_order(labels)
        return split_data(texts, class_numbers(labels, self.classes), seed=self.base.seed)

    def _parts(self, folder: Path) -> Data:
        train, test, validation = (
            folder / f"{name}.tsv" for name in ("train", "test", "validation")
        )
        texts, labels = read_tsv(train)
        self.classes = _in_order(labels)

        def part(file: Path) -> Texts:
            texts, labels = read_tsv(file)
            return texts, class_numbers(labels, self.classes)

        if validation.exists():
            return Data(part(train), part(validation), part(test))
        numbers = class_numbers(labels, self.classes)
        split = split_data(texts, numbers, test=0.0, seed=self.base.seed)
        return Data(split.train, split.validation, part(test))


class LanguageModel(TorchTask):
    """A `TorchTask` that says which character comes next; the score is in bits a character.

    ``data`` is a text file in UTF-8; by default, the topics of Python's ``help()``. Inputs are
    (n, length) places in `ALPHABET`, outputs (n, symbols, length).

    Attributes:
        length: Characters that are seen at once.
        characters: To train on; a fifth as many each to validate and to test.
    """

    direction: Literal["maximize", "minimize"] = "minimize"
    classes = tuple(ALPHABET)
    base = replace(TorchTask.base, epochs=3)
    length: int = 32
    characters: int = 20_000

    def load_data(self) -> Data:
        """The text, cut into rows."""
        if self.data is None:
            self.notice = "Data: the topics of Python's help(); yours: --set data=FILE.txt"
            text = english()
        else:
            with opened(Path(self.data), "data") as stream:
                text = stream.read()
        least = 20 * (self.length + 1)
        if len(text) < least:
            raise InvalidArgument(
                f"data: {len(text)} characters are too few for rows of {self.length}; "
                f"give {least} or more"
            )
        return windows(text, length=self.length, characters=self.characters)

    def metric(self, outputs: Any, targets: Tensor) -> Tensor:
        """(n,) bits a character of each row."""
        from torch.nn.functional import cross_entropy

        each = cross_entropy(outputs.float(), targets, reduction="none")
        return each.mean(1) / math.log(2.0)

    def assets(self, x: Any) -> dict[str, Any]:
        """The characters, in the order of their numbers."""
        return {"alphabet.json": {"characters": ALPHABET, "length": self.length}}


def _in_order(labels: Sequence[str]) -> tuple[str, ...]:
    """The different labels, numbers by value."""

    def place(name: str) -> tuple[int, str]:
        return (int(name), "") if name.isdecimal() else (sys.maxsize, name)

    names = tuple(sorted(set(labels), key=place))
    if len(names) < 2:
        raise InvalidArgument(f"data: all texts are of the class {names[0]!r}; give two or more")
    return names
