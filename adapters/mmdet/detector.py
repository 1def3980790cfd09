"""A detector as numbers: backbone, neck, head and input size, and what it costs, by formula.

The neck is FPN on strides 8, 16, 32 with two further levels; the head has two towers of 3x3
convolutions that all levels share. mmdetection's own names and defaults: FCOS (Tian et al., ICCV
2019), RetinaNet (Lin et al., ICCV 2017), ATSS (Zhang et al., CVPR 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lamcts.adapters.mmdet.trunks import Trunk
from lamcts.adapters.mobile.stages import halved
from lamcts.adapters.nasnet_cifar.cost import Cost
from lamcts.errors import InvalidArgument

__all__ = ["ANCHORS", "Detector", "Kind", "detector_cost", "padded", "parse_size"]

Kind = Literal["fcos", "retinanet", "atss"]

#: Boxes predicted at each place of a map.
ANCHORS: dict[Kind, int] = {"fcos": 1, "retinanet": 9, "atss": 1}


@dataclass(frozen=True)
class Detector:
    """A detector with nothing left to choose.

    Attributes:
        trunk: The backbone.
        neck: Channels of the neck and of the head's towers.
        depth: Convolutions in each tower.
        size: Width and height in pixels that images are fitted into.
        kind: Which detector it is.
    """

    trunk: Trunk
    neck: int = 256
    depth: int = 4
    size: tuple[int, int] = (1280, 800)
    kind: Kind = "fcos"

    def __post_init__(self) -> None:
        for name, value in (("neck", self.neck), ("depth", self.depth)):
            if value < 1:
                raise InvalidArgument(f"{name}: {value!r} is no count; use an integer from 1 up")
        if self.kind not in ANCHORS:
            raise InvalidArgument(f"detector: {self.kind!r} is not one of {', '.join(ANCHORS)}")


def detector_cost(detector: Detector, classes: int) -> dict[str, Cost]:
    """Parameters and multiply-adds of backbone, neck and head, for one image of the full size.

    Papers on detection, and mmdetection, call multiply-adds FLOPs.
    """
    width, height = map(padded, detector.size)
    levels = [(height // 8) * (width // 8), (height // 16) * (width // 16)]
    across, down = width // 32, height // 32
    for _ in range(3):  # strides 32, 64, 128
        levels.append(across * down)
        across, down = halved(across, 2), halved(down, 2)
    return {
        "backbone": detector.trunk.cost(width, height),
        "neck": _neck(detector, levels),
        "head": _head(detector, levels, classes),
    }


def padded(pixels: int) -> int:
    """A side after padding to a multiple of 32, as detectors do it."""
    return -(-pixels // 32) * 32


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from ``"512"`` (a square) or ``"1333x800"``.

    Raises:
        InvalidArgument: It is neither, or too small.
    """
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdecimal() and int(side) >= 32 for side in sides):
        raise InvalidArgument(f"size: {text!r} is none; write pixels from 32 up, 512 or 1333x800")
    return int(sides[0]), int(sides[-1])


def _neck(detector: Detector, levels: list[int]) -> Cost:
    n, total = detector.neck, Cost()
    for channels, pixels in zip(detector.trunk.channels[1:], levels, strict=False):
        total += _conv(1, channels, n, pixels) + _conv(3, n, n, pixels)
    source = detector.trunk.channels[-1] if detector.kind == "retinanet" else n
    return total + _conv(3, source, n, levels[3]) + _conv(3, n, n, levels[4])


def _head(detector: Detector, levels: list[int], classes: int) -> Cost:
    n, anchors, places = detector.neck, ANCHORS[detector.kind], sum(levels)
    total = _conv(3, n, anchors * classes, places) + _conv(3, n, anchors * 4, places)
    for _ in range(2 * detector.depth):
        # A group normalisation's scale and shift stand where RetinaNet has a bias.
        total += _conv(3, n, n, places) + Cost(0 if detector.kind == "retinanet" else n)
    if detector.kind != "retinanet":
        total += _conv(3, n, 1, places) + Cost(len(levels))  # centerness; a scale a level
    return total


def _conv(kernel: int, inputs: int, outputs: int, pixels: int) -> Cost:
    """A convolution with its bias."""
    weights = kernel * kernel * inputs * outputs
    return Cost(weights + outputs, weights * pixels)
