"""Parameters and multiply-adds of a cell's network, by formula, without building it."""

from __future__ import annotations

from dataclasses import dataclass

from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, Cell
from lamcts.adapters.nasbench101.skeleton import CIFAR, Skeleton, vertex_channels

__all__ = ["Cost", "network_cost"]

_KERNEL = {CONV3X3: 3, CONV1X1: 1}


@dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        params: Trainable parameters.
        macs: Multiply-adds of the convolutions and the classifier, for one image.
    """

    params: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)


def network_cost(cell: Cell, skeleton: Skeleton = CIFAR) -> Cost:
    """Cost of the whole network whose modules are the pruned, valid ``cell``."""
    total = _conv(3, skeleton.image_channels, skeleton.channels, skeleton.image_size)
    for inputs, outputs, size in skeleton.stages():
        total += _module(cell, inputs, outputs, size)
    features = skeleton.stages()[-1][1]
    weights = features * skeleton.classes
    return total + Cost(weights + skeleton.classes, weights)


def _module(cell: Cell, inputs: int, outputs: int, size: int) -> Cost:
    channels = vertex_channels(cell, inputs, outputs)
    total = Cost()
    for vertex in range(1, cell.vertices - 1):
        kernel = _KERNEL.get(cell.ops[vertex])
        if kernel is not None:
            total += _conv(kernel, channels[vertex], channels[vertex], size)
    # Every edge from the module's input is a 1x1 projection to its target's channels.
    for target in cell.successors(0):
        total += _conv(1, inputs, channels[target], size)
    return total


def _conv(kernel: int, inputs: int, outputs: int, size: int) -> Cost:
    """A convolution without bias and its batch normalisation (a scale and a shift a channel)."""
    weights = kernel * kernel * inputs * outputs
    return Cost(weights + 2 * outputs, weights * size * size)
