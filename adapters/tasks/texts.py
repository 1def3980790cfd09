"""Labelled texts: a file ``label<TAB>text``, and tokenizers that are fitted to it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.tasks.files import opened
from lamcts.errors import InvalidArgument

__all__ = ["Tokenizer", "Tokens", "read_tsv"]

#: What a token is: a word or punctuation mark, or a character.
Tokens = Literal["words", "characters"]

_WORD = re.compile(r"\w+|[^\w\s]")


def read_tsv(file: str | Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a file that has ``label<TAB>text`` on every line.

    Raises:
        InvalidArgument: A line is not so, or there is none; the message names it.
    """
    texts, labels = [], []
    with opened(Path(file), "data") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            label, tab, text = line.rstrip("\r\n").partition("\t")
            if not (tab and label.strip() and text.strip()):
                raise InvalidArgument(
                    f"data: {str(file)!r}, line {number}: {line.strip()[:40]!r} is not "
                    "label<TAB>text"
                )
            labels.append(label.strip())
            texts.append(text)
    if not texts:
        raise InvalidArgument(f"data: {str(file)!r} is empty; write lines of label<TAB>text")
    return texts, labels


@dataclass(frozen=True)
class Tokenizer:
    """Texts to numbers: 0 after the end, 1 for what was not there when it was fitted.

    Attributes:
        tokens: What a token is.
        lowercase: Whether capitals are made small.
        vocabulary: The tokens of the numbers from 2 up.
    """

    tokens: Tokens
    lowercase: bool
    vocabulary: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        tokens: Tokens = "words",
        *,
        lowercase: bool = True,
        min_count: int = 1,
    ) -> Tokenizer:
        """A tokenizer of all tokens that come ``min_count`` times or more, the commonest first."""
        counts = Counter(token for text in texts for token in _cut(text, tokens, lowercase))
        common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        known = tuple(token for token, count in common if count >= min_count)
        return cls(tokens, lowercase, known)

    def __len__(self) -> int:
        """How many numbers there are, 0 and 1 included."""
        return len(self.vocabulary) + 2

    def encode(self, texts: Sequence[str], length: int) -> NDArray[np.int64]:
        """(n, length) numbers; a longer text is cut, a shorter one ends in zeros."""
        numbers = {token: i for i, token in enumerate(self.vocabulary, start=2)}
        encoded = np.zeros((len(texts), length), dtype=np.int64)
        for row, text in zip(encoded, texts, strict=True):
            found = [numbers.get(token, 1) for token in _cut(text, self.tokens, self.lowercase)]
            row[: len(found)] = found[:length]
        return encoded

    def to_json(self) -> dict[str, Any]:
        """All it is, as JSON data: a few lines in any language encode texts with it."""
        return {
            "tokens": self.tokens,
            "pattern": _WORD.pattern if self.tokens == "words" else ".",
            "lowercase": self.lowercase,
            "vocabulary": list(self.vocabulary),
        }


def _cut(text: str, tokens: Tokens, lowercase: bool) -> list[str]:
    text = text.lower() if lowercase else text
    return _WORD.findall(text) if tokens == "words" else list(text)
