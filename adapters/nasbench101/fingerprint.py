"""A number for each class of isomorphic cells, fast enough to look up tables with.

The official hash is md5 over text, a tenth of a millisecond a cell. The fingerprint is the same
idea in 64-bit integers: every vertex starts from its operation and absorbs its neighbours, here in
sweeps along the edges and against them. Written once, it works on Python integers (one cell) and
on NumPy columns (a million cells).

Over the whole of NASBench-101 it tells apart exactly the classes that the official hash tells
apart: both have 423,624 values (tests/adapters/nasbench101/test_enumeration.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.adapters.nasbench101.cell import MAX_EDGES, MAX_VERTICES, OPS
from lamcts.adapters.nasbench101.space import FRAME_EDGES

__all__ = ["INVALID", "fingerprint", "fingerprints", "live_vertices", "pack", "unpack"]

#: The fingerprint of what is no valid cell: disconnected, or too many edges after pruning.
INVALID = 0

_INNER = MAX_VERTICES - 2
_LAST = MAX_VERTICES - 1
_EDGES = len(FRAME_EDGES)
#: One sweep along the edges and one against them: enough for the 423,624 cells (one is not).
_SWEEPS = 2
_WORD = (1 << 64) - 1
_OP_LABELS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_INPUT_LABEL = 0x27D4EB2F165667C5
_OUTPUT_LABEL = 0x85EBCA77C2B2AE63
#: Every vertex in the order of a sweep, with the edges to what it leads to: place and vertex.
_OUT_OF = [
    (vertex, [(e, b) for e, (a, b) in enumerate(FRAME_EDGES) if a == vertex])
    for vertex in range(MAX_VERTICES)
]
_INTO = [
    (vertex, [(e, a) for e, (a, b) in enumerate(FRAME_EDGES) if b == vertex])
    for vertex in reversed(range(MAX_VERTICES))
]
_OP_WEIGHTS = np.array([len(OPS) ** place for place in range(_INNER)], dtype=np.uint32)
#: Cells in a block: its columns stay in the cache of a core.
_BLOCK = 4096


def fingerprint(edges: Sequence[int], ops: Sequence[int]) -> int:
    """The fingerprint of one cell in the frame of 7 vertices, as `space.encode` writes it.

    Args:
        edges: 21 bits, in the order of `FRAME_EDGES`; dead ones are pruned here.
        ops: 5 indices into `OPS`.

    Returns:
        A number from 1 to 2**64 - 1, or `INVALID`.
    """
    # Python's integers: NumPy's own would be slow one by one, and overflow.
    bits, labels = np.asarray(edges).tolist(), np.asarray(ops).tolist()
    return int(_fingerprint(bits, [_OP_LABELS[label] for label in labels]))


def fingerprints(edges: ArrayLike, ops: ArrayLike) -> NDArray[np.uint64]:
    """`fingerprint` of many cells.

    Args:
        edges: (n, 21) bits.
        ops: (n, 5) indices into `OPS`.

    Returns:
        (n,) numbers; `INVALID` where the bits are no valid cell.
    """
    bits = np.asarray(edges)
    labels = np.array(_OP_LABELS, dtype=np.uint64)[np.asarray(ops)]
    found = np.empty(len(bits), dtype=np.uint64)
    for start in range(0, len(bits), _BLOCK):
        block = slice(start, start + _BLOCK)
        columns = np.ascontiguousarray(bits[block].T, dtype=np.uint64)
        found[block] = _fingerprint(list(columns), list(np.ascontiguousarray(labels[block].T)))
    return found


def live_vertices(edges: ArrayLike) -> NDArray[np.bool_]:
    """Which vertices are on a path from input to output: (n, 7), for (n, 21) bits."""
    columns = np.ascontiguousarray(np.asarray(edges).T, dtype=np.uint64)
    return np.stack(_prune(list(columns))[1], axis=1).astype(bool)


def pack(edges: ArrayLike, ops: ArrayLike) -> NDArray[np.uint32]:
    """Drawn cells in 29 bits each: the edges as bits, above them the operations in base 3.

    Args:
        edges: (n, 21) bits.
        ops: (n, 5) indices into `OPS`.
    """
    bits = np.asarray(edges, dtype=np.uint32) << np.arange(_EDGES, dtype=np.uint32)
    digits = np.asarray(ops, dtype=np.uint32) * _OP_WEIGHTS
    high = digits.sum(axis=1, dtype=np.uint32) << np.uint32(_EDGES)
    packed: NDArray[np.uint32] = bits.sum(axis=1, dtype=np.uint32) | high
    return packed


def unpack(packed: ArrayLike) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The (n, 21) bits and (n, 5) operations that were packed."""
    codes = np.asarray(packed, dtype=np.uint32)[:, None]
    bits = (codes >> np.arange(_EDGES, dtype=np.uint32)) & np.uint32(1)
    digits = (codes >> np.uint32(_EDGES)) // _OP_WEIGHTS % np.uint32(len(OPS))
    return bits.astype(np.int8), digits.astype(np.int8)


def _fingerprint(bits: list[Any], op_labels: list[Any]) -> Any:
    """Fingerprints from columns: integers for one cell, uint64 arrays for many."""
    live, used = _prune(bits)
    colours = [_INPUT_LABEL + 0 * bits[0], *op_labels, _OUTPUT_LABEL + 0 * bits[0]]
    for sweep in range(_SWEEPS):
        colours = _sweep(live, colours, forward=sweep % 2 == 0)
    # Vertices off every path keep colours of their own, which must not count.
    total = sum(flag * colour for flag, colour in zip(used, colours, strict=True))
    valid = used[0] * (sum(live) <= MAX_EDGES)
    return valid * (_mixed(total) | 1)


def _prune(bits: list[Any]) -> tuple[list[Any], list[Any]]:
    """The edges on a path from input to output, and the vertices on one, as 0 and 1."""
    nothing = 0 * bits[0]
    reached = [nothing | 1] + [nothing] * _LAST
    for bit, (source, target) in zip(bits, FRAME_EDGES, strict=True):
        reached[target] = reached[target] | (bit & reached[source])
    leading = [nothing] * _LAST + [nothing | 1]
    for bit, (source, target) in zip(reversed(bits), reversed(FRAME_EDGES), strict=True):
        leading[source] = leading[source] | (bit & leading[target])
    live = [
        bit & reached[source] & leading[target]
        for bit, (source, target) in zip(bits, FRAME_EDGES, strict=True)
    ]
    return live, [a & b for a, b in zip(reached, leading, strict=True)]


def _sweep(live: list[Any], colours: list[Any], *, forward: bool) -> list[Any]:
    """New colours, each from its old one and the new ones of all vertices that lead to it.

    Against the edges when not ``forward``.
    """
    swept = list(colours)
    for vertex, edges in _OUT_OF if forward else _INTO:
        swept[vertex] = colour = _mixed(swept[vertex])
        for edge, other in edges:
            swept[other] = swept[other] + live[edge] * colour
    return swept


def _mixed(word: Any) -> Any:
    """The finalizer of SplitMix64 (Steele, Lea and Flood 2014): every bit moves every other."""
    word = word & _WORD
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)
