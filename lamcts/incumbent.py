"""The best trial under noise: the highest mean, estimated from the trials around it.

The highest of many noisy values is most likely a lucky one. So the trials that look best are
compared by the posterior means of a Gaussian process, whose share of noise is estimated too; it
learns from all trials near them, and repeats of a point are more data on it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.spaces import Codec
    from lamcts.surrogate.gp import GaussianProcess

__all__ = ["estimate"]

#: Points compared, trials near each that are learned from, and these together at most.
LEADERS, NEAR, MOST = 20, 200, 400
#: Share of the variance that the second fit takes for noise at first.
MUCH = 0.3


def estimate(Z: NDArray[np.float64], y: NDArray[np.float64], codec: Codec) -> NDArray[np.float64]:
    """Estimated noise-free values of the trials that may be best.

    The points of highest mean over their own repeats are compared. Deterministic; tens of
    milliseconds, and flat in the number of trials but for the search of neighbours.

    Args:
        Z: (n, d) points of the unit cube.
        y: (n,) their noisy values, to be maximised; NaN where there is none.
        codec: Of the space.

    Returns:
        (n,) estimates, and NaN for the trials that are not compared.
    """
    estimates = np.full(len(y), np.nan)
    rows = np.flatnonzero(~np.isnan(y))
    if not len(rows):
        return estimates
    points, which = np.unique(Z[rows], axis=0, return_inverse=True)
    which = which.reshape(-1)
    means = np.bincount(which, y[rows]) / np.bincount(which)
    leaders = points[np.argsort(-means, kind="stable")[:LEADERS]]
    near = rows[_near(Z[rows], leaders)]
    model = _fitted(Z[near], y[near], codec)
    compared = rows[np.isin(which, np.argsort(-means, kind="stable")[:LEADERS])]
    estimates[compared], _ = model.predict(Z[compared])
    return estimates


def _fitted(Z: NDArray[np.float64], y: NDArray[np.float64], codec: Codec) -> GaussianProcess:
    """The likelier of two explanations: a rugged function, or a smooth one and much noise.

    Either is a local optimum of the hyperparameters.
    """
    from lamcts.surrogate.gp import GaussianProcess
    from lamcts.surrogate.kernel import NOISE
    from lamcts.surrogate.prior import default_prior

    categorical = sum(v.kind == "categorical" for v in codec.variables)
    prior = default_prior(int((codec.kinds != "categorical").sum()), categorical)
    smooth = prior.mode.copy()
    smooth[NOISE] = math.log(MUCH)
    fits = [GaussianProcess(codec).fit(Z, y, start) for start in (prior.mode, smooth)]
    return max(fits, key=lambda gp: gp.log_marginal_likelihood(gp.theta)[0])


def _near(Z: NDArray[np.float64], leaders: NDArray[np.float64]) -> NDArray[np.intp]:
    """(<= MOST,) rows of ``Z`` near any of the leaders, by their rank among its neighbours."""
    ranks = np.full(len(Z), NEAR)
    for leader in leaders:
        order = np.argsort(((Z - leader) ** 2).sum(axis=1), kind="stable")[:NEAR]
        ranks[order] = np.minimum(ranks[order], np.arange(len(order)))
    nearest = np.argsort(ranks, kind="stable")[:MOST]
    return np.asarray(nearest[ranks[nearest] < NEAR])
