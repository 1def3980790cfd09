"""A second look at a landscape on which the descents get no further.

A quadratic model follows what it is told into the nearest small valley. CMA-ES ranks whole
generations spread over many of them, and so sees the bowl that they lie in, if there is one. Where
there is none its generations come no nearer: then it is soon given up.

And on a landscape that is ill-conditioned and no quadratic a descent takes ever so many short
steps, where CMA-ES, once it knows the shape, comes nearer by the same factor in every generation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.samplers._cmaes import CMAESSampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Ruggedness", "SecondLook"]

#: A landscape is rugged where guesses err at the second resolution by more than so much of what
#: they did at the first. Resolutions shrink to 0.3: what a quadratic lacks shrinks to 0.3^3 where
#: the landscape is smooth, to 0.3 at a kink, and not at all where small valleys are the error.
#: Along a kink that leads on more is gained (`GAIN`); at one that does not, a look is worth while.
RATIO = 0.25
#: Valleys shallower than this share of the whole descent matter at its end alone.
DEPTH = 0.02
#: In a valley, no more is gained below the second resolution than so many times that error; more
#: by several at a time, since they leave a resolution after fewer steps.
GAIN, GAIN_TOGETHER = 1.5, 2.2
#: Fewer guesses than this at a resolution tell nothing.
LEAST = 10
#: A look goes on while this many generations come this share nearer to its goal.
GENERATIONS, NEARER = 8, 0.25
#: A look whose generation lies within this share of each side of where it began has come back.
BACK = 0.04


class Ruggedness:
    """Whether a landscape has many small valleys, by how well values were foretold.

    The errors of the guesses at the first resolution are compared with those at the second.
    """

    def __init__(self) -> None:
        self._errors: dict[float, list[NDArray[np.float64]]] = {}

    def tell(self, errors: NDArray[np.float64], resolution: float) -> None:
        """Learn how far off each model (m,) was with a point at a resolution."""
        if resolution in self._errors or len(self._errors) < 2:
            self._errors.setdefault(resolution, []).append(errors)

    def rugged(self, descent: float, below: float, *, together: bool = False) -> bool:
        """Whether valleys are what the models do not know, and one of them was descended into.

        Args:
            descent: What was gained so far, in units of the objective.
            below: What of it was gained below the second resolution.
            together: Whether several points were evaluated at a time.
        """
        if len(self._errors) < 2 or any(len(errors) < LEAST for errors in self._errors.values()):
            return False
        coarse, fine = (float(np.median(errors, axis=0).min()) for errors in self._errors.values())
        gain = GAIN_TOGETHER if together else GAIN
        return fine > max(RATIO * coarse, DEPTH * descent, below / gain)


class SecondLook(CMAESSampler):
    """CMA-ES around the best point known, given up when it does not come near to its value.

    Attributes:
        polishes: Whether it is to be patient, and goes on where it comes back to that point: the
            descent there was not over, and learning a shape takes long.
    """

    polishes = False

    def _begin(self) -> None:
        super()._begin()
        self._goal = float(self.y.max(initial=-np.inf))
        self._origin = self.Z[self.y.argmax()]
        self._medians: list[float] = []
        self._failures = 0

    def hopeless(self, best: float) -> bool:
        """It came back, or its last generations no nearer to what was known before."""
        if self._failures > GENERATIONS * self._engine.population:
            return True
        if self.polishes:
            return False
        if self._came_back:
            return True
        if len(self._medians) < 2 * GENERATIONS:
            return False
        before = float(np.mean(self._medians[-2 * GENERATIONS : -GENERATIONS]))
        now = float(np.mean(self._medians[-GENERATIONS:]))
        return now - before <= NEARER * max(self._goal - before, 0.0)

    @property
    def _came_back(self) -> bool:
        """Nothing better was found, and the distribution shrinks to where it began."""
        if not self._medians or self.y.max() > self._goal:
            return False
        apart = np.sqrt(((self.Z[-self._engine.population :] - self._origin) ** 2).mean(axis=1))
        return float(np.median(apart)) < BACK

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """As CMA-ES; the median of each generation is kept."""
        self._failures += bool(np.isnan(y))
        known = [value for _, value in self._generation]
        super().tell(z, y, info)
        if known and not self._generation:
            self._medians.append(-float(np.median([*known, -y])))
