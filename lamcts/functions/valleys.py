"""Continuous functions with one basin: bowls, ridges and the curved valley.

Formulas, bounds and optima as in Surjanovic and Bingham, "Virtual Library of Simulation
Experiments: Test Functions and Datasets" (2013), unless a docstring names another source.
"""

from __future__ import annotations

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.functions._base import Array, ContinuousFunction, total

__all__ = ["DixonPrice", "Ellipsoid", "Powell", "Rosenbrock", "Sphere", "Zakharov"]


class Sphere(ContinuousFunction):
    """The sum of squares: ``sum(x_i^2)``. Optimum 0 at the origin."""

    bounds = (-5.12, 5.12)

    def _f(self, X: Array) -> Array:
        return total(X**2)

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Ellipsoid(ContinuousFunction):
    """A bowl a million times steeper along the last axis than along the first.

    ``sum(10^(6 (i-1)/(d-1)) x_i^2)``, f2 of Hansen et al., "Real-parameter black-box optimization
    benchmarking 2009: noiseless functions" (2009). Optimum 0 at the origin.
    """

    bounds = (-5.0, 5.0)

    def _f(self, X: Array) -> Array:
        return total(np.logspace(0.0, 6.0, self.dim) * X**2)

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Rosenbrock(ContinuousFunction):
    """The curved valley: ``sum(100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2)``.

    Rosenbrock, "An automatic method for finding the greatest or least value of a function"
    (1960). Optimum 0 at (1, ..., 1).
    """

    bounds = (-5.0, 10.0)
    min_dim = 2

    def _f(self, X: Array) -> Array:
        head, tail = X[:, :-1], X[:, 1:]
        return total(100.0 * (tail - head**2) ** 2 + (1.0 - head) ** 2)

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.ones((1, self.dim))


class DixonPrice(ContinuousFunction):
    """A chain of parabolas: ``(x_1 - 1)^2 + sum(i (2 x_i^2 - x_{i-1})^2, i = 2..d)``.

    Dixon and Price, "The truncated Newton method for sparse unconstrained optimization using
    automatic differentiation" (1989). Optimum 0 where ``x_i = 2^(2^(1-i) - 1)``; the sign of the
    last coordinate is free, as only its square counts.
    """

    bounds = (-10.0, 10.0)
    min_dim = 2

    def _f(self, X: Array) -> Array:
        order = np.arange(2, self.dim + 1)
        links = total(order * (2.0 * X[:, 1:] ** 2 - X[:, :-1]) ** 2)
        return (X[:, 0] - 1.0) ** 2 + links

    def _known_optimum(self) -> tuple[float, Array]:
        point = 2.0 ** (2.0 ** -np.arange(self.dim) - 1.0)
        mirrored = np.append(point[:-1], -point[-1])
        return 0.0, np.stack([point, mirrored])


class Powell(ContinuousFunction):
    """Powell's singular function: groups of four whose Hessian is singular at the optimum.

    Powell, "An iterative method for finding stationary values of a function of several variables"
    (1962). ``dim`` must be a multiple of 4. Optimum 0 at the origin.
    """

    bounds = (-4.0, 5.0)
    min_dim = 4

    def __init__(
        self, dim: int = 20, *, low: float | None = None, high: float | None = None
    ) -> None:
        super().__init__(dim, low=low, high=high)
        if dim % 4:
            raise InvalidArgument(f"dim: Powell needs a multiple of 4, got {dim}")

    def _f(self, X: Array) -> Array:
        a, b, c, d = np.moveaxis(X.reshape(len(X), -1, 4), 2, 0)
        parts = (a + 10 * b) ** 2 + 5 * (c - d) ** 2 + (b - 2 * c) ** 4 + 10 * (a - d) ** 4
        return total(parts)

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))


class Zakharov(ContinuousFunction):
    """A plate with no local minima: ``sum(x_i^2) + s^2 + s^4`` with ``s = sum(i x_i) / 2``.

    Optimum 0 at the origin.
    """

    bounds = (-5.0, 10.0)

    def _f(self, X: Array) -> Array:
        slope: Array = 0.5 * X @ np.arange(1.0, self.dim + 1)
        return total(X**2) + slope**2 + slope**4

    def _known_optimum(self) -> tuple[float, Array]:
        return 0.0, np.zeros((1, self.dim))
