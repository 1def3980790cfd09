"""A region: the boundaries on the way from the root to a node, and the sides taken.

Sampling is by hit-and-run from points known to lie inside, never by blind rejection: a region of
high dimension fills next to nothing of its bounding box (the original code's expanding boxes
leave the region without a word). The step along a line is exact for linear boundaries and found
by shrinking, as in slice sampling (Neal 2003, fig. 5), for the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.boundary import Boundary
    from lamcts.domain import Domain

__all__ = ["Region"]

SHRINKS = 8
#: A variable with more levels, or on a log scale, is moved by redraws alone.
LEVELS = 64


class Region:
    """The part of the unit cube on the given sides of some boundaries.

    Args:
        path: ``(boundary, good)`` pairs from the root down; empty for the whole space.
    """

    def __init__(self, path: tuple[tuple[Boundary, bool], ...] = ()) -> None:
        self.path = path
        self._curved = [(b, good) for b, good in path if b.normal is None]
        # Half-spaces A z + c > 0 (>= 0 on the bad side)
        flat = [(b, 1.0 if good else -1.0) for b, good in path if b.normal is not None]
        self._A = np.array([sign * b.normal for b, sign in flat if b.normal is not None])
        self._c = np.array([sign * b.offset for b, sign in flat])
        self._strict = np.array([sign > 0.0 for _, sign in flat])

    def __repr__(self) -> str:
        sides = "".join("+" if good else "-" for _, good in self.path)
        return f"<Region {sides or 'whole space'}>"

    def contains(self, Z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) whether each point of ``Z`` (n, d) lies inside."""
        inside = np.ones(len(Z), dtype=bool)
        for boundary, good in self.path:
            rows = np.flatnonzero(inside)
            if not len(rows):
                break
            inside[rows] = boundary.good(Z[rows]) == good
        return inside

    def sample(
        self,
        n: int,
        seeds: NDArray[np.float64],
        domain: Domain,
        rng: np.random.Generator,
        *,
        steps: int = 6,
        low: NDArray[np.float64] | None = None,
        high: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Random points of the region, by hit-and-run and coordinate moves.

        Args:
            n: How many.
            seeds: (m, d) points to start from; those outside the region are left out.
            domain: Snaps points to levels and canonical forms.
            rng: Source of randomness.
            steps: Moves a chain; each moves all chains at once.
            low: (d,) lower corner of a box to stay in, 0 by default.
            high: (d,) upper corner, 1 by default.

        Returns:
            (n, d) points inside, or (0, d) if no seed lies inside.
        """
        low = np.zeros(domain.dim) if low is None else low
        high = np.ones(domain.dim) if high is None else high
        if not self.path:
            Z = domain.uniform(rng.random((n, domain.codec.p)))
            one = np.array([v.columns.start for v in domain.codec.variables if v.width == 1], int)
            Z[:, one] = low[one] + Z[:, one] * (high - low)[one]
            return domain.legal(Z)
        seeds = seeds[self.contains(seeds)]
        if not len(seeds):
            return np.empty((0, domain.dim))
        Z = seeds[rng.integers(len(seeds), size=n)]
        for step in range(steps):
            Z = self._line_move(Z, low, high, domain, rng, along_axes=step % 2 == 1)
            if not domain.codec.is_real.all():
                if len(self._A):
                    Z = self._sweep(Z, low, high, domain, rng)
                Z = self._redraw(Z, low, high, domain, rng)
        return Z

    def _line_move(
        self,
        Z: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        domain: Domain,
        rng: np.random.Generator,
        *,
        along_axes: bool,
    ) -> NDArray[np.float64]:
        """One hit-and-run step of every chain along the real coordinates."""
        real = np.flatnonzero(domain.codec.is_real)
        if not len(real):
            return Z
        D = np.zeros_like(Z)
        if along_axes:
            D[np.arange(len(Z)), real[rng.integers(len(real), size=len(Z))]] = 1.0
        else:
            D[:, real] = rng.standard_normal((len(Z), len(real)))
        t_low, t_high = self._chord(Z, D, low, high)
        moved, todo = Z.copy(), np.arange(len(Z))
        for _ in range(SHRINKS):
            t = t_low[todo] + rng.random(len(todo)) * (t_high - t_low)[todo]
            # canonical forms and rounding may leave the region: they are tested like the rest
            trial = domain.legal(np.clip(Z[todo] + t[:, None] * D[todo], low, high))
            inside = self.contains(trial)
            moved[todo[inside]] = trial[inside]
            t_low[todo] = np.where(t < 0.0, t, t_low[todo])
            t_high[todo] = np.where(t >= 0.0, t, t_high[todo])
            todo = todo[~inside]
            if not len(todo):
                break
        return moved

    def _chord(
        self,
        Z: NDArray[np.float64],
        D: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Ends of ``Z + t D`` inside the box and the linear boundaries; they bracket 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            to_low, to_high = (low - Z) / D, (high - Z) / D
        t_high = np.where(D > 0, to_high, np.where(D < 0, to_low, np.inf)).min(axis=1)
        t_low = np.where(D > 0, to_low, np.where(D < 0, to_high, -np.inf)).max(axis=1)
        for a, c in zip(self._A, self._c, strict=True):
            slope, slack = D @ a, Z @ a + c
            with np.errstate(divide="ignore", invalid="ignore"):
                t = -slack / slope
            t_low = np.where(slope > 0, np.maximum(t_low, t), t_low)
            t_high = np.where(slope < 0, np.minimum(t_high, t), t_high)
        return np.minimum(t_low, 0.0), np.maximum(t_high, 0.0)

    def _sweep(
        self,
        Z: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        domain: Domain,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """One Gibbs step of every discrete variable, in random order; stay if that leads outside.

        Only curved boundaries and canonical forms can lead outside: levels that cross a linear
        boundary are not drawn.
        """
        variables = domain.codec.variables
        moved, slack = Z.copy(), Z @ self._A.T + self._c
        for j in rng.permutation(len(variables)):
            size, columns = variables[j].size, variables[j].columns
            if size is None or size > LEVELS or variables[j].log:
                continue
            one_hot = variables[j].width > 1
            levels = np.eye(size) if one_hot else (np.arange(size)[:, None] + 0.5) / size
            own = moved[:, columns]
            # (n, size, k) what is left to each boundary at each level
            left = slack[:, None] + (levels - own[:, None]) @ self._A[:, columns].T
            inside = np.where(self._strict, left > 0.0, left >= 0.0).all(axis=2)
            if not one_hot:
                inside &= ((levels >= low[columns]) & (levels <= high[columns])).all(axis=1)
            draw = np.where(inside, rng.random(inside.shape), -1.0).argmax(axis=1)
            rows = np.flatnonzero(inside.any(axis=1))
            moved[rows, columns] = levels[draw[rows]]
            slack[rows] = left[rows, draw[rows]]
        moved = domain.legal(moved)
        return np.where(self.contains(moved)[:, None], moved, Z)

    def _redraw(
        self,
        Z: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        domain: Domain,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """Redraw some integer and categorical variables; stay where that leaves the region."""
        free = np.array([v.kind != "real" for v in domain.codec.variables])
        share = rng.choice([1.0 / free.sum(), 0.25], size=(len(Z), 1))
        change = free & (rng.random((len(Z), len(free))) < share)
        trial = domain.legal(domain.mutate(Z, change, rng, low=low, high=high))
        return np.where(self.contains(trial)[:, None], trial, Z)
