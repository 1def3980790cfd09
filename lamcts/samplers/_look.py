"""A second look at a coarse scale, where the model polishes a small valley of very many.

On a rugged landscape (Rastrigin's, rotated; Schaffer's) a quadratic follows, at ever finer
resolutions, into whatever small valley it stands over. That shows in its curvature: at a fine
resolution it is many times that of the landscape, and no longer changes with the resolution (at a
kink, which is worth following, it grows for ever). Then the coarse scale is looked at again with
the small valleys taken for noise: the best point is the one that the model says is best. The best
valley of the look is followed as long as there is hope that it is better than the one that was
left; else the solver goes on in that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FINEST", "SHARP", "Look", "Phase"]

#: No look; small valleys taken for noise; the best valley followed.
Phase = Literal["", "smooth", "sharp"]
Scale = TypeVar("Scale")

#: A small valley's curvature is so many times that of the first resolution, and less than so many
#: times that of the last.
RUGGED, SETTLED = 10.0, 2.0
#: Valleys are taken for noise down to the first resolution; the other is the solver's last.
SHARP, FINEST = 1e-3, 1e-5
#: At a resolution that noise drowns, this many times 2 d + 1 trials; at any, twice as many.
DROWNED = 4
#: A look has lost hope when it lacks more than so many times what its last resolution gained.
PATIENCE = 2.0


class Look(Generic[Scale]):
    """Whether a look is due or going on, and what it has found.

    Args:
        dim: Number of variables.
        known: How many points are known at the beginning.
        allowed: Whether there are looks at all.

    Attributes:
        phase: That of the look which is going on.
        back: The solver's lengths in the valley that was left.
    """

    def __init__(self, dim: int, known: int, *, allowed: bool) -> None:
        self.phase: Phase = ""
        self.back: Scale | None = None
        self._least = 2 * dim + 1
        self._allowed = allowed
        self._here = 0  # trials at this resolution
        self._curvature = 0.0
        self._curvatures: list[float] = []  # when each resolution was left
        self._asked_at = [np.inf] * known  # the resolution at which each point was asked
        self._since, self._before = 0, -np.inf
        self._levels: list[float] = []  # the look's best value when each resolution was left

    def due(self) -> bool:
        """Whether what is being polished is a small valley of very many."""
        bent = self._curvatures
        if not self._allowed or self.phase or len(bent) < 2 or self._here < self._least:
            return False
        return RUGGED * bent[0] < self._curvature < SETTLED * bent[-1]

    def enough(self, *, drowned: bool) -> bool:
        """Whether a resolution has had its share of trials, sure or not: its centre may wander."""
        return self._here >= (DROWNED if drowned else 2 * DROWNED) * self._least

    def over(self, y: NDArray[np.float64], resolution: float) -> Literal["", "found", "lost"]:
        """What came of a look whose best valley is being followed.

        Args:
            y: (n,) all values.
            resolution: That of the next trial.
        """
        own, levels = self.own(y).max(), self._levels
        if self.phase and own > self._before:
            return "found"
        lost = len(levels) > 1 and self._before - own > PATIENCE * (levels[-1] - levels[-2])
        return "lost" if lost or resolution < FINEST else ""

    def own(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of all values (n,) the last ones, that are the look's; all where there are none."""
        own = y[self._since :]
        return own if self.phase and len(own) else y

    def rows(
        self, Z: NDArray[np.float64], centre: NDArray[np.float64], resolution: float
    ) -> NDArray[np.intp]:
        """Which points are seen in a look: not those of the small valley that was left."""
        own = np.arange(len(Z)) >= (self._since if self.phase else len(Z))
        coarse = np.array(self._asked_at) >= resolution
        return np.flatnonzero(own | coarse | (Z == centre).all(axis=1))

    def note(
        self, info: Mapping[str, Any], scale: Scale, finer: bool, y: NDArray[np.float64]
    ) -> None:
        """Follow what was asked.

        Args:
            info: That of the trial.
            scale: The solver's lengths before it.
            finer: Whether its resolution differs from theirs.
            y: (n,) the values so far.
        """
        self._here = 0 if finer else self._here + 1
        phase: Phase = info.get("look", "")
        if finer:
            self._curvatures.append(self._curvature)
            if self.phase:
                self._levels.append(float(self.own(y).max()))
        if "curvature" in info:
            self._curvature = float(info["curvature"])
        if phase and not self.phase:
            self.back, self._since, self._before = scale, len(y), float(y.max())
            self._levels = []
        elif self.phase and not phase:
            self._allowed = float(y.max()) > self._before
            self._curvatures = self._curvatures[:1]
        self.phase = phase

    def tell(self, info: Mapping[str, Any]) -> None:
        """A point became known."""
        self._asked_at.append(float(info.get("resolution", np.inf)))
