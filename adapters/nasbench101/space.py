"""The search space: every cell as 21 possible edges and 5 operations in a frame of 7 vertices.

A point is ``{"edges": (21,) bits, "ops": (5,) indices into OPS}``. Vertex 0 is the input and
vertex 6 the output; the edges stand row by row, 0-1, 0-2, ..., 0-6, 1-2, ..., 5-6. One position
always means one edge, whatever the size of the cell.

Every point of the space decodes to a valid cell. A drawing that is not one is repaired:

1. No path from the input to the output: the last vertex that the input reaches gets an edge to
   the output.
2. Edges off every path from the input to the output are pruned, as NASBench-101 does.
3. While more than 9 edges are left, the one with the longest jump is dropped (of equal jumps the
   first in row order), among those whose ends both stay on a path without it. Where there is none
   (five parallel vertices) the same rule picks among all edges, and a vertex is lost.

The repair depends on nothing but the point, so a point always means the same cell.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from lamcts import spaces
from lamcts.adapters.nasbench101.cell import MAX_EDGES, MAX_VERTICES, OPS, Cell, valid_cell
from lamcts.adapters.nasbench101.isomorphism import canonical_cell
from lamcts.errors import InvalidArgument

__all__ = ["FRAME_EDGES", "canonical_point", "decode", "encode", "make_space", "repair"]

Edge = tuple[int, int]

_INNER = MAX_VERTICES - 2
_LAST = MAX_VERTICES - 1

#: The edges of the frame, in the order of ``x["edges"]``.
FRAME_EDGES = tuple(
    (source, target) for source in range(_LAST) for target in range(source + 1, MAX_VERTICES)
)


def make_space() -> spaces.Dict:
    """A fresh space of all drawings: 2^21 edge sets times 3^5 choices of operations."""
    return spaces.Dict(
        edges=spaces.MultiBinary(len(FRAME_EDGES)),
        ops=spaces.MultiDiscrete([len(OPS)] * _INNER),
    )


_SPACE = make_space()


def encode(cell: Cell) -> dict[str, Any]:
    """The point of a valid cell: inner vertices first in the frame, unused ones without edges.

    ``decode(encode(cell))`` is the pruned ``cell`` itself, numbering included.

    Raises:
        InvalidArgument: When the cell is not in NASBench-101.
    """
    pruned = valid_cell(cell)
    place = [*range(pruned.vertices - 1), _LAST]
    drawn = {(place[source], place[target]) for source, target in pruned.edges}
    ops = [OPS.index(op) for op in pruned.ops[1:-1]]
    return {
        "edges": np.array([edge in drawn for edge in FRAME_EDGES], dtype=np.int8),
        "ops": np.array(ops + [0] * (_INNER - len(ops)), dtype=np.int64),
    }


def decode(x: Mapping[str, Any]) -> Cell:
    """The valid, pruned cell that a point of the space means (see the module for the repair).

    Raises:
        InvalidArgument: When ``x`` is not a point of the space.
    """
    if x not in _SPACE:
        raise InvalidArgument(
            f"x: {x!r} is not a cell; give {{'edges': {len(FRAME_EDGES)} bits, "
            f"'ops': {_INNER} numbers from 0 to {len(OPS) - 1}}}"
        )
    return _decode(tuple(map(int, x["edges"])), tuple(map(int, x["ops"])))


def canonical_point(x: Mapping[str, Any]) -> dict[str, Any]:
    """The one point that stands for every point whose cell is isomorphic to that of ``x``."""
    return encode(canonical_cell(decode(x)))


def repair(drawn: frozenset[Edge]) -> frozenset[Edge]:
    """The edges of a valid cell nearest to those ``drawn`` in the frame (rules 1 to 3 above)."""
    edges = _live(drawn) or _live(drawn | {(max(_reached(drawn)), _LAST)})
    while len(edges) > MAX_EDGES:
        sources = Counter(source for source, _ in edges)
        targets = Counter(target for _, target in edges)
        spare = [edge for edge in edges if sources[edge[0]] > 1 and targets[edge[1]] > 1]
        longest = min(spare or edges, key=lambda edge: (edge[0] - edge[1], edge))
        edges = _live(edges - {longest})
    return edges


@lru_cache(maxsize=100_000)
def _decode(bits: tuple[int, ...], ops: tuple[int, ...]) -> Cell:
    edges = repair(frozenset(edge for edge, bit in zip(FRAME_EDGES, bits, strict=True) if bit))
    place = {vertex: place for place, vertex in enumerate(sorted(set(chain(*edges))))}
    return Cell.from_edges(
        [(place[source], place[target]) for source, target in edges],
        [OPS[ops[vertex - 1]] for vertex in list(place)[1:-1]],
    )


def _live(edges: frozenset[Edge]) -> frozenset[Edge]:
    """The edges on some path from the input to the output; none when there is no path."""
    reached = _reached(edges)
    leading = {_LAST}
    for source, target in sorted(edges, reverse=True):
        if target in leading:
            leading.add(source)
    return frozenset(edge for edge in edges if edge[0] in reached and edge[1] in leading)


def _reached(edges: frozenset[Edge]) -> set[int]:
    """The vertices that the input reaches, itself included."""
    reached = {0}
    for source, target in sorted(edges):
        if source in reached:
            reached.add(target)
    return reached
