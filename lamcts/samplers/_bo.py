"""Bayesian optimisation in a region: a GP and (log) expected improvement."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BOSampler"]

CANDIDATES = 1000
MAX_SAMPLES = 300
RANKED = 8


class BOSampler(Sampler):
    """Log expected improvement (Ament et al. 2023) on hit-and-run samples of the region.

    The paper's default leaf solver (LA-MCTS, section 3.3); half of the candidates are local moves
    from the region's best samples.
    """

    one_shot: ClassVar[bool] = True

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose the candidates of largest expected improvement."""
        from lamcts.acquisition import log_expected_improvement
        from lamcts.surrogate import GaussianProcess

        m = CANDIDATES if self.domain.canonical is None else 100
        if len(self.Z) < 2:
            return Proposal(self.fallback(RANKED, rng))
        order = np.argsort(-self.y, kind="stable")
        candidates = np.vstack(
            [
                self.region.sample(m // 2, self.Z, self.domain, rng),
                self._local(self.Z[order[:5]], m // 2, rng),
            ]
        )
        rows = order[:MAX_SAMPLES]
        model = GaussianProcess(self.domain.codec).fit(self.Z[rows], self.y[rows])
        if len(pending):  # a pending point is taken to come out as the model expects
            lie, _ = model.predict(pending)
            Z, y = np.vstack([self.Z[rows], pending]), np.append(self.y[rows], lie)
            model.condition(Z, y, model.theta)
        mean, sd = model.predict(candidates)
        gain = log_expected_improvement(mean, sd, float(self.y.max()))
        return Proposal(candidates[np.argsort(-gain, kind="stable")[:RANKED]])

    def _local(
        self, parents: NDArray[np.float64], m: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(<= m, d) moves of a few variables, of many sizes, that stay in the region."""
        p = self.domain.codec.p
        chosen = parents[rng.integers(len(parents), size=m)]
        change = rng.random((m, p)) < min(1.0, 5.0 / p)
        reach = 10.0 ** rng.uniform(-3.0, 0.0, (m, 1))
        low, high = np.clip(chosen - reach, 0.0, 1.0), np.clip(chosen + reach, 0.0, 1.0)
        moved = self.domain.legal(self.domain.mutate(chosen, change, rng, low=low, high=high))
        return moved[self.region.contains(moved)]
