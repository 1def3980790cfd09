"""NASBench-101 cells: small labelled graphs, their pruning and their validity.

A cell is a directed acyclic graph of at most 7 vertices and 9 edges. Vertex 0 is the input, the
last vertex the output, every vertex between them carries one of three operations.

Source: Ying et al., "NAS-Bench-101: Towards Reproducible Neural Architecture Search", ICML 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lamcts.errors import InvalidArgument

__all__ = [
    "CONV1X1",
    "CONV3X3",
    "INPUT",
    "MAXPOOL3X3",
    "MAX_EDGES",
    "MAX_VERTICES",
    "OPS",
    "OUTPUT",
    "Cell",
    "invalid_reason",
    "prune",
    "valid_cell",
]

INPUT = "input"
OUTPUT = "output"
CONV3X3 = "conv3x3-bn-relu"
CONV1X1 = "conv1x1-bn-relu"
MAXPOOL3X3 = "maxpool3x3"

#: The operations in the official order, which the isomorphism hash depends on.
OPS = (CONV3X3, CONV1X1, MAXPOOL3X3)

MAX_VERTICES = 7
MAX_EDGES = 9


@dataclass(frozen=True)
class Cell:
    """A cell as drawn: it may still hold dead vertices or too many edges (see `valid_cell`).

    Attributes:
        adjacency: Rows of the V x V matrix, strictly upper triangular; ``adjacency[a][b] == 1``
            is an edge from vertex ``a`` to vertex ``b``.
        ops: V operation names, ``input`` and ``output`` included.
    """

    adjacency: tuple[tuple[int, ...], ...]
    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        size = len(self.adjacency)
        if any(len(row) != size for row in self.adjacency):
            raise InvalidArgument(
                f"adjacency: row lengths {[len(row) for row in self.adjacency]} do not make a "
                f"square matrix; give {size} numbers in each of the {size} rows"
            )
        if len(self.ops) != size:
            raise InvalidArgument(
                f"ops: {len(self.ops)} names for {size} vertices; name one operation for each "
                f"vertex, {INPUT!r} and {OUTPUT!r} included"
            )
        for source, row in enumerate(self.adjacency):
            for target, bit in enumerate(row):
                if bit not in (0, 1):
                    raise InvalidArgument(
                        f"adjacency[{source}][{target}]: {bit!r} is not an edge; use 0 or 1"
                    )
                if bit and target <= source:
                    raise InvalidArgument(
                        f"adjacency[{source}][{target}]: 1 on or below the diagonal; number the "
                        "vertices so that every edge leads to a higher one"
                    )

    @classmethod
    def make(cls, adjacency: Iterable[Iterable[Any]], ops: Iterable[str]) -> Cell:
        """A cell from any nested sequence or array of 0 and 1.

        Raises:
            InvalidArgument: When the matrix is not square, 0/1 and strictly upper triangular, or
                does not fit ``ops``.
        """
        rows = tuple(tuple(_bit(value) for value in row) for row in adjacency)
        return cls(rows, tuple(str(op) for op in ops))

    @classmethod
    def from_edges(cls, edges: Iterable[tuple[int, int]], inner_ops: Sequence[str]) -> Cell:
        """A cell from its list of edges and the operations of its inner vertices.

        >>> Cell.from_edges([(0, 1), (1, 2)], [CONV3X3]).ops
        ('input', 'conv3x3-bn-relu', 'output')
        """
        size = len(inner_ops) + 2
        rows = [[0] * size for _ in range(size)]
        for source, target in edges:
            rows[source][target] = 1
        return cls.make(rows, (INPUT, *inner_ops, OUTPUT))

    @property
    def vertices(self) -> int:
        """Number of vertices, input and output included."""
        return len(self.ops)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """The edges ``(source, target)``, row by row."""
        return tuple(
            (source, target)
            for source, row in enumerate(self.adjacency)
            for target, bit in enumerate(row)
            if bit
        )

    def predecessors(self, vertex: int) -> tuple[int, ...]:
        """The vertices with an edge into ``vertex``, in order."""
        return tuple(source for source in range(vertex) if self.adjacency[source][vertex])

    def successors(self, vertex: int) -> tuple[int, ...]:
        """The vertices that ``vertex`` has an edge to, in order."""
        row = self.adjacency[vertex]
        return tuple(target for target in range(vertex + 1, self.vertices) if row[target])

    def subgraph(self, keep: Sequence[int]) -> Cell:
        """The cell of the vertices ``keep``, in that order (which must be topological)."""
        rows = tuple(tuple(self.adjacency[a][b] for b in keep) for a in keep)
        return Cell(rows, tuple(self.ops[v] for v in keep))


def prune(cell: Cell) -> Cell | None:
    """Drop the vertices that are not on a path from the input to the output.

    Returns:
        The pruned cell, or ``None`` when no path leads from the input to the output.
    """
    last = cell.vertices - 1
    if last < 1:
        return None
    from_input = {0}
    for vertex in range(1, last + 1):
        if from_input.intersection(cell.predecessors(vertex)):
            from_input.add(vertex)
    to_output = {last}
    for vertex in range(last - 1, -1, -1):
        if to_output.intersection(cell.successors(vertex)):
            to_output.add(vertex)
    keep = sorted(from_input & to_output)
    if len(keep) < 2:
        return None
    return cell if len(keep) == cell.vertices else cell.subgraph(keep)


def invalid_reason(cell: Cell) -> str | None:
    """Why a cell is outside NASBench-101, in the words and the order of the official test.

    Edges and vertices count after pruning: a drawn matrix may hold more.

    Returns:
        The reason, or ``None`` for a valid cell.
    """
    pruned = prune(cell)
    if pruned is None:
        return "invalid spec, provided graph is disconnected."
    if pruned.vertices > MAX_VERTICES:
        return f"too many vertices, got {pruned.vertices} (max vertices = {MAX_VERTICES})"
    if len(pruned.edges) > MAX_EDGES:
        return f"too many edges, got {len(pruned.edges)} (max edges = {MAX_EDGES})"
    if pruned.ops[0] != INPUT:
        return "first operation should be 'input'"
    if pruned.ops[-1] != OUTPUT:
        return "last operation should be 'output'"
    for op in pruned.ops[1:-1]:
        if op not in OPS:
            return f"unsupported op {op} (available ops = {list(OPS)})"
    return None


def valid_cell(cell: Cell) -> Cell:
    """The pruned form of a valid cell.

    Raises:
        InvalidArgument: With the official reason, when the cell is not in NASBench-101.
    """
    reason = invalid_reason(cell)
    pruned = prune(cell)
    if reason is not None or pruned is None:
        raise InvalidArgument(f"cell: {reason}")
    return pruned


def _bit(value: Any) -> int:
    """0 or 1 as a plain integer; anything else is left for `Cell` to name."""
    try:
        return int(value) if int(value) == value else value
    except (TypeError, ValueError, OverflowError):
        return value  # type: ignore[no-any-return]
