"""Data in three parts: train on one, select on another, report the third once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument

__all__ = ["Data", "class_numbers", "split_data"]


@dataclass(frozen=True, eq=False)
class Data:
    """What a network is trained on, selected on, and tested on.

    Each part is a pair (inputs, targets) of arrays or tensors with as many rows, a PyTorch
    ``Dataset`` of such pairs, or a ``DataLoader`` of batches of them.

    Attributes:
        train: What the weights are fitted to.
        validation: What points are compared on.
        test: What the final network is measured on, once; ``None`` for nothing.
    """

    train: Any
    validation: Any
    test: Any = None


def split_data(
    inputs: Any,
    targets: Any,
    *,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
    stratify: bool = True,
) -> Data:
    """Deal out rows at random.

    Args:
        inputs: (n, ...) an array, or a list.
        targets: (n, ...).
        validation: Share of the rows to select on.
        test: Share of the rows to test on; 0 for none.
        seed: Of the shuffling.
        stratify: Whether every part has its share of each class; ``targets`` are then (n,).

    Raises:
        InvalidArgument: There are too few rows, of a class too.
    """
    if not 0.0 < validation < 1.0 or not 0.0 <= test < 1.0 or validation + test >= 1.0:
        raise InvalidArgument(
            f"validation, test: shares of {validation} and {test} leave nothing to train on; "
            "use for example 0.2 each"
        )
    from sklearn.model_selection import train_test_split

    rows, labels = np.arange(len(inputs)), np.asarray(targets)

    def two(rows: NDArray[np.int64], share: float) -> tuple[NDArray[Any], NDArray[Any]]:
        try:
            first, second = train_test_split(
                rows,
                test_size=share,
                random_state=seed,
                stratify=labels[rows] if stratify else None,
            )
        except ValueError as error:
            raise InvalidArgument(f"data: {len(labels)} rows cannot be split: {error}") from None
        return first, second

    others, held_out = two(rows, test) if test else (rows, None)
    train, selecting = two(others, validation / (1.0 - test))

    def part(of: NDArray[Any]) -> tuple[Any, Any]:
        taken = inputs[of] if isinstance(inputs, np.ndarray) else [inputs[i] for i in of]
        return taken, labels[of]

    return Data(part(train), part(selecting), None if held_out is None else part(held_out))


def class_numbers(labels: Sequence[str], names: Sequence[str]) -> NDArray[np.int64]:
    """(n,) the place of each label among the names.

    Raises:
        InvalidArgument: A label is none of them.
    """
    places = {name: i for i, name in enumerate(names)}
    unknown = sorted(set(labels) - set(places))
    if unknown:
        raise InvalidArgument(
            f"data: label {unknown[0]!r} is not in the training data, which has {list(names)}"
        )
    return np.array([places[label] for label in labels], dtype=np.int64)
