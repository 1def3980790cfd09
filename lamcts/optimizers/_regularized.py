"""Regularised evolution: tournaments in a population whose oldest member dies."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.optimizers._base import Optimizer
from lamcts.samplers import Proposal
from lamcts.spaces import Space

__all__ = ["RegularizedEvolution"]

#: Children of one parent of which the first that is new is taken.
CHILDREN = 24

#: In a tournament of so many times the population nobody is missing: more draws change nothing.
SURE = 100


class RegularizedEvolution(Optimizer):
    """Ageing evolution (Real, Aggarwal, Huang and Le 2019, Algorithm 1).

    The population is the latest complete trials. A child is the best of a random sample of them
    with one variable changed; a child that was proposed before, in canonical form, is drawn again.

    Args:
        space: The search space.
        population: Members. The paper has 100 for 20,000 models; the default suits hundreds.
        tournament: Members drawn, with replacement, of which the best is the parent (paper: 25).
        **options: As for `Optimizer`.

    Raises:
        InvalidArgument: A setting is not positive.
    """

    def __init__(
        self, space: Space[Any], *, population: int = 50, tournament: int = 10, **options: Any
    ) -> None:
        super().__init__(space, **options)
        for name, value in (("population", population), ("tournament", tournament)):
            if value < 1:
                raise InvalidArgument(f"{name}: must be at least 1, got {value}")
        self.population, self.tournament = int(population), int(tournament)
        self._complete: list[int] = []

    @property
    def alive(self) -> list[int]:
        """Numbers of the trials in the population, the oldest first."""
        return self._complete[-self.population :]

    def describe(self) -> dict[str, Any]:
        """The population's size."""
        return {"population": len(self.alive)}

    def _propose(self, rng: np.random.Generator) -> Proposal:
        codec = self.domain.codec
        if len(self._complete) < self.population:
            return Proposal(self.domain.legal(codec.sample(rng, CHILDREN)), ranked=False)
        drawn = rng.choice(self.alive, min(self.tournament, SURE * self.population))
        parent = drawn[self.history.y[drawn].argmax()]
        parents = np.repeat(self.history.Z[[parent]], CHILDREN, axis=0)
        change = np.arange(codec.p) == rng.integers(codec.p, size=(CHILDREN, 1))
        return Proposal(self.domain.legal(self.domain.mutate(parents, change, rng)), ranked=False)

    def _told(self, number: int) -> None:
        if not np.isnan(self.history.y[number]):
            self._complete.append(number)
