"""The search tree: regions split by learned boundaries, walked by UCB.

Each node stands for a region and holds the samples that lie in it. A ripe leaf is split by a
latent action into a good child and a bad one (LA-MCTS, Alg. 1, "dynamic tree construction"). A
sample belongs to the side that the *boundary* says, at every depth, so a leaf's samples really lie
in its region. The original rebuilds the whole tree for every sample; here new samples are
routed down, leaves split as they ripen, and the tree is rebuilt on a schedule.

The tree is a function of the samples alone, and all work is put off until a leaf is selected: then
the samples are routed, and those nodes split that the walk comes to. So a tree costs one path, and
recording a trial costs nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from lamcts.boundary import Boundary, BoundaryKind, LabelKind, fit_boundary
from lamcts.region import Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.history import History

__all__ = ["Node", "Tree", "TreeConfig"]

#: A refused or rebuilt split is tried again when there are this many times the samples.
GROWTH = 1.5
#: A region of a finite space is not divided into sides of fewer points than this, by an estimate
#: from so many random points: the samples fill a small one, and nothing new is left in it.
LEAST_POINTS, PROBES = 1000, 4000


@dataclass(frozen=True)
class TreeConfig:
    """How a tree grows and is walked.

    Attributes:
        leaf_size: A leaf with more samples than this is split (paper: 8 to 100).
        max_depth: Deepest level; the root is level 0.
        cp: Weight of exploration in UCB, for values between 0 and 1.
        ucb: ``log`` is the paper's ``sqrt(2 log(n_parent) / n)``; ``sqrt`` the released code's
            ``sqrt(2 sqrt(n_parent) / n)``.
        boundary: Form of the boundary.
        labels: How samples are called good or bad.
        quantile: Share called good by ``labels="quantile"``.
        validate: Refuse boundaries that do not generalise, or that leave next to no points on a
            side.
    """

    leaf_size: int = 20
    max_depth: int = 8
    cp: float = 0.1
    ucb: Literal["log", "sqrt"] = "log"
    boundary: BoundaryKind = "svm-rbf"
    labels: LabelKind = "median"
    quantile: float = 0.5
    validate: bool = True


@dataclass
class Node:
    """A region with its samples.

    Attributes:
        region: Where the node's samples lie.
        rows: Their trial numbers.
        total: Sum of their scores.
        boundary: The latent action, once split.
        children: ``(good, bad)``, once split.
        ripe_at: Number of samples at which, and with which, a split is tried (again).
    """

    region: Region
    ripe_at: int
    rows: list[int] = field(default_factory=list)
    total: float = 0.0
    boundary: Boundary | None = None
    children: tuple[Node, Node] | None = None

    @property
    def value(self) -> float:
        """Mean score of the samples, between 0 and 1."""
        return self.total / len(self.rows) if self.rows else 0.5

    @property
    def depth(self) -> int:
        """Level below the root."""
        return len(self.region.path)


class Tree:
    """Partition of the unit cube learned from the complete trials of a history.

    Args:
        history: Where samples and their values are.
        config: How to grow and walk.
        seed: Source of the boundaries' randomness.
    """

    def __init__(self, history: History, config: TreeConfig, seed: int) -> None:
        self.config = config
        self._history = history
        self._seed = seed
        self._order: list[int] = []  # complete trials, in the order told
        self._routed = 0  # how many of them are in the tree
        self._built_at, self._rebuild_at = 0, 1  # so many of them began this tree, begin the next
        self._reference = np.empty(0)
        self._probes: NDArray[np.float64] | None = None
        self.root = self._new_node(Region(), 0)

    def insert(self, row: int) -> None:
        """Add a complete trial; it is routed down the tree when a leaf is next selected."""
        self._order.append(row)

    def select(self, pending: NDArray[np.float64]) -> Node:
        """Walk from the root to a leaf by UCB (LA-MCTS, section 3.2), splitting what is ripe.

        Args:
            pending: (m, d) points being evaluated; each counts as a visit, so that parallel asks
                spread out.
        """
        self._take_in()
        node = self.root
        while True:
            self._split(node)
            if node.children is None or node.boundary is None:
                return node
            side = node.boundary.good(pending)
            good, bad = node.children
            visits = len(node.rows) + len(pending)
            ucb_good = self._ucb(good, len(good.rows) + int(side.sum()), visits)
            ucb_bad = self._ucb(bad, len(bad.rows) + int((~side).sum()), visits)
            node, pending = (good, pending[side]) if ucb_good >= ucb_bad else (bad, pending[~side])

    def complete(self) -> None:
        """Split every ripe leaf, not only those that a walk came to: for a picture of the tree."""
        self._take_in()
        stack = [self.root]
        while stack:
            node = stack.pop()
            self._split(node)
            stack.extend(node.children or ())

    def leaves(self) -> list[Node]:
        """All leaves of the tree as far as it has been walked, best side first."""
        stack, leaves = [self.root], []
        while stack:
            node = stack.pop()
            if node.children is None:
                leaves.append(node)
            else:
                stack.extend(reversed(node.children))
        return leaves

    def _ucb(self, node: Node, visits: int, parent_visits: int) -> float:
        if visits == 0:
            return math.inf
        n = max(parent_visits, 2)
        growth = math.log(n) if self.config.ucb == "log" else math.sqrt(n)
        return node.value + 2.0 * self.config.cp * math.sqrt(2.0 * growth / visits)

    def _score(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the reference values that ``y`` beats, a tie counting half.

        It frees ``cp`` of the objective's scale. The reference is renewed at each rebuild.
        """
        below = np.searchsorted(self._reference, y, side="left")
        up_to = np.searchsorted(self._reference, y, side="right")
        return np.asarray((below + up_to) / (2.0 * max(len(self._reference), 1)))

    def _take_in(self) -> None:
        """Route what was inserted since the last walk; all of it down a new tree if that is due."""
        while len(self._order) >= self._rebuild_at:
            self._built_at, self._routed = self._rebuild_at, 0
            self._rebuild_at = max(self.config.leaf_size, math.ceil(GROWTH * self._built_at))
        if not self._routed:
            self._reference = np.sort(self._history.y[self._order[: self._built_at]])
            self.root = self._new_node(Region(), self._built_at)
        self._route(self.root, np.array(self._order[self._routed :], dtype=int))
        self._routed = len(self._order)

    def _new_node(self, region: Region, n: int) -> Node:
        return Node(region, ripe_at=max(n, self.config.leaf_size + 1))

    def _route(self, node: Node, rows: NDArray[np.intp]) -> None:
        """Add trials to a node and to those below it that they lie in."""
        if not len(rows):
            return
        node.rows.extend(rows.tolist())
        node.total += float(self._score(self._history.y[rows]).sum())
        if node.children is not None and node.boundary is not None:
            side = node.boundary.good(self._history.Z[rows])
            self._route(node.children[0], rows[side])
            self._route(node.children[1], rows[~side])

    def _split(self, node: Node) -> None:
        """Split a leaf by the samples it had when it was ripe, if they make a boundary."""
        while (
            node.children is None
            and len(node.rows) >= node.ripe_at
            and node.depth < self.config.max_depth
        ):
            rows, n = np.array(node.rows), node.ripe_at
            node.ripe_at = math.ceil(GROWTH * n)  # next try, should this one be refused
            boundary = self._fit(node, rows[:n])
            if boundary is None or (self.config.validate and self._is_small(node, boundary)):
                continue
            side = boundary.good(self._history.Z[rows])
            good = int(side[:n].sum())
            if 0 < good < n:
                node.boundary = boundary
                path = node.region.path
                node.children = (
                    self._new_node(Region((*path, (boundary, True))), good),
                    self._new_node(Region((*path, (boundary, False))), n - good),
                )
                self._route(node.children[0], rows[side])
                self._route(node.children[1], rows[~side])

    def _fit(self, node: Node, rows: NDArray[np.intp]) -> Boundary | None:
        """Learn a node's boundary from some of its samples."""
        config = self.config
        way = int("1" + "".join("01"[good] for _, good in node.region.path), base=2)
        return fit_boundary(
            self._history.Z[rows],
            _ranks(self._history.y[rows]),
            kind=config.boundary,
            labels=config.labels,
            quantile=config.quantile,
            rng=np.random.default_rng([self._seed, self._built_at, len(rows), way]),
            validate=config.validate,
        )

    def _is_small(self, node: Node, boundary: Boundary) -> bool:
        """Whether a side of a boundary has too few points of a finite space to be a region."""
        points = self._history.codec.n_points
        if points > LEAST_POINTS * PROBES:  # one probe stands for enough
            return False
        if self._probes is None:
            rng = np.random.default_rng(self._seed)
            self._probes = self._history.codec.sample(rng, PROBES)
        good = boundary.good(self._probes[node.region.contains(self._probes)])
        share = min(int(good.sum()), int((~good).sum())) / PROBES
        return share * points < LEAST_POINTS


def _ranks(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks scaled to [0, 1], equal for equal values."""
    _, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2.0
    return np.asarray(middle[place] / max(len(y) - 1, 1))
