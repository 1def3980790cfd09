"""One-shot LaNAS' masks: a genotype as zeros and ones, a supernet's operations switched on.

The bits stand cell by cell (normal, reduction), node by node, input by input, operation by
operation. A network has exactly two ones a node: 20 of 160 with 5 nodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.nasnet_cifar.encoding import ONE_SHOT, Encoding
from lamcts.adapters.nasnet_cifar.genotype import Arm, Cell, Genotype, Node
from lamcts.errors import InvalidArgument, shown

__all__ = ["from_bits", "mask_length", "to_bits"]


def mask_length(encoding: Encoding = ONE_SHOT) -> int:
    """Number of bits of a genotype's mask."""
    return 2 * len(encoding.ops) * sum(k + 2 for k in range(encoding.nodes))


def to_bits(genotype: Genotype, encoding: Encoding = ONE_SHOT) -> NDArray[np.int8]:
    """(160,) the mask of a genotype of the one-shot space.

    Raises:
        InvalidArgument: The genotype is not in that space.
    """
    encoding.encode(genotype)
    bits = np.zeros(mask_length(encoding), dtype=np.int8)
    first = 0
    for _, cell in genotype.cells():
        for k, node in enumerate(cell.nodes):
            for arm in node:
                bits[first + arm.input * len(encoding.ops) + encoding.ops.index(arm.op)] = 1
            first += (k + 2) * len(encoding.ops)
    return bits


def from_bits(bits: Any, encoding: Encoding = ONE_SHOT) -> Genotype:
    """The genotype of a mask; the arms of a node come in the order of their bits.

    Args:
        bits: (160,) zeros and ones; as floats, or in nested lists, too.
        encoding: The one-shot space, with another number of nodes perhaps.

    Raises:
        InvalidArgument: The length is wrong, or a node has not exactly two ones; it is named.
    """
    length = mask_length(encoding)
    try:
        mask = np.asarray(bits, dtype=np.float64).ravel()
    except (TypeError, ValueError):  # names, or lists of unequal lengths
        mask = np.empty(0)
    if mask.shape != (length,) or not np.isin(mask, (0.0, 1.0)).all():
        raise InvalidArgument(f"bits: {shown(bits)} is no mask; give {length} zeros and ones")
    half = length // 2
    joined = tuple(range(2, encoding.nodes + 2))
    return Genotype(
        Cell(_nodes(mask[:half], encoding, "normal"), joined),
        Cell(_nodes(mask[half:], encoding, "reduction"), joined),
    )


def _nodes(mask: NDArray[Any], encoding: Encoding, name: str) -> tuple[Node, ...]:
    nodes = []
    first = 0
    for k in range(encoding.nodes):
        width = (k + 2) * len(encoding.ops)
        ones = np.flatnonzero(mask[first : first + width]).tolist()
        if len(ones) != 2:
            raise InvalidArgument(
                f"bits: node {k} of the {name} cell has {len(ones)} ones; give it exactly 2"
            )
        one, other = (divmod(bit, len(encoding.ops)) for bit in ones)
        nodes.append((Arm(encoding.ops[one[1]], one[0]), Arm(encoding.ops[other[1]], other[0])))
        first += width
    return tuple(nodes)
