"""Posterior samples that are functions: a prior path plus a data-driven correction.

Wilson et al. 2020, "Efficiently sampling functions from Gaussian process posteriors", eq. 9: a
draw from the prior, in random Fourier features, is moved by the kernel onto the data (Matheron's
rule). Cheap to evaluate anywhere, any number of times, and consistent between calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lamcts.surrogate.kernel import NOISE, OUTPUTSCALE, MixedKernel, Scaled

__all__ = ["SamplePaths", "draw_paths"]

Array = NDArray[np.float64]

#: Frequencies of the prior paths; covariances are off by about the output scale / sqrt(this).
FREQUENCIES = 512


@dataclass(frozen=True)
class SamplePaths:
    """Sampled functions; call with ``X`` (n, d) for their values (m, n)."""

    kernel: MixedKernel
    theta: Array
    frequencies: Array  # (d, f)
    amplitudes: Array  # (2 f, m), of the cosines, then of the sines
    data: Scaled
    correction: Array  # (n_data, m)
    mean: float = 0.0
    scale: float = 1.0

    def __call__(self, X: Array) -> Array:
        """Values (m, n) at ``X`` (n, d)."""
        points = self.kernel.scale(self.theta, X)
        k = self.kernel.covariance(self.theta, points, self.data).k
        values = self.prior(X) + k @ self.correction
        return np.asarray(self.mean + self.scale * values.T)

    def prior(self, X: Array) -> Array:
        """The prior paths (n, m) at ``X`` (n, d), in standardised units."""
        phase = X @ self.frequencies
        return np.cos(phase) @ self.amplitudes[:FREQUENCIES] + (
            np.sin(phase) @ self.amplitudes[FREQUENCIES:]
        )

    def in_units(self, mean: float, scale: float) -> SamplePaths:
        """The same paths in the units of the values: ``mean + scale * path``."""
        return replace(self, mean=mean, scale=scale)


def draw_paths(
    kernel: MixedKernel,
    theta: Array,
    X: Array,
    z: Array,
    R_inverse: Array,
    m: int,
    rng: np.random.Generator,
) -> SamplePaths:
    """Draw ``m`` paths of the posterior given values ``z`` (n,) at ``X`` (n, d).

    ``R_inverse`` (n, n) is the inverse Cholesky factor: ``K^-1 = R_inverse @ R_inverse.T``.
    """
    amplitude = math.exp(0.5 * theta[OUTPUTSCALE]) / math.sqrt(FREQUENCIES)
    path = SamplePaths(
        kernel,
        theta,
        _frequencies(kernel, theta, X.shape[1], rng),
        amplitude * rng.standard_normal((2 * FREQUENCIES, m)),
        kernel.scale(theta, X),
        np.zeros((len(X), m)),
    )
    noise = math.exp(0.5 * theta[NOISE]) * rng.standard_normal((len(X), m))
    residual = z[:, None] - path.prior(X) - noise
    return replace(path, correction=R_inverse @ (R_inverse.T @ residual))


def _frequencies(kernel: MixedKernel, theta: Array, dim: int, rng: np.random.Generator) -> Array:
    """Frequencies (dim, f) from the kernel's spectral density.

    That of Matern-5/2 is a multivariate t with 5 degrees of freedom (Rasmussen and Williams
    2006, eq. 4.15); the overlap kernel is a Gaussian one on one-hot columns; that of a product
    of kernels over different columns is the product.
    """
    weights = kernel.weights(theta)
    out = rng.standard_normal((dim, FREQUENCIES))
    # The weights hold the sqrt(5) that the t has too.
    out[kernel.numeric] *= weights.numeric[:, None] / np.sqrt(rng.chisquare(5, FREQUENCIES))
    out[kernel.categorical] *= weights.categorical[:, None]
    return out
