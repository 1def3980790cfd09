"""Log expected improvement, exact however unlikely an improvement is.

Ament, Daulton, Eriksson, Balandat, Bakshy 2023, "Unexpected improvements to expected improvement
for Bayesian optimization", sec. 4.1. Values are maximised.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

__all__ = ["log_expected_improvement"]

Array = NDArray[np.float64]

#: Below this many standard deviations the closed form loses digits and its series has them all.
FAR = -300.0


def log_expected_improvement(mean: Array, sd: Array, best: float) -> Array:
    """Log of E[max(f - best, 0)] for f ~ N(mean, sd^2), elementwise.

    Args:
        mean: (m,) posterior means.
        sd: (m,) posterior standard deviations, > 0.
        best: The value to improve on, in the same units.

    Returns:
        (m,) finite values, also where the improvement itself underflows to 0.
    """
    mean, sd = np.asarray(mean, dtype=np.float64), np.asarray(sd, dtype=np.float64)
    u = (mean - best) / sd
    log_h = np.empty_like(u)  # of h = pdf(u) + u cdf(u): EI is sd h
    for where, terms in ((u > -1.0, _near), ((u <= -1.0) & (u > FAR), _tail), (u <= FAR, _far)):
        log_h[where] = terms(u[where])
    return np.asarray(np.log(sd) + log_h)


def _near(u: Array) -> Array:
    """Log h as it is defined."""
    pdf = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi)
    return np.asarray(np.log(pdf + u * ndtr(u)))


def _tail(u: Array) -> Array:
    """The same with the pdf taken out of h, which leaves ``1 + u cdf/pdf``."""
    ratio = math.sqrt(math.pi / 2) * erfcx(-u / math.sqrt(2))
    return np.asarray(_log_pdf(u) + np.log(1.0 + u * ratio))


def _far(u: Array) -> Array:
    """The same by the asymptotic series ``1 + u cdf/pdf = (1 - 3/u^2 + 15/u^4) / u^2``."""
    square = u * u
    return _log_pdf(u) + np.log((1.0 - 3.0 / square + 15.0 / square**2) / square)


def _log_pdf(u: Array) -> Array:
    return np.asarray(-0.5 * u * u - 0.5 * math.log(2 * math.pi))
