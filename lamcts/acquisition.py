"""Log expected improvement, exact in value and slope however unlikely an improvement is.

Ament, Daulton, Eriksson, Balandat, Bakshy 2023, "Unexpected improvements to expected improvement
for Bayesian optimization", sec. 4.1. Values are maximised.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, ndtr

__all__ = ["log_expected_improvement", "log_expected_improvement_gradient"]

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
    return log_expected_improvement_gradient(mean, sd, best)[0]


def log_expected_improvement_gradient(
    mean: Array, sd: Array, best: float
) -> tuple[Array, Array, Array]:
    """Log expected improvement (m,), its derivative by ``mean`` (m,) and by ``sd`` (m,).

    With ``u = (mean - best) / sd`` and ``h = pdf(u) + u cdf(u)``, EI is ``sd h``; its derivatives
    are ``cdf(u)`` and ``pdf(u)``.
    """
    mean, sd = np.asarray(mean, dtype=np.float64), np.asarray(sd, dtype=np.float64)
    u = (mean - best) / sd
    log_h, cdf_over_h, pdf_over_h = np.empty_like(u), np.empty_like(u), np.empty_like(u)
    for where, terms in ((u > -1.0, _near), ((u <= -1.0) & (u > FAR), _tail), (u <= FAR, _far)):
        log_h[where], cdf_over_h[where], pdf_over_h[where] = terms(u[where])
    return np.log(sd) + log_h, cdf_over_h / sd, pdf_over_h / sd


def _near(u: Array) -> tuple[Array, Array, Array]:
    """Log h, cdf/h and pdf/h as they are defined."""
    pdf = np.exp(-0.5 * u * u) / math.sqrt(2 * math.pi)
    cdf = ndtr(u)
    h = pdf + u * cdf
    return np.log(h), cdf / h, pdf / h


def _tail(u: Array) -> tuple[Array, Array, Array]:
    """The same with the pdf taken out of h, which leaves ``1 + u cdf/pdf``."""
    ratio = math.sqrt(math.pi / 2) * erfcx(-u / math.sqrt(2))
    rest = 1.0 + u * ratio
    return _log_pdf(u) + np.log(rest), ratio / rest, 1.0 / rest


def _far(u: Array) -> tuple[Array, Array, Array]:
    """The same by the asymptotic series ``1 + u cdf/pdf = (1 - 3/u^2 + 15/u^4) / u^2``."""
    square = u * u
    rest = (1.0 - 3.0 / square + 15.0 / square**2) / square
    return _log_pdf(u) + np.log(rest), (1.0 - rest) / (-u * rest), 1.0 / rest


def _log_pdf(u: Array) -> Array:
    return np.asarray(-0.5 * u * u - 0.5 * math.log(2 * math.pi))
