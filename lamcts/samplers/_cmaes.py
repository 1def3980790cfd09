"""CMA-ES in a region, by the library ``cmaes``.

Continuous spaces use CMA-ES (Hansen 2016), spaces with discrete variables CatCMA with margin
(Hamano et al. 2025). Both are told whole generations of points that were drawn inside the region.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.samplers._base import Proposal, Sampler

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.domain import Domain

__all__ = ["CMAESSampler"]

#: First step size without samples to go by, as a share of each side of the unit cube.
SIGMA = 1.0 / 6.0
SIGMA_RANGE = (0.02, 0.3)
#: Draws in search of points inside the region, before they are pulled towards its best sample.
DRAWS = 50
RANKED = 4
#: An integer of more levels moves like a real number: the library lists all levels.
LEVELS = 10_000


class CMAESSampler(Sampler):
    """CMA-ES, started from the region's samples and confined to the region.

    The mean starts at the best sample, the step size at the spread of the better half.
    """

    def _begin(self) -> None:
        mean, sigma = np.full(self.domain.dim, 0.5), SIGMA
        if len(self.Z):
            order = np.argsort(-self.y, kind="stable")
            mean = self.Z[order[0]]
            if self.region.path and len(self.Z) > 3:
                better = self.Z[order[: max(2, len(self.Z) // 2)]]
                sigma = float(np.clip(better.std(axis=0).mean(), *SIGMA_RANGE))
        self._engine = (
            _Mixed(self.domain, mean, sigma) if _is_mixed(self.domain) else _Real(mean, sigma)
        )
        self._generation: list[tuple[Any, float]] = []

    @property
    def done(self) -> bool:
        """The library's stopping rules: the distribution has converged or broken down."""
        return self._engine.done

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Draw from the distribution until points lie inside the region."""
        self._engine.reseed(int(rng.integers(2**31)))
        drawn = [self._engine.draw() for _ in range(RANKED if not self.region.path else DRAWS)]
        Z = self.domain.legal(np.array([z for z, _ in drawn]))
        raw = np.array([r for _, r in drawn])
        inside = self.region.contains(Z)
        if not inside.any() and len(self.Z):
            return Proposal(self.pull(Z[:RANKED], self.Z[self.y.argmax()]), raw=raw[:RANKED])
        return Proposal(Z[inside][:RANKED], raw=raw[inside][:RANKED])

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """Collect a generation, then update the distribution."""
        super().tell(z, y, info)
        if np.isnan(y) or "raw" not in info:
            return
        self._generation.append((self._engine.solution(z, np.array(info["raw"])), -y))
        if len(self._generation) == self._engine.population:
            self._engine.tell(self._generation)
            self._generation = []


def _is_mixed(domain: Domain) -> bool:
    return not domain.codec.is_real.all() or domain.dim < 2


class _Real:
    """``cmaes.CMA`` on the unit cube."""

    def __init__(self, mean: NDArray[np.float64], sigma: float) -> None:
        from cmaes import CMA

        bounds = np.column_stack([np.zeros(len(mean)), np.ones(len(mean))])
        self._cma = CMA(np.clip(mean, 0.0, 1.0), sigma, bounds=bounds, seed=0, n_max_resampling=20)
        self.population: int = self._cma.population_size

    @property
    def done(self) -> bool:
        return bool(self._cma.should_stop())

    def reseed(self, seed: int) -> None:
        self._cma.reseed_rng(seed)

    def draw(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A point, and its raw coordinates: none are needed beyond the point."""
        return self._cma.ask(), np.empty(0)

    def solution(self, z: NDArray[np.float64], raw: NDArray[np.float64]) -> NDArray[np.float64]:
        return z

    def tell(self, generation: list[tuple[Any, float]]) -> None:
        self._cma.tell(generation)


class _Mixed:
    """``cmaes.CatCMAwM``: real columns, integer columns, and categoricals (binaries too)."""

    def __init__(self, domain: Domain, mean: NDArray[np.float64], sigma: float) -> None:
        from cmaes import CatCMAwM

        variables = domain.codec.variables
        self._dim = domain.dim
        # a variable of one level is a switch here, both sides of which are that level
        numbers = [v for v in variables if v.kind != "categorical" and v.size not in (1, 2)]
        ordered = [v for v in numbers if v.size is not None and v.size <= LEVELS]
        real = [v for v in numbers if v.size is None or v.size > LEVELS]
        self._real = np.array([v.columns.start for v in real], dtype=int)
        self._ordered = np.array([v.columns.start for v in ordered], dtype=int)
        self._unordered = [v for v in variables if v.kind == "categorical" or v.size in (1, 2)]
        gaussian = np.concatenate([self._real, self._ordered])
        self._has_gaussian = len(gaussian) > 0
        self._cma = CatCMAwM(
            x_space=[[0.0, 1.0]] * len(self._real) or None,
            z_space=[((np.arange(v.size or 1) + 0.5) / (v.size or 1)).tolist() for v in ordered]
            or None,
            c_space=[max(v.size or 2, 2) for v in self._unordered] or None,
            mean=mean[gaussian] if len(gaussian) else None,
            sigma=sigma if len(gaussian) else None,
            seed=0,
        )
        self.population: int = self._cma.population_size

    @property
    def done(self) -> bool:
        # the library has no rule for purely categorical distributions
        return self._has_gaussian and bool(self._cma.should_stop())

    def reseed(self, seed: int) -> None:
        self._cma.reseed_rng(seed)

    def draw(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """A point of the unit cube, and the Gaussian coordinates before they were repaired."""
        drawn = self._cma.ask()
        z = np.zeros(self._dim)
        if len(self._real):
            z[self._real] = drawn.x
        if len(self._ordered):
            z[self._ordered] = drawn.z
        for variable, one_hot in zip(
            self._unordered, drawn.c if self._unordered else (), strict=True
        ):
            level = int(np.argmax(one_hot))
            if variable.width == 1:
                z[variable.columns] = (level + 0.5) / 2.0
            else:
                z[variable.columns.start + level] = 1.0
        return z, np.empty(0) if drawn._v_raw is None else drawn._v_raw

    def solution(self, z: NDArray[np.float64], raw: NDArray[np.float64]) -> Any:
        """The library's record of an evaluated point."""
        c = None
        if self._unordered:
            width = max(2, *(v.size or 2 for v in self._unordered))
            c = np.zeros((len(self._unordered), width))
            for row, variable in zip(c, self._unordered, strict=True):
                columns = z[variable.columns]
                row[int(columns[0] > 0.5) if variable.width == 1 else int(columns.argmax())] = 1.0
        return type(self._cma).Solution(
            z[self._real] if len(self._real) else None,
            z[self._ordered] if len(self._ordered) else None,
            c,
            raw if len(raw) else None,
        )

    def tell(self, generation: list[tuple[Any, float]]) -> None:
        with warnings.catch_warnings():
            # the penalty's scale is that of the values: where all are equal there is none
            warnings.simplefilter("ignore", RuntimeWarning)
            self._cma.tell(generation)
