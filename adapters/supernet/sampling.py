"""Which networks of a supernet a training step is for.

A *path* is a network of a supernet, given as a point of the problem's space. A problem says how its
paths are drawn (`Paths`), a name in `SAMPLINGS` which of them make a step. Nothing here is PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = ["SAMPLINGS", "Paths", "hands", "steps"]

Generator = np.random.Generator


@dataclass(frozen=True)
class Paths:
    """How the paths of a space are drawn.

    Attributes:
        draw: One path, each option of a choice as likely as the others.
        deal: Paths without end, in which every choice is taken equally often, as far as that
            goes; ``None`` where the space has no such order.
        extremes: The largest and the smallest network; ``None`` where there are none.
        stages: How a path is drawn while a supernet shrinks: by the stage that has been reached,
            from 0, when little but the largest network is trained; empty where there are none.
    """

    draw: Callable[[Generator], Any]
    deal: Callable[[Generator], Iterator[Any]] | None = None
    extremes: tuple[Any, Any] | None = None
    stages: tuple[Callable[[Generator], Any], ...] = ()


#: How the paths of a step are sampled, and what it is for.
SAMPLINGS = {
    "random": "each option of a choice is as likely as the others (one-shot LaNAS)",
    "fair": "each choice is trained equally often (after FairNAS: Chu et al., ICCV 2021)",
    "sandwich": "the largest, the smallest, and random ones between (Yu, Huang, ICCV 2019)",
    "progressive": "the largest, and others: smaller kernels first, then depths, then widths (OFA)",
}


def steps(
    paths: Paths, sampling: str, count: int, rng: Generator, *, done: float = 0.0
) -> Iterator[Sequence[Any]]:
    """The paths of one training step after another, without end.

    Args:
        paths: How paths are drawn.
        sampling: One of `SAMPLINGS`. A sandwich has the largest network first.
        count: Paths a step; of a sandwich 3 or more. Progressive steps too have the largest first.
        rng: Source of randomness.
        done: Share of the training that is over: how far the space has been opened.

    Raises:
        UnknownName: No such sampling.
        InvalidArgument: The space does not allow it, or the count is too small.
    """
    if sampling not in SAMPLINGS:
        raise UnknownName(
            f"sampling: {sampling!r} is not known; {did_you_mean(sampling, SAMPLINGS)}"
        )
    least = {"sandwich": 3, "progressive": 2}.get(sampling, 1)
    if count < least:
        raise InvalidArgument(
            f"paths: {sampling} sampling needs {least} or more a step, got {count}"
        )
    if sampling == "fair" and paths.deal is None:
        raise InvalidArgument("sampling: this space has no fair order; use random")
    if sampling == "sandwich" and paths.extremes is None:
        raise InvalidArgument(
            "sampling: this space has no largest and smallest network; use fair or random"
        )
    if sampling == "progressive":
        if not paths.stages or paths.extremes is None:
            raise InvalidArgument("sampling: this space does not shrink by stages; use fair")
        stage = paths.stages[min(int(done * len(paths.stages)), len(paths.stages) - 1)]
        return _shrinking(paths.extremes[0], stage, count, rng)
    return _steps(paths, sampling, count, rng)


def _shrinking(
    largest: Any, draw: Callable[[Generator], Any], count: int, rng: Generator
) -> Iterator[Sequence[Any]]:
    while True:
        yield [largest, *(draw(rng) for _ in range(count - 1))]


def _steps(paths: Paths, sampling: str, count: int, rng: Generator) -> Iterator[Sequence[Any]]:
    dealt = paths.deal(rng) if sampling == "fair" and paths.deal is not None else None
    ends = list(paths.extremes or ()) if sampling == "sandwich" else []
    while True:
        inner = range(count - len(ends))
        yield [*ends, *(paths.draw(rng) if dealt is None else next(dealt) for _ in inner)]


def hands(cards: int, size: int, rng: Generator) -> Iterator[tuple[int, ...]]:
    """Hands of different cards, dealt from shuffled decks without end.

    However many have been dealt, no card has come up more than once more than another: FairNAS'
    strict fairness, where a layer uses several operations at a time too.

    Args:
        cards: Cards in a deck, numbered from 0.
        size: Cards in a hand, at most as many.
        rng: Source of randomness.

    >>> deck = hands(4, 2, np.random.default_rng(0))
    >>> sorted(next(deck) + next(deck))
    [0, 1, 2, 3]
    """
    left: list[int] = []
    while True:
        if len(left) < size:
            fresh = rng.permutation(cards).tolist()
            # What is left of the last deck comes first; the hand must not get the same card again.
            left += sorted(fresh, key=left.__contains__)
        yield tuple(left[:size])
        left = left[size:]
