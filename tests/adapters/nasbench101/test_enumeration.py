"""The whole space, counted: as published, and as the fingerprint sees it."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lamcts.adapters.nasbench101 import (
    Cell,
    canonical_cell,
    cell_hash,
    invalid_reason,
    network_cost,
)
from lamcts.adapters.nasbench101.cell import OPS
from lamcts.adapters.nasbench101.enumeration import Drawings, all_cells, labelled_cells
from lamcts.adapters.nasbench101.fingerprint import (
    INVALID,
    fingerprint,
    fingerprints,
    live_vertices,
    pack,
    unpack,
)
from lamcts.adapters.nasbench101.space import FRAME_EDGES, decode, encode

#: Unique modules with exactly (vertices, edges).
UNIQUE = {
    (2, 1): 1,
    **{(3, 2): 3, (3, 3): 3},
    **{(4, 3): 9, (4, 4): 33, (4, 5): 33, (4, 6): 9},
    **{(5, 4): 27, (5, 5): 225, (5, 6): 622, (5, 7): 811, (5, 8): 558, (5, 9): 198},
    **{(6, 5): 81, (6, 6): 1260, (6, 7): 6909, (6, 8): 19701, (6, 9): 34059},
    **{(7, 6): 243, (7, 7): 6264, (7, 8): 58563, (7, 9): 294012},
}


Bits = NDArray[np.int8]


@cache
def whole_space() -> Drawings:
    return all_cells()


def test_labelled_modules_are_counted_as_published() -> None:
    counts = np.cumsum([len(labelled_cells(vertices)[0]) for vertices in range(2, 8)])
    assert counts.tolist() == [1, 7, 97, 3364, 128_509, 1_293_208]


def test_unique_modules_are_counted_as_published() -> None:
    edges, _ = whole_space()
    vertices = live_vertices(edges).sum(axis=1)
    found = Counter(zip(vertices.tolist(), edges.sum(axis=1).tolist(), strict=True))
    assert dict(found) == UNIQUE
    assert len(edges) == 423_624
    assert np.cumsum(np.bincount(vertices))[2:].tolist() == [1, 7, 91, 2532, 64_542, 423_624]


def _points(edges: Bits, ops: Bits) -> list[dict[str, Bits]]:
    return [{"edges": bits, "ops": labels} for bits, labels in zip(edges, ops, strict=True)]


@pytest.mark.slow
def test_the_official_hash_and_the_parameters_over_the_whole_space() -> None:
    cells = [decode(point) for point in _points(*whole_space())]
    hashes = sorted(map(cell_hash, cells))
    assert len(set(hashes)) == 423_624  # as many as fingerprints: the same classes
    assert hashes[:2] == ["00005c142e6f48ac74fdcf73e3439874", "0000718c96730a92ea6d5242f8ce77e2"]
    params = np.array([network_cost(cell).params for cell in cells])
    assert (params.min(), params.max()) == (227_274, 49_979_274)
    assert np.sum(params == 227_274) == 32
    assert params.mean() == pytest.approx(8_459_761.9, abs=0.1)
    assert np.median(params) == 5_356_682


def test_the_smallest_network_has_32_cells_in_75_drawings() -> None:
    cells = []
    for vertices in (6, 7):
        edges, ops = labelled_cells(vertices)
        pools = (ops[:, : vertices - 2] == 2).all(axis=1)
        cells += [decode(point) for point in _points(edges[pools], ops[pools])]
    smallest = [cell for cell in cells if network_cost(cell).params == 227_274]
    assert len(smallest) == 75
    assert len(set(map(cell_hash, smallest))) == 32


def test_fingerprints_and_hashes_tell_the_same_small_classes_apart() -> None:
    drawings = [labelled_cells(vertices) for vertices in range(2, 6)]
    edges, ops = (np.concatenate(parts) for parts in zip(*drawings, strict=True))
    found = fingerprints(edges, ops)
    hashes = [cell_hash(decode(point)) for point in _points(edges, ops)]
    assert len(set(zip(found.tolist(), hashes, strict=True))) == 2532
    assert len(np.unique(found)) == len(set(hashes)) == 2532


bits = st.lists(st.integers(0, 1), min_size=21, max_size=21)
labels = st.lists(st.integers(0, 2), min_size=5, max_size=5)


def _is_cell(edges: list[int], ops: list[int]) -> bool:
    drawn = [edge for edge, bit in zip(FRAME_EDGES, edges, strict=True) if bit]
    return invalid_reason(Cell.from_edges(drawn, [OPS[op] for op in ops])) is None


@given(bits, labels)
def test_one_cell_and_many_have_the_same_fingerprint(edges: list[int], ops: list[int]) -> None:
    one = fingerprint(edges, ops)
    assert fingerprints([edges] * 3, [ops] * 3).tolist() == [one] * 3
    assert (one == INVALID) == (not _is_cell(edges, ops))


@given(bits, labels)
def test_pruning_and_renumbering_leave_the_fingerprint(edges: list[int], ops: list[int]) -> None:
    point = {"edges": edges, "ops": ops}
    cell = decode(point)
    other = encode(canonical_cell(cell))
    same = encode(cell)
    assert fingerprint(other["edges"], other["ops"]) == fingerprint(same["edges"], same["ops"])
    if _is_cell(edges, ops):
        assert fingerprint(edges, ops) == fingerprint(same["edges"], same["ops"])


@given(st.lists(st.tuples(bits, labels), min_size=1, max_size=5))
def test_packing_loses_nothing(cells: list[tuple[list[int], list[int]]]) -> None:
    edges, ops = map(np.array, zip(*cells, strict=True))
    again = unpack(pack(edges, ops))
    np.testing.assert_array_equal(again[0], edges)
    np.testing.assert_array_equal(again[1], ops)
