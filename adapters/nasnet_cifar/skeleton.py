"""The network around the cells: a stem, a row of cells, two of which halve the image, a classifier.

``CIFAR`` and ``IMAGENET`` are the networks that the papers retrain. `cell_sites` says what every
cell is connected to; the network and the formula of its cost are both read off it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lamcts.adapters.nasnet_cifar.genotype import Cell, Genotype
from lamcts.errors import InvalidArgument

__all__ = ["CIFAR", "IMAGENET", "SKELETONS", "Features", "Site", "Skeleton", "cell_sites"]

#: The auxiliary head needs a 2x2 map of 5x5 means.
MIN_AUXILIARY_SIZE = 6


@dataclass(frozen=True)
class Skeleton:
    """Sizes of the network.

    Attributes:
        channels: Channels of every node in the first cells; doubled at each of the two reductions.
        cells: Number of cells; those numbered ``cells // 3`` and ``2 * cells // 3`` are reductions.
        image_size: Height and width of the input, in pixels.
        image_channels: 3 for colour images, 1 for grey ones.
        classes: Number of classes.
        stem: ``"cifar"``: a 3x3 convolution to three times the channels. ``"imagenet"``: three of
            them, of stride 2, so that the cells see images an eighth as large.
        auxiliary: Whether there is a second classifier after the second reduction, for training.
        standardised: Whether the 1x1 convolutions of operations and of cell inputs standardise
            their weights, filter by filter, as LaNet's do. It costs nothing in parameters.
    """

    channels: int = 36
    cells: int = 20
    image_size: int = 32
    image_channels: int = 3
    classes: int = 10
    stem: Literal["cifar", "imagenet"] = "cifar"
    auxiliary: bool = False
    standardised: bool = False

    def __post_init__(self) -> None:
        for name in ("channels", "cells", "image_size", "image_channels", "classes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidArgument(f"{name}: {value!r} is not a size; use an integer from 1 up")
        if self.stem == "imagenet" and self.channels < 2:
            raise InvalidArgument("channels: 1 leaves the ImageNet stem none; use 2 or more")
        if self.auxiliary and self.auxiliary_size < MIN_AUXILIARY_SIZE:
            raise InvalidArgument(
                f"auxiliary: {self.image_size}-pixel images leave {self.auxiliary_size} pixels "
                f"where it stands, and it needs {MIN_AUXILIARY_SIZE}; use larger ones, or no head"
            )

    @property
    def reductions(self) -> tuple[int, ...]:
        """The numbers of the cells that halve the image: two, or one of the two or fewer cells."""
        return tuple(sorted({self.cells // 3, 2 * self.cells // 3}))

    @property
    def stem_features(self) -> tuple[Features, Features]:
        """What the first cell takes for the outputs of the two cells before it."""
        if self.stem == "cifar":
            features = Features(3 * self.channels, self.image_size)
            return features, features
        quarter = halved(halved(self.image_size))
        return Features(self.channels, quarter), Features(self.channels, halved(quarter))

    @property
    def auxiliary_size(self) -> int:
        """Height and width of the features after the last reduction."""
        size = self.stem_features[1].size
        for _ in self.reductions:
            size = halved(size)
        return size


@dataclass(frozen=True)
class Features:
    """The size of a feature map: its channels, and its height and width."""

    channels: int
    size: int


@dataclass(frozen=True)
class Site:
    """A place in the row of cells.

    Attributes:
        cell: The cell that stands there.
        before: Output of the cell before the previous one.
        previous: Output of the previous cell.
        channels: Channels of every node.
        reduces: Whether the cell halves the image.
    """

    cell: Cell
    before: Features
    previous: Features
    channels: int
    reduces: bool

    @property
    def output(self) -> Features:
        """What leaves the cell."""
        size = self.previous.size
        joined = self.channels * len(self.cell.concat)
        return Features(joined, halved(size) if self.reduces else size)

    def stride(self, state: int) -> int:
        """By how much an operation on ``state`` shrinks it: 2 on the inputs of a reduction."""
        return 2 if self.reduces and state < 2 else 1


CIFAR = Skeleton()
IMAGENET = Skeleton(channels=48, cells=14, image_size=224, classes=1000, stem="imagenet")
SKELETONS = {"cifar": CIFAR, "imagenet": IMAGENET}


def cell_sites(genotype: Genotype, skeleton: Skeleton) -> list[Site]:
    """Every cell of the network with what it is connected to, in order."""
    before, previous = skeleton.stem_features
    channels = skeleton.channels
    sites = []
    for number in range(skeleton.cells):
        reduces = number in skeleton.reductions
        if reduces:
            channels *= 2
        cell = genotype.reduction if reduces else genotype.normal
        sites.append(Site(cell, before, previous, channels, reduces))
        before, previous = previous, sites[-1].output
    return sites


def halved(size: int) -> int:
    """The size of an image after stride 2: odd sizes are rounded up."""
    return (size + 1) // 2
