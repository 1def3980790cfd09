"""The (1+1)-CMA-ES on the numeric variables: fine steps that a model's noise would hide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lamcts.surrogate import linalg

__all__ = ["Step"]

Array = NDArray[np.float64]

#: First step size, in sides of the unit cube, and the least and the greatest.
SIGMA, SIGMA_MIN, SIGMA_MAX = 0.2, 1e-12, 0.5
#: Longest step, in standard deviations: a longer one was not drawn, but its start has moved.
FAR = 4.0
#: Success rate that keeps the step size; above the last, the path is not lengthened.
TARGET, SMOOTHING, CROWDED = 2.0 / 11.0, 1.0 / 12.0, 0.44


class Step:
    """Step size and covariance of the (1+1)-CMA-ES (Igel, Suttorp, Hansen 2006, Alg. 1).

    Args:
        n: Number of variables.
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.sigma = SIGMA
        self._rate = TARGET
        self._path = np.zeros(n)
        self._covariance = np.eye(n)
        self._root: Array = np.eye(n)

    def draw(self, m: int, rng: np.random.Generator) -> Array:
        """(m, n) steps."""
        return np.asarray(self.sigma * rng.standard_normal((m, self.n)) @ self._root.T)

    def tell(self, step: Array, success: bool) -> None:
        """Learn whether ``step`` (n,) led to a better point."""
        self._rate += SMOOTHING * (success - self._rate)
        before = self.sigma
        damping = 1.0 + self.n / 2.0
        self.sigma *= float(np.exp((self._rate - TARGET) / (1.0 - TARGET) / damping))
        self.sigma = float(np.clip(self.sigma, SIGMA_MIN, SIGMA_MAX))
        if not success:
            return
        c, c_cov = 2.0 / (self.n + 2.0), 2.0 / (self.n**2 + 6.0)
        self._path *= 1.0 - c
        extra = c * (2.0 - c)
        if self._rate < CROWDED:
            drawn = step / before
            length = float(np.linalg.norm(drawn))
            drawn *= min(1.0, FAR * np.sqrt(self.n) / max(length, 1e-300))
            self._path += np.sqrt(extra) * drawn
            extra = 0.0
        self._covariance *= 1.0 - c_cov * (1.0 - extra)
        self._covariance += c_cov * np.outer(self._path, self._path)
        self._root = linalg.cholesky(self._covariance).T

    def follow(self, step: Array) -> None:
        """Learn the scale of a good step (n,) that was found by other means."""
        length = float(np.linalg.norm(step)) / np.sqrt(self.n)
        if length > 0.0:
            self.sigma = float(np.clip(np.sqrt(self.sigma * length), SIGMA_MIN, SIGMA_MAX))
