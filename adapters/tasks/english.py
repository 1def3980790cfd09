"""English text that every Python carries: the topics of its ``help()``."""

from __future__ import annotations

import string

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.tasks.data import Data

__all__ = ["ALPHABET", "english", "sentences", "windows"]

#: The characters of a model; any other is read as a blank.
ALPHABET = "\n" + "".join(sorted(string.printable[:95]))

_NUMBERS = {character: i for i, character in enumerate(ALPHABET)}


def english() -> str:
    """The text of all topics, by name: about half a million characters.

    The topics are those of the running Python, so that figures differ a little between versions.
    """
    from pydoc_data.topics import topics

    return "\n".join(topics[name] for name in sorted(topics))


def sentences(topics: int = 8, each: int = 150) -> tuple[list[str], list[str]]:
    """Sentences of the longest topics, and the topic of each: a small task of classification.

    Args:
        topics: How many, the longest ones.
        each: Sentences of a topic, at most: those of 5 to 40 words, in order.
    """
    from pydoc_data.topics import topics as known

    texts, labels = [], []
    for name in sorted(known, key=lambda name: (-len(known[name]), name))[:topics]:
        words = " ".join(known[name].split())
        found = [text for text in words.split(". ") if 5 <= len(text.split()) <= 40][:each]
        texts += found
        labels += [name] * len(found)
    return texts, labels


def windows(text: str, *, length: int, characters: int) -> Data:
    """A text as inputs and targets of a language model: the same, one character on.

    The first tenth of the text is for the test, the second for validation, the rest to train;
    from each the first characters are taken, a fifth as many for validation and for the test.

    Args:
        text: What to model.
        length: Characters in a row of inputs.
        characters: To train on, at most.

    Returns:
        Inputs and targets (rows, length): places in `ALPHABET`.
    """
    blank = _NUMBERS[" "]
    numbers = np.array([_NUMBERS.get(character, blank) for character in text], dtype=np.int64)
    tenth = len(numbers) // 10

    def part(start: int, end: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        taken = numbers[start : min(end, start + most)]
        rows = (len(taken) - 1) // length
        return (
            taken[: rows * length].reshape(rows, length),
            taken[1 : rows * length + 1].reshape(rows, length),
        )

    return Data(
        train=part(2 * tenth, len(numbers), characters),
        validation=part(tenth, 2 * tenth, characters // 5),
        test=part(0, tenth, characters // 5),
    )
