"""The few LAPACK calls a Gaussian process lives on, without copies and without checks.

numpy arrays are row-major, LAPACK is column-major: a symmetric ``K`` is passed as the view
``K.T``, and the factor is the upper triangular ``R`` with ``K = R.T @ R``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

__all__ = [
    "cholesky",
    "inverse",
    "minus_outer",
    "solve",
    "symmetric_product",
    "triangular_inverse",
    "whiten",
]

Array = NDArray[np.float64]


def cholesky(K: Array) -> Array:
    """The upper triangular ``R`` (n, n) of ``K = R.T @ R``; ``K`` is left as it was.

    A ``K`` that rounding has made indefinite (repeated rows and next to no noise) gets the
    smallest jitter of 1e-10, 1e-9, ... times the mean size of its diagonal, which rounding may
    have made negative, that lets it be factored.

    Raises:
        LinAlgError: ``K`` holds values that are not finite.
    """
    R, failed = lapack.dpotrf(K.T, lower=0)
    if failed and not np.isfinite(K).all():
        raise np.linalg.LinAlgError("K: holds values that are not finite")
    jitter = 1e-10 * float(np.abs(np.diagonal(K)).mean()) or 1e-300
    while failed:
        R, failed = lapack.dpotrf((K + jitter * np.eye(len(K))).T, lower=0)
        jitter *= 10.0
    return np.asarray(R)


def solve(R: Array, b: Array) -> Array:
    """``K^-1 b`` for the factor ``R`` of ``K``; ``b`` is (n,) or (n, m)."""
    return np.asarray(lapack.dpotrs(R, b, lower=0)[0])


def inverse(R: Array) -> Array:
    """``K^-1`` (n, n), its upper triangle only; ``R``, the factor of ``K``, is overwritten."""
    return np.asarray(lapack.dpotri(R, lower=0, overwrite_c=1)[0])


def triangular_inverse(R: Array) -> Array:
    """``R^-1`` (n, n), upper triangular: multiplying by it is twice as fast as solving."""
    return np.asarray(lapack.dtrtri(R, lower=0)[0])


def whiten(R_inverse: Array, k: Array) -> Array:
    """``k @ R^-1`` (m, n) for rows ``k`` (m, n) of cross-covariances; ``k`` is overwritten."""
    return np.asarray(blas.dtrmm(1.0, R_inverse, k.T, trans_a=1, overwrite_b=1)).T


def minus_outer(W: Array, a: Array) -> Array:
    """``W - a a^T`` (n, n), upper triangle only; ``W`` is overwritten."""
    return np.asarray(blas.dsyr(-1.0, a, a=W, lower=0, overwrite_a=1))


def symmetric_product(P: Array, B: Array) -> Array:
    """``P @ B`` (n, m) for a symmetric ``P`` (n, n) of which the upper triangle is read."""
    return np.asarray(blas.dsymm(1.0, P, B, lower=0))
