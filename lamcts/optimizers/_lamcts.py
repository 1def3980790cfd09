"""LA-MCTS: learn where to search by Monte Carlo tree search over learned regions.

The loop (Wang, Fonseca, Tian 2020, Algorithm 1), and where each step lives:

1. A first design of ``n_init`` points: the centre, and Sobol points.
2. *Learn*: each completed trial is routed down the tree; a ripe leaf is split by a latent action
   into a good and a bad region (`lamcts.tree`, `lamcts.boundary`).
3. *Select*: walk from the root to a leaf, by UCB on the children's mean scores (`Tree.select`).
4. *Sample*: a leaf solver, started in the leaf with its samples, proposes points of the leaf's
   region (`lamcts.samplers`, `lamcts.region`).
5. Evaluate, and go to 2. A solver with a state of its own (a trust region, a distribution) keeps
   its leaf until it has converged; then a new leaf is selected.

Ours, not the paper's: where the first descent ends in one small valley of many, it rests while
CMA-ES takes a *second look* from the best point (`lamcts.samplers._second_look`); so it does where
a long descent lingers. And a descent that ends where an earlier one did has shown that its leaf
holds nothing new: the samples around a minimum make that leaf look good for ever, so the next
descent begins anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcts.boundary import BOUNDARIES, LABELS, BoundaryKind, LabelKind
from lamcts.errors import InvalidArgument
from lamcts.optimizers._base import Optimizer
from lamcts.region import Region
from lamcts.samplers import Proposal, Sampler, sampler_class
from lamcts.samplers._second_look import SecondLook
from lamcts.spaces import Space
from lamcts.tree import Node, Tree, TreeConfig

__all__ = ["LAMCTS"]

#: All points of the first design are drawn at once: more than this is a slip of the finger.
LARGEST_DESIGN = 100_000
#: Descents that end nearer to each other than this, in the unit cube, found the same minimum.
SAME_MINIMUM = 0.05
#: Looks at descents that linger are so many evaluations apart, times the dimension.
BETWEEN_LOOKS = 80


class LAMCTS(Optimizer):
    """Latent action Monte Carlo tree search.

    Args:
        space: The search space.
        n_init: Trials of the first design; by default 1 for the solvers of ``"auto"``, which have
            a design of their own, and ``5 + p / 2`` for p variables, at most 40, for the others.
        sampler: The leaf solver; ``"auto"`` takes ``"quadratic"`` on continuous spaces and
            ``"discrete"`` on spaces with discrete variables.
        leaf_size: A leaf with more samples than this is split.
        max_depth: Deepest level of the tree.
        cp: Weight of exploration in UCB. Values enter as ranks in [0, 1], so it does not depend
            on the objective's scale.
        ucb: ``"log"`` as in the paper, or ``"sqrt"`` as in its released code.
        boundary: Form of a latent action's boundary.
        labels: How a node's samples are called good or bad: ``"kmeans"`` as in the paper.
        quantile: Share called good by ``labels="quantile"``.
        validate: Refuse boundaries that do not tell good from bad on held-out samples.
        **options: As for `Optimizer`: direction, seed, feasible, canonical, allow_repeats.

    Example:
        >>> from lamcts.spaces import Box
        >>> optimizer = LAMCTS(Box(-1.0, 1.0, shape=(2,)), seed=0)
        >>> for _ in range(10):
        ...     [trial] = optimizer.ask()
        ...     _ = optimizer.tell(trial, float(trial.x @ trial.x))
        >>> optimizer.best.value < 1.0
        True
    """

    def __init__(
        self,
        space: Space[Any],
        *,
        n_init: int | None = None,
        sampler: str = "auto",
        leaf_size: int = 20,
        max_depth: int = 8,
        cp: float = 0.1,
        ucb: Literal["log", "sqrt"] = "log",
        boundary: BoundaryKind = "svm-rbf",
        labels: LabelKind = "median",
        quantile: float = 0.5,
        validate: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(space, **options)
        _check("leaf_size", leaf_size >= 2, leaf_size, "at least 2")
        _check("max_depth", max_depth >= 0, max_depth, "0 or more")
        _check("cp", cp >= 0.0, cp, "0 or more")
        _check("ucb", ucb in ("log", "sqrt"), ucb, "'log' or 'sqrt'")
        _check("boundary", boundary in BOUNDARIES, boundary, f"one of {', '.join(BOUNDARIES)}")
        _check("labels", labels in LABELS, labels, f"one of {', '.join(LABELS)}")
        _check("quantile", 0.0 < quantile < 1.0, quantile, "between 0 and 1")
        valid = n_init is None or 1 <= n_init <= LARGEST_DESIGN
        _check("n_init", valid, n_init, f"from 1 to {LARGEST_DESIGN:,}")
        codec = self.domain.codec
        if sampler == "auto":
            sampler = "quadratic" if codec.is_real.all() else "discrete"
        if n_init is None:
            n_init = 1 if sampler in ("quadratic", "discrete") else min(5 + codec.p // 2, 40)
        self.n_init = int(n_init)
        self.sampler = sampler
        self._class = sampler_class(sampler)
        config = TreeConfig(leaf_size, max_depth, cp, ucb, boundary, labels, quantile, validate)
        self.tree = Tree(self.history, config, self.seed)
        self._leaf: Node | None = None
        self._solver: Sampler | None = None
        self._episode = -1  # the solver's first trial
        self._resting: Sampler | None = None  # a descent, while a look is taken
        self._looked = False
        self._last_look = 0  # trials known when it was over
        self._ends: list[NDArray[np.float64]] = []  # of descents

    def describe(self) -> dict[str, Any]:
        """Shape of the tree, and the leaf being searched."""
        leaves = self.tree.leaves()
        leaf = self._leaf
        return {
            "depth": max(leaf.depth for leaf in leaves),
            "leaves": len(leaves),
            "leaf": "" if leaf is None else "".join("+-"[not good] for _, good in leaf.region.path),
            "solver": "second-look" if self._resting else self.sampler,
        }

    def _prepare(self, number: int) -> None:
        """Select a leaf and start a solver in it, when there is none or it has no more to give."""
        if number < self.n_init:
            return
        best = -np.inf if self.history.best is None else float(self.history.y[self.history.best])
        solver = self._solver
        if solver is not None and solver.in_valley and not self._looked:
            self._look(number)
            return
        if _over(solver, best) and self._resting is not None:
            solver, self._resting = self._resting, None
            self._solver, self._episode = solver, 0  # what is left of the look is told to it too
            self._last_look = number
        if not _over(solver, best):
            due = number - self._last_look >= BETWEEN_LOOKS * self.domain.dim
            if due and self._resting is None and solver is not None and solver.lingers:
                self._look(number, polishes=True)
            return
        came_back = self._came_back()
        leaf = self.tree.select(self.history.pending_Z)
        self._leaf = leaf = self.tree.root if came_back else leaf
        rows = np.array(leaf.rows, dtype=int)
        self._solver = self._class(
            self.domain,
            leaf.region,
            self.history.Z[rows],
            self.history.y[rows],
            restart=self._episode >= 0,
        )
        # what the first design is still evaluating is told to the first solver
        self._episode = number if self._episode >= 0 else 0

    def _came_back(self) -> bool:
        """Whether a descent that is over ended where an earlier one had."""
        end = None if self._solver is None else self._solver.end
        if end is None:
            return False
        came_back = any(np.linalg.norm(end - other) < SAME_MINIMUM for other in self._ends)
        self._ends.append(end)
        return came_back

    def _look(self, number: int, *, polishes: bool = False) -> None:
        """Let the solver rest, while CMA-ES searches from the best point of the whole space."""
        rows, _ = self.history.sides(len(self.history))
        look = SecondLook(self.domain, Region(), self.history.Z[rows], self.history.y[rows])
        look.polishes = polishes
        self._looked, self._resting = True, self._solver
        self._solver, self._episode = look, number

    def _propose(self, rng: np.random.Generator) -> Proposal:
        number = len(self.history)
        if self._solver is None:
            return Proposal(self._design()[number : number + 1])
        return self._solver.ask(self.history.pending_Z, rng)

    def _asked(self, number: int, info: Mapping[str, Any]) -> None:
        if self._solver is not None:
            self._solver.note(info)

    def _told(self, number: int) -> None:
        y = float(self.history.y[number])
        if not np.isnan(y):
            self.tree.insert(number)
        solver = self._solver if number >= self._episode else self._resting
        if solver is not None:
            solver.tell(self.history.Z[number], y, self.history.info(number))

    def _design(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(n_init, d) the centre, then scrambled Sobol points, which leave smaller holes."""
        U = np.empty((self.n_init, self.domain.codec.p))
        if self.n_init > 1:  # else scipy.stats is not needed: it takes long to import, and memory
            from scipy.stats import qmc

            engine = qmc.Sobol(self.domain.codec.p, seed=self._rng(0, 0))
            U[:] = engine.random_base2(int(np.ceil(np.log2(self.n_init))))[: self.n_init]
        U[0] = 0.5
        return self.domain.uniform(U)


def _over(solver: Sampler | None, best: float) -> bool:
    return solver is None or solver.done or solver.hopeless(best)


def _check(name: str, valid: bool, value: object, expected: str) -> None:
    if not valid:
        raise InvalidArgument(f"{name}: must be {expected}, got {value!r}")
