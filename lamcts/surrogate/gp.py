"""Exact Gaussian-process regression, fitted by maximum a posteriori with analytic gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.surrogate import linalg
from lamcts.surrogate.kernel import LENGTHS, NOISE, OUTPUTSCALE, MixedKernel
from lamcts.surrogate.paths import SamplePaths, draw_paths
from lamcts.surrogate.prior import default_prior

if TYPE_CHECKING:
    from lamcts.spaces import Codec

__all__ = ["GaussianProcess"]

Array = NDArray[np.float64]

#: Candidates predicted at a time: the cross-covariances of a block stay in the cache.
BLOCK = 512


class GaussianProcess:
    """A Gaussian process over points of the unit cube, real, integer and categorical.

    Values are standardised inside, predictions are in their own units. The posterior is that of
    the function without the noise. Repeated points, ties, constant values, one point and values
    of any finite size are all fine.

    Args:
        groups: The slices of columns that are one-hot categorical variables, or the codec that
            knows them.

    Example:
        >>> import numpy as np
        >>> X = np.linspace(0, 1, 9)[:, None]
        >>> gp = GaussianProcess([]).fit(X, np.sin(6 * X[:, 0]))
        >>> mean, sd = gp.predict(np.array([[0.3]]))
        >>> bool(abs(mean[0] - np.sin(1.8)) < 0.02)
        True
    """

    #: (p,) log hyperparameters: output scale, noise variance (both of standardised values),
    #: a length scale for each numeric column, one for each categorical variable.
    theta: Array

    def __init__(self, groups: Codec | Sequence[slice]) -> None:
        if not isinstance(groups, Sequence):
            groups = [v.columns for v in groups.variables if v.kind == "categorical"]
        self._groups = list(groups)

    def fit(
        self, X: Array, y: Array, theta0: Array | None = None, max_iter: int = 50
    ) -> GaussianProcess:
        """Find the hyperparameters of highest posterior density, then condition on the data.

        Args:
            X: (n, d) points in the unit cube, n >= 1.
            y: (n,) finite values.
            theta0: (p,) where to start: those of an earlier fit; the mode of the prior if None.
            max_iter: Most iterations of L-BFGS-B; a warm start needs about ten.

        Returns:
            This object.

        Raises:
            InvalidArgument: The shapes do not agree or a number is not finite.
        """
        from scipy.optimize import minimize  # takes long to import; quadratics do without

        self._set_data(X, y)
        prior = self._prior
        start = prior.mode if theta0 is None else self._check_theta(theta0)
        n = len(self._X)

        def loss(theta: Array) -> tuple[float, Array]:
            evidence, d_evidence = self.log_marginal_likelihood(theta)
            density, d_density = prior.log_density(theta)
            return -(evidence + density) / n, -(d_evidence + d_density) / n

        found = minimize(
            loss,
            np.clip(start, prior.lower, prior.upper),
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(prior.lower, prior.upper, strict=True)),
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "ftol": 1e-6, "gtol": 1e-4},
        )
        return self._condition(found.x)

    def condition(self, X: Array, y: Array, theta: Array) -> GaussianProcess:
        """Condition on data with the hyperparameters ``theta`` (p,) as they are.

        Returns:
            This object.

        Raises:
            InvalidArgument: The shapes do not agree or a number is not finite.
        """
        self._set_data(X, y)
        return self._condition(self._check_theta(theta))

    @property
    def length_scales(self) -> Array:
        """(d,) how far each column must move for the function to change, in unit-cube units.

        On the one-hot columns of a category it is the square root of the hyperparameter: the
        length scale of the Gaussian kernel that the overlap kernel is there.
        """
        weights = self._kernel.weights(self.theta)
        out = np.empty(self._X.shape[1])
        out[self._kernel.numeric] = math.sqrt(5.0) / weights.numeric
        out[self._kernel.categorical] = 1.0 / weights.categorical
        return out

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Posterior mean (m,) and standard deviation (m,) at ``X`` (m, d), in units of ``y``."""
        mean, variance = np.empty(len(X)), np.empty(len(X))
        for start in range(0, len(X), BLOCK):
            block = slice(start, start + BLOCK)
            k = self._cross(X[block])
            mean[block] = k @ self._alpha
            white = linalg.whiten(self._R_inverse, k)
            variance[block] = np.einsum("ij,ij->i", white, white)
        return self._to_units(mean), self._scale * np.sqrt(self._floor(variance))

    def sample_paths(self, m: int, rng: np.random.Generator) -> SamplePaths:
        """``m`` samples of the posterior that are functions: ``paths(X) -> (m, len(X))``."""
        return draw_paths(
            self._kernel, self.theta, self._X, self._z, self._R_inverse, m, rng
        ).in_units(self._mean, self._scale)

    def log_marginal_likelihood(self, theta: Array) -> tuple[float, Array]:
        """Log evidence of the standardised values under ``theta`` (p,), and its gradient (p,).

        Rasmussen and Williams 2006, eq. 2.30 and 5.9.
        """
        z, n = self._z, len(self._z)
        points = self._kernel.scale(theta, self._X)
        covariance = self._kernel.covariance(theta, points, points)
        noise = math.exp(theta[NOISE])
        R = linalg.cholesky(_add_noise(covariance.k, noise))
        alpha = linalg.solve(R, z)
        fit = float(z @ alpha)
        value = -0.5 * fit - float(np.log(np.diagonal(R)).sum()) - 0.5 * n * math.log(2 * math.pi)

        W = linalg.inverse(R)
        trace = float(np.trace(W))
        W = linalg.minus_outer(W, alpha)
        gradient = np.empty(len(theta))
        # With K = F + noise I, both traces follow from alpha, the trace of K^-1 and n.
        d_noise = noise * (float(alpha @ alpha) - trace)
        gradient[NOISE] = 0.5 * d_noise
        gradient[OUTPUTSCALE] = 0.5 * (fit - n - d_noise)
        gradient[LENGTHS] = -0.5 * self._kernel.contract(points, covariance, W)
        return value, gradient

    def _set_data(self, X: Array, y: Array) -> None:
        X, y = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if X.ndim != 2 or y.shape != X.shape[:1] or not len(y):
            raise InvalidArgument(
                f"X, y: shapes {X.shape} and {y.shape}; pass (n, d) and (n,) with n >= 1"
            )
        if not (np.isfinite(X).all() and np.isfinite(y).all()):
            raise InvalidArgument("X, y: a value is not finite; leave failed trials out")
        self._X = X
        self._z, self._mean, self._scale = _standardise(y)
        self._kernel = MixedKernel(X.shape[1], self._groups)
        self._prior = default_prior(len(self._kernel.numeric), len(self._groups))

    def _check_theta(self, theta: Array) -> Array:
        theta = np.asarray(theta, dtype=np.float64)
        if theta.shape != (self._kernel.n_parameters,) or not np.isfinite(theta).all():
            raise InvalidArgument(
                f"theta: {theta}; pass {self._kernel.n_parameters} finite numbers for these X"
            )
        return theta

    def _condition(self, theta: Array) -> GaussianProcess:
        self.theta = theta
        self._scaled = self._kernel.scale(theta, self._X)
        K = self._kernel.covariance(theta, self._scaled, self._scaled).k
        R = linalg.cholesky(_add_noise(K, math.exp(theta[NOISE])))
        self._R_inverse = linalg.triangular_inverse(R)
        self._alpha = linalg.solve(R, self._z)
        return self

    def _cross(self, X: Array) -> Array:
        """Covariances (m, n) of ``X`` (m, d) with the data."""
        points = self._kernel.scale(self.theta, X)
        return self._kernel.covariance(self.theta, points, self._scaled).k

    def _floor(self, explained: Array) -> Array:
        """Posterior variance from the explained part of it, kept positive against rounding."""
        prior = math.exp(self.theta[OUTPUTSCALE])
        return np.maximum(prior - explained, 1e-12 * prior)

    def _to_units(self, z: Array) -> Array:
        return self._mean + self._scale * z


def _add_noise(K: Array, noise: float) -> Array:
    """``K + noise I`` (n, n), in place."""
    K.flat[:: len(K) + 1] += noise
    return K


def _standardise(y: Array) -> tuple[Array, float, float]:
    """``y`` (n,) with mean 0 and variance 1, and the mean and the scale that undo it.

    Values are first divided by the greatest, so that none overflows. Values that are equal up to
    rounding become 0, with a scale of 1.
    """
    greatest = float(np.abs(y).max())
    if greatest == 0.0:
        return np.zeros_like(y), 0.0, 1.0
    z = y / greatest
    mean, sd = float(z.mean()), float(z.std())
    if sd < 1e-12:
        return np.zeros_like(y), greatest * mean, 1.0
    return (z - mean) / sd, greatest * mean, greatest * sd
