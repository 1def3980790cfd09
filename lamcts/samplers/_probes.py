"""A first look along the axes: one probe of each, and what they gained put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Probes"]

#: A probe goes the other way where a side of the cube leaves it less than this share of its step.
ROOM = 0.3


class Probes:
    """Greedy probes, one along each axis.

    Asked one at a time, each probe starts at the best point so far. Several at a time start at one
    base; what they gained is put together in a further point, around which the next ones probe.

    Args:
        dim: Number of axes.
    """

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self._asked = 0
        self._gained: dict[int, float] = {}  # where a probe was better than its base, by axis
        self._combining = False
        self._base_value = -np.inf

    @property
    def left(self) -> int:
        """How many axes are to be probed."""
        return self._dim - self._asked

    def propose(
        self,
        best: NDArray[np.float64],
        value: float | None,
        radius: float,
        rng: np.random.Generator,
    ) -> tuple[NDArray[np.float64], dict[str, Any]] | None:
        """Candidates (m, d) and their ``info``; ``None`` when there is nothing left to try.

        Args:
            best: (d,) the best point, or the start.
            value: Its value, ``None`` while it is being evaluated.
            radius: Length of a probe.
            rng: Chooses directions.
        """
        base = best.copy()
        base[list(self._gained)] = list(self._gained.values())
        combined = bool((base != best).any())
        if combined and not self._combining:
            return base[None], {"move": "combine"}
        if not self.left:
            return None
        axis = self._asked
        Z = np.repeat(base[None], 2, axis=0)
        step = radius * (1.0 if rng.random() < 0.5 else -1.0)
        Z[:, axis] = np.clip([base[axis] + step, base[axis] - step], 0.0, 1.0)
        if abs(Z[0, axis] - base[axis]) < ROOM * radius:
            Z = Z[::-1]
        return Z, {"move": "probe", "axis": axis, "beat": None if combined else value}

    def note(self, info: Mapping[str, Any]) -> None:
        """A probe or a combination was asked."""
        self._asked += info.get("move") == "probe"
        self._combining |= info.get("move") == "combine"

    def tell(self, z: NDArray[np.float64], y: float, best: float, info: Mapping[str, Any]) -> None:
        """Learn the value of a point (d,), NaN if it has none, and the best before it."""
        move = info.get("move")
        if move == "probe":
            beat = self._base_value if info["beat"] is None else float(info["beat"])
            if y > beat:
                self._gained[int(info["axis"])] = float(z[int(info["axis"])])
            return
        if move == "combine":
            self._combining = False
            if not y > best or info.get("pulled"):  # what was tried is not what was meant
                self._gained.clear()
        self._base_value = -np.inf if np.isnan(y) else y
