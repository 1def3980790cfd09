"""The families themselves, and published networks outside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lamcts.adapters.mobile.stages import (
    Activation,
    Block,
    Family,
    Network,
    Scale,
    Stage,
    divisible,
    halved,
)
from lamcts.adapters.training import ImageShape

__all__ = [
    "COMPOUND",
    "MODELS",
    "PROXY_WIDTH",
    "RESOLUTIONS",
    "block_space",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "ofa_space",
    "stand_in",
]

_DIGITS = ImageShape(channels=1, size=8, classes=10)

#: What `stand_in` multiplies all channels by.
PROXY_WIDTH = 0.125

RESOLUTIONS = (128, 160, 192, 224)

#: EfficientNet's released coefficients (the model's own repository; Tan, Le 2019).
COMPOUND = (
    Scale("b0", 224, 1.0, 1.0, 0.2),
    Scale("b1", 240, 1.0, 1.1, 0.2),
    Scale("b2", 260, 1.1, 1.2, 0.3),
    Scale("b3", 300, 1.2, 1.4, 0.3),
    Scale("b4", 380, 1.4, 1.8, 0.4),
    Scale("b5", 456, 1.6, 2.2, 0.4),
    Scale("b6", 528, 1.8, 2.6, 0.5),
    Scale("b7", 600, 2.0, 3.1, 0.5),
)

#: Their names.
MODELS = tuple(scale.name for scale in COMPOUND)


def ofa_space(width: float = 1.0, resolutions: tuple[int, ...] = RESOLUTIONS) -> Family:
    """Once-for-All's MobileNetV3: 2.2e19 networks per resolution.

    Five stages of 2 to 4 blocks, each block with its own kernel and expansion. The released
    supernets have ``width`` 1.0 and 1.2.
    """

    def stage(outputs: int, stride: int, squeeze: bool, activation: Activation) -> Stage:
        return Stage(outputs, stride, (3, 5, 7), (3, 4, 6), (2, 3, 4), (squeeze,), activation)

    return Family(
        scales=tuple(Scale(str(pixels), pixels, width) for pixels in resolutions),
        scaled_by="resolution",
        stages=(
            Stage(16, 1, (3,), (1,), (1,), activation="relu"),
            stage(24, 2, False, "relu"),
            stage(40, 2, True, "relu"),
            stage(80, 2, False, "hswish"),
            stage(112, 1, True, "hswish"),
            stage(160, 2, True, "hswish"),
        ),
        per_block=True,
        squeeze_from="expanded",
        stem=16,
        head=960,
        hidden=1280,
        activation="hswish",
        gate="hsigmoid",
    )


def block_space(scales: tuple[Scale, ...] = COMPOUND) -> Family:
    """The EfficientNet/MnasNet block space: 1.0e11 networks per scale.

    Seven stages with B0's channels and strides; a stage's blocks are alike. Choices as in
    Accel-NASBench (Ahmad et al. 2024); EfficientNet-B0 to B7 are one of them at eight scales.
    """
    outputs, strides = (16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 2, 1, 2, 1)
    deep = 5  # the stage that may have a fourth block
    return Family(
        scales=scales,
        scaled_by="model",
        stages=tuple(
            Stage(
                channels,
                stride,
                (3, 5),
                (1, 4, 6),
                (1, 2, 3, 4) if index == deep else (1, 2, 3),
                (False, True),
            )
            for index, (channels, stride) in enumerate(zip(outputs, strides, strict=True))
        ),
        per_block=False,
        squeeze_from="inputs",
        stem=32,
        head=1280,
        hidden=0,
        activation="swish",
        gate="sigmoid",
    )


def stand_in(family: Family, shape: ImageShape = _DIGITS, width: float = PROXY_WIDTH) -> Family:
    """The same choices in a network for other images, by default digits, an eighth as wide.

    Resolutions to choose from stay in proportion, the greatest being the images' own; compound
    scales all have that. Of the strides only the last ones that halve are kept, so that 2 pixels
    are left: two for 8. At width 1 and images of the greatest resolution, at least 64, it is the
    network itself, without dropout.
    """
    halving = [index for index, stage in enumerate(family.stages) if stage.stride > 1]
    halvings = max(0, shape.size.bit_length() - 2)
    kept = halving[max(0, len(halving) - halvings) :]
    stages = tuple(
        replace(stage, stride=stage.stride if index in kept else 1)
        for index, stage in enumerate(family.stages)
    )
    most = max(scale.resolution for scale in family.scales)
    scales = tuple(
        replace(
            scale,
            resolution=round(shape.size * scale.resolution / most)
            if family.scaled_by == "resolution"
            else shape.size,
            width=scale.width * width,
            dropout=0.0,
        )
        for scale in family.scales
    )
    return replace(
        family,
        scales=scales,
        stages=stages,
        stem_stride=family.stem_stride if halvings > len(halving) else 1,
        image_channels=shape.channels,
        classes=shape.classes,
    )


def mobilenet_v2() -> Network:
    """MobileNetV2 1.0 at 224 pixels."""
    stages = [  # expansion, outputs, blocks, stride: table 2 of the paper
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]
    rows: list[_Row] = []
    inputs = 32
    for expand, outputs, blocks, stride in stages:
        for nth in range(blocks):
            rows.append((inputs * expand, outputs, 3, 1 if nth else stride, False, "relu6"))
            inputs = outputs
    return Network(224, 32, _chain(32, rows), 1280, 0, "relu6", "sigmoid", dropout=0.2)


def mobilenet_v3_large() -> Network:
    """MobileNetV3-Large 1.0 at 224 pixels, as torchvision has it: its hidden layer has a bias."""
    rows: list[_Row] = [  # expanded, outputs, kernel, stride, squeeze: table 1 of the paper
        (16, 16, 3, 1, False, "relu"),
        (64, 24, 3, 2, False, "relu"),
        (72, 24, 3, 1, False, "relu"),
        (72, 40, 5, 2, True, "relu"),
        (120, 40, 5, 1, True, "relu"),
        (120, 40, 5, 1, True, "relu"),
        (240, 80, 3, 2, False, "hswish"),
        (200, 80, 3, 1, False, "hswish"),
        (184, 80, 3, 1, False, "hswish"),
        (184, 80, 3, 1, False, "hswish"),
        (480, 112, 3, 1, True, "hswish"),
        (672, 112, 3, 1, True, "hswish"),
        (672, 160, 5, 2, True, "hswish"),
        (960, 160, 5, 1, True, "hswish"),
        (960, 160, 5, 1, True, "hswish"),
    ]
    blocks = _chain(16, rows)
    return Network(224, 16, blocks, 960, 1280, "hswish", "hsigmoid", hidden_bias=True, dropout=0.2)


_Row = tuple[int, int, int, int, bool, Activation]


def _chain(stem: int, rows: Sequence[_Row]) -> tuple[Block, ...]:
    """Blocks one after another, at 224 pixels."""
    blocks: list[Block] = []
    inputs, size = stem, halved(224, 2)
    for expanded, outputs, kernel, stride, squeeze, activation in rows:
        middle = divisible(expanded // 4) if squeeze else 0
        blocks.append(Block(inputs, expanded, outputs, kernel, stride, middle, activation, size))
        inputs, size = outputs, blocks[-1].output_size
    return tuple(blocks)
