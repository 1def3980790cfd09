"""A quadratic fitted to scattered values: a Gaussian process whose functions are quadratics.

Powell's solvers (NEWUOA 2006, BOBYQA 2009) interpolate fewer points than a quadratic has
coefficients, and of all quadratics that fit take the one whose Hessian has the least Frobenius
norm. That is the posterior mean under independent normal beliefs of the Hessian's entries. Written
as a Gaussian process, the same model also smooths (the share of noise has the highest marginal
likelihood), and says how sure it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lamcts.surrogate import linalg

__all__ = ["LOUD", "NOISE", "QuadraticModel"]

Array = NDArray[np.float64]

#: Prior variances: of the constant and the slopes (next to free), of the curvature that all
#: directions share, and of the one of each axis; an entry of the rest of the Hessian has 1.
CONSTANT, SLOPE, SHARED, AXIS = 1e3, 10.0, 10.0, 5.0
#: Noise variances to choose from, in the same units: the first for what a quadratic cannot fit,
#: all of them where the values themselves carry noise.
NOISE = (1e-10, 1e-5, 1e-3, 1e-2, 1e-1, 1.0)
LOUD = (*NOISE, 10.0, 100.0, 1000.0)
JITTER = 1e-13


class QuadraticModel:
    """``f(s) = c + slope . s + s . hessian . s / 2`` around a centre.

    Args:
        S: (n, d) points relative to the centre, in units of the radius of interest.
        f: (n,) finite values.
        noise: Noise variances; the one with the highest marginal likelihood is used.
        separable: Whether the Hessian is known to be diagonal, so that 2 d + 1 points tell it.

    Attributes:
        slope: (d,) gradient at the centre, in units of ``scale``.
        hessian: (d, d), likewise.
        scale: What one unit is in the units of ``f``.
        noise: The noise variance used.
        means: (n,) the model's values at the points: ``f`` without its noise.
        noise_sd: Standard deviation of the noise, in the units of ``f``.
    """

    def __init__(
        self, S: Array, f: Array, noise: Sequence[float] = NOISE, *, separable: bool = False
    ) -> None:
        self._S = S
        self._cross = 0.0 if separable else 1.0  # prior variance of entries off the diagonal
        self._axis = AXIS + 1.0 - self._cross  # those on it have the same in both cases
        self.scale = float(np.ptp(f)) or 1.0
        self._z = (f - f.min()) / self.scale
        K = self._covariance(S, S)
        K.flat[:: len(K) + 1] += JITTER * np.trace(K) / len(K)
        fits = [self._fit(K, v) for v in noise]
        _, self.noise, self._R, weights = max(fits, key=lambda fit: fit[0])
        self.slope, self.hessian = self._coefficients(weights)
        self.means = f.min() + self.scale * (self._z - self.noise * weights)
        # The amplitude of highest likelihood: all variances above are relative to it.
        amplitude = math.sqrt(max(float(self._z @ weights), 0.0) / len(f))
        self.noise_sd = self.scale * amplitude * math.sqrt(self.noise)

    def _fit(self, K: Array, noise: float) -> tuple[float, float, Array, Array]:
        """Profiled log likelihood, the noise, Cholesky factor and ``K^-1 z``."""
        R = linalg.cholesky(K + noise * np.eye(len(K)))
        weights = linalg.solve(R, self._z)
        misfit = max(float(self._z @ weights), 1e-300)
        likelihood = -0.5 * len(K) * math.log(misfit) - float(np.log(np.diagonal(R)).sum())
        return likelihood, noise, R, weights

    def change(self, s: Array) -> float:
        """``f(s) - f(0)`` at a point (d,), in the units of ``f``."""
        return self.scale * float(self.slope @ s + 0.5 * s @ self.hessian @ s)

    def drowned(self) -> bool:
        """Whether the noise is more than the model changes within one unit of its centre."""
        steepest = np.linalg.norm(self.slope) + 0.5 * np.abs(np.linalg.eigvalsh(self.hessian)).max()
        return bool(self.scale * steepest < self.noise_sd)

    def variance(self, T: Array, pending: Array | None = None) -> Array:
        """(m,) posterior variances at ``T`` (m, d), in units of the prior's.

        With ``pending`` (k, d), those to be once its values are known: no value changes them.
        """
        P = self._S[:0] if pending is None else pending
        X = np.vstack([T, P])
        white = linalg.whiten(linalg.triangular_inverse(self._R), self._covariance(X, self._S))
        W, V = white[: len(T)], white[len(T) :]
        variance = self._prior_variance(T) - np.einsum("ij,ij->i", W, W)
        if len(P):
            K = self._covariance(X, P) - white @ V.T
            R = linalg.cholesky(K[len(T) :] + max(self.noise, JITTER) * np.eye(len(P)))
            W = linalg.whiten(linalg.triangular_inverse(R), np.ascontiguousarray(K[: len(T)]))
            variance -= np.einsum("ij,ij->i", W, W)
        return np.asarray(variance)

    def _covariance(self, A: Array, B: Array) -> Array:
        """(n, m) prior covariances of the values at ``A`` (n, d) and ``B`` (m, d)."""
        G = A @ B.T
        A2, B2 = A * A, B * B
        shared = np.outer(A2.sum(axis=1), B2.sum(axis=1))
        K = CONSTANT + SLOPE * G + 0.25 * SHARED * shared + 0.5 * self._axis * (A2 @ B2.T)
        if self._cross:
            K += 0.5 * G * G
        return np.asarray(K)

    def _prior_variance(self, T: Array) -> Array:
        """(m,) the diagonal of `_covariance` of ``T`` (m, d) with itself."""
        T2 = T * T
        square = T2.sum(axis=1)
        shared = (0.5 * self._cross + 0.25 * SHARED) * square**2
        axes = 0.5 * self._axis * (T2 * T2).sum(axis=1)
        return np.asarray(CONSTANT + SLOPE * square + shared + axes)

    def _coefficients(self, weights: Array) -> tuple[Array, Array]:
        """Slope (d,) and Hessian (d, d) of ``sum_i weights_i k(., s_i)``."""
        S = self._S
        S2 = S * S
        hessian = self._cross * (S.T * weights) @ S
        diagonal = self._axis * (weights @ S2) + 0.5 * SHARED * float(weights @ S2.sum(axis=1))
        hessian.flat[:: len(hessian) + 1] += diagonal
        return SLOPE * (weights @ S), hessian
