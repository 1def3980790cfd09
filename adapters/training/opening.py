"""Images of a user: CIFAR as it is published, arrays in an ``.npz``, folders, archives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.training.cifar import find_cifar, read_cifar
from lamcts.adapters.training.data import ImageData, Split, check_classes, held_out
from lamcts.adapters.training.files import ImageFiles, open_files
from lamcts.datasets import find_data
from lamcts.errors import InvalidArgument, LamctsError

__all__ = ["open_images"]


def open_images(path: str | Path) -> ImageData | ImageFiles:
    """Images to train on, to select on and to test on.

    Args:
        path: A folder with CIFAR-10 or CIFAR-100 (torchvision's layout, or the binary files); an
            ``.npz`` with ``x_train``, ``y_train``, ``x_test``, ``y_test`` (and ``x_val``,
            ``y_val``), or ``x`` and ``y``; a folder as `open_files` takes it, with images or tar
            archives; or the name of images that ``lamcts data`` has, such as ``cifar10``.

    Returns:
        Arrays, for the first two: channel by channel of zero mean and unit deviation over the
        training images. Else files, which are read while training.

    Raises:
        InvalidArgument: There is nothing there, or nothing that can be read.
    """
    place = Path(path)
    if not os.path.exists(place):
        try:
            place = find_data(str(path))
        except LamctsError:
            known = "cifar100" if str(path) == "cifar100" else "cifar10"
            raise InvalidArgument(
                f"data: there is no file or folder {str(path)!r}; give one, or {known} after: "
                f"lamcts data fetch {known}"
            ) from None
    if place.suffix == ".npz":
        return _of_arrays(_read_npz(place), name=str(path))
    cifar = find_cifar(place)
    if cifar is not None:
        (x_train, y_train), (x_test, y_test) = read_cifar(cifar)
        named: dict[str, NDArray[Any]] = {"x_train": x_train, "y_train": y_train}
        return _of_arrays(named | {"x_test": x_test, "y_test": y_test}, name=str(path))
    return open_files(place)


def _read_npz(file: Path) -> dict[str, NDArray[Any]]:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except Exception as error:  # damaged files raise many kinds, and an array that is no archive
        raise InvalidArgument(f"data: {str(file)!r} cannot be read: {error}") from None


def _of_arrays(arrays: Mapping[str, NDArray[Any]], *, name: str) -> ImageData:
    """Images by name, split where they are not, and scaled."""
    parts = {
        split: _part(arrays, suffix, name)
        for split, suffix in (("train", "_train"), ("validation", "_val"), ("test", "_test"))
        if f"x{suffix}" in arrays
    }
    if "train" not in parts:
        if not {"x", "y"} <= arrays.keys():
            raise InvalidArgument(
                f"data: {name!r} holds {', '.join(sorted(arrays))}; give x_train, y_train, "
                "x_test, y_test, or x and y"
            )
        parts = {"train": _part(arrays, "", name)}
    if "test" not in parts:
        parts["train"], parts["test"] = _held_out(parts["train"])
    if "validation" not in parts:
        parts["train"], parts["validation"] = _held_out(parts["train"])
    check_classes(name, {part: labels for part, (_, labels) in parts.items()})
    pixels = parts["train"][0]
    for part, (images, _) in parts.items():
        if images.shape[1:] != pixels.shape[1:]:
            raise InvalidArgument(
                f"data: {name!r}: images for {part} are {images.shape[1:]} (channels, height, "
                f"width), those for train {pixels.shape[1:]}; give all alike"
            )
    mean, std = pixels.mean(axis=(0, 2, 3)), pixels.std(axis=(0, 2, 3)) + 1e-6

    def split(images: NDArray[np.float32], labels: NDArray[np.int64]) -> Split:
        return Split((images - mean[:, None, None]) / std[:, None, None], labels)

    return ImageData(
        split(*parts["train"]),
        split(*parts["validation"]),
        split(*parts["test"]),
        mean=tuple(mean.tolist()),
        std=tuple(std.tolist()),
        name=name,
    )


_Part = tuple[NDArray[np.float32], NDArray[np.int64]]


def _part(arrays: Mapping[str, NDArray[Any]], suffix: str, name: str) -> _Part:
    """Images (n, channels, size, size) of pixels from 0 to 1, and labels (n,)."""
    if f"y{suffix}" not in arrays:
        raise InvalidArgument(f"data: {name!r} has x{suffix} and no y{suffix}; add the labels")
    images, labels = arrays[f"x{suffix}"], np.asarray(arrays[f"y{suffix}"]).reshape(-1)
    if images.ndim == 3:
        images = images[..., None]  # grey
    if images.ndim == 4 and images.shape[-1] in (1, 3):
        images = images.transpose(0, 3, 1, 2)
    square = images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[2] == images.shape[3]
    if not square or len(labels) != len(images) or not np.issubdtype(labels.dtype, np.integer):
        raise InvalidArgument(
            f"data: {name!r}: x{suffix} of shape {arrays[f'x{suffix}'].shape} and y{suffix} of "
            f"{labels.dtype} {labels.shape} are not square images, grey or of 3 channels, and an "
            "integer label each"
        )
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    pixels = np.ascontiguousarray(images, np.float32) / np.float32(scale)
    if not np.all((pixels >= 0) & (pixels <= 1)):
        raise InvalidArgument(
            f"data: {name!r}: x{suffix} of {images.dtype} has values from {pixels.min():g} to "
            f"{pixels.max():g}; give 8-bit pixels (uint8) or numbers from 0 to 1"
        )
    if np.any(labels < 0):
        raise InvalidArgument(f"data: {name!r}: y{suffix} has {labels.min()}; count from 0 up")
    return pixels, labels.astype(np.int64)


def _held_out(part: _Part) -> tuple[_Part, _Part]:
    """A part without the images held out, and those; the classes in proportion, always the same."""
    images, labels = part
    held = held_out(labels)
    return (images[~held], labels[~held]), (images[held], labels[held])
