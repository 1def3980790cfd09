"""REINFORCE: a policy of independent choices, moved towards those that did well."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.optimizers._base import Optimizer
from lamcts.samplers import Proposal
from lamcts.spaces import Space

__all__ = ["REINFORCE"]

Array = NDArray[np.float64]

#: A variable with more levels, or a real one, is cut into so many equal parts.
PARTS = 16
#: Points drawn from the policy, of which the first that is new is taken.
DRAWN = 64
#: Decay of the baseline, and Adam's constants (Kingma and Ba 2015).
BASELINE, BETA1, BETA2, TINY = 0.9, 0.9, 0.999, 1e-8


class REINFORCE(Optimizer):
    """Policy gradient (Williams 1992) on one categorical a variable, as Ying et al. 2019 apply it.

    The reward is the share of earlier values that a value beats, so the rate does not depend on
    the objective's scale; the baseline is an exponential average of it.

    Args:
        space: The search space.
        rate: Learning rate of Adam.
        entropy: Weight of the policy's entropy, which keeps it from settling early.
        **options: As for `Optimizer`.

    Raises:
        InvalidArgument: ``rate`` is not positive, or ``entropy`` is negative.
    """

    def __init__(
        self, space: Space[Any], *, rate: float = 0.1, entropy: float = 0.01, **options: Any
    ) -> None:
        super().__init__(space, **options)
        if not rate > 0.0:
            raise InvalidArgument(f"rate: must be positive, got {rate}")
        if not entropy >= 0.0:
            raise InvalidArgument(f"entropy: must be 0 or more, got {entropy}")
        self.rate, self.entropy = float(rate), float(entropy)
        sizes = [variable.size or PARTS for variable in self.domain.codec.variables]
        self._parts = np.minimum(sizes, PARTS)
        used = np.arange(self._parts.max()) < self._parts[:, None]
        self._logits = np.where(used, 0.0, -np.inf)
        self._moments: Array = np.zeros((2, *used.shape))
        self._baseline, self._steps = 0.5, 0

    @property
    def policy(self) -> Array:
        """(p, parts) chance of each part of each variable."""
        e = np.exp(self._logits - self._logits.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=1, keepdims=True))

    def _propose(self, rng: np.random.Generator) -> Proposal:
        below = np.cumsum(self.policy, axis=1)
        u = rng.random((DRAWN, len(below), 1))
        chosen = np.minimum((u >= below).sum(axis=2), self._parts - 1)
        U = (chosen + rng.random(chosen.shape)) / self._parts
        return Proposal(self.domain.legal(self.domain.uniform(U)), raw=chosen, ranked=False)

    def _told(self, number: int) -> None:
        y = self.history.y
        raw = self.history.info(number).get("raw")
        if raw is None or np.isnan(y[number]):
            return
        known = y[~np.isnan(y)]
        beaten = ((known < y[number]).sum() + (known <= y[number]).sum() - 1) / 2.0
        reward = float(beaten / max(len(known) - 1, 1)) if len(known) > 1 else 0.5
        policy = self.policy
        chosen = np.zeros_like(policy)
        chosen[np.arange(len(policy)), np.asarray(raw, dtype=int)] = 1.0
        log = np.log(np.where(policy > 0.0, policy, 1.0))
        spread = -(policy * log).sum(axis=1, keepdims=True)
        gradient = (reward - self._baseline) * (chosen - policy)
        gradient -= self.entropy * policy * (log + spread)
        self._baseline += (1.0 - BASELINE) * (reward - self._baseline)
        self._climb(gradient)

    def _climb(self, gradient: Array) -> None:
        """A step of Adam up the gradient (p, parts)."""
        self._steps += 1
        first, second = self._moments
        first += (1.0 - BETA1) * (gradient - first)
        second += (1.0 - BETA2) * (gradient**2 - second)
        mean = first / (1.0 - BETA1**self._steps)
        square = second / (1.0 - BETA2**self._steps)
        self._logits = self._logits + self.rate * mean / (np.sqrt(square) + TINY)
