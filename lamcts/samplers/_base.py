"""The protocol of a leaf solver: it samples inside one region.

A sampler is started on a region with the samples known inside it, asked for points, and told the
values of the points it asked for. Everything its later proposals depend on changes in ``tell``
(``ask`` draws from the generator it is handed), so a run is repeated by telling it again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamcts._growing import Growing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.domain import Domain
    from lamcts.region import Region

__all__ = ["Proposal", "Sampler"]


#: Trials without improvement, a variable, after which a search has stalled, and the least of them.
PATIENCE, LEAST_PATIENCE = 5, 60


@dataclass(frozen=True)
class Proposal:
    """Candidates for one trial.

    Attributes:
        Z: (m, d) points of the region, the preferred first; the first that was not proposed
            before and meets the cheap constraints is taken.
        info: What the sampler must see again to repeat the run (JSON values).
        raw: (m, k) a solver's own coordinates of the candidates, where they are not the points
            themselves; stored with the trial and handed back in ``info["raw"]``.
        ranked: Whether the first is better than the others: if it may not be proposed, it is
            moved to where it may, before another is taken.
    """

    Z: NDArray[np.float64]
    info: Mapping[str, Any] = field(default_factory=dict)
    raw: NDArray[np.float64] | None = None
    ranked: bool = True


class Sampler(ABC):
    """A leaf solver, working inside one region.

    Args:
        domain: Snaps points to levels and canonical forms.
        region: Where to sample.
        Z: (n, d) samples known to lie in the region.
        y: (n,) their values, to be maximised.
        restart: Whether the region has been searched before: a local solver starts elsewhere.
    """

    #: One proposal a life: a new leaf is selected for every trial.
    one_shot: ClassVar[bool] = False

    def __init__(
        self,
        domain: Domain,
        region: Region,
        Z: NDArray[np.float64],
        y: NDArray[np.float64],
        *,
        restart: bool = False,
    ) -> None:
        self.domain = domain
        self.region = region
        self.Z = Z
        self.y = y
        self.restart = restart
        self._begin()

    @property
    def Z(self) -> NDArray[np.float64]:
        """(n, d) the samples it knows: those it was started with, and its own."""
        return self._Z.rows

    @Z.setter
    def Z(self, Z: NDArray[np.float64]) -> None:
        self._Z = Growing(Z)

    @property
    def y(self) -> NDArray[np.float64]:
        """(n,) their values, to be maximised."""
        return self._y.rows

    @y.setter
    def y(self, y: NDArray[np.float64]) -> None:
        self._y = Growing(y)

    def _begin(self) -> None:
        """Set up a solver's own state; called once, with domain, region, samples in place."""

    @abstractmethod
    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose points for one trial; ``pending`` (m, d) are being evaluated."""

    def note(self, info: Mapping[str, Any]) -> None:
        """See the ``info`` of a trial that was asked, now or when a run is replayed."""

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """Learn the value of one of its own points (d,); NaN if the trial did not complete."""
        if not np.isnan(y):
            self._Z.append(z)
            self._y.append(y)

    @property
    def done(self) -> bool:
        """Whether the sampler has converged and a new leaf should be selected."""
        return self.one_shot

    @property
    def end(self) -> NDArray[np.float64] | None:
        """(d,) where a descent has come to; ``None`` for solvers that do not descend."""
        return None

    @property
    def in_valley(self) -> bool:
        """Whether it is within one small valley of many: another solver may see over them."""
        return False

    @property
    def lingers(self) -> bool:
        """Whether its descent is so slow that another solver may be faster."""
        return False

    def hopeless(self, best: float) -> bool:
        """Whether it is not expected to reach ``best``, the best value anywhere, any more."""
        return False

    def stalled(self, failures: int) -> bool:
        """Whether so many trials without improvement say that another leaf should be tried."""
        return failures > max(LEAST_PATIENCE, PATIENCE * self.domain.codec.p)

    def pull(self, Z: NDArray[np.float64], anchor: NDArray[np.float64]) -> NDArray[np.float64]:
        """(<= n, d) the points ``Z``, pulled towards a point of the region until they are in it."""
        Z = self.domain.legal(Z)
        for _ in range(20):
            outside = ~self.region.contains(Z)
            if not outside.any():
                break
            Z = np.where(outside[:, None], self.domain.legal(anchor + (Z - anchor) / 2.0), Z)
        return Z[self.region.contains(Z)]

    def fallback(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(<= n, d) random points of the region."""
        return self.region.sample(n, self.Z, self.domain, rng)
