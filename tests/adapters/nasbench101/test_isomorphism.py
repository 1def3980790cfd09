"""The official hash and the canonical cell, against published hashes and counts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.nasbench101 import NAMED_CELLS, Cell, canonical_cell, cell_hash, prune
from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAX_EDGES, MAXPOOL3X3, OPS
from lamcts.adapters.nasbench101.space import FRAME_EDGES, decode

#: Unique modules with exactly (vertices, edges), from the enumeration of the space.
UNIQUE = {
    (2, 1): 1,
    (3, 2): 3,
    (3, 3): 3,
    (4, 3): 9,
    (4, 4): 33,
    (4, 5): 33,
    (4, 6): 9,
    (5, 4): 27,
    (5, 5): 225,
    (5, 6): 622,
    (5, 7): 811,
    (5, 8): 558,
    (5, 9): 198,
}
#: Labelled modules, isomorphic ones counted apart, with at most so many vertices.
LABELLED = {2: 1, 3: 7, 4: 97, 5: 3364}


def _modules(vertices: int) -> Iterator[Cell]:
    """Every labelled module of ``vertices`` vertices that pruning leaves whole."""
    frame = [(a, b) for a in range(vertices) for b in range(a + 1, vertices)]
    for count in range(vertices - 1, min(MAX_EDGES, len(frame)) + 1):
        for edges in itertools.combinations(frame, count):
            bare = Cell.from_edges(edges, [CONV3X3] * (vertices - 2))
            if prune(bare) is bare:
                for ops in itertools.product(OPS, repeat=vertices - 2):
                    yield Cell.from_edges(edges, ops)


@pytest.fixture(scope="module")
def modules() -> list[Cell]:
    """Every labelled module of at most five vertices."""
    return [cell for vertices in range(2, 6) for cell in _modules(vertices)]


def test_modules_of_up_to_five_vertices_are_counted_as_published(modules: list[Cell]) -> None:
    for vertices, count in LABELLED.items():
        assert sum(cell.vertices <= vertices for cell in modules) == count
    unique = {cell_hash(cell): (cell.vertices, len(cell.edges)) for cell in modules}
    assert dict(Counter(unique.values())) == UNIQUE
    assert len(unique) == 2532


def test_canonical_cells_and_hashes_tell_the_same_classes_apart(modules: list[Cell]) -> None:
    pairs = {(cell_hash(cell), canonical_cell(cell)) for cell in modules}
    assert len(pairs) == 2532
    assert len({canonical for _, canonical in pairs}) == 2532


def test_a_canonical_cell_is_one_of_its_class_and_its_own_canonical(modules: list[Cell]) -> None:
    for cell in modules[::7]:
        canonical = canonical_cell(cell)
        assert cell_hash(canonical) == cell_hash(cell)
        assert canonical_cell(canonical) == canonical


# Published for these cells, with their parameters: see test_cost.
FIRST_BITS = "100110100001001010101"
FIRST_HASH = Cell.from_edges(
    [edge for edge, bit in zip(FRAME_EDGES, FIRST_BITS, strict=True) if bit == "1"],
    [CONV3X3, MAXPOOL3X3, CONV3X3, CONV3X3, CONV1X1],
)


@pytest.mark.parametrize(
    ("cell", "published"),
    [
        (NAMED_CELLS["inception"], "28cfc7874f6d200472e1a9dcd8650aa0"),
        (NAMED_CELLS["lanas-best"], "0da48e9f9faecf504244c65b82e0ba71"),
        (NAMED_CELLS["alphax-7"], "02e5a0247bbdcf2860b7e96f74961594"),
        (FIRST_HASH, "00005c142e6f48ac74fdcf73e3439874"),
    ],
)
def test_hashes_equal_the_published_ones(cell: Cell, published: str) -> None:
    assert cell_hash(cell) == published


def _relabelled(cell: Cell, keys: list[float]) -> Cell:
    """The same graph under another topological numbering, chosen by random priorities."""
    order, left = [0], set(range(1, cell.vertices - 1))
    while left:
        ready = [v for v in left if set(cell.predecessors(v)) <= set(order)]
        order.append(min(ready, key=lambda v: keys[v]))
        left.remove(order[-1])
    return cell.subgraph([*order, cell.vertices - 1])


@given(
    bits=st.lists(st.integers(0, 1), min_size=21, max_size=21),
    ops=st.lists(st.integers(0, 2), min_size=5, max_size=5),
    keys=st.lists(st.floats(0, 1), min_size=7, max_size=7),
)
def test_renumbering_changes_neither_hash_nor_canonical_cell(
    bits: list[int], ops: list[int], keys: list[float]
) -> None:
    cell = decode({"edges": bits, "ops": ops})
    other = _relabelled(cell, keys)
    assert cell_hash(other) == cell_hash(cell)
    assert canonical_cell(other) == canonical_cell(cell)
    # The canonical cell really is a renumbering of the cell, found by trying all of them.
    canonical = canonical_cell(cell)
    inner = range(1, cell.vertices - 1)
    assert any(
        [cell.ops[v] for v in order] == list(canonical.ops[1:-1])
        and all(
            cell.adjacency[a][b] == canonical.adjacency[i][j]
            for i, a in enumerate((0, *order, cell.vertices - 1))
            for j, b in enumerate((0, *order, cell.vertices - 1))
        )
        for order in itertools.permutations(inner)
    )
