"""Cells: what may be drawn, what is pruned, and why a cell is outside NASBench-101."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamcts.adapters.nasbench101.cell import (
    CONV1X1,
    CONV3X3,
    INPUT,
    MAXPOOL3X3,
    OUTPUT,
    Cell,
    invalid_reason,
    prune,
    valid_cell,
)
from lamcts.errors import InvalidArgument


def test_a_cell_is_made_from_an_array_or_its_edges() -> None:
    matrix = np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]], dtype=np.int8)
    cell = Cell.make(matrix, [INPUT, CONV3X3, OUTPUT])
    assert cell == Cell.from_edges([(0, 1), (0, 2), (1, 2)], [CONV3X3])
    assert cell.edges == ((0, 1), (0, 2), (1, 2))
    assert cell.predecessors(2) == (0, 1)
    assert cell.successors(0) == (1, 2)


def test_pruning_drops_dead_ends_and_vertices_without_input() -> None:
    drawn = Cell.from_edges(
        [(0, 1), (1, 6), (0, 2), (3, 6), (4, 5)],  # 2 leads nowhere, 3 and 4 have no input
        [CONV3X3, CONV1X1, CONV1X1, MAXPOOL3X3, MAXPOOL3X3],
    )
    assert prune(drawn) == Cell.from_edges([(0, 1), (1, 2)], [CONV3X3])


def test_a_cell_without_a_path_prunes_to_nothing() -> None:
    assert prune(Cell.from_edges([(0, 1)], [CONV3X3])) is None
    assert prune(Cell((), ())) is None
    assert prune(Cell(((0,),), (INPUT,))) is None


def test_a_pruned_cell_is_left_as_it_is() -> None:
    cell = Cell.from_edges([(0, 1), (1, 2)], [CONV3X3])
    assert prune(cell) is cell


def test_edges_count_after_pruning() -> None:
    # Twenty-one edges but for those into the output: only 0-1-6 is alive.
    edges = [(a, b) for a in range(6) for b in range(a + 1, 6)] + [(1, 6)]
    assert invalid_reason(Cell.from_edges(edges, [CONV3X3] * 5)) is None


def _cell(edges: list[tuple[int, int]], ops: list[str]) -> Cell:
    size = len(ops)
    return Cell.make([[int((a, b) in edges) for b in range(size)] for a in range(size)], ops)


CHAIN = [(0, 1), (1, 2)]
STAR = [(0, v) for v in range(1, 6)] + [(v, 6) for v in range(1, 6)]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (_cell(CHAIN, [INPUT, CONV3X3, OUTPUT]), None),
        (_cell([(0, 1)], [INPUT, OUTPUT]), None),
        (_cell([(0, 1)], ["?", "?", "?"]), "invalid spec, provided graph is disconnected."),
        (
            _cell([(v, v + 1) for v in range(7)], ["?"] * 8),
            "too many vertices, got 8 (max vertices = 7)",
        ),
        (_cell(STAR, ["?"] * 7), "too many edges, got 10 (max edges = 9)"),
        (_cell(CHAIN, [OUTPUT, "?", "?"]), "first operation should be 'input'"),
        (_cell(CHAIN, [INPUT, "?", CONV3X3]), "last operation should be 'output'"),
        (
            _cell(CHAIN, [INPUT, "conv5x5", OUTPUT]),
            "unsupported op conv5x5 (available ops = "
            "['conv3x3-bn-relu', 'conv1x1-bn-relu', 'maxpool3x3'])",
        ),
    ],
)
def test_validity_has_the_official_order_and_words(cell: Cell, reason: str | None) -> None:
    assert invalid_reason(cell) == reason
    if reason is None:
        assert valid_cell(cell) == cell
    else:
        with pytest.raises(InvalidArgument) as caught:
            valid_cell(cell)
        assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("adjacency", "ops", "message"),
    [
        ([[0, 1]], [INPUT, OUTPUT], r"adjacency: row lengths \[2\]"),
        ([[0, 1], [0, 0]], [INPUT], "ops: 1 names for 2 vertices"),
        ([[0, 2], [0, 0]], [INPUT, OUTPUT], r"adjacency\[0\]\[1\]: 2 is not an edge"),
        ([[0, 0.5], [0, 0]], [INPUT, OUTPUT], r"adjacency\[0\]\[1\]: 0.5 is not an edge"),
        ([[0, float("nan")], [0, 0]], [INPUT, OUTPUT], r"adjacency\[0\]\[1\]: nan"),
        ([[0, None], [0, 0]], [INPUT, OUTPUT], r"adjacency\[0\]\[1\]: None"),
        ([[0, 1], [1, 0]], [INPUT, OUTPUT], r"adjacency\[1\]\[0\]: 1 on or below the diagonal"),
        ([[1, 1], [0, 0]], [INPUT, OUTPUT], r"adjacency\[0\]\[0\]: 1 on or below the diagonal"),
    ],
)
def test_what_is_no_drawing_is_refused_by_place(adjacency: Any, ops: Any, message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        Cell.make(adjacency, ops)
