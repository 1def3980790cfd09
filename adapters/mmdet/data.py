"""What detectors are trained on: COCO files, a folder in the layout of VOC, or generated shapes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lamcts.errors import InvalidArgument

__all__ = ["DetectionData", "Part", "coco", "voc"]


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
    found = {}
    for name, file in lists.items():
        if file.is_file():
            found[name] = Part(str(file), str(root))
    classes = sorted(_voc_classes(root, lists["train"]))
    if not classes:
        raise InvalidArgument(f"voc: {str(lists['train'])!r} names no image with an object")
    return DetectionData("voc", tuple(classes), found["train"], found["val"], found.get("test"))


def _coco_classes(setting: str, file: str, folder: str) -> tuple[str, ...]:
    """The categories of a COCO file whose images are there."""
    data = _read_json(setting, file)
    try:
        names = [category["name"] for category in data["categories"]]
        first = data["images"][0]["file_name"]
        boxes = {annotation["category_id"] for annotation in data["annotations"]}
        known = {category["id"] for category in data["categories"]}
    except (KeyError, TypeError, IndexError) as error:
        raise InvalidArgument(
            f"{setting}: {file!r} is no COCO file ({type(error).__name__}: {error}); it needs "
            '"images", "annotations" and "categories"'
        ) from None
    if len(set(names)) < len(names):
        raise InvalidArgument(f"{setting}: {file!r} has two categories of one name; rename one")
    if not boxes or boxes - known:
        what = f"the unknown category {min(boxes - known)}" if boxes else "no annotations"
        raise InvalidArgument(f"{setting}: {file!r} has {what}; give a file of labelled images")
    if not (Path(folder) / first).is_file():
        raise InvalidArgument(
            f"images: {first!r} of {file!r} is not in {folder!r}; give the folder that names of "
            "files are relative to"
        )
    return tuple(names)


def _read_json(setting: str, file: str) -> Any:
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidArgument(f"{setting}: {file!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidArgument(f"{setting}: {file!r} is not JSON: {error}") from None


def _voc_classes(root: Path, names: Path) -> set[str]:
    classes: set[str] = set()
    for name in names.read_text(encoding="utf-8").split():
        file = root / "Annotations" / f"{name}.xml"
        try:
            objects = ElementTree.parse(file).getroot().iter("object")
            classes |= {thing.findtext("name", "").strip() for thing in objects}
        except OSError as error:
            raise InvalidArgument(f"voc: {str(file)!r} cannot be read: {error.strerror}") from None
        except ElementTree.ParseError as error:
            raise InvalidArgument(f"voc: {str(file)!r} is not XML: {error}") from None
    return classes - {""}
