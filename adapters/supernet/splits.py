"""Few-shot search: a space in parts, each with a supernet of its own.

A supernet trains all networks at once, and they disagree. In a part of the space fewer share each
weight. Parts are the options of one choice, an edge of a cell say (Zhao et al., "Few-shot Neural
Architecture Search", ICML 2021), or the regions of a search tree, which separate good networks from
bad ones (LaNAS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lamcts.adapters.supernet.sampling import Generator, Paths
from lamcts.errors import InvalidArgument
from lamcts.history import TrialState
from lamcts.optimizers import make_optimizer
from lamcts.result import load_result
from lamcts.spaces import Codec, Space, as_space, describe

__all__ = ["Choice", "Regions", "Split", "paths_within", "regions_of_run"]

#: Paths drawn before a part is said to hold none.
TRIES = 2_000

#: Half-spaces ``normal . z + offset > 0`` (or not, on the bad side) that bound a region.
_Sides = Sequence[tuple[Sequence[float], float, bool]]


@dataclass(frozen=True)
class Choice:
    """Parts by the option that a network takes at one choice.

    Attributes:
        name: The choice.
        labels: Its options.
        of: The number of a point's option.
    """

    name: str
    labels: tuple[str, ...]
    of: Callable[[Any], int]

    def to_json(self) -> dict[str, Any]:
        """What it is made again of."""
        return {"choice": self.name}


class Regions:
    """Parts by the regions of a tree of linear boundaries.

    Args:
        space: The space.
        regions: The half-spaces of each; together they are the whole space.
    """

    def __init__(self, space: Space[Any], regions: Sequence[_Sides]) -> None:
        self._codec = Codec(as_space(space))
        self._regions = regions
        self.labels = tuple("".join("-+"[good] for *_, good in sides) for sides in regions)

    def of(self, x: Any) -> int:
        """The number of the region that a point lies in."""
        z = self._codec.encode(self._codec.to_vector(x)[None])[0]
        return next(
            number
            for number, sides in enumerate(self._regions)
            if all((np.dot(normal, z) + offset > 0.0) == good for normal, offset, good in sides)
        )

    def to_json(self) -> dict[str, Any]:
        """What it is made again of."""
        return {"regions": [[list(side) for side in sides] for sides in self._regions]}


Split = Choice | Regions


def regions_of_run(folder: str | Path, space: Space[Any], depth: int) -> Regions:
    """The regions of LaNAS' tree, grown from a run's trials; a run by ``lanas`` has this tree.

    Args:
        folder: The run's folder; it may be going on.
        space: The space that the run should have searched.
        depth: Levels of boundaries: up to ``2 ** depth`` regions.

    Raises:
        InvalidArgument: It is of another space, or too short to grow a tree of.
        RunError: There is no run, or it is damaged.
    """
    result = load_result(folder)
    if describe(result.space) != describe(as_space(space)):
        raise InvalidArgument(f"by: {folder} searched another space; give a run of this one")
    done = [trial for trial in result.trials if trial.state is TrialState.COMPLETE]
    optimizer: Any = make_optimizer(
        "lanas", result.space, direction=result.direction, seed=result.seed
    )
    for trial in done:
        optimizer.tell(trial.x, trial.value)
    optimizer.tree.complete()
    regions = list(_regions(optimizer.tree.root, depth, ()))
    if len(regions) < 2:
        raise InvalidArgument(
            f"by: {len(done)} trials of {folder} make no regions; go on with the run, "
            "or split along a choice"
        )
    return Regions(space, regions)


def _regions(node: Any, depth: int, sides: tuple[Any, ...]) -> Iterator[_Sides]:
    boundary = node.boundary
    if depth == 0 or node.children is None or boundary is None or boundary.normal is None:
        yield sides
        return
    for child, good in zip(node.children, (True, False), strict=True):
        side = (boundary.normal.tolist(), float(boundary.offset), good)
        yield from _regions(child, depth - 1, (*sides, side))


def paths_within(paths: Paths, split: Split, part: int) -> Paths:
    """The paths of one part: of all paths, those that lie in it, in the same order."""

    def draw(rng: Generator) -> Any:
        return next(inside(paths.draw(rng) for _ in range(TRIES)))

    def inside(drawn: Iterator[Any]) -> Iterator[Any]:
        while True:
            found = next((x for x in islice(drawn, TRIES) if split.of(x) == part), None)
            if found is None:
                raise InvalidArgument(
                    f"by: none of {TRIES} random networks lies in part {split.labels[part]}; "
                    "use less --depth"
                )
            yield found

    deal = paths.deal
    return Paths(draw, None if deal is None else lambda rng: inside(deal(rng)))
