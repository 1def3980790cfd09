"""Points and cells: exact both ways, every point a valid cell, one canonical point a class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.nasbench101 import (
    NAMED_CELLS,
    Cell,
    cell_hash,
    decode,
    encode,
    invalid_reason,
    prune,
)
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3, OPS
from lamcts.adapters.nasbench101.space import FRAME_EDGES, canonical_point, make_space
from lamcts.errors import InvalidArgument

SPACE = make_space()

points = st.fixed_dictionaries(
    {
        "edges": st.lists(st.integers(0, 1), min_size=21, max_size=21).map(np.array),
        "ops": st.lists(st.integers(0, 2), min_size=5, max_size=5).map(np.array),
    }
)


def _point(edges: set[tuple[int, int]], ops: tuple[int, ...] = (0, 0, 0, 0, 0)) -> dict[str, Any]:
    return {
        "edges": np.array([edge in edges for edge in FRAME_EDGES], dtype=np.int8),
        "ops": np.array(ops),
    }


@st.composite
def drawn_cells(draw: st.DrawFn) -> Cell:
    """Cells of two to nine vertices, valid or not."""
    size = draw(st.integers(2, 9))
    frame = [(a, b) for a in range(size) for b in range(a + 1, size)]
    edges = draw(st.sets(st.sampled_from(frame), max_size=14))
    ops = draw(st.lists(st.sampled_from(OPS), min_size=size - 2, max_size=size - 2))
    return Cell.from_edges(edges, ops)


@given(drawn_cells())
def test_every_valid_cell_comes_back_from_its_point(cell: Cell) -> None:
    if invalid_reason(cell) is None:
        x = encode(cell)
        assert x in SPACE
        assert decode(x) == prune(cell)
    else:
        with pytest.raises(InvalidArgument, match="cell: "):
            encode(cell)


@pytest.mark.parametrize("name", NAMED_CELLS)
def test_named_cells_come_back_from_their_points(name: str) -> None:
    assert decode(encode(NAMED_CELLS[name])) == NAMED_CELLS[name]


@given(points)
def test_every_point_means_a_valid_pruned_cell(x: dict[str, Any]) -> None:
    cell = decode(x)
    assert invalid_reason(cell) is None
    assert prune(cell) is cell


@given(points)
def test_a_drawing_that_is_valid_is_not_repaired(x: dict[str, Any]) -> None:
    drawn = {edge for edge, bit in zip(FRAME_EDGES, x["edges"], strict=True) if bit}
    cell = Cell.from_edges(drawn, [OPS[op] for op in x["ops"]])
    if invalid_reason(cell) is None:
        assert decode(x) == prune(cell)


@given(points)
def test_the_canonical_point_is_the_same_network_and_its_own_canonical(x: dict[str, Any]) -> None:
    canonical = canonical_point(x)
    assert canonical in SPACE
    assert cell_hash(decode(canonical)) == cell_hash(decode(x))
    again = canonical_point(canonical)
    assert all(np.array_equal(canonical[key], again[key]) for key in canonical)


def test_what_pruning_drops_does_not_reach_the_canonical_point() -> None:
    # 0-3-6 with vertices 1, 2, 4 and 5 dead, whatever their operations.
    one = canonical_point(_point({(0, 3), (3, 6)}, (0, 1, 1, 2, 0)))
    two = canonical_point(_point({(0, 3), (3, 6), (0, 1), (4, 5)}, (2, 2, 1, 0, 1)))
    assert decode(one) == Cell.from_edges([(0, 1), (1, 2)], [CONV1X1])
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_a_drawing_without_a_path_is_joined_to_the_output() -> None:
    # The input reaches 1 and 3; the last of them gets the edge.
    cell = decode(_point({(0, 1), (1, 3), (4, 6)}, (0, 0, 2, 0, 0)))
    assert cell == Cell.from_edges([(0, 1), (1, 2), (2, 3)], [CONV3X3, MAXPOOL3X3])
    assert decode(_point(set())) == Cell.from_edges([(0, 1)], [])


def test_too_many_edges_lose_the_longest_jumps_that_hold_up_no_vertex() -> None:
    # The chain and all jumps over one or more vertices: the jumps go, longest first, until three
    # of the shortest are left, the last in row order.
    cell = decode(_point(set(FRAME_EDGES)))
    chain = {(v, v + 1) for v in range(6)}
    assert set(cell.edges) == chain | {(2, 4), (3, 5), (4, 6)}


def test_five_parallel_vertices_lose_one() -> None:
    star = {(0, v) for v in range(1, 6)} | {(v, 6) for v in range(1, 6)}
    cell = decode(_point(star, (0, 1, 2, 0, 1)))
    assert cell.vertices == 6
    assert len(cell.edges) == 8


@pytest.mark.parametrize(
    "x",
    [
        None,
        {},
        {"edges": [0] * 21},
        {"edges": [0] * 20, "ops": [0] * 5},
        {"edges": [0] * 21, "ops": [3, 0, 0, 0, 0]},
        {"edges": [2] + [0] * 20, "ops": [0] * 5},
        {"edges": "0" * 21, "ops": [0] * 5},
    ],
)
def test_what_is_no_point_is_refused(x: Any) -> None:
    with pytest.raises(InvalidArgument, match="21 bits"):
        decode(x)
