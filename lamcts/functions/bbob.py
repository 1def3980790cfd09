"""The 24 noiseless functions of COCO's BBOB suite, through its own package."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.functions._base import Array, BenchmarkFunction, Optimum, check_size
from lamcts.spaces import Box

__all__ = ["BBOB", "COUNT"]

#: How many functions there are.
COUNT = 24


class BBOB(BenchmarkFunction):
    """A function of the BBOB suite on [-5, 5]^dim, shifted and rotated as its instance says.

    Hansen, Finck, Ros and Auger, "Real-parameter black-box optimization benchmarking 2009:
    noiseless functions definitions" (2009). The optimal value is not 0.

    Args:
        number: Which function, 1 to 24.
        dim: Number of coordinates, at least 2; the suite's own are 2, 3, 5, 10, 20 and 40.
        instance: Which instance, at least 1.

    Raises:
        DependencyNotInstalled: COCO's package is missing.
    """

    def __init__(self, number: int = 1, dim: int = 20, instance: int = 1) -> None:
        check_size("number", number, 1, "BBOB")
        if number > COUNT:
            raise InvalidArgument(f"number: BBOB has functions 1 to {COUNT}, got {number}")
        check_size("dim", dim, 2, "BBOB")
        check_size("instance", instance, 1, "BBOB")
        try:
            from cocoex import BareProblem
        except ImportError as error:
            raise DependencyNotInstalled(
                "BBOB's functions need COCO; run: pip install coco-experiment"
            ) from error
        self.dim = dim
        self.space = Box(-5.0, 5.0, shape=(dim,))
        self._problem: Any = BareProblem("bbob", number, dim, instance)

    def _f(self, X: Array) -> Array:
        return np.array([self._problem(np.ascontiguousarray(x)) for x in X], dtype=np.float64)

    def _find_optimum(self) -> Optimum:
        point = np.asarray(self._problem.best_parameter(), dtype=np.float64)
        return Optimum(float(self._problem.best_value()), point[np.newaxis])
