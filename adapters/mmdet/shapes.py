"""Generated images of shapes in COCO's format, for machines without a data set. No photographs.

Shapes of four kinds and bright colours on a grey, striped, noisy ground, an eighth to half as
large as the image, often in clusters, partly behind one another. Boxes are exactly those of the
visible pixels.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.mmdet.data import DetectionData, Part
from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.datasets import data_folder
from lamcts.errors import InvalidArgument

__all__ = ["CLASSES", "Shapes", "draw", "shapes"]

CLASSES = ("disc", "ring", "square", "triangle")

#: Increased when the images change: files of an older version are not used.
_VERSION = 1

#: Of a shape so much stays visible, at least.
_VISIBLE = 0.4


@dataclass(frozen=True)
class Shapes:
    """What is generated.

    Attributes:
        train: Images to train on.
        validation: Images to validate on.
        test: Images for the final figure.
        size: Their height and width in pixels.
        seed: Of everything that is drawn.
    """

    train: int = 400
    validation: int = 60
    test: int = 60
    size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("train", "validation", "test"):
            if getattr(self, name) < 1:
                raise InvalidArgument(f"{name}: {getattr(self, name)!r} images are none; use 1 up")
        if self.size < 32:
            raise InvalidArgument(f"size: {self.size!r} is too small; use pixels from 32 up")


def shapes(plan: Shapes | None = None, folder: Path | None = None) -> DetectionData:
    """The data set, written where it is not there yet.

    Args:
        plan: What to generate.
        folder: Where to; by default in the data directory (``LAMCTS_DATA``), under a name that
            says what it is of.
    """
    plan = plan or Shapes()
    if folder is None:
        counts = f"{plan.train}-{plan.validation}-{plan.test}"
        folder = data_folder() / f"shapes-v{_VERSION}-{counts}-{plan.size}px-seed{plan.seed}"
    if not folder.exists():
        _write(plan, folder)
    parts = [
        Part(str((folder / f"{name}.json").resolve()), str((folder / name).resolve()))
        for name in ("train", "validation", "test")
    ]
    return DetectionData("coco", CLASSES, *parts)


def draw(rng: np.random.Generator, size: int) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """One image and what is on it.

    Returns:
        (size, size, 3) colours, and for each shape ``category_id`` (from 1), ``bbox`` (x, y,
        width, height), ``area`` (visible pixels) and ``iscrowd`` (0).
    """
    y, x = np.mgrid[:size, :size]
    image = _ground(rng, x, y, size)
    owner = np.full((size, size), -1)  # the number of the shape that is seen
    kinds: list[int] = []
    areas: list[int] = []
    cluster = rng.uniform(0.25, 0.75, 2) * size  # where shapes crowd
    for _ in range(rng.integers(2, 9)):
        # As many between 1/8 and 1/4 of the image as between 1/4 and 1/2.
        extent = size * 2.0 ** rng.uniform(-3, -1)
        near = rng.random() < 0.5
        centre = rng.normal(cluster, size / 8) if near else rng.uniform(0, size, 2)
        centre = np.clip(centre, extent / 2, size - 1 - extent / 2)
        kind = int(rng.integers(len(CLASSES)))
        inside = _inside(kind, x - centre[0], y - centre[1], extent / 2)
        colour = rng.permutation([rng.uniform(0, 60), rng.uniform(0, 255), rng.uniform(195, 255)])
        hidden = np.bincount(owner[inside & (owner >= 0)], minlength=len(kinds))
        seen = np.bincount(owner[owner >= 0], minlength=len(kinds)) - hidden
        if (seen < _VISIBLE * np.array(areas)).any() or inside.sum() < 9:
            continue
        owner[inside] = len(kinds)
        image[inside] = colour
        kinds.append(kind)
        areas.append(int(inside.sum()))
    image += rng.normal(0, 8, image.shape)
    boxes = [_annotation(owner == number, kind) for number, kind in enumerate(kinds)]
    return np.clip(image, 0, 255).astype(np.uint8), boxes


def _ground(rng: np.random.Generator, x: Any, y: Any, size: int) -> NDArray[np.float64]:
    angle, waves, phase = rng.uniform(0, np.pi), rng.uniform(1, 8), rng.uniform(0, 2 * np.pi)
    along = (x * np.cos(angle) + y * np.sin(angle)) / size
    stripes = np.sin(2 * np.pi * waves * along + phase)[..., None]
    ground: NDArray[np.float64] = rng.uniform(60, 195) + rng.uniform(10, 40) * stripes.repeat(3, 2)
    return ground


def _inside(kind: int, u: Any, v: Any, half: float) -> NDArray[np.bool_]:
    """Which pixels a shape of a kind covers, at offsets ``u``, ``v`` from its centre."""
    name = CLASSES[kind]
    if name == "square":
        found = np.maximum(np.abs(u), np.abs(v)) < half
    elif name == "triangle":  # upright
        found = (np.abs(v) < half) & (np.abs(u) < (v + half) / 2)
    else:
        distance = np.hypot(u, v)
        found = (distance < half) & ((name == "disc") | (distance > half / 2))
    return np.asarray(found)


def _annotation(visible: NDArray[np.bool_], kind: int) -> dict[str, Any]:
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    left, top = int(columns[0]), int(rows[0])
    box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    return {"category_id": kind + 1, "bbox": box, "area": int(visible.sum()), "iscrowd": 0}


def _write(plan: Shapes, folder: Path) -> None:
    """Write the whole data set, or nothing: other processes may want it too."""
    require_mmdet()
    import mmcv

    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        for stream, name in enumerate(("train", "validation", "test")):
            rng = np.random.default_rng([plan.seed, stream])
            images: list[dict[str, Any]] = []
            annotations: list[dict[str, Any]] = []
            for number in range(getattr(plan, name)):
                image, boxes = draw(rng, plan.size)
                file = f"{number:05d}.png"
                mmcv.imwrite(image, str(unfinished / name / file))
                sides = {"width": plan.size, "height": plan.size}
                images.append({"id": number, "file_name": file, **sides})
                for box in boxes:
                    annotations.append({"id": len(annotations) + 1, "image_id": number, **box})
            categories = [{"id": place, "name": kind} for place, kind in enumerate(CLASSES, 1)]
            data = {"images": images, "annotations": annotations, "categories": categories}
            (unfinished / f"{name}.json").write_text(json.dumps(data), encoding="utf-8")
        try:
            os.rename(unfinished, folder)
        except OSError:
            if not folder.exists():  # otherwise another process was faster, with the same images
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
