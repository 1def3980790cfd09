"""What detectors are trained on: COCO files, a folder in the layout of VOC, or generated shapes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from lamcts.errors import InvalidArgument

__all__ = ["DetectionData", "Part", "coco", "voc"]

#: What every row of a COCO file must have: without an area pycocotools scores no box.
_NEEDED = {
    "images": ("id", "file_name", "width", "height"),
    "annotations": ("id", "image_id", "category_id", "bbox", "area"),
    "categories": ("id", "name"),
}


@dataclass(frozen=True)
class Part:
    """Images that are used together.

    Attributes:
        annotations: A COCO file; for VOC a list of names, a line each.
        images: The folder of the images; for VOC the one that holds ``JPEGImages``.
    """

    annotations: str
    images: str


@dataclass(frozen=True)
class DetectionData:
    """A data set for detection.

    Attributes:
        layout: How its annotations are written.
        classes: Names, in the order of their numbers.
        train: To train on.
        validation: What a search goes by.
        test: For the final figure; ``None`` where there is none.
    """

    layout: Literal["coco", "voc"]
    classes: tuple[str, ...]
    train: Part
    validation: Part
    test: Part | None = None


def coco(images: Sequence[str], train: str, validation: str) -> DetectionData:
    """The data of two COCO files.

    Args:
        images: The folder that names of files are relative to; two where training and validation
            images lie apart.
        train: The file to train on.
        validation: The file to validate on, of the same categories.

    Raises:
        InvalidArgument: A file or image that is not there, or a file that is not of COCO's form.
    """
    if len(images) not in (1, 2):
        raise InvalidArgument(f"images: {tuple(images)!r} are not one folder or two; give one")
    folders = images[0], images[-1]
    parts, names = [], []
    for setting, file, folder in zip(("train", "val"), (train, validation), folders, strict=True):
        names.append(_coco_classes(setting, file, folder))
        parts.append(Part(str(Path(file).resolve()), str(Path(folder).resolve())))
    if names[0] != names[1]:
        differing = sorted(set(names[0]) ^ set(names[1])) or ["their order"]
        raise InvalidArgument(
            f"val: {validation!r} and {train!r} have not the same categories "
            f"({', '.join(differing[:3])} differ); give two files of one data set"
        )
    return DetectionData("coco", names[0], *parts)


def voc(folder: str) -> DetectionData:
    """The data of a folder in the layout of PASCAL VOC.

    ``JPEGImages/NAME.jpg``, ``Annotations/NAME.xml`` and, with a name a line,
    ``ImageSets/Main/train.txt`` and ``val.txt`` (and ``test.txt``, where there is one).

    Raises:
        InvalidArgument: A file that is not there or cannot be read.
    """
    root = Path(folder).resolve()
    lists = {name: root / "ImageSets" / "Main" / f"{name}.txt" for name in ("train", "val", "test")}
    for name in ("train", "val"):
        if not lists[name].is_file():
            raise InvalidArgument(f"voc: {str(lists[name])!r} is missing; give a folder with it")
    found, there = {}, {}
    for name, file in lists.items():
        if file.is_file():
            found[name], there[name] = Part(str(file), str(root)), _voc_classes(root, file)
    classes = sorted(there["train"])
    if not classes:
        raise InvalidArgument(f"voc: {str(lists['train'])!r} names no image with an object")
    return DetectionData("voc", tuple(classes), found["train"], found["val"], found.get("test"))


def _coco_classes(setting: str, file: str, folder: str) -> tuple[str, ...]:
    """The categories of a COCO file whose images are there."""
    data = _read_json(setting, file)
    try:
        _check_rows(data)
        names = [category["name"] for category in data["categories"]]
        first = data["images"][0]["file_name"]
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InvalidArgument(
            f"{setting}: {file!r} is no COCO file ({type(error).__name__}: {error}); it needs "
            '"images", "annotations" and "categories"'
        ) from None
    if len(set(names)) < len(names):
        raise InvalidArgument(f"{setting}: {file!r} has two categories of one name; rename one")
    boxes = data["annotations"]
    for kind, rows in (("category", data["categories"]), ("image", data["images"])):
        unknown = {box[f"{kind}_id"] for box in boxes} - {row["id"] for row in rows}
        if unknown:
            raise InvalidArgument(
                f"{setting}: {file!r} has annotations of the unknown {kind} "
                f"{min(unknown, key=str)}; take them out"
            )
    # mmdetection passes over all others without a word.
    if not any(min(box["bbox"][2:]) >= 1 and not box.get("iscrowd") for box in boxes):
        raise InvalidArgument(
            f"{setting}: {file!r} has no annotations with a box of a pixel or more that is no "
            "crowd; give a file of labelled images"
        )
    if not (Path(folder) / first).is_file():
        raise InvalidArgument(
            f"images: {first!r} of {file!r} is not in {folder!r}; give the folder that names of "
            "files are relative to"
        )
    return tuple(names)


def _check_rows(data: Any) -> None:
    """Look for what mmdetection and pycocotools read of every row.

    Raises:
        ValueError: It is missing, or not of its kind.
        KeyError: A list is missing, as other errors of Python say that there are no lists.
    """
    for name, fields in _NEEDED.items():
        for number, row in enumerate(data[name]):
            for field in fields:
                if field not in row:
                    raise ValueError(f"{name}[{number}] has no {field!r}")
        if len({row["id"] for row in data[name]}) < len(data[name]):
            raise ValueError(f"two of {name} have one id")
    for number, row in enumerate(data["annotations"]):
        box = row["bbox"]
        if len(box) != 4 or not all(isinstance(n, (int, float)) and isfinite(n) for n in box):
            raise ValueError(f"annotations[{number}] has no four numbers in 'bbox': {box!r}")


def _read_json(setting: str, file: str) -> Any:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"{setting}: {file!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidArgument(f"{setting}: {file!r} is not JSON: {error}") from None


def _voc_classes(root: Path, names: Path) -> set[str]:
    """The names of what is on the images of a list, all of which must be there."""
    classes: set[str] = set()
    try:
        lines = names.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"voc: {str(names)!r} cannot be read: {error}") from None
    for number, name in enumerate(lines, 1):
        if name.split() != [name]:  # mmdetection takes the whole line
            raise InvalidArgument(
                f"voc: line {number} of {str(names)!r} is {name!r}; give one name a line"
            )
        file, image = root / "Annotations" / f"{name}.xml", root / "JPEGImages" / f"{name}.jpg"
        try:
            objects = list(ElementTree.parse(file).getroot().iter("object"))
        except OSError as error:
            raise InvalidArgument(f"voc: {str(file)!r} cannot be read: {error.strerror}") from None
        except ElementTree.ParseError as error:
            raise InvalidArgument(f"voc: {str(file)!r} is not XML: {error}") from None
        if not image.is_file():
            raise InvalidArgument(f"voc: {str(image)!r} is missing; images end in .jpg there")
        if any(thing.find("name") is None or thing.find("bndbox") is None for thing in objects):
            raise InvalidArgument(f"voc: {str(file)!r} has an object without name or bndbox")
        classes |= {thing.findtext("name", "").strip() for thing in objects}
    return classes - {""}
