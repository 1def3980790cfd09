"""Local models of few points and of many: the one that has predicted best is used.

Where the objective is a quadratic over a wide range, distant points tell its Hessian; where it is
rugged they mislead. Where the variables act apart from each other, 2 d + 1 points tell all of it.
Which is the case shows in how well each model foretells the next values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.surrogate.quadratic import QuadraticModel

__all__ = ["LocalModels", "Windows"]

#: Points are used up to this many radii away, up to 6 d of them (and as many as a window wants)...
REACH, MOST = 3.0, 6
#: ... and this many in any dimension: the cost of a model is its cube.
CAP = 600
#: The share of noise is chosen again after this many points.
NOISE_EVERY = 5
#: Weight of the past in the mean error of a model, and the most that one error counts, as the
#: logarithm of its ratio to the first model's.
MEMORY, LARGEST = 0.85, 3.0
#: In few dimensions, where a quadratic has no more coefficients than so many a variable, the third
#: window would be the second again: its model has a share of noise of the first so many instead.
FEW, EXACT = 5, 3
#: A separable model is used where its mean error is less by so much: where variables do not act
#: apart it foretells well by chance at times, and then misleads.
CLEAR = 0.5


@dataclass(frozen=True)
class LocalModels:
    """The models around one centre.

    Attributes:
        models: One for each window.
        chosen: The one to use.
        general: The best of those that are not separable: it tells where to learn more, since a
            separable one is sure of all that it leaves out.
        value: The value at the centre, to be maximised: without its noise, where that is told.
        best: The row of the best point, by the model's values where values carry noise.
    """

    models: tuple[QuadraticModel, ...]
    chosen: QuadraticModel
    general: QuadraticModel
    value: float
    best: int

    def record(self, s: NDArray[np.float64]) -> dict[str, list[float]]:
        """What `Windows` must see with the value of the point ``s`` (d,), in radii."""
        return {
            "noise": [model.noise for model in self.models],
            "guess": [self.value - model.change(s) for model in self.models],
        }


class Windows:
    """How many of the nearest points a model is fitted to: three sizes in competition.

    A fourth model, of the fewest points, is a separable quadratic: its Hessian is diagonal. In few
    dimensions the third all but passes through its points: where values oscillate along a steep
    direction the others take all that is flatter for noise.

    Args:
        dim: Number of variables: the windows hold at least 2 d + 1 points, 6 d, and as many as a
            quadratic has coefficients.
        noisy: Whether values carry noise.
    """

    def __init__(self, dim: int, *, noisy: bool = False) -> None:
        full = (dim + 1) * (dim + 2) // 2 + 1
        least = (2 * dim + 1, min(MOST * dim, full), full)
        self._sizes = [(low, max(low, MOST * dim)) for low in (min(n, CAP) for n in least)]
        self._sizes.append(self._sizes[0])  # of a separable quadratic
        self._interpolates = full <= FEW * dim and not noisy  # the third one
        self._errors = np.zeros(len(self._sizes))
        self._noise: list[float] | None = None
        self._noisy = noisy

    @property
    def favourite(self) -> int:
        """Which model has foretold best: 0 is of the smallest window, 3 the separable one."""
        general = self._general
        clear = self._errors[-1] < self._errors[general] - CLEAR
        return len(self._sizes) - 1 if clear else general

    @property
    def _general(self) -> int:
        """Which of those that are not separable has foretold best."""
        return int(self._errors[:-1].argmin())

    def fit(
        self,
        Z: NDArray[np.float64],
        y: NDArray[np.float64],
        centre: NDArray[np.float64],
        distances: NDArray[np.float64],
        radius: float,
    ) -> LocalModels:
        """Models around a centre (d,), in units of the radius.

        Args:
            Z: (n, d) points.
            y: (n,) their values, to be maximised.
            centre: (d,) the best of them.
            distances: (n,) from the centre, in radii.
            radius: Of the next step.
        """
        from lamcts.surrogate.quadratic import LOUD, NOISE, QuadraticModel

        n = len(y)
        within = int((distances <= REACH).sum())
        known = self._noise if n % NOISE_EVERY else None
        noises = LOUD if self._noisy else NOISE
        keys: list[tuple[int, bool, bool]] = []
        models: dict[tuple[int, bool, bool], tuple[NDArray[np.intp], QuadraticModel]] = {}
        for i, (low, high) in enumerate(self._sizes):
            count = min(max(low, min(within, high)), CAP, n)
            exact = self._interpolates and i == 2
            keys.append((count, i == len(self._sizes) - 1, exact))
            if keys[-1] in models:
                continue
            rows = np.arange(n) if count == n else np.argpartition(distances, count - 1)[:count]
            noise = (noises[:EXACT] if exact else noises) if known is None else (known[i],)
            S = (Z[rows] - centre) / radius
            models[keys[-1]] = rows, QuadraticModel(S, -y[rows], noise, separable=keys[-1][1])
        rows, chosen = models[keys[self.favourite]]
        value, best = float(y.max()), int(y.argmax())
        if self._noisy:
            value = -float(chosen.means[distances[rows].argmin()])
            best = int(rows[chosen.means.argmin()])
        fitted = tuple(models[key][1] for key in keys)
        return LocalModels(fitted, chosen, fitted[self._general], value, best)

    def note(self, info: Mapping[str, Any]) -> None:
        """Take over the shares of noise recorded with a trial."""
        if len(info.get("noise", ())) == len(self._sizes):  # older runs: of fewer models
            self._noise = [float(noise) for noise in info["noise"]]

    def tell(self, y: float, info: Mapping[str, Any]) -> NDArray[np.float64] | None:
        """Compare a value with what each model had foretold.

        Returns:
            How far off those were that are not separable; none where nothing was foretold.
        """
        moved = "pulled" in info or "fallback" in info  # to where nothing was foretold
        told = len(info.get("guess", ())) == len(self._sizes)
        if not told or moved or np.isnan(y):
            return None
        errors = np.abs(np.subtract(info["guess"], y))
        logs = np.log(errors + 1e-12 * (1.0 + abs(y)))
        ratios = np.clip(logs - logs[0], -LARGEST, LARGEST)
        self._errors = MEMORY * self._errors + (1.0 - MEMORY) * ratios
        return np.asarray(errors[:-1])
