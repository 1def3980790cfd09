"""The network around a cell: a stem, stacks of identical modules, a classifier.

``CIFAR`` is the skeleton of NASBench-101 itself; ``DIGITS`` is a small one for 8x8 grey images.
"""

from __future__ import annotations

from dataclasses import dataclass

from lamcts.adapters.nasbench101.cell import Cell
from lamcts.errors import InvalidArgument

__all__ = ["CIFAR", "DIGITS", "SKELETONS", "Skeleton", "vertex_channels"]

#: Nine edges let up to four vertices share the channels of the output.
MIN_CHANNELS = 4


@dataclass(frozen=True)
class Skeleton:
    """Sizes of the network: stem, then ``stacks`` times ``modules`` cells, pooling, classifier.

    Before every stack but the first, a 2x2 max-pool halves the image and the channels double.

    Attributes:
        channels: Channels of the stem and of the first stack, from 4 up.
        stacks: Number of stacks.
        modules: Cells in a stack.
        image_size: Height and width of the input, in pixels.
        image_channels: 3 for colour images, 1 for grey ones.
        classes: Number of classes.
    """

    channels: int = 128
    stacks: int = 3
    modules: int = 3
    image_size: int = 32
    image_channels: int = 3
    classes: int = 10

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidArgument(f"{name}: {value!r} is not a size; use an integer from 1 up")
        if self.channels < MIN_CHANNELS:
            raise InvalidArgument(
                f"channels: {self.channels} leaves a branch of a cell without any; "
                f"use {MIN_CHANNELS} or more"
            )
        if self.image_size >> (self.stacks - 1) == 0:
            raise InvalidArgument(
                f"stacks: {self.stacks} stacks halve a {self.image_size}-pixel image to nothing; "
                f"use at most {self.image_size.bit_length()}"
            )

    def stages(self) -> list[tuple[int, int, int]]:
        """``(input channels, output channels, image size)`` of every module, in order."""
        stages = []
        inputs = self.channels
        for stack in range(self.stacks):
            outputs = self.channels << stack
            for _ in range(self.modules):
                stages.append((inputs, outputs, self.image_size >> stack))
                inputs = outputs
        return stages


CIFAR = Skeleton()
DIGITS = Skeleton(channels=8, stacks=2, modules=1, image_size=8, image_channels=1)
SKELETONS = {"cifar": CIFAR, "digits": DIGITS}


def vertex_channels(cell: Cell, inputs: int, outputs: int) -> list[int]:
    """Channels of every vertex of a pruned ``cell`` in a module from ``inputs`` to ``outputs``.

    The vertices that feed the output (the input excepted) share its channels; the first of them,
    in vertex order, get the remainder, one channel each. Every other inner vertex is as wide as
    its widest successor.
    """
    last = cell.vertices - 1
    channels = [0] * cell.vertices
    channels[0], channels[last] = inputs, outputs
    feeding = [vertex for vertex in cell.predecessors(last) if vertex > 0]
    for rank, vertex in enumerate(feeding):
        channels[vertex] = outputs // len(feeding) + (rank < outputs % len(feeding))
    for vertex in range(last - 1, 0, -1):
        if vertex not in feeding:
            channels[vertex] = max(channels[target] for target in cell.successors(vertex))
    return channels
