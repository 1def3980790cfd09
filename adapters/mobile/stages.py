"""What a mobile network is made of, and what a search may choose of it.

All networks here have one form: a stem, stages of inverted bottlenecks (`Block`), a head and a
classifier. A `Family` says which choices there are; a `Network` is what comes of them.

Sources: Tan, Le, "EfficientNet", ICML 2019; Cai et al., "Once-for-All", ICLR 2020; Howard et al.,
"Searching for MobileNetV3", ICCV 2019; Sandler et al., "MobileNetV2", CVPR 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["Block", "Family", "Network", "Scale", "Stage", "divisible", "halved"]

Activation = Literal["relu", "relu6", "hswish", "swish"]
Gate = Literal["sigmoid", "hsigmoid"]


@dataclass(frozen=True)
class Block:
    """An inverted bottleneck: 1x1 up, depthwise, squeeze-and-excitation, 1x1 down.

    Attributes:
        inputs: Channels that come in.
        expanded: Channels of the depthwise convolution; without the 1x1 up where it is ``inputs``.
        outputs: Channels that go out.
        kernel: Height and width of the depthwise convolution.
        stride: Its stride.
        squeeze: Channels between the two layers of squeeze-and-excitation; 0 without it.
        activation: After the first two convolutions.
        size: Height and width of what comes in, in pixels.
    """

    inputs: int
    expanded: int
    outputs: int
    kernel: int
    stride: int
    squeeze: int
    activation: Activation
    size: int

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.inputs == self.outputs

    @property
    def output_size(self) -> int:
        """Height and width of what goes out, in pixels."""
        return halved(self.size, self.stride)


@dataclass(frozen=True)
class Network:
    """A network with nothing left to choose.

    Attributes:
        resolution: Height and width of the input, in pixels.
        stem: Channels of the first 3x3 convolution.
        blocks: All blocks, in order.
        head: Channels of the last 1x1 convolution, before pooling.
        hidden: Channels of a layer between pooling and classifier; 0 without one.
        activation: Of stem, head and hidden layer.
        gate: Of squeeze-and-excitation.
        hidden_bias: Whether the hidden layer has a bias.
        dropout: Before the classifier, in training.
        stem_stride: Stride of the first convolution.
        image_channels: 3 for colour images, 1 for grey ones.
        classes: Number of classes.
    """

    resolution: int
    stem: int
    blocks: tuple[Block, ...]
    head: int
    hidden: int
    activation: Activation
    gate: Gate
    hidden_bias: bool = False
    dropout: float = 0.0
    stem_stride: int = 2
    image_channels: int = 3
    classes: int = 1000


@dataclass(frozen=True)
class Stage:
    """Successive blocks of one width; each tuple holds what may be chosen.

    Attributes:
        outputs: Channels, before scaling.
        stride: Of the first block; the others have 1.
        kernels: Kernel sizes.
        expands: Expansion ratios.
        depths: Numbers of blocks, before scaling, from 1 up.
        squeeze: With squeeze-and-excitation or without.
        activation: Inside the blocks.
    """

    outputs: int
    stride: int
    kernels: tuple[int, ...]
    expands: tuple[int, ...]
    depths: tuple[int, ...]
    squeeze: tuple[bool, ...] = (False,)
    activation: Activation = "swish"


@dataclass(frozen=True)
class Scale:
    """A size of the whole network.

    Attributes:
        name: As written in an architecture.
        resolution: Height and width of the input, in pixels.
        width: Factor on all channels, rounded by `divisible`.
        depth: Factor on the depth of each stage, rounded up; from 1 up.
        dropout: Before the classifier, in training.
    """

    name: str
    resolution: int
    width: float = 1.0
    depth: float = 1.0
    dropout: float = 0.0


@dataclass(frozen=True)
class Family:
    """The networks of one search space.

    Attributes:
        scales: Sizes to choose from.
        scaled_by: What a size is called in an architecture: ``"resolution"`` or ``"model"``.
        stages: In order.
        per_block: Whether every block has a kernel, an expansion and a squeeze of its own; else
            those of a stage are alike.
        squeeze_from: What squeeze-and-excitation takes a quarter of: a block's ``"inputs"``, or
            its ``"expanded"`` channels, then rounded by `divisible`.
        stem: As in `Network`, before scaling, as are the following.
    """

    scales: tuple[Scale, ...]
    scaled_by: Literal["resolution", "model"]
    stages: tuple[Stage, ...]
    per_block: bool
    squeeze_from: Literal["inputs", "expanded"]
    stem: int
    head: int
    hidden: int
    activation: Activation
    gate: Gate
    stem_stride: int = 2
    image_channels: int = 3
    classes: int = 1000

    def depth(self, scale: int, stage: int, choice: int) -> int:
        """Number of blocks of a stage, by the indices of the choices."""
        # Rounded first: 1.1 * 10 is a little more than 11 in floating point.
        return math.ceil(round(self.stages[stage].depths[choice] * self.scales[scale].depth, 6))

    def block(
        self, scale: int, stage: int, nth: int, *, kernel: int, expand: int, squeeze: bool
    ) -> Block:
        """The ``nth`` block of a stage; scale and stage by index, the choices by value."""
        here, size = self.stages[stage], self.scales[scale]
        before = self.stages[stage - 1].outputs if stage else self.stem
        inputs = divisible((here.outputs if nth else before) * size.width)
        expanded = inputs if expand == 1 else divisible(inputs * expand)
        quarter = inputs // 4 if self.squeeze_from == "inputs" else divisible(expanded // 4)
        pixels = halved(size.resolution, self.stem_stride)
        for earlier in self.stages[: stage + (nth > 0)]:
            pixels = halved(pixels, earlier.stride)
        return Block(
            inputs,
            expanded,
            divisible(here.outputs * size.width),
            kernel,
            1 if nth else here.stride,
            max(1, quarter) if squeeze else 0,
            here.activation,
            pixels,
        )

    def network(self, scale: int, blocks: tuple[Block, ...]) -> Network:
        """The network of a scale, by index, and its blocks."""
        size = self.scales[scale]
        return Network(
            resolution=size.resolution,
            stem=divisible(self.stem * size.width),
            blocks=blocks,
            head=divisible(self.head * size.width),
            hidden=divisible(self.hidden * size.width) if self.hidden else 0,
            activation=self.activation,
            gate=self.gate,
            dropout=size.dropout,
            stem_stride=self.stem_stride,
            image_channels=self.image_channels,
            classes=self.classes,
        )


def divisible(channels: float) -> int:
    """The multiple of 8 nearest to ``channels``, at least 8, and never below 90 % of it.

    >>> divisible(19.2), divisible(134.4)
    (24, 136)
    """
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def halved(size: int, stride: int) -> int:
    """Pixels after a convolution of this stride: padded, so rounded up."""
    return -(-size // stride)
