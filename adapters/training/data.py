"""Labelled images in three splits: train on one, select on another, report the third once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = [
    "DIGITS",
    "ImageData",
    "ImageShape",
    "Split",
    "announced",
    "check_classes",
    "digits",
    "held_out",
]

#: The name of the images that stand in where no others are given.
DIGITS = "scikit-learn's 8x8 handwritten digits"

_DIGITS_TRAIN, _DIGITS_VALIDATION = 600, 600


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images.

    Attributes:
        images: (n, channels, height, width), of about zero mean and unit variance.
        labels: (n,), from 0 up.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageShape:
    """What a network must fit.

    Attributes:
        channels: 3 for colour images, 1 for grey ones.
        size: Height and width, in pixels.
        classes: Number of classes.
    """

    channels: int
    size: int
    classes: int


@dataclass(frozen=True, eq=False)
class ImageData:
    """A classification task whose images are in memory.

    Attributes:
        train: What the weights are fitted to.
        validation: What architectures, and epochs, are compared on.
        test: What the final architecture is measured on, once.
        mean: Of the training pixels by channel, where 0 is black and 1 is full; with it and
            ``std`` the pixels can be had again, for changes of colour. ``None``: not to be had.
        std: Their standard deviation by channel.
        name: What the images are, for people.
    """

    train: Split
    validation: Split
    test: Split
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    name: str = "own images"

    @property
    def shape(self) -> ImageShape:
        """Channels, size and classes."""
        channels, size = self.train.images.shape[1:3]
        return ImageShape(channels, size, int(self.train.labels.max()) + 1)


def announced(name: str) -> str:
    """The name of images, and where they stand in for a user's own that they do."""
    return f"{name}, a stand-in (your own: --set data=PATH)" if name == DIGITS else name


@cache
def digits() -> ImageData:
    """scikit-learn's handwritten digits: 1,797 grey images of 8x8 pixels, 10 classes.

    A fixed stratified split: 600 to train, 600 to validate, 597 to test. No download.

    Raises:
        DependencyNotInstalled: When scikit-learn is missing.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise DependencyNotInstalled(
            "the handwritten digits need scikit-learn: pip install scikit-learn"
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels.astype(np.float32) / 16.0).reshape(-1, 1, 8, 8)
    train, rest = train_test_split(
        np.arange(len(labels)), train_size=_DIGITS_TRAIN, stratify=labels, random_state=0
    )
    validation, test = train_test_split(
        rest, train_size=_DIGITS_VALIDATION, stratify=labels[rest], random_state=0
    )
    # Only the training images may set the scale.
    mean, std = images[train].mean(), images[train].std()
    images = (images - mean) / std

    def split(rows: Any) -> Split:
        return Split(images[rows], labels[rows].astype(np.int64))

    scale = ((float(mean),), (float(std),))
    return ImageData(split(train), split(validation), split(test), *scale, name=DIGITS)


def check_classes(name: str, labels: Mapping[str, NDArray[np.int64]]) -> None:
    """Refuse what no network can learn, or be tested on.

    Args:
        name: Of the images.
        labels: (n,) those of each split.

    Raises:
        InvalidArgument: A split without images, training images of a single class, or a split with
            a class that they have not.
    """
    for split, found in labels.items():
        if not len(found):
            raise InvalidArgument(f"data: {name!r} has too few images, none for {split}; give more")
        if unseen := sorted(set(found.tolist()) - set(labels["train"].tolist())):
            raise InvalidArgument(
                f"data: {name!r} has no training images of the class {unseen[0]}, which those for "
                f"{split} have; the splits need the same classes"
            )
    if len(np.unique(labels["train"])) < 2:
        raise InvalidArgument(f"data: {name!r} has images of one class only; give two or more")


def held_out(labels: NDArray[np.int64], share: float = 0.1) -> NDArray[np.bool_]:
    """Which images to hold out: of every class this share, chosen at random, always the same.

    Args:
        labels: (n,).
        share: In (0, 1); of every class that has two images at least one is held out.

    Returns:
        (n,), true for those held out.
    """
    rng = np.random.default_rng(0)
    held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) > 1:
            count = max(1, round(share * len(rows)))
            held[rng.permutation(rows)[:count]] = True
    return held
