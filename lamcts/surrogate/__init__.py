"""Gaussian-process surrogate: fit, posterior, posterior samples, on real and mixed spaces.

Read `gp` first; `kernel` holds the covariance and the gradient of its evidence, `prior` what is
believed of the hyperparameters before any data, `paths` the samples that are functions.
scipy is loaded here, so import this package only where a surrogate is used.
"""

from __future__ import annotations

from lamcts.surrogate.gp import GaussianProcess
from lamcts.surrogate.paths import SamplePaths

__all__ = ["GaussianProcess", "SamplePaths"]
