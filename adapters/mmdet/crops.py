"""The objects of a detection set as small images to classify, which a supernet can train on.

    python -m lamcts.adapters.mmdet.crops --out crops.npz
    python -m lamcts.adapters.mmdet.crops --out crops.npz --set voc=VOCdevkit/VOC2012

For data without a set for classification beside it. Training images alone are read.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.mmdet.config import evaluator_of
from lamcts.adapters.mmdet.evaluator import FCOSBackbone
from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.errors import InvalidArgument, LamctsError

__all__ = ["crop", "crops"]

#: Sides of a crop in those of its box: some of what is around it is seen too.
_MARGIN = 1.2


def crops(
    evaluator: FCOSBackbone, pixels: int, most: int, seed: int = 0
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Objects of the training images, without crowds, in random order.

    Args:
        evaluator: Whose data.
        pixels: Height and width of a crop.
        most: How many at most.
        seed: Draws and orders them.

    Returns:
        (n, pixels, pixels, 3) red, green, blue; and (n,) numbers of classes.

    Raises:
        InvalidArgument: Counts that are none, or an image that cannot be read.
    """
    if pixels < 8 or most < 1:
        raise InvalidArgument("pixels, most: use 8 pixels or more, and one crop or more")
    require_mmdet()
    import mmcv
    from mmdet.registry import DATASETS

    config = evaluator.config(evaluator.parse("mobilenet_v2"))["train_dataloader"]["dataset"]
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools tells how it gets on
        dataset = DATASETS.build({**config, "pipeline": []})
    places = [
        (number, place)
        for number in range(len(dataset))
        for place, thing in enumerate(dataset.get_data_info(number)["instances"])
        if not thing["ignore_flag"]
    ]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(places))[:most]
    x = np.empty((len(order), pixels, pixels, 3), dtype=np.uint8)
    y = np.empty(len(order), dtype=np.int64)
    read: dict[int, Any] = {}  # one image at a time, for all its objects
    for target in sorted(range(len(order)), key=lambda k: places[order[k]]):
        number, place = places[order[target]]
        if number not in read:
            file = dataset.get_data_info(number)["img_path"]
            image = mmcv.imread(file, channel_order="rgb")
            if image is None:
                raise InvalidArgument(f"images: {file!r} cannot be read; mend it or take it out")
            read = {number: (image, dataset.get_data_info(number)["instances"])}
        image, things = read[number]
        x[target] = mmcv.imresize(crop(image, things[place]["bbox"]), (pixels, pixels))
        y[target] = things[place]["bbox_label"]
    return x, y


def crop(image: NDArray[np.uint8], box: Sequence[float]) -> NDArray[np.uint8]:
    """The square around a box, a little larger, moved to lie within the image where it can.

    Args:
        image: (height, width, 3).
        box: Left, top, right, bottom in pixels.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = box
    side = max(1, round(max(right - left, bottom - top) * _MARGIN))

    def start(middle: float, length: int) -> int:
        return max(0, min(round(middle - side / 2), length - side))

    x, y = start((left + right) / 2, width), start((top + bottom) / 2, height)
    return image[y : y + side, x : x + side]


def main(words: Sequence[str] | None = None) -> int:
    """Write them, as ``--set data=FILE`` of classification problems takes them."""
    parser = argparse.ArgumentParser(
        prog="python -m lamcts.adapters.mmdet.crops",
        description="Write the objects of a detection set as images to classify.",
    )
    parser.add_argument("--out", type=Path, required=True, help="the .npz file")
    parser.add_argument("--pixels", type=int, default=32, help="height and width of a crop")
    parser.add_argument("--most", type=int, default=50_000, help="how many at most")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the problem"
    )
    given = parser.parse_args(words)
    try:
        if given.out.suffix != ".npz":
            raise InvalidArgument(f"--out: {str(given.out)!r} does not end in .npz; give one")
        x, y = crops(evaluator_of(given.set), given.pixels, given.most)
        try:
            np.savez_compressed(given.out, x=x, y=y)
        except OSError as error:
            raise InvalidArgument(
                f"--out: {str(given.out)!r} cannot be written: {error.strerror}"
            ) from None
    except LamctsError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{len(y)} crops of {len(np.unique(y))} classes in {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
