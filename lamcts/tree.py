"""The search tree: regions split by learned boundaries, walked by UCB.

Each node stands for a region and holds the samples that lie in it. A ripe leaf is split by a
latent action into a good child and a bad one (LA-MCTS, Alg. 1, "dynamic tree construction"). A
sample belongs to the side that the *boundary* says, at every depth, so a leaf's samples really lie
in its region. The original rebuilds the whole tree for every sample; here new samples are
routed down, leaves split as they ripen, and the tree is rebuilt on a schedule.
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
        validate: Refuse boundaries that do not generalise.
    """

    leaf_size: int = 20
    max_depth: int = 8
    cp: float = 0.1
    ucb: Literal["log", "sqrt"] = "log"
    boundary: BoundaryKind = "svm-rbf"
    labels: LabelKind = "kmeans"
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
        ripe_at: Number of samples at which a split is tried (again).
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
        self._reference = np.empty(0)
        self._rebuild_at = 0
        self._splits = 0
        self.root = self._new_node(Region())

    def insert(self, row: int) -> None:
        """Route a complete trial down the tree, and grow where it made a leaf ripe."""
        self._order.append(row)
        if len(self._order) >= self._rebuild_at:
            self._rebuild()
            return
        score = self._score(self._history.y[row : row + 1])
        node = self.root
        while True:
            node.rows.append(row)
            node.total += float(score[0])
            if node.children is None or node.boundary is None:
                break
            node = node.children[0 if node.boundary.good(self._history.Z[row : row + 1])[0] else 1]
        self._grow(node)

    def select(self, pending: NDArray[np.float64]) -> Node:
        """Walk from the root to a leaf by UCB (LA-MCTS, section 3.2).

        Args:
            pending: (m, d) points being evaluated; each counts as a visit, so that parallel asks
                spread out.
        """
        node = self.root
        while node.children is not None and node.boundary is not None:
            side = node.boundary.good(pending)
            good, bad = node.children
            visits = len(node.rows) + len(pending)
            ucb_good = self._ucb(good, len(good.rows) + int(side.sum()), visits)
            ucb_bad = self._ucb(bad, len(bad.rows) + int((~side).sum()), visits)
            node, pending = (good, pending[side]) if ucb_good >= ucb_bad else (bad, pending[~side])
        return node

    def leaves(self) -> list[Node]:
        """All leaves, best side first."""
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

    def _rebuild(self) -> None:
        rows = self._order
        self._rebuild_at = max(self.config.leaf_size, math.ceil(GROWTH * len(rows)))
        self._reference = np.sort(self._history.y[rows])
        self.root = self._new_node(Region())
        self._fill(self.root, rows)

    def _new_node(self, region: Region) -> Node:
        return Node(region, ripe_at=self.config.leaf_size + 1)

    def _fill(self, node: Node, rows: list[int]) -> None:
        node.rows = list(rows)
        node.total = float(self._score(self._history.y[rows]).sum())
        self._grow(node)

    def _grow(self, node: Node) -> None:
        """Split a ripe leaf, and its children while they are ripe."""
        config, n = self.config, len(node.rows)
        if n < node.ripe_at or node.depth >= config.max_depth:
            return
        node.ripe_at = math.ceil(GROWTH * n)  # next try, should this one be refused
        self._splits += 1
        rows = np.array(node.rows)
        Z, y = self._history.Z[rows], self._history.y[rows]
        boundary = fit_boundary(
            Z,
            _ranks(y),
            kind=config.boundary,
            labels=config.labels,
            quantile=config.quantile,
            rng=np.random.default_rng([self._seed, len(self._order), self._splits]),
            validate=config.validate,
        )
        if boundary is None:
            return
        side = boundary.good(Z)
        if side.all() or not side.any():
            return
        node.boundary = boundary
        path = node.region.path
        node.children = (
            self._new_node(Region((*path, (boundary, True)))),
            self._new_node(Region((*path, (boundary, False)))),
        )
        self._fill(node.children[0], rows[side].tolist())
        self._fill(node.children[1], rows[~side].tolist())


def _ranks(y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks scaled to [0, 1], equal for equal values."""
    _, place, counts = np.unique(y, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2.0
    return np.asarray(middle[place] / max(len(y) - 1, 1))
