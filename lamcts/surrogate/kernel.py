"""The covariance: Matern-5/2 over numeric columns times an overlap kernel over categorical ones.

``k(x, x') = s2 (1 + s + s^2/3) exp(-s) exp(-sum_g [x_g != x'_g] / l_g)`` with
``s = sqrt(5 sum_j (x_j - x'_j)^2 / l_j^2)``. The product with a weighted Hamming distance in the
exponent is that of Hutter, Hoos and Leyton-Brown 2011 ("Sequential model-based optimization for
general algorithm configuration", sec. 4.1). On one-hot columns a mismatch is half the squared
distance, so both factors are functions of squared distances, and one formula differentiates both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lamcts.surrogate.linalg import symmetric_product

__all__ = ["LENGTHS", "NOISE", "OUTPUTSCALE", "Covariance", "MixedKernel", "Scaled"]

Array = NDArray[np.float64]

#: Where each log hyperparameter is in ``theta``: numeric lengths in the order of their columns,
#: then one length for each categorical variable.
OUTPUTSCALE, NOISE, LENGTHS = 0, 1, slice(2, None)


class Scaled(NamedTuple):
    """Points divided by the length scales.

    Attributes:
        numeric: (n, n_numeric) ``sqrt(5) x_j / l_j``: squared distances are ``s^2``.
        categorical: (n, c) ``x_c / sqrt(l_g)``: squared distances are twice the exponent.
    """

    numeric: Array
    categorical: Array


class Covariance(NamedTuple):
    """Covariances of two sets of points, and what their derivatives need.

    Attributes:
        k: (n, m) covariances.
        slope: (n, m) ``s2 (1 + s) exp(-s) ...``: ``dk/d(s^2) = -slope / 6``.
    """

    k: Array
    slope: Array


class MixedKernel:
    """The kernel over ``dim`` columns of which ``groups`` are one-hot categorical variables."""

    def __init__(self, dim: int, groups: Sequence[slice]) -> None:
        columns = np.arange(dim)
        self.members = [columns[group] for group in groups]
        self.categorical = np.concatenate([columns[:0], *self.members])
        self.numeric = np.setdiff1d(columns, self.categorical)
        #: Of each categorical column, the number of its variable.
        self.group = np.repeat(np.arange(len(groups)), [len(m) for m in self.members])

    @property
    def n_parameters(self) -> int:
        """Length of ``theta``."""
        return 2 + len(self.numeric) + len(self.members)

    def weights(self, theta: Array) -> Scaled:
        """What each numeric and each categorical column is multiplied by, (n_numeric,), (c,)."""
        lengths = theta[LENGTHS]
        n = len(self.numeric)
        return Scaled(math.sqrt(5.0) * np.exp(-lengths[:n]), np.exp(-0.5 * lengths[n:][self.group]))

    def scale(self, theta: Array, X: Array) -> Scaled:
        """Points ``X`` (n, dim) in the units of the length scales."""
        weights = self.weights(theta)
        return Scaled(
            X[:, self.numeric] * weights.numeric, X[:, self.categorical] * weights.categorical
        )

    def covariance(self, theta: Array, A: Scaled, B: Scaled) -> Covariance:
        """Covariances of ``A`` (n points) and ``B`` (m points), without the noise."""
        square = _squared_distances(A.numeric, B.numeric)
        s = np.sqrt(square)
        exponent = theta[OUTPUTSCALE] - s
        if len(self.categorical):
            exponent -= 0.5 * _squared_distances(A.categorical, B.categorical)
        k = np.exp(exponent, out=exponent)
        s += 1.0
        s *= k  # from here the slope
        square *= 1.0 / 3.0
        k *= square
        k += s
        return Covariance(k, s)

    def contract(self, A: Scaled, covariance: Covariance, W: Array) -> Array:
        """``sum_ik W_ik dk(a_i, a_k)/dtheta`` for each length scale, (n_numeric + groups,).

        Args:
            A: The n points.
            covariance: Their covariances, which are overwritten; what is on the diagonal of
                ``k`` (noise) has no part in the sum.
            W: (n, n) symmetric, column-major, of which the upper triangle is read.
        """
        k, slope = covariance.k.T, covariance.slope.T
        numeric = _contract(A.numeric, np.multiply(W, slope, out=slope)) / 3.0
        if not len(self.categorical):
            return numeric
        columns = _contract(A.categorical, np.multiply(W, k, out=k)) / 2.0
        return np.append(numeric, np.bincount(self.group, columns, len(self.members)))


def _squared_distances(A: Array, B: Array) -> Array:
    """(n, m) squared Euclidean distances; rounding never makes one negative.

    One product of ``[-2 a, |a|^2, 1]`` and ``[b, 1, |b|^2]``: no pass over (n, m) to add a norm.
    """
    left = np.column_stack([-2.0 * A, np.einsum("ij,ij->i", A, A), np.ones(len(A))])
    right = np.column_stack([B, np.ones(len(B)), np.einsum("ij,ij->i", B, B)])
    out = left @ right.T
    return np.asarray(np.maximum(out, 0.0, out=out))


def _contract(A: Array, P: Array) -> Array:
    """``sum_ik P_ik (A_ij - A_kj)^2`` for each column j, (d,), without a tensor of differences.

    Expanding the square leaves one product of ``P`` with the columns of ``A`` and a column of
    ones. ``P`` is symmetric and its upper triangle is read.
    """
    product = symmetric_product(P, np.column_stack([np.ones(len(A)), A]))
    return np.asarray(2.0 * (product[:, 0] @ A**2 - (A * product[:, 1:]).sum(axis=0)))
