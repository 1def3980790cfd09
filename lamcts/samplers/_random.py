"""Uniform samples of a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["RandomSampler"]

#: Enough that one of them is new unless the region is nearly exhausted.
CANDIDATES = 16


class RandomSampler(Sampler):
    """Hit-and-run samples (LA-MCTS with random sampling, section 4.3)."""

    one_shot: ClassVar[bool] = True

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose random points of the region."""
        return Proposal(self.fallback(CANDIDATES, rng), ranked=False)
