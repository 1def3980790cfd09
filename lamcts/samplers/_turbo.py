"""TuRBO: Bayesian optimisation in a trust region (Eriksson et al., NeurIPS 2019), in a region.

As the LA-MCTS paper describes it and its code does not do: the trust region is centred at the best
point *inside* the selected region, candidates come from the *intersection* of the trust region
with the region, and on collapse the next one starts in a newly selected leaf.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.surrogate import GaussianProcess

__all__ = ["TuRBOSampler"]

# Constants of TuRBO-1 (Eriksson et al., section 2 and appendix)
LENGTH_INIT, LENGTH_MIN, LENGTH_MAX = 0.8, 0.5**7, 1.6
SUCCESS_TOLERANCE = 3
IMPROVEMENT = 1e-3
#: Candidates that are kept, in order, for the case that the first was proposed before.
RANKED = 8
#: Samples the model is fitted to at most: the nearest to the centre.
MAX_SAMPLES = 500
#: The model is fitted again when its data have grown by this factor, else only conditioned.
REFIT = 1.08
#: Steps of a fit, which starts from the one before it.
MAX_ITER = 15


class TuRBOSampler(Sampler):
    """TuRBO-1 with Thompson sampling on candidates of trust region and region.

    The model learns from the region's samples too.
    """

    def _begin(self) -> None:
        self._length = LENGTH_INIT
        self._failure_tolerance = max(4, self.domain.codec.p)
        self._n_init = max(0, min(2 * self.domain.codec.p, 60) - len(self.Z))
        self._successes = self._failures = 0
        self._theta: NDArray[np.float64] | None = None
        self._fitted_at = 0
        self._cache: tuple[int, GaussianProcess] | None = None

    @property
    def done(self) -> bool:
        """The trust region has collapsed."""
        return self._length < LENGTH_MIN

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose the candidates a posterior sample likes best."""
        if self._n_init > 0 or len(self.Z) < 2:
            return Proposal(self.fallback(RANKED, rng), {"init": True})
        model, info = self._model()
        candidates = self._candidates(model, rng)
        if not len(candidates):
            return Proposal(self.fallback(RANKED, rng), info)
        sample = model.sample_paths(1, rng)(candidates)[0]
        return Proposal(candidates[np.argsort(-sample, kind="stable")[:RANKED]], info)

    def note(self, info: Mapping[str, Any]) -> None:
        """Take over hyperparameters and design progress recorded with a trial."""
        if info.get("init"):
            self._n_init -= 1
        if "theta" in info:
            self._theta = np.array(info["theta"])
            self._fitted_at = int(info["fitted_at"])

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """Grow the trust region after successes, shrink it after failures (Alg. 1 of TuRBO)."""
        best = self.y.max() if len(self.y) else -np.inf
        super().tell(z, y, info)
        if info.get("init") or np.isnan(y):
            return
        if y > best + IMPROVEMENT * abs(best):
            self._successes, self._failures = self._successes + 1, 0
        else:
            self._successes, self._failures = 0, self._failures + 1
        if self._successes == SUCCESS_TOLERANCE:
            self._length, self._successes = min(2.0 * self._length, LENGTH_MAX), 0
        elif self._failures == self._failure_tolerance:
            self._length, self._failures = self._length / 2.0, 0

    def _model(self) -> tuple[GaussianProcess, dict[str, Any]]:
        """The model of the samples around the centre, and what must be recorded of its fit."""
        from lamcts.surrogate import GaussianProcess

        n = len(self.Z)
        if self._cache is not None and self._cache[0] == n:
            return self._cache[1], {}
        rows = np.arange(n)
        if n > MAX_SAMPLES:
            distance = ((self.Z - self.Z[self.y.argmax()]) ** 2).sum(axis=1)
            rows = np.argsort(distance, kind="stable")[:MAX_SAMPLES]
        model = GaussianProcess(self.domain.codec)
        info: dict[str, Any] = {}
        if self._theta is None or n >= math.ceil(REFIT * self._fitted_at):
            model.fit(self.Z[rows], self.y[rows], theta0=self._theta, max_iter=MAX_ITER)
            info = {"theta": model.theta.tolist(), "fitted_at": n}
        else:
            model.condition(self.Z[rows], self.y[rows], self._theta)
        self._cache = (n, model)
        return model, info

    def _candidates(self, model: GaussianProcess, rng: np.random.Generator) -> NDArray[np.float64]:
        """(m, d) points in the intersection of trust region and region."""
        codec = self.domain.codec
        centre = self.Z[self.y.argmax()]
        scales = model.length_scales
        single = codec.kinds != "categorical"  # only these have a side to stretch
        mean_log = np.log(scales[single]).mean() if single.any() else 0.0
        half = self._length * scales / np.exp(mean_log) / 2.0
        low, high = np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)
        m = min(100 * codec.p, 2000) if self.domain.canonical is None else 128
        # Perturb 20 coordinates on average (section 3.1 of TuRBO), one at least
        change = rng.random((m, codec.p)) < min(20.0 / codec.p, 1.0)
        none = ~change.any(axis=1)
        change[none, rng.integers(codec.p, size=int(none.sum()))] = True
        parents = np.broadcast_to(centre, (m, len(centre)))
        candidates = self.domain.mutate(parents, change, rng, low=low, high=high)
        candidates = self.domain.legal(candidates)
        inside = candidates[self.region.contains(candidates)]
        if len(inside) < m // 10:
            more = self.region.sample(m // 4, centre[None], self.domain, rng, low=low, high=high)
            inside = np.vstack([inside, more])
        return inside
