"""Which cells are the same network: the official hash, and one canonical cell for each class.

Two cells whose vertices can be renumbered into one another are the same network. The hash is the
key of the official table; the canonical cell is the representative that a search deduplicates by.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import md5
from itertools import chain, groupby, permutations, product

from lamcts.adapters.nasbench101.cell import OPS, Cell

__all__ = ["canonical_cell", "cell_hash", "depths"]

_INPUT_LABEL = -1
_OUTPUT_LABEL = -2


def cell_hash(cell: Cell) -> str:
    """The official isomorphism-invariant hash of a pruned, valid cell (32 hex digits).

    Every vertex starts from its degrees and label, then absorbs its neighbours' hashes V times;
    the cell's hash is that of the sorted vertex hashes (Ying et al. 2019, ``graph_util``).
    """
    # The text that is hashed is Python's own print of a list of strings.
    return _md5(str(sorted(_vertex_hashes(cell))))


@lru_cache(maxsize=100_000)
def canonical_cell(cell: Cell) -> Cell:
    """The one cell that stands for all valid cells isomorphic to a pruned ``cell``.

    The inner vertices are sorted by what does not depend on their numbering: depth, operation,
    vertex hash. Vertices that tie are tried in every order, and the lexicographically least
    adjacency wins. Depth leads because it grows along every edge, which keeps the numbering
    topological, and because it gives similar cells similar numberings.
    """
    invariants = list(zip(depths(cell), _labels(cell), _vertex_hashes(cell), strict=True))
    inner = sorted(range(1, cell.vertices - 1), key=invariants.__getitem__)
    ties = [tuple(group) for _, group in groupby(inner, key=invariants.__getitem__)]
    numberings = product(*(permutations(group) for group in ties))
    return min(
        (cell.subgraph((0, *chain(*groups), cell.vertices - 1)) for groups in numberings),
        key=lambda numbered: numbered.adjacency,
    )


def depths(cell: Cell) -> list[int]:
    """Length of the longest path from the input to each vertex."""
    depth = [0] * cell.vertices
    for vertex in range(1, cell.vertices):
        depth[vertex] = 1 + max(depth[source] for source in cell.predecessors(vertex))
    return depth


def _labels(cell: Cell) -> list[int]:
    return [_INPUT_LABEL, *(OPS.index(op) for op in cell.ops[1:-1]), _OUTPUT_LABEL]


@lru_cache(maxsize=1024)
def _vertex_hashes(cell: Cell) -> tuple[str, ...]:
    size = cell.vertices
    sources = [cell.predecessors(v) for v in range(size)]
    targets = [cell.successors(v) for v in range(size)]
    # Plain integers: NumPy's print differently and would give other hashes.
    hashes = [
        _md5(str((len(targets[v]), len(sources[v]), label)))
        for v, label in enumerate(_labels(cell))
    ]
    for _ in range(size):
        hashes = [
            _md5(
                "".join(sorted(hashes[s] for s in sources[v]))
                + "|"
                + "".join(sorted(hashes[t] for t in targets[v]))
                + "|"
                + hashes[v]
            )
            for v in range(size)
        ]
    return tuple(hashes)


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
