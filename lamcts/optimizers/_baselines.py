"""Baselines behind the same interface: one leaf solver on the whole space, and Sobol points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamcts.optimizers._base import Optimizer
from lamcts.region import Region
from lamcts.samplers import Proposal, Sampler, sampler_class
from lamcts.spaces import Space

__all__ = ["SobolSearch", "SolverSearch"]


class SolverSearch(Optimizer):
    """A single solver on the whole space, started afresh whenever it has converged.

    Args:
        space: The search space.
        **options: As for `Optimizer`.

    Attributes:
        solver: Name of the sampler, one of those in `lamcts.samplers`.
    """

    solver = "random"

    def __init__(self, space: Space[Any], **options: Any) -> None:
        super().__init__(space, **options)
        self._class = sampler_class(self.solver)
        self._sampler: Sampler | None = None
        self._restart = -1

    def describe(self) -> dict[str, Any]:
        """The number of restarts."""
        return {"solver": self.solver, "restarts": max(self._restart, 0)}

    def _prepare(self, number: int) -> None:
        one_shot = self._class.one_shot  # learns from everything, and need not start again
        if self._sampler is None or (self._sampler.done and not one_shot):
            known = one_shot & ~np.isnan(self.history.y)
            Z, y = self.history.Z[known], self.history.y[known]
            self._sampler = self._class(self.domain, Region(), Z, y, restart=number > 0)
            self._restart = number

    def _propose(self, rng: np.random.Generator) -> Proposal:
        assert self._sampler is not None
        return self._sampler.ask(self.history.pending_Z, rng)

    def _asked(self, number: int, info: Mapping[str, Any]) -> None:
        if self._sampler is not None:
            self._sampler.note(info)

    def _told(self, number: int) -> None:
        # a straggler of an earlier restart teaches the present one nothing
        if self._sampler is not None and number >= self._restart:
            info = self.history.info(number)
            y = float(self.history.y[number])
            self._sampler.tell(self.history.Z[number], y, info)


class RandomSearch(SolverSearch):
    """Uniformly random points."""


class TuRBO(SolverSearch):
    """TuRBO-1 (Eriksson et al. 2019)."""

    solver = "turbo"


class Quadratic(SolverSearch):
    """Quadratic models in a trust region, after Powell; restarts anywhere."""

    solver = "quadratic"


class CMAES(SolverSearch):
    """CMA-ES, or CatCMA with margin on discrete and mixed spaces."""

    solver = "cmaes"


class Evolution(SolverSearch):
    """Mutation and crossover of the best trials."""

    solver = "evolution"


class BO(SolverSearch):
    """A GP on the whole space with log expected improvement."""

    solver = "bo"


class SobolSearch(Optimizer):
    """Scrambled Sobol points."""

    BLOCK = 64

    def __init__(self, space: Space[Any], **options: Any) -> None:
        super().__init__(space, **options)
        self._block = (-1, np.empty((0, 0)))

    def _propose(self, rng: np.random.Generator) -> Proposal:
        block, row = divmod(len(self.history), self.BLOCK)
        if self._block[0] != block:
            from scipy.stats import qmc

            engine = qmc.Sobol(self.domain.codec.p, seed=np.random.default_rng(self.seed))
            if block:  # scipy refuses to go forward by nothing
                engine.fast_forward(block * self.BLOCK)
            self._block = (block, self.domain.uniform(engine.random(self.BLOCK)))
        return Proposal(self._block[1][row : row + 1])
