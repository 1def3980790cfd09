"""Continuous functions with many local minima.

Formulas, bounds and optima as in Surjanovic and Bingham, "Virtual Library of Simulation
Experiments: Test Functions and Datasets" (2013), unless a docstring names another source.
"""

from __future__ import annotations

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.functions._base import Array, BenchmarkFunction, ContinuousFunction, Optimum, total
from lamcts.spaces import Box

__all__ = [
    "Ackley",
    "Branin",
    "Griewank",
    "Hartmann6",
    "Levy",
    "Michalewicz",
    "Rastrigin",
    "SchafferF7",
    "Schwefel",
    "StyblinskiTang",
]


class Ackley(ContinuousFunction):
    """A nearly flat, rippled plain with one deep hole. Optimum 0 at the origin.

    Ackley, "A Connectionist Machine for Genetic Hillclimbing" (1987). The LA-MCTS paper uses
    ``low=-5, high=10``.
    """

    bounds = (-32.768, 32.768)

    def _f(self, X: Array) -> Array:
        return ackley(X)

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


def ackley(X: Array) -> Array:
    """Ackley's formula with its usual constants (20, 0.2, 2 pi): (n, d) -> (n,)."""
    radius: Array = np.sqrt(np.mean(X**2, axis=1))
    ripples: Array = np.mean(np.cos(2 * np.pi * X), axis=1)
    return -20.0 * np.exp(-0.2 * radius) - np.exp(ripples) + 20.0 + np.e


class Levy(ContinuousFunction):
    """Sine waves on a bowl. Optimum 0 at (1, ..., 1).

    Levy and Montalvo, "The tunneling algorithm for the global minimization of functions" (1985).
    This is the standard form: the middle sum runs over coordinates 1 to d-1. (The code released
    with LA-MCTS sums over 2 to d, which gives four more global optima.)
    """

    bounds = (-10.0, 10.0)

    def _f(self, X: Array) -> Array:
        w = 1.0 + (X - 1.0) / 4.0
        first: Array = np.sin(np.pi * w[:, 0]) ** 2
        head, last = w[:, :-1], w[:, -1]
        middle = total((head - 1) ** 2 * (1 + 10 * np.sin(np.pi * head + 1) ** 2))
        end: Array = (last - 1) ** 2 * (1 + np.sin(2 * np.pi * last) ** 2)
        return first + middle + end

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.ones((1, self.dim))


class Rastrigin(ContinuousFunction):
    """A bowl under a grid of cosine pits: ``10 d + sum(x_i^2 - 10 cos(2 pi x_i))``.

    Rastrigin, "Systems of Extremal Control" (1974), in d dimensions by Muehlenbein et al. (1991).
    Optimum 0 at the origin.
    """

    bounds = (-5.12, 5.12)

    def _f(self, X: Array) -> Array:
        return total(X**2 + 10.0 * (1.0 - np.cos(2 * np.pi * X)))

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Griewank(ContinuousFunction):
    """A wide bowl with fine ripples: ``1 + sum(x_i^2) / 4000 - prod(cos(x_i / sqrt(i)))``.

    Griewank, "Generalized descent for global optimization" (1981). Optimum 0 at the origin.
    """

    bounds = (-600.0, 600.0)

    def _f(self, X: Array) -> Array:
        ripples: Array = np.prod(np.cos(X / np.sqrt(np.arange(1.0, self.dim + 1))), axis=1)
        return 1.0 + total(X**2) / 4000.0 - ripples

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Schwefel(ContinuousFunction):
    """Deep pits far apart: ``418.98... d - sum(x_i sin(sqrt(|x_i|)))``.

    Schwefel, "Numerical Optimization of Computer Models" (1981). Optimum 0 at (420.968..., ...),
    near a corner. The formula falls without bound outside +-500, so there it is continued as
    `_nearest_in_box` says.
    """

    bounds = (-500.0, 500.0)
    max_shift = 0.25
    #: Where one coordinate is best, and its value there (the usual 418.9829 is a rounding).
    _PLACE, _DEPTH = 420.96874635998202, 418.98288727243371

    def _f(self, X: Array) -> Array:
        nearest, squared_distance = self._nearest_in_box(X)
        pits = total(nearest * np.sin(np.sqrt(np.abs(nearest))))
        return self._DEPTH * self.dim - pits + squared_distance

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.full((1, self.dim), self._PLACE)


class Michalewicz(ContinuousFunction):
    """Steep valleys in a plain: ``-sum(sin(x_i) sin(i x_i^2 / pi)^20)``.

    Michalewicz, "Genetic Algorithms + Data Structures = Evolution Programs" (1992), steepness
    m = 10. Every coordinate stands alone, so the optimum is found one coordinate at a time: -1.8013
    in two dimensions, -4.687658 in five, -9.66015 in ten. Outside [0, pi] the function is continued
    as `_nearest_in_box` says.
    """

    bounds = (0.0, np.pi)
    max_shift = 0.25

    def _f(self, X: Array) -> Array:
        nearest, squared_distance = self._nearest_in_box(X)
        return total(self._terms(nearest, np.arange(1.0, self.dim + 1))) + squared_distance

    @staticmethod
    def _terms(X: Array, i: Array | float) -> Array:
        return np.asarray(-np.sin(X) * np.sin(i * X**2 / np.pi) ** 20)

    def _known_optimum(self) -> tuple[float, Array]:
        point = np.array([self._best_coordinate(i) for i in range(1, self.dim + 1)])
        return float(np.sum(self._terms(point, np.arange(1.0, self.dim + 1)))), point[np.newaxis]

    def _best_coordinate(self, i: int) -> float:
        """The best value of coordinate ``i``: a grid finer than its valleys, then finer grids."""
        low, high = self.bounds
        grid = np.linspace(low, high, 500 + 100 * i)
        for _ in range(6):
            best = grid[np.argmin(self._terms(grid, float(i)))]
            width = grid[1] - grid[0]
            grid = np.linspace(max(low, best - width), min(high, best + width), 101)
        return float(best)


class StyblinskiTang(ContinuousFunction):
    """Two unequal pits a coordinate: ``sum(x_i^4 - 16 x_i^2 + 5 x_i) / 2``.

    Styblinski and Tang, "Experiments in nonconvex optimization: stochastic approximation with
    function smoothing and simulated annealing" (1990). Optimum -39.16616570377142 d at
    (-2.903534..., ...).
    """

    bounds = (-5.0, 5.0)
    #: The least root of 4 x^3 - 32 x + 5, and the value there.
    _PLACE, _DEPTH = -2.9035340277711771, -39.166165703771415

    def _f(self, X: Array) -> Array:
        return 0.5 * total(X**4 - 16.0 * X**2 + 5.0 * X)

    def _known_optimum(self) -> tuple[float, Array]:
        return self._DEPTH * self.dim, np.full((1, self.dim), self._PLACE)


class SchafferF7(ContinuousFunction):
    """Ever narrower rings around the optimum, chained over neighbouring coordinates.

    ``mean(sqrt(s_i) + sqrt(s_i) sin(50 s_i^0.2)^2)^2`` with ``s_i = sqrt(x_i^2 + x_{i+1}^2)``:
    Schaffer et al. (1989), in the form of f17 of Hansen et al., "Real-parameter black-box
    optimization benchmarking 2009" (2009). Optimum 0 at the origin.
    """

    bounds = (-100.0, 100.0)
    min_dim = 2

    def _f(self, X: Array) -> Array:
        s = np.hypot(X[:, :-1], X[:, 1:])
        rings: Array = np.mean(np.sqrt(s) * (1.0 + np.sin(50.0 * s**0.2) ** 2), axis=1)
        return rings**2

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Branin(BenchmarkFunction):
    """Two dimensions, three equal minima of 0.397887, on ``[-5, 10] x [0, 15]``.

    Dixon and Szegoe, "The global optimization problem: an introduction" (1978).
    """

    def __init__(self, dim: int = 2) -> None:
        if dim != 2:
            raise InvalidArgument(f"dim: Branin is defined in 2 dimensions, got {dim!r}")
        self.space = Box(np.array([-5.0, 0.0]), np.array([10.0, 15.0]))

    def _f(self, X: Array) -> Array:
        x1, x2 = X[:, 0], X[:, 1]
        valley = x2 - 5.1 / (4 * np.pi**2) * x1**2 + 5 / np.pi * x1 - 6
        return np.asarray(valley**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x1) + 10)

    def _find_optimum(self) -> Optimum:
        points = np.array([[-np.pi, 12.275], [np.pi, 2.275], [3 * np.pi, 2.475]])
        return Optimum(10 / (8 * np.pi), points)


class Hartmann6(ContinuousFunction):
    """Six dimensions, six local minima: four Gaussian pits of different width.

    Dixon and Szegoe (1978), on the unit cube. Optimum -3.322368011415515.
    """

    bounds = (0.0, 1.0)
    _WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
    _SCALES = np.array(
        [
            [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
            [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
            [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
            [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
        ]
    )
    _CENTRES = np.array(
        [
            [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
            [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
            [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
            [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
        ]
    )

    def __init__(self, dim: int = 6) -> None:
        if dim != 6:
            raise InvalidArgument(f"dim: Hartmann6 is defined in 6 dimensions, got {dim!r}")
        super().__init__(6)

    def _f(self, X: Array) -> Array:
        squares = (X[:, np.newaxis, :] - self._CENTRES) ** 2
        pits: Array = np.exp(-np.sum(self._SCALES * squares, axis=2)) @ self._WEIGHTS
        return -pits

    def _known_optimum(self) -> tuple[float, Array]:
        point = [
            0.20168951100670543,
            0.15001069182345797,
            0.476873974221897,
            0.2753324304940561,
            0.31165161660011326,
            0.6573005340656204,
        ]
        return -3.322368011415515, np.array([point])
