"""Every cell of NASBench-101, in seconds: for tests, synthetic tables and exhaustive search."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.nasbench101.cell import MAX_EDGES, MAX_VERTICES, OPS
from lamcts.adapters.nasbench101.fingerprint import fingerprints, live_vertices
from lamcts.adapters.nasbench101.space import FRAME_EDGES

__all__ = ["all_cells", "labelled_cells"]

#: Bits and operations of cells in the frame: (n, 21) and (n, 5).
Drawings = tuple[NDArray[np.int8], NDArray[np.int8]]


def all_cells(max_vertices: int = MAX_VERTICES) -> Drawings:
    """One drawing of every class of isomorphic cells, small cells first.

    It is the class' first drawing in the order in which the authors enumerated the space (edges
    column by column, the earliest changing fastest), so that what depends on the drawing, which
    is the parameters where channels do not divide evenly, is as published.

    Returns:
        (n, 21) bits in the order of `FRAME_EDGES`, and (n, 5) indices into `OPS`; n is 1, 7, 91,
        2,532, 64,542 and 423,624 for ``max_vertices`` from 2 to 7.
    """
    edges, ops = (
        np.concatenate(parts)
        for parts in zip(*map(labelled_cells, range(2, max_vertices + 1)), strict=True)
    )
    _, first = np.unique(fingerprints(edges, ops), return_index=True)
    first.sort()
    return edges[first], ops[first]


def labelled_cells(vertices: int) -> Drawings:
    """All drawings with exactly so many vertices and none of them dead, isomorphic ones apart.

    They stand in the frame as `space.encode` puts them: inner vertices first.
    """
    edges = _full_graphs(vertices)
    inner = vertices - 2
    choices = list(itertools.product(range(len(OPS)), repeat=inner))
    ops = np.zeros((len(choices), MAX_VERTICES - 2), dtype=np.int8)
    ops[:, :inner] = choices
    return np.repeat(edges, len(ops), axis=0), np.tile(ops, (len(edges), 1))


def _full_graphs(vertices: int) -> NDArray[np.int8]:
    """Bits of all graphs of at most 9 edges in which every vertex is on a path to the output."""
    last = vertices - 1
    pairs = sorted(itertools.combinations(range(vertices), 2), key=lambda edge: edge[::-1])
    frame = [
        FRAME_EDGES.index((source, MAX_VERTICES - 1 if target == last else target))
        for source, target in pairs
    ]
    numbers = np.arange(1 << len(frame), dtype=np.uint32)
    drawn = (numbers[:, None] >> np.arange(len(frame), dtype=np.uint32)) & np.uint32(1)
    drawn = drawn[drawn.sum(axis=1) <= MAX_EDGES]
    edges = np.zeros((len(drawn), len(FRAME_EDGES)), dtype=np.int8)
    edges[:, frame] = drawn
    full: NDArray[np.int8] = edges[live_vertices(edges).sum(axis=1) == vertices]
    return full
