"""A function of bits and real numbers together."""

from __future__ import annotations

import numpy as np

from lamcts.functions._base import Array, BenchmarkFunction, Optimum, check_size
from lamcts.functions.multimodal import ackley
from lamcts.spaces import Box, Dict, MultiBinary

__all__ = ["MixedAckley"]


class MixedAckley(BenchmarkFunction):
    """Ackley's function of bits and three numbers in [-1, 1]. Optimum 0 at the origin.

    With 50 bits it is the "Ackley-53" of Bliek et al., "Black-box mixed-variable optimisation using
    a surrogate model that satisfies integer constraints" (2020), and of Wan et al., "Think Global
    and Act Local: Bayesian Optimisation over High-Dimensional Categorical and Mixed Search Spaces"
    (2021).

    Args:
        dim: Number of coordinates, at least 4: the last three are real, the others bits.
    """

    def __init__(self, dim: int = 53) -> None:
        check_size("dim", dim, 4, "MixedAckley")
        self.dim = dim
        self.space = Dict({"bits": MultiBinary(dim - 3), "reals": Box(-1.0, 1.0, shape=(3,))})

    def _f(self, X: Array) -> Array:
        return ackley(X)

    def _find_optimum(self) -> Optimum:
        return Optimum(0.0, np.zeros((1, self.dim)))
