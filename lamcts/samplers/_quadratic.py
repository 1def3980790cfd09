"""A quadratic model in a trust region, in the spirit of Powell's NEWUOA and BOBYQA.

Around the best point, a quadratic (`lamcts.surrogate.quadratic`) is fitted to the nearest points
and minimised within a radius. Two lengths are kept, as Powell does: the *radius* of the next step,
and the *resolution*, the least radius for now. A step that fails at the resolution is followed by
a point that makes the model surer; when the model is sure and has nothing to offer, the resolution
shrinks. So the landscape is smoothed at a coarse scale first and at ever finer ones later. A step
too short for a resolution is tried once at each, which Powell's solvers keep for the end: where
the model is exact, no other is needed.

While a step is being evaluated, other workers are given points that make the model surer: a batch
of eight is one step and seven of these.

Where values carry noise, the best point is the one that the model says is best, and a resolution
at which the noise drowns what the model says is not refined: more points there tell more.

The selected region is where it starts. Its steps may leave the region: confined to it, a new start
was measured to run back to the minimum known (docs/optimizer.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.samplers._base import Proposal, Sampler
from lamcts.samplers._probes import Probes
from lamcts.samplers._second_look import Ruggedness
from lamcts.samplers._windows import CAP, LocalModels, Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["QuadraticSampler"]

#: First radius in the unit cube, of the first start and of restarts; resolution of the end.
RADIUS, RADIUS_AGAIN, FINEST = 0.2, 0.1, 1e-5
#: The resolution shrinks by this factor.
SHRINK = 0.3
#: Shorter steps than half the resolution are tried once at each, down to this length.
SHORTEST = 1e-9
#: The model is sure when 2 d + 1 points lie within this many radii.
NEAR = 2.0
#: Gains, in shares of what the model promised, below which a step failed or was fair (Powell).
FAILED, FAIR = 0.1, 0.7
#: A start is given up below this resolution, when it lacks more than so many times what the last
#: resolution gained.
HOPEFUL, PATIENCE = 0.02, 2.0
#: Below this resolution a first descent on a rugged landscape is within one valley. So it is at the
#: resolution before, where it stays there for so many evaluations times the dimension.
WITHIN_VALLEY, LINGERS = 0.0006, 5
#: A descent lingers where its last evaluations, so many times the dimension, gained this share of
#: what as many before them did, or more: what is no quadratic it follows in ever so many steps.
PACE, SLOW = 40, 0.5
#: Directions in which the model's sureness is asked: random ones, and this many axes at most.
DIRECTIONS, AXES = 100, 100


@dataclass(frozen=True)
class _Scale:
    """The lengths, and whether the model must be made surer before the next step."""

    radius: float
    resolution: float
    unsure: bool = False


class QuadraticSampler(Sampler):
    """Steps to the minimum of a local quadratic model, at ever finer resolutions.

    The first start is the best of the region's samples, a restart a random point of the region.
    """

    def _begin(self) -> None:
        self._seeds = self.Z
        if self.restart:
            self.Z, self.y = self.Z[:0], self.y[:0]
        radius = RADIUS_AGAIN if self.restart else RADIUS
        self._scale = _Scale(radius, radius)
        self._probes: Probes | None = Probes(self.domain.dim)
        self._starts = 0
        self._asked = 0
        self._step_out = False  # a step is being evaluated
        self._since_step = 0
        self._shortened = np.inf  # the resolution of the last step shorter than half of it
        self._levels: list[float] = []  # the best value when each resolution was left
        self._entered = 0  # evaluations known when this resolution was entered
        self._out = 0  # points being evaluated
        self._together = False  # more than one at a time
        self._windows = Windows(self.domain.dim, noisy=self.domain.noisy)
        self._ruggedness = Ruggedness()
        self._rugged: bool | None = None
        self._best: int | None = None  # row of the best point by the model, where values are noisy

    @property
    def done(self) -> bool:
        """The finest resolution has nothing to offer."""
        return self._scale.resolution < FINEST

    @property
    def end(self) -> NDArray[np.float64] | None:
        """The best point that it knows."""
        centre, value = self._centre(self.Z[:0])
        return None if value is None or centre is None else np.array(centre)

    def hopeless(self, best: float) -> bool:
        """What is missing is more than finer resolutions have gained lately."""
        if len(self._levels) < 2 or self._scale.resolution >= HOPEFUL:
            return False
        return best - float(self.y.max()) > PATIENCE * (self._levels[-1] - self._levels[-2])

    @property
    def in_valley(self) -> bool:
        """The first descent has ended in one of many small valleys."""
        if self.restart or self.domain.noisy or not self._within_valley:
            return False
        if self._rugged is None:
            best = float(self.y.max())
            self._rugged = len(self._levels) > 1 and self._ruggedness.rugged(
                best - float(self.y[0]), best - self._levels[1], together=self._together
            )
        return self._rugged

    @property
    def lingers(self) -> bool:
        """Its gains do not fall off as those of a descent that converges do."""
        n, span = len(self.y), PACE * self.domain.dim
        if self.domain.noisy or n <= 2 * span:
            return False
        before, then, now = (float(self.y[:k].max()) for k in (n - 2 * span, n - span, n))
        return now - then >= SLOW * (then - before)

    @property
    def _within_valley(self) -> bool:
        """Steps are shorter than a valley is wide, if there are valleys."""
        lingers = len(self.y) - self._entered >= LINGERS * self.domain.dim
        finest = WITHIN_VALLEY / SHRINK if lingers else WITHIN_VALLEY
        return self._scale.resolution <= finest

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose the start, a probe along an axis, a step of the model, or a point to learn."""
        centre, value = self._centre(pending)
        if centre is None:
            return self._start(rng)
        if self._probes is not None:
            found = self._probes.propose(centre, value, self._scale.radius, rng)
            if found is not None:
                return Proposal(self.domain.legal(found[0]), found[1])
        if value is None:
            Z = self._around(centre, self._scale.radius, 4, rng)
            return Proposal(self.domain.legal(Z), {"move": "around"})
        return self._by_model(centre, pending, rng)

    def note(self, info: Mapping[str, Any]) -> None:
        """Take over the lengths and the noise recorded with a trial."""
        self._asked += 1
        self._out += 1
        self._together |= self._out > 1
        self._starts += info.get("move") == "start"
        self._windows.note(info)
        self._best = info.get("best", self._best)
        self._since_step += 1
        if info.get("move") == "step":
            if float(info["length"]) < 0.5 * float(info["resolution"]):
                self._shortened = float(info["resolution"])
            self._step_out, self._since_step = True, 0
        if self._probes is not None:
            self._probes.note(info)
        if "radius" in info:
            # without a value, where a run file's outcomes were deleted
            if float(info["resolution"]) < self._scale.resolution and len(self.y):
                self._levels.append(float(self.y.max()))
                self._entered = len(self.y)
            self._scale = _Scale(float(info["radius"]), float(info["resolution"]))

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """Lengthen or shorten the radius by what a step gained of what was promised."""
        best = float(self.y.max()) if len(self.y) else -np.inf
        super().tell(z, y, info)
        self._out = max(self._out - 1, 0)  # not all were asked by it
        if self._probes is not None:
            self._probes.tell(z, y, best, info)
        errors = self._windows.tell(y, info)
        if errors is not None:
            self._ruggedness.tell(errors, float(info["resolution"]))
        if info.get("move") != "step":
            return
        self._probes = None
        self._step_out = False
        scale, length = self._scale, float(info["length"])
        before = float(info.get("from", best))
        gained = -np.inf if np.isnan(y) else (y - before) / float(info["promised"])
        if gained <= FAILED and scale.radius != info["radius"]:
            return  # asked at another radius
        if gained <= FAILED:
            radius = 0.5 * min(length, scale.radius)
        elif gained <= FAIR:
            radius = max(0.5 * scale.radius, length)
        else:
            radius = min(max(scale.radius, 2.0 * length), 1.0)
        self._scale = _Scale(
            _settle(radius, scale.resolution), scale.resolution, unsure=gained <= FAILED
        )

    def _centre(
        self, pending: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64] | None, float | None]:
        """The best point (d,) and its value; without a value the start, if that is pending."""
        if len(self.y):
            row = self.y.argmax() if self._best is None else self._best
            return self.Z[row], float(self.y[row])
        if self._asked and len(pending):
            return pending[-min(self._asked, len(pending))], None
        # the first design's point may be pending when the first solver begins
        return (None if self.restart or not len(pending) else pending[-1]), None

    def _start(self, rng: np.random.Generator) -> Proposal:
        """The centre of a whole space, else a random point of the region."""
        if self._starts or len(self._seeds) or self.region.path:
            Z = self.region.sample(8, self._seeds, self.domain, rng)
        else:
            Z = self.domain.legal(np.full((1, self.domain.dim), 0.5))
        return Proposal(Z, {"move": "start"})

    def _by_model(
        self, centre: NDArray[np.float64], pending: NDArray[np.float64], rng: np.random.Generator
    ) -> Proposal:
        scale, least = self._scale, min(2 * self.domain.dim + 1, CAP)
        # a step that does not come back is not waited for for ever
        waiting = self._step_out and self._since_step < least + len(pending)
        while True:
            radius = scale.radius
            centre, distances, models = self._local(centre, radius)
            info: dict[str, Any] = {"radius": radius, "resolution": scale.resolution}
            drowned = self.domain.noisy and models.chosen.drowned()
            if self.domain.noisy:
                info.update({"from": models.value, "best": models.best})
            flat = not (scale.unsure or waiting)
            if flat:
                step = self._step(models, centre, radius)
                promised = -models.chosen.change(step / radius)
                length = float(np.linalg.norm(step))
                fair = 0.5 * scale.resolution if self._shortened <= scale.resolution else SHORTEST
                if promised > 0.0 and (length >= fair or drowned):
                    Z = np.vstack([centre + step, self._around(centre, radius, 4, rng)])
                    info.update(move="step", promised=promised, length=length)
                    break
            P = (pending - centre) / radius
            near = (distances <= NEAR).sum() + (np.linalg.norm(P, axis=1) <= NEAR).sum()
            if waiting or near < least or drowned:
                Z = self._spread(models, centre, radius, P, rng)
                info["move"] = "spread"
                break
            scale = _finer(scale, flat)
            if scale.resolution < FINEST:
                Z = self._around(centre, FINEST, 8, rng)
                info.update(radius=scale.radius, resolution=scale.resolution, move="last")
                break
        Z = self.domain.legal(np.clip(Z, 0.0, 1.0))
        return Proposal(Z, {**info, **models.record((Z[0] - centre) / radius)})

    def _local(
        self, centre: NDArray[np.float64], radius: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], LocalModels]:
        """Centre, distances from it in radii, and models; the centre moves where they say so."""
        for again in (True, True, False):
            distances = np.sqrt(((self.Z - centre) ** 2).sum(axis=1)) / radius
            models = self._windows.fit(self.Z, self.y, centre, distances, radius)
            better = self.Z[models.best]
            if not (again and self.domain.noisy) or (better == centre).all():
                break
            centre = better
        return centre, distances, models

    def _step(
        self, models: LocalModels, centre: NDArray[np.float64], radius: float
    ) -> NDArray[np.float64]:
        """(d,) to the model's minimum within the radius and the cube."""
        from lamcts.surrogate.trust_region import lowest_in_ball_and_box

        low, high = -centre / radius, (1.0 - centre) / radius
        model = models.chosen
        lowest = lowest_in_ball_and_box(model.slope, model.hessian, 1.0, low, high)
        return np.asarray(radius * lowest)

    def _spread(
        self,
        models: LocalModels,
        centre: NDArray[np.float64],
        radius: float,
        pending: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(12, d) points at the radius of which the model is least sure, pending ones known.

        The last four are random: where noise hides what is known, the others may all be known.
        """
        d = self.domain.dim
        T = rng.standard_normal((DIRECTIONS, d))
        T /= np.linalg.norm(T, axis=1)[:, None]
        axes = np.eye(d) if d <= AXES else np.eye(d)[rng.permutation(d)[:AXES]]
        T = np.vstack([T, axes, -axes])
        T = np.clip(T, -centre / radius, (1.0 - centre) / radius)
        unsure = np.argsort(-models.general.variance(T, pending))[:8]
        return np.vstack([centre + radius * T[unsure], self._around(centre, radius, 4, rng)])

    def _around(
        self, centre: NDArray[np.float64], radius: float, n: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(n, d) random points about a radius away, should what was meant be known already."""
        step = rng.standard_normal((n, len(centre))) / np.sqrt(len(centre))
        return np.asarray(np.clip(centre + radius * step, 0.0, 1.0))


def _settle(radius: float, resolution: float) -> float:
    """The radius, or the resolution if it is near that or below."""
    return radius if radius > 1.5 * resolution else resolution


def _finer(scale: _Scale, flat: bool) -> _Scale:
    """A shorter radius, or a finer resolution where the model has nothing to offer at this one."""
    if scale.radius > scale.resolution and not flat:
        return _Scale(_settle(0.5 * scale.radius, scale.resolution), scale.resolution)
    finer = SHRINK * scale.resolution
    return _Scale(max(0.5 * scale.resolution, finer), finer)
