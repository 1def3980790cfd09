"""A convolutional classifier of images, and the blocks that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from lamcts.adapters.tasks.networks.transformer import Blocks, Shape

__all__ = ["BLOCKS", "Block", "ConvNet", "Normalise", "make_block", "norm"]

#: ``plain``: a convolution. ``residual``: two of them, added to what they are given.
#: ``inverted``: wide 1x1, depthwise, narrow 1x1, added (MobileNetV2). ``depthwise``: depthwise,
#: wide and narrow 1x1, added (ConvNeXt).
Block = Literal["plain", "residual", "inverted", "depthwise"]
BLOCKS: tuple[Block, ...] = ("plain", "residual", "inverted", "depthwise")


class ConvNet(nn.Module):
    """Images (n, channels, height, width) to scores (n, classes).

    Stages of equal blocks; every stage but the first halves the image and doubles the width.

    Args:
        channels: Of the images.
        classes: Of the images.
        width: Channels of the first stage.
        stages: From 1 up; the image is to be at least ``2 ** (stages - 1)`` pixels high and wide.
        depth: Blocks in a stage.
        kernel: Height and width of the convolutions; odd.
        block: Which block.
        squeeze: Whether blocks weigh their channels (squeeze-and-excitation).
        attention: Whether a Transformer block reads the last feature map, place by place.
        dropout: Before the classifier, in [0, 1).
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        width: int,
        stages: int = 2,
        depth: int = 1,
        kernel: int = 3,
        block: Block = "residual",
        squeeze: bool = False,
        attention: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [_convolution(channels, width, kernel)]
        for stage in range(stages):
            if stage:
                layers += [nn.MaxPool2d(2), _convolution(width, 2 * width, 1)]
                width *= 2
            layers += [make_block(block, width, kernel, squeeze=squeeze) for _ in range(depth)]
        if attention:
            layers.append(_Places(width))
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """(n, classes) of (n, channels, height, width)."""
        pooled = self.features(images).mean((2, 3))
        scores: Tensor = self.head(self.dropout(pooled))
        return scores


class Normalise(nn.Module):
    """Images of mean ``mean`` and standard deviation ``std`` to zero mean and unit variance.

    Args:
        mean: A number for each channel.
        std: Likewise.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean)[:, None, None])
        self.register_buffer("std", torch.tensor(std)[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        """(n, channels, height, width), scaled."""
        return (images - self.mean) / self.std


def make_block(kind: Block, width: int, kernel: int, *, squeeze: bool = False) -> nn.Module:
    """A block from ``width`` channels to as many, of images that stay as large."""
    layers: list[nn.Module]
    if kind == "plain":
        layers = [_convolution(width, width, kernel)]
    elif kind == "residual":
        layers = [_convolution(width, width, kernel), *_convolution(width, width, kernel)[:2]]
    elif kind == "inverted":
        wide = 3 * width
        layers = [_convolution(width, wide, 1), _convolution(wide, wide, kernel, groups=wide)]
        layers += [*_convolution(wide, width, 1)[:2]]
    else:
        layers = [*_convolution(width, width, kernel, groups=width)[:2]]
        layers += [nn.Conv2d(width, 3 * width, 1), nn.GELU(), nn.Conv2d(3 * width, width, 1)]
    if squeeze:
        layers.append(_Squeeze(width))
    inner = nn.Sequential(*layers)
    return inner if kind == "plain" else _Added(inner)


def norm(width: int) -> nn.Module:
    """Batch normalisation, which small networks learn fastest with."""
    return nn.BatchNorm2d(width)


def _convolution(inputs: int, outputs: int, kernel: int, *, groups: int = 1) -> nn.Sequential:
    """Convolution, normalisation, rectifier."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding="same", groups=groups, bias=False)
    return nn.Sequential(convolution, norm(outputs), nn.ReLU())


class _Added(nn.Module):
    """What is given plus what the inner module makes of it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.inner(x))


class _Squeeze(nn.Module):
    """Channels weighed by what their means say (Hu et al., 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(4, width // 4)
        self.weigh = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        weighed: Tensor = x * self.weigh(x.mean((2, 3)))[:, :, None, None]
        return weighed


class _Places(nn.Module):
    """A Transformer block over the places of a feature map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Convolutions with padding tell places already.
        self.blocks = Blocks(Shape(1, width, heads=4, ffn=2.0, positions="none"), causal=False)

    def forward(self, x: Tensor) -> Tensor:
        places = x.flatten(2).transpose(1, 2)
        read: Tensor = self.blocks(places)
        return read.transpose(1, 2).reshape(x.shape)
