"""The layers of which cells are made. Importing this module loads PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from lamcts.adapters.nasnet_cifar.genotype import (
    AVG_POOL,
    DIL_CONV_3X3,
    DIL_CONV_5X5,
    MAX_POOL,
    SEP_CONV_3X3,
    SEP_CONV_5X5,
    SKIP,
)

__all__ = [
    "AuxiliaryHead",
    "FactorizedReduction",
    "StandardisedConv2d",
    "imagenet_stem",
    "operation",
    "relu_conv_bn",
]


def operation(op: str, channels: int, stride: int, *, standardised: bool = False) -> nn.Module:
    """An operation of an arm: (n, channels, h, w) to the same channels, shrunk by ``stride``."""
    if op == SKIP:
        return nn.Identity() if stride == 1 else FactorizedReduction(channels, channels)
    if op == MAX_POOL:
        return nn.MaxPool2d(3, stride, padding=1)
    if op == AVG_POOL:
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    if op in (SEP_CONV_3X3, SEP_CONV_5X5):
        kernel = 3 if op == SEP_CONV_3X3 else 5
        return nn.Sequential(
            *_separable(channels, kernel, stride, 1, standardised),
            *_separable(channels, kernel, 1, 1, standardised),
        )
    if op in (DIL_CONV_3X3, DIL_CONV_5X5):
        kernel = 3 if op == DIL_CONV_3X3 else 5
        return nn.Sequential(*_separable(channels, kernel, stride, 2, standardised))
    raise ValueError(f"unsupported op {op}")


def relu_conv_bn(inputs: int, outputs: int, *, standardised: bool = False) -> nn.Sequential:
    """ReLU, 1x1 convolution, batch normalisation: a cell's input at the width of its nodes."""
    return nn.Sequential(
        nn.ReLU(), _pointwise(inputs, outputs, standardised), nn.BatchNorm2d(outputs)
    )


def imagenet_stem(inputs: int, channels: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Two parts, whose outputs are the two inputs of the first cell: sizes a quarter, an eighth."""
    first = nn.Sequential(
        nn.Conv2d(inputs, channels // 2, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels // 2),
        nn.ReLU(),
        nn.Conv2d(channels // 2, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )
    second = nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(channels),
    )
    return first, second


class FactorizedReduction(nn.Module):
    """Half the size without a gap: ReLU, two 1x1 convolutions of stride 2 a pixel apart, BN."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=2, bias=False)
        self.normalise = nn.BatchNorm2d(outputs)

    def forward(self, features: Tensor) -> Tensor:
        """(n, inputs, h, w) to (n, outputs, h / 2, w / 2), odd sizes rounded up."""
        features = torch.relu(features)
        # The last row and column are used only where a size is odd and the shift runs off.
        shifted = pad(features, (0, 1, 0, 1))[:, :, 1:, 1:]
        joined = torch.cat([self.even(features), self.odd(shifted)], dim=1)
        normalised: Tensor = self.normalise(joined)
        return normalised


class StandardisedConv2d(nn.Conv2d):
    """A convolution whose filters have zero mean and unit deviation whenever they are used.

    Source: Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization", 2019.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Convolve with the standardised weights."""
        deviation, mean = torch.std_mean(self.weight, dim=(1, 2, 3), correction=0, keepdim=True)
        weight = (self.weight - mean) / (deviation + 1e-5)
        return conv2d(
            input, weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )


class AuxiliaryHead(nn.Module):
    """A second classifier in the middle of a network, for more gradient while training.

    Args:
        channels: Channels of the features.
        size: Their height and width, from 6 up; four 5x5 means are taken.
        classes: Number of classes.
    """

    def __init__(self, channels: int, size: int, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, stride=size - 5),  # 3 for 8 pixels, 2 for ImageNet's 7
            nn.Conv2d(channels, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Logits (n, classes)."""
        logits: Tensor = self.classifier(self.features(features).flatten(1))
        return logits


def _separable(
    channels: int, kernel: int, stride: int, dilation: int, standardised: bool
) -> list[nn.Module]:
    """ReLU, depthwise convolution, 1x1 convolution, batch normalisation."""
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
        ),
        _pointwise(channels, channels, standardised),
        nn.BatchNorm2d(channels),
    ]


def _pointwise(inputs: int, outputs: int, standardised: bool) -> nn.Conv2d:
    kind = StandardisedConv2d if standardised else nn.Conv2d
    return kind(inputs, outputs, 1, bias=False)
