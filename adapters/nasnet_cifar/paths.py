"""The paths of a supernet of cells, as points of an encoding: how they are drawn, and split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lamcts.adapters.nasnet_cifar.encoding import Encoding
from lamcts.adapters.nasnet_cifar.genotype import Arm, Cell, Genotype, Node
from lamcts.adapters.supernet.sampling import Paths, hands
from lamcts.adapters.supernet.splits import Choice
from lamcts.errors import InvalidArgument, UnknownName

__all__ = ["arm_choice", "cell_paths"]


def cell_paths(encoding: Encoding) -> Paths:
    """Paths of an encoding in which all nodes leave the cell.

    A node's arms are two of its pairs of an input and an operation, or an operation each on two of
    its inputs. Random paths take any two with the same chance, dealt ones all equally often.

    Raises:
        InvalidArgument: The cells of the space do not all have the same output.
    """
    if encoding.joins != "nodes":
        raise InvalidArgument(
            f"encoding: the outputs of cells of the {encoding.name} space have different sizes, "
            "so they cannot share weights; use one-shot or darts"
        )

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


def arm_choice(encoding: Encoding, name: str) -> Choice:
    """The operation on the first arm of a node, that of the least input, then operation.

    Args:
        encoding: The space.
        name: A cell and the number of a node in it: ``normal.0``.

    Raises:
        UnknownName: There is no such node.
    """
    cell_name, _, digits = name.partition(".")
    names = ("normal", "reduction")[: len(encoding.parts)]
    if cell_name not in names or digits not in map(str, range(encoding.nodes)):
        raise UnknownName(
            f"by: {name!r} is no node of the {encoding.name} space, and no run's folder; "
            f"use normal.0 to {names[-1]}.{encoding.nodes - 1}, or a folder"
        )

    def of(point: Any) -> int:
        node = dict(encoding.decode(point).cells())[cell_name].nodes[int(digits)]
        return min((arm.input, encoding.ops.index(arm.op)) for arm in node)[1]

    return Choice(name, encoding.ops, of)
