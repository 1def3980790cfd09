"""What every test function shares: a formula over many points, and an optimum that is known.

Inside this package a point is a row of numbers, one a variable of the space, in the order and
units of `lamcts.spaces.Codec` vectors: a real or integer value, or the index of a category.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.errors import InvalidArgument
from lamcts.evaluator import Evaluator
from lamcts.spaces import Box, Codec

__all__ = ["Array", "BenchmarkFunction", "ContinuousFunction", "Optimum", "check_size", "total"]

#: Floating-point numbers: points as rows (n, d), or one value a point (n,).
Array = NDArray[np.float64]


class Optimum(NamedTuple):
    """The best value there is, and the known points (k, d) that have it (``None``: unknown)."""

    value: float | None
    points: Array | None


class BenchmarkFunction(Evaluator, ABC):
    """A function whose best value is known: subclasses write ``_f`` and ``_find_optimum``."""

    #: The greatest part of a coordinate's range by which `Shifted` may move the optimum. Small for
    #: functions that are not themselves outside their box: a long move would bring that in.
    max_shift: float = 1.0

    def f(self, X: ArrayLike) -> Array:
        """The noise-free values, shape (n,), of the points ``X``, shape (n, d).

        Raises:
            InvalidArgument: ``X`` has another shape.
        """
        points = np.asarray(X, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != self.codec.p:
            raise InvalidArgument(f"X: expected shape (n, {self.codec.p}), got {points.shape}")
        return self._f(points)

    @abstractmethod
    def _f(self, X: Array) -> Array:
        """The formula: (n,) noise-free values of (n, d) points."""

    def evaluate(self, x: Any) -> float:
        """The value of one point of ``space``."""
        return self.observe(self.codec.to_vector(x), self.trial.number)

    def noise_free(self, x: Any) -> float:
        """The value of one point of ``space`` without any noise."""
        return float(self._f(self.codec.to_vector(x)[np.newaxis, :])[0])

    def observe(self, v: Array, number: int) -> float:
        """What trial ``number`` sees at the vector ``v``, shape (d,): `f`, and any noise."""
        return float(self._f(v[np.newaxis, :])[0])

    @cached_property
    def codec(self) -> Codec:
        """How points of ``space`` become rows of numbers, and back."""
        return Codec(self.space)

    @property
    def optimum_value(self) -> float | None:
        """The best value over the space, in the function's direction; ``None`` when unknown."""
        return self._optimum.value

    @property
    def optimum_points(self) -> Array | None:
        """Some or all of the best points, shape (k, d); ``None`` when none is known."""
        return self._optimum.points

    @cached_property
    def _optimum(self) -> Optimum:
        return self._find_optimum()

    def _find_optimum(self) -> Optimum:
        return Optimum(None, None)


class ContinuousFunction(BenchmarkFunction):
    """A formula over a box with the same bounds for every coordinate, to be minimised.

    Args:
        dim: Number of coordinates.
        low: Lower bound; the literature's when ``None``.
        high: Upper bound; the literature's when ``None``.

    Raises:
        InvalidArgument: The function is not defined in ``dim`` dimensions, or ``low >= high``.
    """

    #: The literature's bounds, and the least number of coordinates.
    bounds: ClassVar[tuple[float, float]]
    min_dim: ClassVar[int] = 1

    def __init__(
        self, dim: int = 20, *, low: float | None = None, high: float | None = None
    ) -> None:
        check_size("dim", dim, self.min_dim, type(self).__name__)
        self.dim = dim
        self.low = self.bounds[0] if low is None else low
        self.high = self.bounds[1] if high is None else high
        self.space = Box(self.low, self.high, shape=(dim,))
        points, centre = self.optimum_points, (self.low + self.high) / 2.0
        if points is not None and np.any(np.all(points == centre, axis=1)):
            self.notice = (
                "The optimum lies at the centre of the box, where some optimizers begin; "
                "to move it: lamcts run problems/synthetic.py --set shift_seed=1"
            )

    @abstractmethod
    def _known_optimum(self) -> tuple[float, Array]:
        """The best value, and the best points (k, d), on the literature's bounds."""

    def _find_optimum(self) -> Optimum:
        value, points = self._known_optimum()
        inside = np.all((points >= self.low) & (points <= self.high), axis=1)
        # a formula that falls below its optimum outside the literature's bounds does so in this box
        wider = self.low < self.bounds[0] or self.high > self.bounds[1]
        if not inside.any() or (wider and self.max_shift < 1.0):
            return Optimum(None, None)
        return Optimum(value, points[inside])

    def _nearest_in_box(self, X: Array) -> tuple[Array, Array]:
        """The nearest points (n, d) of the box, and the squared distances (n,) to them.

        Shifts and rotations ask for values outside the box. A formula that falls below its
        optimum there goes on as its value at the nearest point plus the squared distance.
        """
        nearest = np.clip(X, self.low, self.high)
        return nearest, total((X - nearest) ** 2)


def total(parts: NDArray[Any]) -> Array:
    """The sum over the coordinates: (n, d) -> (n,)."""
    return np.asarray(np.sum(parts, axis=1), dtype=np.float64)


def check_size(name: str, value: int, least: int, function: str) -> None:
    """Refuse a size that is not a whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InvalidArgument(f"{name}: {function} needs a whole number >= {least}, got {value!r}")
