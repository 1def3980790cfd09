"""How the paths of a supernet of cells are drawn: as points of an encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamcts.adapters.nasnet_cifar.encoding import Encoding
from lamcts.adapters.nasnet_cifar.genotype import Arm, Cell, Genotype, Node
from lamcts.adapters.supernet.sampling import Paths, hands

__all__ = ["cell_paths"]


def cell_paths(encoding: Encoding) -> Paths:
    """Paths of an encoding in which all nodes leave the cell.

    A node's arms are two of its pairs of an input and an operation, or an operation each on two of
    its inputs. Random paths take any two with the same chance, dealt ones all equally often.
    """

    def deal(rng: np.random.Generator) -> Iterator[Any]:
        nodes = range(encoding.nodes)
        cells = [[_deal_arms(encoding, k, rng) for k in nodes] for _ in encoding.parts]
        joined = tuple(k + 2 for k in nodes)
        while True:
            made = [Cell(tuple(next(arms) for arms in cell), joined) for cell in cells]
            yield encoding.encode(Genotype(made[0], made[-1]))

    # The first hand of a shuffled deck is any hand with the same chance.
    return Paths(draw=lambda rng: next(deal(rng)), deal=deal)


def _deal_arms(encoding: Encoding, k: int, rng: np.random.Generator) -> Iterator[Node]:
    """The arms of node ``k`` in one path after another."""
    ops, inputs = encoding.ops, k + 2
    if encoding.apart == "arms":
        for pairs in hands(inputs * len(ops), 2, rng):
            one, other = (Arm(ops[pair % len(ops)], pair // len(ops)) for pair in sorted(pairs))
            yield one, other
    of_input = [hands(len(ops), 1, rng) for _ in range(inputs)]
    for taken in hands(inputs, 2, rng):
        one, other = (Arm(ops[next(of_input[state])[0]], state) for state in sorted(taken))
        yield one, other
