"""Parameters, multiply-adds and activations by formula, of one network or of many at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.mobile.choices import Choices, Codes
from lamcts.adapters.mobile.stages import Block, Network, halved

__all__ = [
    "FIGURES",
    "BlockSum",
    "block_activations",
    "block_macs",
    "block_params",
    "network_activations",
    "network_macs",
    "network_params",
    "outer_activations",
    "outer_macs",
    "outer_params",
]

#: Rows summed at a time: what they need fits a processor's cache.
_ROWS = 4096


def block_params(block: Block) -> int:
    """Trainable parameters: convolutions have none but weights, then a scale and a shift."""
    inputs, middle = block.inputs, block.expanded
    up = inputs * middle + 2 * middle if middle != inputs else 0
    depthwise = block.kernel**2 * middle + 2 * middle
    squeeze = 2 * middle * block.squeeze + block.squeeze + middle if block.squeeze else 0
    return up + depthwise + squeeze + middle * block.outputs + 2 * block.outputs


def block_macs(block: Block) -> int:
    """Multiply-adds for one image."""
    inputs, middle = block.inputs, block.expanded
    up = inputs * middle * block.size**2 if middle != inputs else 0
    after = (block.kernel**2 * middle + middle * block.outputs) * block.output_size**2
    return up + after + 2 * middle * block.squeeze


def block_activations(block: Block) -> int:
    """Numbers that convolutions give for one image, those of squeeze-and-excitation included."""
    up = block.expanded * block.size**2 if block.expanded != block.inputs else 0
    after = (block.expanded + block.outputs) * block.output_size**2
    return up + after + (block.squeeze + block.expanded if block.squeeze else 0)


def outer_params(network: Network) -> int:
    """Trainable parameters of all but the blocks."""
    last = network.blocks[-1].outputs
    stem = 9 * network.image_channels * network.stem + 2 * network.stem
    head = last * network.head + 2 * network.head
    hidden = (network.head + network.hidden_bias) * network.hidden
    features = network.hidden or network.head
    return stem + head + hidden + (features + 1) * network.classes


def outer_macs(network: Network) -> int:
    """Multiply-adds of all but the blocks."""
    last = network.blocks[-1]
    pixels = halved(network.resolution, network.stem_stride) ** 2
    stem = 9 * network.image_channels * network.stem * pixels
    head = last.outputs * network.head * last.output_size**2
    features = network.hidden or network.head
    return stem + head + network.head * network.hidden + features * network.classes


def outer_activations(network: Network) -> int:
    """Numbers that all but the blocks give for one image."""
    stem = network.stem * halved(network.resolution, network.stem_stride) ** 2
    head = network.head * network.blocks[-1].output_size ** 2
    return stem + head + network.hidden + network.classes


def network_params(network: Network) -> int:
    """Trainable parameters."""
    return outer_params(network) + sum(map(block_params, network.blocks))


def network_macs(network: Network) -> int:
    """Multiply-adds for one image: convolutions, squeeze-and-excitation, hidden layer, classifier.

    Papers on mobile networks call these FLOPs.
    """
    return outer_macs(network) + sum(map(block_macs, network.blocks))


def network_activations(network: Network) -> int:
    """Numbers that all convolutions and linear layers give for one image.

    What memory and speed on accelerators go by rather than multiply-adds (Radosavovic et al.,
    "Designing Network Design Spaces", CVPR 2020).
    """
    return outer_activations(network) + sum(map(block_activations, network.blocks))


#: What a block and what all but the blocks count, by the name of the cost.
FIGURES: dict[str, tuple[Callable[[Block], int], Callable[[Network], int]]] = {
    "params": (block_params, outer_params),
    "macs": (block_macs, outer_macs),
    "activations": (block_activations, outer_activations),
}


class BlockSum:
    """A figure that adds up over blocks, of many rows of codes at once.

    The figure of every block there can be is tabulated once; a row's is a sum of entries.

    Args:
        choices: The columns of the rows.
        of_block: The figure of one block.
        of_outer: That of all but the blocks; it must depend on the scale only.
    """

    def __init__(
        self,
        choices: Choices,
        of_block: Callable[[Block], float],
        of_outer: Callable[[Network], float],
    ) -> None:
        self.choices = choices
        self._of_block, self._of_outer = of_block, of_outer

    def __call__(self, codes: Codes) -> NDArray[np.float64]:
        """(n,) figures of rows (n, p)."""
        parts = [self._sums(codes[at : at + _ROWS]) for at in range(0, len(codes), _ROWS)]
        return np.concatenate(parts or [np.zeros(0)])

    def tabulate(self) -> None:
        """Make the table now, with the errors that the figures of blocks may raise."""
        self._blocks, self._outer  # noqa: B018 - they are kept

    def _sums(self, codes: Codes) -> NDArray[np.float64]:
        choices = self.choices
        scale = choices.scale(codes)
        entries = self._blocks[
            scale[:, None],
            np.arange(len(choices.places)),
            choices.of_blocks("kernels", codes),
            choices.of_blocks("expands", codes),
            choices.of_blocks("squeeze", codes),
        ]
        total: NDArray[np.float64] = self._outer[scale] + (entries * choices.active(codes)).sum(1)
        return total

    @cached_property
    def _blocks(self) -> NDArray[np.float64]:
        """(scales, blocks, kernels, expands, squeeze); zero where there are fewer options."""
        choices, stages = self.choices, self.choices.family.stages
        widest = [
            max(len(getattr(s, k)) for s in stages) for k in ("kernels", "expands", "squeeze")
        ]
        shape = (len(choices.family.scales), len(choices.places), *widest)
        table = np.zeros(shape)
        for scale, place, kernel, expand, squeeze in np.ndindex(*shape):
            stage = stages[choices.places[place][0]]
            counts = len(stage.kernels), len(stage.expands), len(stage.squeeze)
            if kernel < counts[0] and expand < counts[1] and squeeze < counts[2]:
                block = choices.block(scale, place, kernel, expand, squeeze)
                table[scale, place, kernel, expand, squeeze] = self._of_block(block)
        return table

    @cached_property
    def _outer(self) -> NDArray[np.float64]:
        """(scales,)."""
        choices = self.choices
        rows = np.zeros((len(choices.family.scales), len(choices.columns)), dtype=np.int64)
        if "scale" in choices.kinds:
            rows[:, choices.kinds["scale"][0]] = np.arange(len(rows))
        return np.array([self._of_outer(choices.network(row)) for row in rows], dtype=np.float64)
