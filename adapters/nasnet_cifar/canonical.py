"""One genotype for all that describe the same network: arms swapped, nodes renumbered."""

from __future__ import annotations

from functools import lru_cache

from lamcts.adapters.nasnet_cifar.genotype import OPS, Arm, Cell, Genotype

__all__ = ["canonical_cell", "canonical_genotype"]

#: A node's arms as (number of the input, number of the operation), the lesser one first.
_Arms = tuple[tuple[int, int], ...]
_OP_NUMBER = {op: number for number, op in enumerate(OPS)}


def canonical_genotype(genotype: Genotype) -> Genotype:
    """The genotype of the two canonical cells."""
    return Genotype(canonical_cell(genotype.normal), canonical_cell(genotype.reduction))


@lru_cache(maxsize=100_000)
def canonical_cell(cell: Cell) -> Cell:
    """The one cell that stands for all that differ from ``cell`` in order alone.

    Of all orders in which the nodes can follow each other it takes the one whose list of sorted
    arms is the least. That list is found greedily: of the nodes that may come next, the one with
    the least arms must. Nodes with the same arms are tried one by one, but for twins.
    """
    rows, concat = _least(cell, _uses(cell), {0: 0, 1: 1})
    nodes = [[Arm(OPS[op], state) for state, op in row] for row in rows]
    return Cell.make(nodes, concat)


def _least(
    cell: Cell, uses: list[tuple[_Arms, bool]], number: dict[int, int]
) -> tuple[tuple[_Arms, ...], tuple[int, ...]]:
    """The least rows of the nodes without a number yet, and the concatenated states after that.

    Args:
        cell: The cell.
        uses: What each state is used for; two nodes with the same arms and the same uses are
            twins: swapping them changes nothing.
        number: New numbers of the states that have one.
    """
    ready = {}
    for state, node in enumerate(cell.nodes, start=2):
        if state not in number and all(arm.input in number for arm in node):
            ready[state] = tuple(sorted((number[arm.input], _OP_NUMBER[arm.op]) for arm in node))
    if not ready:
        return (), tuple(sorted(number[state] for state in cell.concat))
    row = min(ready.values())
    tied = {uses[state]: state for state, arms in ready.items() if arms == row}
    rows, concat = min(
        _least(cell, uses, {**number, state: len(number)}) for state in tied.values()
    )
    return (row, *rows), concat


def _uses(cell: Cell) -> list[tuple[_Arms, bool]]:
    """For every state: the nodes that take it in with what operation, and whether it is joined."""
    taken: list[list[tuple[int, int]]] = [[] for _ in range(len(cell.nodes) + 2)]
    for k, node in enumerate(cell.nodes):
        for arm in node:
            taken[arm.input].append((k, _OP_NUMBER[arm.op]))
    return [(tuple(sorted(uses)), state in cell.concat) for state, uses in enumerate(taken)]
