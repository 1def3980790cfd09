"""Other views of a test function: shifted, rotated, noisy, discretised, permuted, embedded.

Each is a small class over another function, so they compose::

    Noisy(Shifted(Rotated(Levy(dim=20), seed=1), seed=2), sd=0.1)

A wrapper keeps the optimum's value, and says where the optimum is now, as long as both are true.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.functions._base import Array, BenchmarkFunction, Optimum, check_size
from lamcts.spaces import Box, MultiBinary, MultiDiscrete, Space

__all__ = ["Discretised", "Embedded", "Noisy", "Permuted", "Rotated", "Shifted", "Wrapper"]


class Wrapper(BenchmarkFunction):
    """A function seen through a map of its points: the identity, here.

    Args:
        inner: The function looked at.
    """

    def __init__(self, inner: BenchmarkFunction) -> None:
        if not isinstance(inner, BenchmarkFunction):
            raise InvalidArgument(
                f"inner: {inner!r} is not a BenchmarkFunction; subclass it to wrap your own"
            )
        self.inner = inner
        self.space = inner.space
        self.direction = inner.direction
        self.noisy = inner.noisy
        self.max_shift = inner.max_shift

    def inward(self, X: Array) -> Array:
        """The inner function's points, shape (n, d_inner), behind ``X``, shape (n, d)."""
        return X

    def outward(self, X: Array) -> Array:
        """A point of this function, shape (n, d), for each inner point, shape (n, d_inner)."""
        return X

    def _f(self, X: Array) -> Array:
        return self.inner._f(self.inward(X))

    def observe(self, v: Array, number: int) -> float:
        """What the inner function's trial sees at the point behind ``v``."""
        return self.inner.observe(self.inward(v[np.newaxis, :])[0], number)

    def _find_optimum(self) -> Optimum:
        """The inner optimum, as long as a known best point is still inside the space."""
        value, points = self.inner.optimum_value, self.inner.optimum_points
        if value is None or points is None:
            return Optimum(None, None)
        moved = self.outward(points)
        low, high = _bounds(self)
        moved = moved[np.all((moved >= low) & (moved <= high), axis=1)]
        return Optimum(value, moved) if len(moved) else Optimum(None, None)


class Shifted(Wrapper):
    """The optimum moved to a random place, so that a search that favours the centre gains nothing.

    A real or integer coordinate of it is moved to a place uniform over the middle 80 % of the range
    (nearer by, where ``inner.max_shift`` says so), as in the BBOB benchmarks. The levels of a
    categorical coordinate (a bit, a choice) are turned round by a random number of places.

    Args:
        inner: The function looked at.
        seed: Seed of the move.
    """

    def __init__(self, inner: BenchmarkFunction, seed: int = 0) -> None:
        super().__init__(inner)
        rng = np.random.default_rng(seed)
        variables = inner.codec.variables
        self._low, self._high = _bounds(inner)
        self._levels = self._high - self._low + 1
        self._turns = np.array([v.kind == "categorical" or v.size == 2 for v in variables])
        whole = np.array([v.kind != "real" for v in variables])

        width = self._high - self._low
        reach = inner.max_shift * width
        points = inner.optimum_points
        anchor = (self._low + self._high) / 2 if points is None else points[0]
        nearest = np.maximum(self._low + 0.1 * width, anchor - reach)
        farthest = np.minimum(self._high - 0.1 * width, anchor + reach)
        move = rng.uniform(nearest, farthest) - anchor
        turn = np.floor(rng.uniform(0.0, self._levels))
        #: The move of each coordinate, shape (d,).
        self.shift = np.where(self._turns, turn, np.where(whole, np.trunc(move), move))

    def inward(self, X: Array) -> Array:
        """Undo the move."""
        return self._turned(X - self.shift)

    def outward(self, X: Array) -> Array:
        """Make the move."""
        return self._turned(X + self.shift)

    def _turned(self, X: Array) -> Array:
        return np.where(self._turns, self._low + (X - self._low) % self._levels, X)


class Rotated(Wrapper):
    """The axes turned about the optimum (the box's centre, if unknown), so that none is special.

    Args:
        inner: A function of real numbers only.
        seed: Seed of the rotation, uniform over the orthogonal group (QR of a Gaussian matrix).
    """

    def __init__(self, inner: BenchmarkFunction, seed: int = 0) -> None:
        super().__init__(inner)
        if not all(v.kind == "real" for v in inner.codec.variables):
            raise InvalidArgument(f"inner: only real coordinates can be rotated, not {inner.space}")
        rng = np.random.default_rng(seed)
        dim = inner.codec.p
        q, r = np.linalg.qr(rng.standard_normal((dim, dim)))
        #: The orthogonal matrix, shape (d, d).
        self.rotation = q * np.sign(np.diagonal(r))
        points = inner.optimum_points
        low, high = _bounds(inner)
        #: The point that stays where it is, shape (d,).
        self.centre = (low + high) / 2 if points is None else points[0]

    def inward(self, X: Array) -> Array:
        """Turn back to the inner function's axes."""
        turned: Array = self.centre + (X - self.centre) @ self.rotation.T
        return turned

    def outward(self, X: Array) -> Array:
        """Turn to these axes."""
        turned: Array = self.centre + (X - self.centre) @ self.rotation
        return turned


class Noisy(Wrapper):
    """Gaussian noise on every evaluation; ``f`` and the optimum stay the noise-free ones.

    The noise is a function of the seed, the trial's number and the point: a run repeated, resumed
    or spread over workers sees the same noise, and two trials of one point see different noise.

    Args:
        inner: The function looked at.
        sd: Standard deviation of the noise, at least 0.
        seed: Seed of the noise.
    """

    def __init__(self, inner: BenchmarkFunction, sd: float, seed: int = 0) -> None:
        super().__init__(inner)
        if not (math.isfinite(sd) and sd >= 0):
            raise InvalidArgument(f"sd: must be a number >= 0, got {sd!r}")
        self.sd = sd
        self.seed = seed
        self.noisy = inner.noisy or sd > 0

    def observe(self, v: Array, number: int) -> float:
        """The inner value and the noise of this seed, trial and point."""
        # Adding 0.0 makes -0.0 and 0.0 one point.
        digest = hashlib.blake2b((v + 0.0).tobytes(), digest_size=8).digest()
        rng = np.random.default_rng([self.seed, number, int.from_bytes(digest, "little")])
        return self.inner.observe(v, number) + self.sd * float(rng.standard_normal())


class Discretised(Wrapper):
    """Every coordinate on a grid of equal steps: the space is of level numbers, 0 to levels - 1.

    The optimum is known where a known best point of the inner function lies on the grid.

    Args:
        inner: A function over a box of real numbers.
        levels: Levels a coordinate, at least 2; an odd number holds the middle of the box.
    """

    def __init__(self, inner: BenchmarkFunction, levels: int) -> None:
        super().__init__(inner)
        check_size("levels", levels, 2, "Discretised")
        if not all(v.kind == "real" for v in inner.codec.variables):
            raise InvalidArgument(f"inner: only a real box can be discretised, not {inner.space}")
        self._low, high = _bounds(inner)
        self._step = (high - self._low) / (levels - 1)
        self._last = levels - 1
        self.space = Box(0, self._last, shape=(inner.codec.p,), dtype=np.int64)

    def inward(self, X: Array) -> Array:
        """The places of the levels."""
        return self._low + X * self._step

    def outward(self, X: Array) -> Array:
        """The nearest levels."""
        return np.clip(np.rint((X - self._low) / self._step), 0, self._last)

    def _find_optimum(self) -> Optimum:
        value, points = self.inner.optimum_value, self.inner.optimum_points
        if value is None or points is None:
            return Optimum(None, None)
        levels = self.outward(points)
        on_grid = np.all(np.abs(self.inward(levels) - points) <= 1e-12 * self._step, axis=1)
        return Optimum(value, levels[on_grid]) if on_grid.any() else Optimum(None, None)


class Embedded(Wrapper):
    """More coordinates, of which only some, at random positions, reach the inner function.

    The others are dummies with the inner coordinates' ranges. The optimum has any values there;
    the points told have the lowest.

    Args:
        inner: A function over a flat box, or over bits or choices (`MultiBinary`, `MultiDiscrete`).
        dim: Number of coordinates in all.
        seed: Seed of the positions.
    """

    def __init__(self, inner: BenchmarkFunction, dim: int, seed: int = 0) -> None:
        super().__init__(inner)
        inner_dim = inner.codec.p
        check_size("dim", dim, inner_dim, type(self).__name__)
        order = np.random.default_rng(seed).permutation(dim)
        #: Where the inner function's coordinates are, shape (d_inner,).
        self.positions = order[:inner_dim]
        # Which inner coordinate each coordinate looks like: its own, or one for show.
        likeness = np.empty(dim, dtype=np.int64)
        likeness[order] = np.arange(dim) % inner_dim
        self.space = _rearranged(inner.space, likeness)

    def inward(self, X: Array) -> Array:
        """Leave the dummies out."""
        return X[:, self.positions]

    def outward(self, X: Array) -> Array:
        """Put the dummies in, at their lowest."""
        low, _ = _bounds(self)
        wide = np.tile(low, (len(X), 1))
        wide[:, self.positions] = X
        return wide


class Permuted(Embedded):
    """The coordinates in random order, so that neighbours mean nothing.

    Args:
        inner: As for `Embedded`.
        seed: Seed of the order.
    """

    def __init__(self, inner: BenchmarkFunction, seed: int = 0) -> None:
        super().__init__(inner, dim=inner.codec.p, seed=seed)


def _bounds(function: BenchmarkFunction) -> tuple[Array, Array]:
    """The least and the greatest number of each coordinate, shapes (d,)."""
    variables = function.codec.variables
    return np.array([v.low for v in variables]), np.array([v.high for v in variables])


def _rearranged(space: Space[Any], order: NDArray[np.int64]) -> Space[Any]:
    """A space whose coordinate i is coordinate ``order[i]`` of ``space``."""
    if isinstance(space, Box) and space.low.ndim == 1:
        return Box(space.low[order], space.high[order], dtype=space.dtype)
    if isinstance(space, MultiBinary):
        return MultiBinary(len(order))
    if isinstance(space, MultiDiscrete):
        return MultiDiscrete(space.nvec[order])
    raise InvalidArgument(f"inner: cannot rearrange the coordinates of {space}")
