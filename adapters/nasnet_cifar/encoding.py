"""Search spaces of genotypes: LaNAS' code of 28 integers, its one-shot space, and DARTS' cells.

A point is one array of integers. Each cell stands as the operations of its arms, two a node
(indices into ``ops``), then their inputs, two a node: node ``k`` may take states 0 to ``k + 1``.
Where both cells are the same, they are written once: with 7 nodes that is LaNAS' code itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcts import spaces
from lamcts.adapters.nasnet_cifar.canonical import canonical_genotype
from lamcts.adapters.nasnet_cifar.genotype import (
    AVG_POOL,
    DIL_CONV_3X3,
    DIL_CONV_5X5,
    MAX_POOL,
    SEP_CONV_3X3,
    SEP_CONV_5X5,
    SKIP,
    Arm,
    Cell,
    Genotype,
    Node,
)
from lamcts.errors import InvalidArgument, shown

__all__ = ["DARTS", "ENCODINGS", "LANAS", "ONE_SHOT", "Encoding"]


@dataclass(frozen=True)
class Encoding:
    """Which genotypes there are to choose from, and how a point means one.

    Attributes:
        name: What the space is called.
        ops: The operations of an arm, in the order of their numbers.
        nodes: Nodes in a cell.
        shared: Whether one cell serves as normal and as reduction cell.
        joins: ``"unused"``: the states that no node takes in leave the cell, in normal cells its
            own inputs too. ``"nodes"``: all nodes do.
        apart: What must differ between the arms of a node: ``"inputs"``; ``"arms"``, input or
            operation; or ``"nothing"``. A point that breaks it is repaired: the second arm gets
            the next input, or operation, in a circle.
    """

    name: str
    ops: tuple[str, ...]
    nodes: int
    shared: bool
    joins: Literal["unused", "nodes"]
    apart: Literal["nothing", "arms", "inputs"]

    def __post_init__(self) -> None:
        if not isinstance(self.nodes, int) or isinstance(self.nodes, bool) or self.nodes < 1:
            raise InvalidArgument(f"nodes: {self.nodes!r} is no count; use an integer from 1 up")

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the cells that a point holds."""
        return ("both",) if self.shared else ("normal", "reduction")

    def make_space(self) -> spaces.MultiDiscrete:
        """A fresh space of all points."""
        sources = [k + 2 for k in range(self.nodes) for _ in range(2)]
        cell = [len(self.ops)] * (2 * self.nodes) + sources
        return spaces.MultiDiscrete(cell * len(self.parts))

    def encode(self, genotype: Genotype) -> NDArray[np.int64]:
        """The point of a genotype; ``decode`` gives the same genotype back.

        Raises:
            InvalidArgument: The genotype is not in this space.
        """
        numbers: list[int] = []
        for _, cell in genotype.cells()[: len(self.parts)]:
            numbers += self._numbers(cell)
        point = np.array(numbers, dtype=np.int64)
        if self.decode(point) != genotype:
            raise InvalidArgument(f"genotype: not in the {self.name} space, where {self._rules()}")
        return point

    def decode(self, x: Any) -> Genotype:
        """The genotype of a point; every point has one.

        Raises:
            InvalidArgument: When ``x`` is not a point of the space.
        """
        if x not in self._space:
            raise InvalidArgument(
                f"x: {shown(x)} is no code of the {self.name} space; give "
                f"{len(self._space)} integers, each from 0 to below {self._space.nvec.tolist()}"
            )
        cells = np.asarray(x, dtype=np.int64).reshape(len(self.parts), 4 * self.nodes).tolist()
        normal, reduction = self._arms(cells[0]), self._arms(cells[-1])
        return Genotype(
            Cell(normal, self._joined(normal, first=0)),
            Cell(reduction, self._joined(reduction, first=2)),
        )

    def canonical(self, x: Any) -> NDArray[np.int64]:
        """The one point that stands for all points of the same network.

        Raises:
            InvalidArgument: When ``x`` is not a point of the space.
        """
        return self.encode(canonical_genotype(self.decode(x)))

    @cached_property
    def _space(self) -> spaces.MultiDiscrete:
        return self.make_space()

    def _rules(self) -> str:
        """What `encode` can find a genotype of the right size and operations to break."""
        rules = [
            "both cells are the same" if self.shared else "",
            "all nodes are joined" if self.joins == "nodes" else "the unused states are joined",
            "" if self.apart == "nothing" else f"the {self.apart} of a node differ",
        ]
        return ", ".join(filter(None, rules))

    def _numbers(self, cell: Cell) -> list[int]:
        if len(cell.nodes) != self.nodes:
            raise InvalidArgument(
                f"genotype: {len(cell.nodes)} nodes in a cell, and the {self.name} space has "
                f"{self.nodes}; choose another encoding or number of nodes"
            )
        arms = [arm for node in cell.nodes for arm in node]
        for arm in arms:
            if arm.op not in self.ops:
                raise InvalidArgument(
                    f"genotype: {arm.op} is no operation of the {self.name} space, which has "
                    f"{', '.join(self.ops)}; choose another encoding"
                )
        return [self.ops.index(arm.op) for arm in arms] + [arm.input for arm in arms]

    def _arms(self, numbers: list[int]) -> tuple[Node, ...]:
        """The nodes that one cell's numbers mean, repaired where a node breaks ``apart``."""
        ops, inputs = numbers[: 2 * self.nodes], numbers[2 * self.nodes :]
        nodes = []
        for k in range(self.nodes):
            (op, other_op), (source, other) = ops[2 * k : 2 * k + 2], inputs[2 * k : 2 * k + 2]
            if self.apart == "inputs" and other == source:
                other = (other + 1) % (k + 2)
            elif self.apart == "arms" and (other_op, other) == (op, source):
                other_op = (other_op + 1) % len(self.ops)
            nodes.append((Arm(self.ops[op], source), Arm(self.ops[other_op], other)))
        return tuple(nodes)

    def _joined(self, nodes: tuple[Node, ...], first: int) -> tuple[int, ...]:
        """The states from ``first`` on that leave a cell."""
        states = range(2, self.nodes + 2)
        if self.joins == "nodes":
            return tuple(states)
        taken = {arm.input for node in nodes for arm in node}
        return tuple(state for state in (0, 1, *states)[first:] if state not in taken)


#: Distributed LaNAS: 7 nodes in its published trace, about 4.4e17 codes.
LANAS = Encoding(
    "lanas", (SEP_CONV_3X3, MAX_POOL, SKIP, SEP_CONV_5X5), 7, True, "unused", "nothing"
)
#: One-shot LaNAS: two of a node's (input, operation) pairs, about 1.35e20 pairs of cells.
ONE_SHOT = Encoding(
    "one-shot", (MAX_POOL, SKIP, SEP_CONV_3X3, SEP_CONV_5X5), 5, False, "nodes", "arms"
)
#: DARTS and NAS-Bench-301: two different inputs a node, about 1.08e18 pairs of cells.
DARTS = Encoding(
    "darts",
    (MAX_POOL, AVG_POOL, SKIP, SEP_CONV_3X3, SEP_CONV_5X5, DIL_CONV_3X3, DIL_CONV_5X5),
    4,
    False,
    "nodes",
    "inputs",
)
ENCODINGS = {encoding.name: encoding for encoding in (LANAS, ONE_SHOT, DARTS)}
