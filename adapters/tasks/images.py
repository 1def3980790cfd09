"""Labelled images: a folder with a folder of image files for each class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.tasks.data import Data, class_numbers, split_data
from lamcts.adapters.training.files import class_files, in_colours
from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["read_image_folder"]

_ENDINGS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_PARTS = ({"train"}, {"validation", "valid", "val"}, {"test"})


def read_image_folder(
    folder: str | Path, *, size: int, grey: bool = False, seed: int = 0
) -> tuple[Data, list[str]]:
    """All images of a folder, resized and held in memory.

    The folder holds ``CLASS/*.png`` (or other image files), of which a fifth each is set aside to
    validate and to test; or ``train``, ``validation`` and ``test``, each with such folders.

    Args:
        folder: Where they are.
        size: Height and width that images are resized to.
        grey: Whether colours are dropped.
        seed: Of the split.

    Returns:
        Inputs (n, 3 or 1, size, size) in [0, 1] with class numbers, and the classes' names.

    Raises:
        DependencyNotInstalled: When Pillow is missing.
        InvalidArgument: The folder holds no such images, or a file cannot be read.
    """
    root = Path(folder)
    if not os.path.isdir(root):
        raise InvalidArgument(f"data: {str(folder)!r} is no folder")
    inside = {path.name.lower(): path for path in root.iterdir() if path.is_dir()}
    parts = [next((inside[name] for name in names & set(inside)), None) for names in _PARTS]
    if parts[0] is None:
        images, labels = _read(root, size, grey)
        names = _classes(root, labels)
        return split_data(images, class_numbers(labels, names), seed=seed), names
    if parts[1] is None or parts[2] is None:
        raise InvalidArgument(
            f"data: {str(folder)!r} has a folder train, but no validation and test beside it; "
            "add them, or put the folders of the classes there"
        )
    read = [_read(part, size, grey) for part in parts if part is not None]
    names = _classes(parts[0], read[0][1])
    train, validation, test = [(images, class_numbers(labels, names)) for images, labels in read]
    return Data(train, validation, test), names


def _read(folder: Path, size: int, grey: bool) -> tuple[NDArray[np.float32], list[str]]:
    """(n, channels, size, size) in [0, 1], and the class of each."""
    files = list(class_files(folder, _ENDINGS))
    if not files:
        raise InvalidArgument(
            f"data: {str(folder)!r} has no image files in folders; put them in {folder.name}/CLASS/"
        )
    images = np.stack([_pixels(file, size, grey) for _, file in files])
    return images, [label for label, _ in files]


def _classes(folder: Path, labels: list[str]) -> list[str]:
    names = sorted(set(labels))
    if len(names) < 2:
        raise InvalidArgument(
            f"data: {str(folder)!r} has images of one class only, {names[0]!r}; give two or more"
        )
    return names


def _pixels(file: Path, size: int, grey: bool) -> NDArray[np.float32]:
    try:
        from PIL import Image
    except ImportError as error:
        raise DependencyNotInstalled(
            "reading image files needs Pillow, which is not installed; run: pip install pillow"
        ) from error
    try:
        with Image.open(file) as image:
            resized: Any = in_colours(image, "L" if grey else "RGB").resize((size, size))
    except (OSError, ValueError) as error:
        raise InvalidArgument(
            f"data: {str(file)!r} is no image that can be read: {error}"
        ) from error
    pixels = np.asarray(resized, dtype=np.float32).reshape(size, size, -1) / 255.0
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
