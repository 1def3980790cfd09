"""A problem as peers see it: numbers in, a number to be minimised out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces import Codec, as_space

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from lamcts.benchmark.meter import Meter
    from lamcts.spaces import Space, Variable

__all__ = ["HUGE", "Kind", "Objective", "kinds_of"]

#: Stands for infinity where a method cannot take it.
HUGE = 1e100

Kind = Literal["real", "integer", "binary", "categorical"]


def kinds_of(space: Space[Any]) -> list[Kind]:
    """The kind of each variable of a space that has a choice, as peers see it.

    A choice of two is binary, ordered or not; an integer on a log scale is a place on it, as a real
    is: few methods know such integers, and none is to search it on another scale than ours do.
    """
    return [_kind(v) for v in Codec(as_space(space)).variables if v.size != 1]


def _kind(variable: Variable) -> Kind:
    if variable.size == 2:
        return "binary"
    return "real" if variable.log else variable.kind


class Objective:
    """Everything a peer is told about a problem, which is all that our own optimizers know.

    A point is a vector ``u`` of ``dim`` numbers: for a real, or an integer on a log scale, its
    place in [0, 1] between its bounds (in the logarithm on a log scale), for any other its
    level, 0 to ``sizes[i] - 1``. Variables of one level are left out.

    Args:
        meter: The problem, and the count of its evaluations.
        seed: The run's seed.

    Attributes:
        seed: The run's seed.
        budget: Evaluations of the run, for methods that plan with it.
        dim: Number of variables.
        kinds: (dim,) kind of each variable (`kinds_of`).
        sizes: (dim,) levels of each variable; 0 for a real.
        is_real: (dim,) which variables are real.
        upper: (dim,) greatest numbers of a point; the least are zeros.
        rng: The run's generator, for starting points.
    """

    def __init__(self, meter: Meter, seed: int) -> None:
        self._meter = meter
        self._codec = Codec(as_space(meter.evaluator.space))
        places = [i for i, v in enumerate(self._codec.variables) if v.size != 1]
        variables = [self._codec.variables[i] for i in places]
        self._sign = -1.0 if meter.evaluator.direction == "maximize" else 1.0
        self._worst: float | None = None
        self.seed = seed
        self.budget = meter.budget
        self.dim = len(variables)
        self.kinds = np.array(kinds_of(self._codec.space))
        self.is_real: NDArray[np.bool_] = self.kinds == "real"
        self.sizes = np.where(self.is_real, 0, [v.size or 0 for v in variables])
        self.upper = np.where(self.is_real, 1.0, self.sizes - 1.0)
        self.rng = np.random.default_rng(seed)
        self._low = np.array([v.low for v in variables])
        self._levels = np.array(places)[~self.is_real]
        self._columns = np.array([v.columns.start for v in variables])

    def start(self) -> NDArray[np.float64]:
        """(dim,) a random point: the first one is the same for every peer with the same seed."""
        u = self.rng.random(self.dim)
        return np.where(self.is_real, u, np.floor(u * self.sizes))

    def __call__(self, u: ArrayLike) -> float:
        """The value at a point (dim,), to be minimised; a place outside the bounds is clipped.

        A failed or infeasible trial has the worst value seen so far (infinity before any).

        Raises:
            BudgetSpent: The run is over.
            InvalidArgument: Not so many numbers.
        """
        outcome = self._meter.evaluate(self._codec.from_vector(self._native(u)))
        if outcome.value is None:
            return math.inf if self._worst is None else self._worst
        value = self._sign * outcome.value
        self._worst = value if self._worst is None else max(self._worst, value)
        return value

    def _native(self, u: ArrayLike) -> NDArray[np.float64]:
        """(dim,) the codec's vector of a point: bounds and scales are its business."""
        point = np.asarray(u, dtype=np.float64)
        if point.shape != (self.dim,) or np.isnan(point).any():
            raise InvalidArgument(f"u: {shown(u)} is no point of {self.dim} numbers")
        point = np.clip(point, 0.0, self.upper)
        z = np.zeros((1, self._codec.dim))
        z[0, self._columns[self.is_real]] = point[self.is_real]
        native: NDArray[np.float64] = self._codec.decode(z)[0]
        levels = ~self.is_real
        native[self._levels] = self._low[levels] + np.rint(point[levels])
        return native
