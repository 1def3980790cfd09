"""What is believed of the hyperparameters before any data, and the bounds they are kept in.

Every hyperparameter is log-normal. The length scales of the unit cube grow with the square
root of the number of variables, which is what lets a plain Gaussian process model a hundred
of them (Hvarfner, Hellsten, Nardi 2024, "Vanilla Bayesian optimization performs great in high
dimensions", sec. 4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Prior", "default_prior"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """Independent log-normal priors on ``exp(theta)``, as a penalty on ``theta``.

    Attributes:
        mode: (p,) the ``theta`` of highest density of ``exp(theta)``.
        sd: (p,) standard deviations of ``theta``.
        lower: (p,) least ``theta`` that a fit may return.
        upper: (p,) greatest ``theta`` that a fit may return.
    """

    mode: Array
    sd: Array
    lower: Array
    upper: Array

    def log_density(self, theta: Array) -> tuple[float, Array]:
        """Log density at ``theta`` (p,) up to a constant, and its gradient (p,)."""
        z = (theta - self.mode) / self.sd
        return -0.5 * float(z @ z), -z / self.sd


def default_prior(n_numeric: int, n_categorical: int) -> Prior:
    """The prior for that many numeric columns and categorical variables, ``y`` standardised.

    The density of a log-normal N(m, s) over ``l`` itself is that of a normal around
    ``m - s**2`` in ``log l``: Hvarfner's N(sqrt 2 + log(d)/2, sqrt 3) has its mode at
    ``sqrt 2 - 3 + log(d)/2``. A categorical mismatch costs ``1/l`` in the exponent and up to d
    of them add up, so there ``l`` grows with d: at the mode, d/2, two unrelated points still
    correlate.
    """
    d = max(n_numeric + n_categorical, 1)
    numeric = math.sqrt(2.0) - 3.0 + 0.5 * math.log(d)
    rows = [
        # mode, sd, lower, upper
        (0.0, 1.0, math.log(0.05), math.log(20.0)),  # output scale: y has variance 1
        (math.log(1e-3), 2.0, math.log(1e-6), 0.0),  # noise: small, but a lot of it is possible
        *[(numeric, math.sqrt(3.0), math.log(0.01), math.log(1e3))] * n_numeric,
        *[(math.log(0.5 * d), math.sqrt(3.0), math.log(0.01), math.log(1e4))] * n_categorical,
    ]
    mode, sd, lower, upper = np.array(rows).T
    return Prior(mode, sd, lower, upper)
