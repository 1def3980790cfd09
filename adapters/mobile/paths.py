"""The paths of an elastic supernet, as points of a family: how they are drawn, and split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.supernet.sampling import Paths, hands
from lamcts.adapters.supernet.splits import Choice
from lamcts.errors import UnknownName

__all__ = ["column_choice", "elastic_paths"]


def elastic_paths(choices: Choices) -> Paths:
    """Paths of a family: uniform over rows of codes, or with every option equally often.

    The largest network has the last option of every choice, the smallest one the first. While the
    supernet shrinks, the scale is free from the start, then also kernels (and squeeze), then
    depths, then expansions, as in progressive shrinking (Cai et al., ICLR 2020, section 3.3).
    """
    sizes = [len(column.options) for column in choices.columns]

    def point(row: Any) -> Any:
        return choices.point(choices.canonical(np.array([row]))[0])

    def deal(rng: np.random.Generator) -> Iterator[Any]:
        columns = [hands(size, 1, rng) for size in sizes]
        while True:
            yield point([next(column)[0] for column in columns])

    def opened(kinds: tuple[str, ...]) -> Callable[[np.random.Generator], Any]:
        free = np.array([column.kind in kinds for column in choices.columns])
        return lambda rng: point(np.where(free, rng.integers(sizes), np.array(sizes) - 1))

    orders = [("scale",), ("kernels", "squeeze"), ("depths",), ("expands",)]
    return Paths(
        draw=lambda rng: choices.point(choices.sample(rng, 1)[0]),
        deal=deal,
        extremes=(point([size - 1 for size in sizes]), point([0] * len(sizes))),
        stages=tuple(opened(sum(orders[: n + 1], ())) for n in range(len(orders))),
    )


def column_choice(choices: Choices, name: str) -> Choice:
    """One choice of a family by the key of a point and the number in it: ``depths.2``.

    Raises:
        UnknownName: There is no such choice.
    """
    names = {
        kind if kind == "scale" else f"{kind}.{number}": column
        for kind, columns in choices.kinds.items()
        for number, column in enumerate(columns)
    }
    if name not in names:
        lists = (kind if kind == "scale" else f"{kind}.0, ..." for kind in choices.kinds)
        raise UnknownName(
            f"by: {name!r} is no choice of the space, and no run's folder; use one of "
            f"{', '.join(lists)}, or a folder"
        )
    column = names[name]
    labels = tuple(str(option) for option in choices.columns[column].options)
    return Choice(name, labels, lambda x: int(choices.row(x)[column]))
