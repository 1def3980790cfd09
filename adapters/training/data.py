"""Labelled images in three splits: train on one, select on another, report the third once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import DependencyNotInstalled

__all__ = ["ImageData", "Split", "digits"]

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


@dataclass(frozen=True, eq=False)
class ImageData:
    """A classification task.

    Attributes:
        train: What the weights are fitted to.
        validation: What architectures are compared on.
        test: What the final architecture is measured on, once.
    """

    train: Split
    validation: Split
    test: Split


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
    images = (images - images[train].mean()) / images[train].std()

    def split(rows: Any) -> Split:
        return Split(images[rows], labels[rows].astype(np.int64))

    return ImageData(split(train), split(validation), split(test))
