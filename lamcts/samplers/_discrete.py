"""The leaf solver of discrete and mixed spaces: three ways to propose, by what they earned.

| arm | proposes | leads on |
| --- | --- | --- |
| model | the largest expected improvement found by climbing a GP (`_overlap.py`) | most problems |
| harmless | many changes at once that should do no harm (`_harmless.py`) | plateaus, chains |
| step | a (1+1)-CMA-ES step of the numeric variables (`_step.py`) | the last digits |

All arms learn from all points, so trying one that does not lead costs an evaluation, no more.

Where limits can be asked about many points at once (`Domain.excesses`), the model climbs within
them. Single changes end where every gain costs too much, so the best candidates are then bred:
crossed and changed further, which takes from one variable what another needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.samplers._base import Proposal, Sampler
from lamcts.samplers._harmless import changes, harm
from lamcts.samplers._overlap import FIRST, Layout, OverlapModel
from lamcts.samplers._step import Step

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = ["DiscreteSampler"]

#: Random points before the first model.
DESIGN = 20
#: Points the model is conditioned on at most: the nearest to the best.
MAX_SAMPLES = 400
#: Points remembered: the best and the latest this many.
MEMORY = 512
#: The hyperparameters are looked at again when the data have grown by this factor.
REFIT = 1.08
#: Candidates of which the expected improvement is computed; candidates of the other arms.
SCREENED, RANKED = 256, 32
#: Where there are numbers: how many are looked at whether they matter, each time; further
#: candidates, drawn anywhere; those near points among the best, and how many points these are.
ATTENDED, ANYWHERE, NEARBY, LEADERS = 16, 250, 50, 10
#: Within limits: generations bred of the best candidates, how many breed, and how many are bred.
GENERATIONS, BREEDERS, BRED = 5, 16, 100
#: Climbing ends when the mean grows by less, in standard deviations of the values.
LEAST_GAIN = 1e-3
#: Share of trials of every arm, and the weight of an arm's record after its next trial.
FLOOR, MEMORY_OF_ARMS = 0.08, 0.95


class DiscreteSampler(Sampler):
    """Climbs a GP, redraws what does no harm, and refines numbers, by what each has earned.

    Every arm learns from the region's samples too, the first time; a search that has stalled is
    begun anew without them.
    """

    def _begin(self) -> None:
        self._inside = self.Z  # where in the region random points can start from
        if self.restart:  # what was learned led nowhere: begin with what comes
            self.Z, self.y = self.Z[:0], self.y[:0]
        self._layout = Layout(self.domain.codec)
        self._limited = self.domain.excesses(self.Z[:0]) is not None
        self._steps = Step(len(self._layout.numeric))
        arms = ["model", "harmless"] + ["step"] * bool(self._steps.n)
        self._record = {arm: np.array([1.0, 2.0]) for arm in arms}  # successes, trials
        self._theta: tuple[int, ...] = FIRST
        self._stretch = np.zeros(len(self._layout.numeric))
        self._attended = 0
        self._told, self._fitted_at, self._failures = len(self.y), 0, 0
        self._forget()

    @property
    def done(self) -> bool:
        """No improvement for long."""
        return self.stalled(self._failures)

    def ask(self, pending: NDArray[np.float64], rng: np.random.Generator) -> Proposal:
        """Propose by an arm drawn by its success rate."""
        if len(self.y) + len(pending) < min(DESIGN, 4 + self.domain.codec.p) or len(self.y) < 2:
            return Proposal(self.fallback(RANKED, rng))
        names = list(self._record)
        worth = np.array([(won / tried) ** 2 for won, tried in self._record.values()])
        share = FLOOR + (1.0 - FLOOR * len(names)) * worth / worth.sum()
        arm = names[rng.choice(len(names), p=share)]
        propose = {"model": self._climb, "harmless": self._redraw, "step": self._refine}[arm]
        Z = self.domain.legal(propose(pending, rng))
        Z = Z[self.region.contains(Z)]
        if not len(Z):
            return Proposal(self.fallback(RANKED, rng))
        return Proposal(Z, {"arm": arm})

    def fallback(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """(<= n, d) random points of the region."""
        return self.region.sample(n, self.Z if len(self.Z) else self._inside, self.domain, rng)

    def tell(self, z: NDArray[np.float64], y: float, info: Mapping[str, Any]) -> None:
        """Credit the arm that proposed the point, and learn from it."""
        best = self.y.max() if len(self.y) else -np.inf
        better = bool(y > best)
        arm = info.get("arm")
        if arm in self._record and not info.get("fallback"):
            self._record[arm] = MEMORY_OF_ARMS * self._record[arm] + [better, 1.0]
            step = (z - self.Z[self.y.argmax()])[self._layout.numeric]
            if arm == "step":
                self._steps.tell(step, better)
            elif better and self._steps.n:
                self._steps.follow(step)
        self._failures = 0 if better else self._failures + 1
        if np.isnan(y) or (arm == "step" and not better):
            return  # a failed fine step tells the model nothing it could use
        super().tell(z, y, info)
        self._told += 1
        self._forget()
        if self._told >= REFIT * self._fitted_at and len(self.y) > 4:
            rows = self._nearest()
            model = self._model(rows).improve(2)
            if n := len(self._stretch):
                model.attend((self._attended + np.arange(min(n, ATTENDED))) % n)
                self._attended += ATTENDED
            self._theta, self._stretch = model.theta, model.stretch
            self._fitted_at = self._told

    def _model(self, rows: NDArray[np.intp]) -> OverlapModel:
        """The Gaussian process of these samples."""
        Z, y = self.Z[rows], self.y[rows]
        return OverlapModel(self._layout, Z, y, self._theta, self._stretch)

    def _climb(self, pending: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Points of large expected improvement, found by climbing the posterior mean."""
        from lamcts.acquisition import log_expected_improvement

        model = self._model(self._nearest())
        if len(pending):  # a pending point is taken to come out as the model expects
            model = model.suppose(pending)
        order = np.argsort(-self.y, kind="stable")
        others = np.minimum(rng.geometric(0.2, 2), len(order) - 1)
        starts = [*self.Z[order[[0, *others]]], *self.domain.codec.sample(rng, 1)]
        found = [self._ascend(model, z, rng) for z in starts]
        found.append(self._mutate(np.repeat(self.Z[order[:1]], 30, axis=0), rng))
        once = {z.tobytes(): z for z in np.vstack(found)}
        C = self._allowed(np.array(list(once.values())))
        if len(C) > SCREENED:
            C = C[np.argsort(-model.mean(C), kind="stable")[:SCREENED]]
        if self._steps.n:
            C = np.vstack([C, self._wide(order, rng)])
        if not len(C):
            return C
        best = model.values.max()
        gain = log_expected_improvement(*model.predict(C), best)
        for _ in range(GENERATIONS if self._limited else 0):
            top = np.argsort(-gain, kind="stable")[:BREEDERS]
            C, gain = C[top], gain[top]
            children = self._allowed(self._breed(C, rng))
            if len(children):
                C = np.vstack([C, children])
                gain = np.append(gain, log_expected_improvement(*model.predict(children), best))
        return np.asarray(C[np.argsort(-gain, kind="stable")])

    def _wide(self, order: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float64]:
        """Points of the whole space, and near the best: climbing alone stays in one category."""
        leaders = self.Z[rng.choice(order[:LEADERS], NEARBY)]
        anywhere = self.domain.codec.sample(rng, ANYWHERE)
        return self._allowed(np.vstack([anywhere, self._mutate(leaders, rng)]))

    def _allowed(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(<= n, d) legal forms of points (n, d) that are in the region and within the limits.

        Limits that are asked one point at a time are left to the choice of a trial: a problem may
        build a network to say what it costs.
        """
        Z = self.domain.legal(Z)
        Z = Z[self.region.contains(Z)]
        excesses = self.domain.excesses(Z) if self._limited else None
        return Z if excesses is None else np.asarray(Z[(excesses <= 0.0).all(axis=1)])

    def _breed(self, parents: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Mutants of ``parents`` (m, d), and of crosses of two of them."""
        one, other = parents[rng.integers(len(parents), size=(2, BRED))]
        widths = [v.width for v in self.domain.codec.variables]
        share = rng.choice([0.0, 0.5], (BRED, 1))
        crossed = np.repeat(rng.random((BRED, len(widths))) < share, widths, axis=1)
        return self._mutate(np.where(crossed, other, one), rng)

    def _ascend(
        self, model: OverlapModel, z: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(m, d) the best neighbours seen while climbing the posterior mean from ``z`` (d,).

        None beyond limits is climbed to.
        """
        seen = []
        for turn in range(2 * self.domain.codec.p):
            at, means = model.single_changes(z)
            top = rng.permutation(len(means))  # levels that were never seen are alike
            top = top[np.argsort(-means[top], kind="stable")[: 6 if turn else 20]]
            near = self._layout.change(z, top)
            if self._steps.n:
                moved = self._shift(z, 16, rng)
                near = np.vstack([near, moved])
                means = np.append(means[top], model.mean(moved))
            else:
                means = means[top]
            if self._limited:
                near = self._allowed(near)
                means = model.mean(near)
            if not len(near):  # beyond the limits, or there is nothing to change
                break
            seen.append(near)
            if means.max() < at + LEAST_GAIN:
                break
            z = near[means.argmax()]
        return np.vstack(seen or [z[None]])

    def _redraw(
        self, pending: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Random points that keep what seems to matter in the best one."""
        best, h = harm(self.domain.codec.decode(self.Z), self.y)
        parents = np.repeat(self.Z[best : best + 1], RANKED, axis=0)
        return self.domain.mutate(parents, changes(h, RANKED, rng), rng)

    def _refine(
        self, pending: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Steps of the numeric variables from the best point; mutations, if all round to it."""
        parents = np.repeat(self.Z[self.y.argmax()][None], RANKED, axis=0)
        Z = parents.copy()
        Z[:, self._layout.numeric] += self._steps.draw(RANKED, rng)
        return np.vstack([Z, self._mutate(parents, rng)])

    def _mutate(
        self, parents: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """Two variables or a few more changed, by steps of any size."""
        n, p = len(parents), self.domain.codec.p
        count = 1 + rng.geometric(0.4, (n, 1))
        change = rng.random((n, p)).argsort(axis=1).argsort(axis=1) < count
        reach = 10.0 ** rng.uniform(-3.0, 0.0, (n, 1))
        low, high = np.clip(parents - reach, 0.0, 1.0), np.clip(parents + reach, 0.0, 1.0)
        return self.domain.mutate(parents, change, rng, low=low, high=high)

    def _shift(
        self, z: NDArray[np.float64], m: int, rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """(m, d) copies of ``z`` (d,) with some numbers moved, by steps of any size."""
        numeric = self._layout.numeric
        b = len(numeric)
        moved = rng.random((m, b)) < rng.choice([1.0 / b, 1.0], (m, 1))
        reach = 10.0 ** rng.uniform(-3.0, 0.0, (m, 1))
        Z = np.repeat(z[None], m, axis=0)
        Z[:, numeric] += moved * reach * rng.uniform(-1.0, 1.0, (m, b))
        return np.asarray(np.clip(Z, 0.0, 1.0))

    def _nearest(self) -> NDArray[np.intp]:
        """Rows of the samples the model learns from."""
        n = len(self.y)
        if n <= MAX_SAMPLES:
            return np.arange(n)
        apart = ((self.Z - self.Z[self.y.argmax()]) ** 2).sum(axis=1)
        return np.sort(np.argsort(apart, kind="stable")[:MAX_SAMPLES])

    def _forget(self) -> None:
        """Keep the best and the latest samples, so that memory and time stay flat."""
        if len(self.y) > 3 * MEMORY:
            best = np.argsort(-self.y, kind="stable")[:MEMORY]
            rows = np.union1d(best, np.arange(len(self.y) - MEMORY, len(self.y)))
            self.Z, self.y = self.Z[rows], self.y[rows]
