"""Genotypes: a network described by two small cells, and what makes such a description valid.

A cell has states. States 0 and 1 are the outputs of the cell before the previous one and of the
previous one; node ``k`` makes state ``k + 2`` by adding two arms, each an operation on an earlier
state. The states in ``concat`` are joined, channel by channel, and leave the cell.

Source of the form: Zoph et al., "Learning Transferable Architectures for Scalable Image
Recognition", CVPR 2018; of the operations: Liu et al., "DARTS", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from lamcts.errors import InvalidArgument, did_you_mean, shown

__all__ = [
    "AVG_POOL",
    "DIL_CONV_3X3",
    "DIL_CONV_5X5",
    "MAX_POOL",
    "OPS",
    "SEP_CONV_3X3",
    "SEP_CONV_5X5",
    "SKIP",
    "Arm",
    "Cell",
    "Genotype",
    "Node",
]

SEP_CONV_3X3 = "sep_conv_3x3"
SEP_CONV_5X5 = "sep_conv_5x5"
DIL_CONV_3X3 = "dil_conv_3x3"
DIL_CONV_5X5 = "dil_conv_5x5"
MAX_POOL = "max_pool_3x3"
AVG_POOL = "avg_pool_3x3"
SKIP = "skip_connect"

#: Every operation that an arm may carry, under its usual name.
OPS = (SEP_CONV_3X3, SEP_CONV_5X5, DIL_CONV_3X3, DIL_CONV_5X5, MAX_POOL, AVG_POOL, SKIP)

_CELL_FORM = '{"nodes": [[["sep_conv_3x3", 0], ["skip_connect", 1]], ...], "concat": [2, ...]}'
_FORM = '{"normal": {"nodes": ..., "concat": ...}, "reduction": {...}}'


class Arm(NamedTuple):
    """An operation and the state it is applied to."""

    op: str
    input: int


Node = tuple[Arm, Arm]


@dataclass(frozen=True)
class Cell:
    """A valid cell.

    Attributes:
        nodes: Node ``k`` takes its inputs from states 0 to ``k + 1`` and makes state ``k + 2``.
        concat: The states that leave the cell, ascending.

    Raises:
        InvalidArgument: An operation or a state that does not exist, or a node that nothing uses.
    """

    nodes: tuple[Node, ...]
    concat: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.nodes:
            raise InvalidArgument("nodes: there are none; give one or more")
        for k, node in enumerate(self.nodes):
            for arm in node:
                if arm.op not in OPS:
                    mend = did_you_mean(str(arm.op), OPS)
                    raise InvalidArgument(f"nodes[{k}]: {shown(arm.op)} is no operation; {mend}")
                if not _is_state(arm.input, k + 2):
                    raise InvalidArgument(
                        f"nodes[{k}]: input {shown(arm.input)} is no earlier state; "
                        f"use an integer from 0 to {k + 1}"
                    )
        states = len(self.nodes) + 2
        if not self.concat or not all(_is_state(state, states) for state in self.concat):
            raise InvalidArgument(
                f"concat: {shown(list(self.concat))} are no states; "
                f"give one or more from 0 to {states - 1}"
            )
        if list(self.concat) != sorted(set(self.concat)):
            raise InvalidArgument(
                f"concat: {list(self.concat)} are not in order; give each state once, ascending"
            )
        for state in self.unused():
            if state > 1 and state not in self.concat:
                raise InvalidArgument(
                    f"nodes[{state - 2}]: nothing uses it; add state {state} to concat"
                )

    @classmethod
    def make(cls, nodes: Iterable[Iterable[Any]], concat: Iterable[int]) -> Cell:
        """A cell from nested sequences: two pairs ``(op, input)`` a node.

        Raises:
            InvalidArgument: They do not make a valid cell; the node is named.

        >>> Cell.make([[("sep_conv_3x3", 0), ("skip_connect", 1)]], [2]).unused()
        (2,)
        """
        return cls(tuple(_node(k, node) for k, node in enumerate(nodes)), tuple(concat))

    def unused(self) -> tuple[int, ...]:
        """The states that no node takes in, ascending; cell inputs among them."""
        taken = {arm.input for node in self.nodes for arm in node}
        return tuple(state for state in range(len(self.nodes) + 2) if state not in taken)

    def to_json(self) -> dict[str, Any]:
        """The cell as lists, names and numbers."""
        return {
            "nodes": [[list(arm) for arm in node] for node in self.nodes],
            "concat": list(self.concat),
        }

    @classmethod
    def from_json(cls, data: Any) -> Cell:
        """The cell that `to_json` made ``data`` of.

        Raises:
            InvalidArgument: It is none.
        """
        nodes, concat = _fields(data, ("nodes", "concat"), _CELL_FORM)
        if not isinstance(nodes, list) or not isinstance(concat, list):
            raise InvalidArgument(f"nodes and concat: no lists; write {_CELL_FORM}")
        return cls.make(nodes, concat)


@dataclass(frozen=True)
class Genotype:
    """A cell for the places that keep the image size, and one for those that halve it.

    Raises:
        InvalidArgument: The reduction cell joins one of its inputs, which are twice as large as
            what it makes.
    """

    normal: Cell
    reduction: Cell

    def __post_init__(self) -> None:
        if self.reduction.concat[0] < 2:
            raise InvalidArgument(
                f"reduction.concat: {list(self.reduction.concat)} joins an input of the cell, "
                "which is larger than its output; use states from 2 up"
            )

    def cells(self) -> tuple[tuple[str, Cell], tuple[str, Cell]]:
        """Both cells with their names."""
        return ("normal", self.normal), ("reduction", self.reduction)

    def to_json(self) -> dict[str, Any]:
        """The genotype as dictionaries, lists, names and numbers; `from_json` reads it."""
        return {name: cell.to_json() for name, cell in self.cells()}

    @classmethod
    def from_json(cls, data: Any) -> Genotype:
        """The genotype that `to_json` made ``data`` of.

        Raises:
            InvalidArgument: It is none; the cell and the node are named.
        """
        cells = []
        names = ("normal", "reduction")
        for name, part in zip(names, _fields(data, names, _FORM), strict=True):
            try:
                cells.append(Cell.from_json(part))
            except InvalidArgument as error:
                raise InvalidArgument(f"{name}: {error}") from None
        return cls(*cells)

    def __str__(self) -> str:
        """Both cells, a node a line."""
        return "\n".join(
            line
            for name, cell in self.cells()
            for line in (
                f"{name} cell: joins {', '.join(map(str, cell.concat))}",
                *(
                    f"  {k} = {' + '.join(f'{arm.op}({arm.input})' for arm in node)}"
                    for k, node in enumerate(cell.nodes, start=2)
                ),
            )
        )


def _node(k: int, node: Any) -> Node:
    try:
        (op, source), (other_op, other_source) = node
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"nodes[{k}]: {shown(node)} is not two pairs of an operation and a state; "
            'write [["sep_conv_3x3", 0], ["skip_connect", 1]]'
        ) from None
    return Arm(op, source), Arm(other_op, other_source)


def _is_state(value: Any, states: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < states


def _fields(data: Any, names: tuple[str, str], form: str) -> tuple[Any, Any]:
    """Two named parts of a JSON object that has no others."""
    if not isinstance(data, Mapping) or set(data) != set(names):
        got = sorted(map(str, data)) if isinstance(data, Mapping) else shown(data)
        raise InvalidArgument(f"{names[0]} and {names[1]} are needed, got {got}; write {form}")
    return data[names[0]], data[names[1]]
