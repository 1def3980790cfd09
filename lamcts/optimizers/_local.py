"""Local search: to a better neighbour while there is one, then from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.optimizers._base import Optimizer
from lamcts.samplers import Proposal
from lamcts.spaces import Space

__all__ = ["LocalSearch"]

#: Levels of a variable that are all neighbours; of one with more, so many are drawn.
LEVELS = 16
#: Random points of which the first that is new is a start.
STARTS = 24


class LocalSearch(Optimizer):
    """First-improvement hill climbing with random restarts (White, Nolen and Savani 2021).

    A neighbour differs in one variable. Neighbours are evaluated in random order; the first that
    is better is moved to at once, where the paper looks at all of them. Values known from earlier
    climbs are used, and cost nothing.

    Args:
        space: The search space.
        **options: As for `Optimizer`.
    """

    def __init__(self, space: Space[Any], **options: Any) -> None:
        super().__init__(space, **options)
        self._numbers: dict[bytes, int] = {}
        self._at: int | None = None  # where the climb is
        self._since = 0  # the climb's first trial
        self._around = np.empty((0, self.domain.dim))  # neighbours of it
        self._restarts = 0

    def describe(self) -> dict[str, Any]:
        """The number of restarts."""
        return {"restarts": self._restarts}

    def _prepare(self, number: int) -> None:
        """Start elsewhere when no neighbour is left to try."""
        if self._at is None or self.history.pending:
            return  # a trial under way may still be better
        if not any(self.domain.admit(z) is not None for z in self._around):
            self._at, self._since = None, number
            self._restarts += 1

    def _propose(self, rng: np.random.Generator) -> Proposal:
        if self._at is None:
            Z = self.domain.codec.sample(rng, STARTS)
        else:
            Z = rng.permutation(self._around)
        return Proposal(self.domain.legal(Z), ranked=False)

    def _asked(self, number: int, info: Mapping[str, Any]) -> None:
        self._numbers[self.history.Z[number].tobytes()] = number

    def _told(self, number: int) -> None:
        y = self.history.y
        if number < self._since or np.isnan(y[number]):
            return
        if self._at is None or y[number] > y[self._at]:
            self._move(number)

    def _move(self, number: int) -> None:
        """Climb on from a trial, by way of better neighbours that are known already."""
        y = self.history.y
        while True:
            self._at = number
            self._around = self._neighbours(self.history.Z[number], self._rng(3, number))
            known = [self._numbers.get(z.tobytes(), number) for z in self._around]
            better = [k for k in known if y[k] > y[number]]
            if not better:
                return
            number = max(better, key=lambda k: float(y[k]))

    def _neighbours(self, z: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """(m, d) the points that differ from ``z`` (d,) in one variable."""
        codec = self.domain.codec
        [v] = codec.decode(z[None])
        near = []
        for j, variable in enumerate(codec.variables):
            if variable.size is not None and variable.size <= LEVELS:
                levels = variable.low + np.arange(variable.size)
                V = np.repeat(v[None], len(levels), axis=0)
                V[:, j] = levels
                near.append(codec.encode(V[levels != v[j]]))
            else:
                change = np.arange(codec.p) == np.full((LEVELS, 1), j)
                near.append(self.domain.mutate(np.repeat(z[None], LEVELS, axis=0), change, rng))
        return self.domain.legal(np.vstack(near))
