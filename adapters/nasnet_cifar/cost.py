"""Parameters and multiply-adds of a genotype's network, by formula, without building it."""

from __future__ import annotations

from dataclasses import dataclass

from lamcts.adapters.nasnet_cifar.genotype import (
    DIL_CONV_3X3,
    DIL_CONV_5X5,
    SEP_CONV_3X3,
    SEP_CONV_5X5,
    SKIP,
    Genotype,
)
from lamcts.adapters.nasnet_cifar.skeleton import CIFAR, Site, Skeleton, cell_sites, halved

__all__ = ["Cost", "network_cost"]

#: Kernel size, and how often the convolution is applied.
_SEPARABLE = {
    SEP_CONV_3X3: (3, 2),
    SEP_CONV_5X5: (5, 2),
    DIL_CONV_3X3: (3, 1),
    DIL_CONV_5X5: (5, 1),
}


@dataclass(frozen=True)
class Cost:
    """Size of a network.

    Attributes:
        params: Trainable parameters, those of an auxiliary head among them.
        macs: Multiply-adds of the convolutions and the classifier for one image. The auxiliary
            head has no part in it: it is for training only.
    """

    params: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs)


def network_cost(genotype: Genotype, skeleton: Skeleton = CIFAR) -> Cost:
    """Cost of the whole network of a genotype."""
    total = _stem(skeleton)
    sites = cell_sites(genotype, skeleton)
    for site in sites:
        total += _cell(site)
    if skeleton.auxiliary:
        total += _auxiliary(sites[skeleton.reductions[-1]].output.channels, skeleton.classes)
    return total + _linear(sites[-1].output.channels, skeleton.classes)


def _stem(skeleton: Skeleton) -> Cost:
    first, second = skeleton.stem_features
    if skeleton.stem == "cifar":
        return _conv(3, skeleton.image_channels, first.channels, first.size)
    half = skeleton.channels // 2
    return (
        _conv(3, skeleton.image_channels, half, halved(skeleton.image_size))
        + _conv(3, half, first.channels, first.size)
        + _conv(3, first.channels, second.channels, second.size)
    )


def _cell(site: Site) -> Cost:
    channels, size = site.channels, site.previous.size
    total = _conv(1, site.before.channels, channels, size)  # the larger input is sampled first
    total += _conv(1, site.previous.channels, channels, size)
    for arm in (arm for node in site.cell.nodes for arm in node):
        stride = site.stride(arm.input)
        if arm.op in _SEPARABLE:
            kernel, times = _SEPARABLE[arm.op]
            for _ in range(times):
                total += _separable(kernel, channels, site.output.size)
        elif arm.op == SKIP and stride == 2:
            total += _conv(1, channels, channels, site.output.size)  # in two halves
    return total


def _separable(kernel: int, channels: int, size: int) -> Cost:
    """A depthwise convolution, a 1x1 convolution, and one batch normalisation."""
    depthwise = kernel * kernel * channels
    return Cost(depthwise, depthwise * size * size) + _conv(1, channels, channels, size)


def _auxiliary(channels: int, classes: int) -> Cost:
    layers = _conv(1, channels, 128, 1) + _conv(2, 128, 768, 1) + _linear(768, classes)
    return Cost(params=layers.params)


def _conv(kernel: int, inputs: int, outputs: int, size: int) -> Cost:
    """A convolution without bias and its batch normalisation (a scale and a shift a channel)."""
    weights = kernel * kernel * inputs * outputs
    return Cost(weights + 2 * outputs, weights * size * size)


def _linear(inputs: int, outputs: int) -> Cost:
    return Cost(inputs * outputs + outputs, inputs * outputs)
