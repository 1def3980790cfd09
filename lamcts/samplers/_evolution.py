"""Mutation and crossover inside a region, for discrete and mixed spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EvolutionSampler"]

CANDIDATES = 24


class EvolutionSampler(Sampler):
    """Steady-state evolution: a good parent, sometimes crossed with another, mutated.

    Parents are drawn by rank, steeply (the elite of a population of all samples). The number of
    variables changed follows a power law, as in the fast (1+1) EA (Doerr et al. 2017), so that
    small steps are common and large ones never rare; a real or integer variable is redrawn in an
    interval around the parent's value whose size is log-uniform.
    """

    one_shot: ClassVar[bool] = True

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose offspring of the region's samples."""
        if not len(self.Z):
            return Proposal(self.fallback(CANDIDATES, rng))
        order = np.argsort(-self.y, kind="stable")
        elite = order[: max(1, min(10, len(order) // 5))]
        parents = self.Z[elite[np.minimum(rng.geometric(0.5, CANDIDATES) - 1, len(elite) - 1)]]
        parents = self._cross(parents, self.Z[elite], rng)
        children = self.domain.legal(self._mutate(parents, rng))
        return Proposal(children[self.region.contains(children)])

    def _cross(
        self, parents: NDArray[np.float64], mates: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Uniform crossover of a third of the parents, variable by variable."""
        variables = self.domain.codec.variables
        owner = np.repeat(np.arange(len(variables)), [v.width for v in variables])
        take = rng.random((len(parents), len(variables))) < 0.5
        take &= rng.random((len(parents), 1)) < 1.0 / 3.0
        chosen = mates[rng.integers(len(mates), size=len(parents))]
        return np.where(take[:, owner], chosen, parents)

    def _mutate(
        self, parents: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        codec = self.domain.codec
        n, p = len(parents), codec.p
        size = np.arange(1, max(2, p // 2 + 1))
        power = size**-1.5
        count = rng.choice(size, size=n, p=power / power.sum())
        change = rng.random((n, p)).argsort(axis=1).argsort(axis=1) < count[:, None]
        one_level = np.zeros(self.domain.dim)  # an integer's step reaches its neighbours at least
        for variable in codec.variables:
            if variable.size is not None:
                one_level[variable.columns] = 1.5 / variable.size
        reach = np.maximum(10.0 ** rng.uniform(-3.0, 0.0, (n, 1)), one_level)
        low, high = np.clip(parents - reach, 0.0, 1.0), np.clip(parents + reach, 0.0, 1.0)
        return self.domain.mutate(parents, change, rng, low=low, high=high)
