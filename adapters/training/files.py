"""Images in files: what there is, without reading it. A folder a class, or tar archives.

::

    FOLDER/train/CLASS/*.jpg, FOLDER/val/..., FOLDER/test/...     as ImageNet is laid out
    FOLDER/CLASS/*.jpg                                            split here, always alike
    FOLDER/train-000.tar, ..., FOLDER/val-000.tar, ...            WebDataset: NAME.jpg, NAME.cls

Without ``test``, the images of ``val`` are tested on, as is the custom with ImageNet; and a tenth
of the training images, the classes in proportion, selects the epoch.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.training.data import ImageData, Split, check_classes, held_out
from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["FileSplit", "ImageFiles", "class_files", "in_colours", "open_files"]

_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm"}
#: Mean and deviation of ImageNet's training pixels, with which all its published networks work.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class FileSplit:
    """Images of a split, to be read when they are needed.

    Attributes:
        files: Paths.
        places: (n, 3): of each image the index of its file, where it starts there, and how many
            bytes it has (-1 for all).
        labels: (n,), from 0 up.
    """

    files: tuple[str, ...]
    places: NDArray[np.int64]
    labels: NDArray[np.int64]

    def read(self, row: int) -> Any:
        """An image, as PIL's, in colours.

        Raises:
            InvalidArgument: It is damaged.
            DependencyNotInstalled: When Pillow is missing.
        """
        try:
            from PIL import Image, UnidentifiedImageError
        except ImportError as error:
            raise DependencyNotInstalled(
                'images in files need Pillow; run: pip install "lamcts[vision]"'
            ) from error
        file, start, length = self.places[row].tolist()
        try:
            with open(self.files[file], "rb") as stream:
                stream.seek(start)
                return in_colours(Image.open(io.BytesIO(stream.read(length))))
        except (OSError, UnidentifiedImageError) as error:
            raise InvalidArgument(f"data: {self.files[file]}: no image ({error})") from None

    def part(self, rows: Any) -> FileSplit:
        """Some of the images."""
        return replace(self, places=self.places[rows], labels=self.labels[rows])


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """A classification task whose images are in files.

    Attributes:
        train: What the weights are fitted to.
        validation: What epochs are selected on.
        test: What the final network is measured on, once.
        classes: Names of the classes, in the order of the labels.
        name: What the images are, for people.
    """

    train: FileSplit
    validation: FileSplit
    test: FileSplit
    classes: tuple[str, ...]
    name: str
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD

    def in_memory(self, size: int, at_most: int) -> ImageData:
        """Small copies in memory, for short trainings: the classes in proportion.

        Args:
            size: Height and width that the images are resized to, the middle of longer ones.
            at_most: Images of a split.
        """

        def split(files: FileSplit) -> Split:
            count = len(files.labels)
            if count > at_most:
                files = files.part(held_out(files.labels, at_most / count))
            images = np.stack([_small(files.read(row), size) for row in range(len(files.labels))])
            mean, std = (np.array(each, np.float32)[:, None, None] for each in (MEAN, STD))
            return Split((images - mean) / std, files.labels)

        parts = {key: split(getattr(self, key)) for key in ("train", "validation", "test")}
        return ImageData(**parts, mean=MEAN, std=STD, name=f"{self.name} at {size} pixels")


def _small(image: Any, size: int) -> NDArray[np.float32]:
    side = min(image.size)
    left, top = ((length - side) // 2 for length in image.size)
    image = image.resize((size, size), box=(left, top, left + side, top + side))
    return np.asarray(image, np.float32).transpose(2, 0, 1) / 255.0


def open_files(folder: Path) -> ImageFiles:
    """The images of a folder, laid out as this module says.

    Raises:
        InvalidArgument: No folder, no images, or fewer than two classes.
    """
    if not folder.is_dir():
        raise InvalidArgument(
            f"data: {str(folder)!r} is neither a folder nor an .npz; give the folder that it is "
            "in, if it is a .tar of a WebDataset, or unpack it and give that folder"
        )
    find = _in_archives if any(folder.glob("*.tar")) else _in_folders
    parts, classes = find(folder)
    if "train" not in parts or len(classes) < 2:
        raise InvalidArgument(
            f"data: {str(folder)!r} has no images of two classes; lay them out as "
            "train/CLASS/*.jpg and val/CLASS/*.jpg, or CLASS/*.jpg"
        )
    if "test" not in parts and "val" in parts:
        parts["test"] = parts.pop("val")
    if "test" not in parts:
        parts["train"], parts["test"] = _parted(parts["train"])
    if "val" not in parts:
        parts["train"], parts["val"] = _parted(parts["train"])
    named = {name: np.array(classes)[part.labels] for name, part in parts.items()}
    check_classes(str(folder), named)
    return ImageFiles(parts["train"], parts["val"], parts["test"], classes, str(folder))


def _parted(split: FileSplit) -> tuple[FileSplit, FileSplit]:
    held = held_out(split.labels)
    return split.part(~held), split.part(held)


_Found = tuple[dict[str, FileSplit], tuple[str, ...]]
_Row = tuple[str, tuple[str, int, int]]  # class; file, start, length


def _in_folders(folder: Path) -> _Found:
    names = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
    inside = {path.name.lower(): path for path in folder.iterdir() if path.is_dir()}
    rows = {
        split: list(_images(inside[name]))
        for split, options in names.items()
        for name in options
        if name in inside
    }
    if "train" not in rows:
        rows = {"train": list(_images(folder))}
    return _splits(rows)


def _images(folder: Path) -> Iterator[_Row]:
    """The images of every folder in this one, which is named after their class."""
    for label, file in class_files(folder, _SUFFIXES):
        yield label, (str(file), 0, -1)


def class_files(folder: Path, suffixes: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Class and path of the images in CLASS/ and below it; hidden files and folders are none."""
    depth = len(folder.parts)
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        for file in sorted(place.rglob("*")):
            hidden = any(part.startswith(".") for part in file.parts[depth:])
            if file.suffix.lower() in suffixes and not hidden:
                yield place.name, file


def in_colours(image: Any, mode: str = "RGB") -> Any:
    """PIL's image with 8 bits a channel, of 16 the higher ones: PIL makes all above 255 white."""
    from PIL import Image

    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert(mode)


def _in_archives(folder: Path) -> _Found:
    rows: dict[str, list[_Row]] = {}
    for archive in sorted(folder.glob("*.tar")):
        for split in ("train", "val", "test"):
            if archive.name.startswith(split):
                rows.setdefault(split, []).extend(_members(archive))
    return _splits(rows)


def _members(archive: Path) -> Iterator[_Row]:
    """The images of an archive, each with a file of the same name that holds its class."""
    images: dict[str, tuple[str, int, int]] = {}
    labels: dict[str, str] = {}
    try:
        with tarfile.open(archive, "r:") as tar:
            for member in tar:
                key, dot, suffix = member.name.rpartition(".")
                if member.isfile() and dot + suffix.lower() in _SUFFIXES:
                    images[key] = (str(archive), member.offset_data, member.size)
                elif member.isfile() and suffix == "cls":
                    file: Any = tar.extractfile(member)
                    labels[key] = file.read().decode().strip()
    except (tarfile.TarError, OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"data: {archive}: cannot be read ({error})") from None
    missing = images.keys() - labels.keys()
    if missing:
        raise InvalidArgument(f"data: {archive}: {min(missing)} has no .cls with its class")
    for key, place in images.items():
        yield labels[key], place


def _splits(rows: dict[str, list[_Row]]) -> _Found:
    """Splits with labels; numbers as classes are in their own order."""
    named = {label for row in rows.values() for label, _ in row}
    numbers = all(label.isdigit() for label in named)
    classes = tuple(sorted(named, key=int if numbers else str))
    index = {label: number for number, label in enumerate(classes)}
    splits = {}
    for split, found in rows.items():
        files = tuple(dict.fromkeys(file for _, (file, _, _) in found))
        at = {file: number for number, file in enumerate(files)}
        places = [(at[file], start, length) for _, (file, start, length) in found]
        labels = [index[label] for label, _ in found]
        if found:
            splits[split] = FileSplit(files, np.array(places), np.array(labels))
    return splits, classes
