"""The lowest point of a quadratic within a ball and a box."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["lowest_in_ball", "lowest_in_ball_and_box"]

Array = NDArray[np.float64]

#: Halvings of the interval that holds the multiplier.
BISECTIONS = 60
#: In more dimensions than this the minimum is looked for in a Krylov space of so many.
LARGE, KRYLOV = 300, 40


def lowest_in_ball(slope: Array, hessian: Array, radius: float) -> Array:
    """Minimise ``slope . s + s . hessian . s / 2`` over ``|s| <= radius``.

    In the Hessian's eigenvectors the solution is ``-slope / (eigenvalues + m)`` for the multiplier
    m >= 0 that puts it on the sphere (Moré and Sorensen 1983). In more than `LARGE` dimensions the
    eigenvectors cost too much: there the minimiser in a Krylov space is returned, which comes near
    it (Gould, Lucidi, Roma and Toint 1999).

    Args:
        slope: (d,).
        hessian: (d, d) symmetric, of any sign.
        radius: > 0.

    Returns:
        (d,) the minimiser.
    """
    if len(slope) > LARGE and slope.any():
        Q, T = _krylov(slope, hessian)
        return np.asarray(lowest_in_ball(Q @ slope, T, radius) @ Q)
    values, vectors = np.linalg.eigh(hessian)
    b = vectors.T @ slope
    size = float(np.linalg.norm(b))
    if values[0] > 0.0:
        inside = -b / values
        if inside @ inside <= radius**2:
            return np.asarray(vectors @ inside)
    least = max(0.0, -float(values[0]))
    low, high = least + 1e-12 * max(1.0, least), least + size / radius + 1e-12
    s = -b / (values + low)
    if s @ s < radius**2:  # the hard case: go along the flattest direction to the sphere
        s[0] += math.copysign(math.sqrt(radius**2 - s @ s), -b[0])
        s *= radius / np.linalg.norm(s)
        return np.asarray(vectors @ s)
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        s = -b / (values + middle)
        low, high = (middle, high) if s @ s > radius**2 else (low, middle)
    return np.asarray(vectors @ (-b / (values + high)))


def _krylov(slope: Array, hessian: Array) -> tuple[Array, Array]:
    """An orthonormal basis (k, d) of ``slope``, ``hessian . slope``, ..., and the Hessian in it.

    Lanczos' method, with every vector made orthogonal to all before it.
    """
    Q, HQ = np.zeros((2, KRYLOV, len(slope)))
    q = slope / np.linalg.norm(slope)
    for k in range(KRYLOV):
        Q[k], HQ[k] = q, hessian @ q
        rest = HQ[k].copy()
        for _ in range(2):
            rest -= (Q[: k + 1] @ rest) @ Q[: k + 1]
        size = float(np.linalg.norm(rest))
        if size <= 1e-10 * float(np.linalg.norm(HQ[k])):
            break
        q = rest / size
    Q, HQ = Q[: k + 1], HQ[: k + 1]
    return Q, Q @ HQ.T


def lowest_in_ball_and_box(
    slope: Array, hessian: Array, radius: float, lower: Array, upper: Array
) -> Array:
    """A low point of the quadratic with ``|s| <= radius`` and ``lower <= s <= upper``.

    Coordinates that leave the box are put on its side, and the others minimised again. Exact
    when no side is reached, a good point otherwise.

    Args:
        slope: (d,).
        hessian: (d, d) symmetric.
        radius: > 0.
        lower: (d,) <= 0.
        upper: (d,) >= 0.

    Returns:
        (d,) the point.
    """
    s = np.zeros_like(slope)
    free = np.ones(len(slope), dtype=bool)
    while free.any():
        left = radius**2 - float(s[~free] @ s[~free])
        if left <= 1e-12 * radius**2:
            break
        rest = slope[free] + hessian[np.ix_(free, ~free)] @ s[~free]
        found = lowest_in_ball(rest, hessian[np.ix_(free, free)], math.sqrt(left))
        s[free] = np.clip(found, lower[free], upper[free])
        outside = s[free] != found
        if not outside.any():
            break
        free[np.flatnonzero(free)[outside]] = False
    length = float(np.linalg.norm(s))
    return s * (radius / length) if length > radius else s
