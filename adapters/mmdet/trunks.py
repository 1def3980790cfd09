"""Backbones: the part of a network that gives feature maps, without a classifier.

A `Trunk` is what a detector needs to know of one: how mmdetection builds it, the channels of its
maps at strides 4, 8, 16 and 32, and what it costs. No PyTorch here; `backbones` builds them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lamcts.adapters.mobile.architectures import (
    efficientnet_names,
    ofa_names,
    parse_architecture,
)
from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.cost import block_macs, block_params
from lamcts.adapters.mobile.families import COMPOUND, block_space, ofa_space
from lamcts.adapters.mobile.stages import Block, Family, Network, divisible, halved
from lamcts.adapters.nasnet_cifar.cost import Cost, network_cost
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.adapters.nasnet_cifar.skeleton import Skeleton, cell_sites
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = [
    "MOBILE_FAMILIES",
    "STRIDES",
    "Trunk",
    "cell_skeleton",
    "cell_trunk",
    "mobile_choices",
    "mobile_network",
    "mobile_point",
    "mobile_taps",
    "mobile_trunk",
]

#: How much smaller than the image the maps are.
STRIDES = (4, 8, 16, 32)

#: Spaces of mobile networks that are backbones.
MOBILE_FAMILIES = ("mobilenetv3", "efficientnet")

#: Multiply-adds are counted at this height and width, a multiple of 32, and scaled from there.
_REFERENCE = 224


@dataclass(frozen=True)
class Trunk:
    """A backbone.

    Attributes:
        config: What mmdetection builds it from, ``type`` and arguments.
        channels: Of its maps, at `STRIDES`.
        params: Trainable parameters.
        area_macs: Multiply-adds of convolutions for an image of 224 x 224 pixels; they grow with
            its area.
        pooled_macs: Those of squeeze-and-excitation, the same for every image.
    """

    config: Mapping[str, Any]
    channels: tuple[int, ...]
    params: int
    area_macs: int
    pooled_macs: int = 0

    def cost(self, width: int, height: int) -> Cost:
        """Cost for an image of this size, exact where both are multiples of 32."""
        area = self.area_macs * width * height // _REFERENCE**2
        return Cost(self.params, area + self.pooled_macs)


# -- mobile networks ---------------------------------------------------------------------------


def mobile_choices(family: str, width: float = 1.0, models: tuple[str, ...] = ("b0",)) -> Choices:
    """The networks of a space as backbones: one resolution, which a detector chooses itself.

    Args:
        family: One of `MOBILE_FAMILIES`.
        width: Factor on all channels.
        models: Scales of EfficientNet to choose from.

    Raises:
        UnknownName: No such space.
        InvalidArgument: A width that makes no network.
    """
    if not 0.0 < width < 100.0:
        raise InvalidArgument(f"width: {width!r} makes no network; use a factor such as 0.5")
    if family == "mobilenetv3":
        return Choices(ofa_space(width, (_REFERENCE,)))
    if family == "efficientnet":
        scales = [scale for scale in COMPOUND if scale.name in models]
        resized = (replace(s, resolution=_REFERENCE, width=s.width * width) for s in scales)
        return Choices(block_space(tuple(resized)))
    raise UnknownName(f"family: {family!r} is not known; {did_you_mean(family, MOBILE_FAMILIES)}")


def mobile_network(
    arch: str | Mapping[str, Any], family: str = "mobilenetv3", width: float = 1.0
) -> Network:
    """The network of an architecture.

    Args:
        arch: Choices by name (``depths``, ``kernels``, ``expands``, ...), or the name of a
            network, ``mobilenet_v2``, say.
        family: The space it is from; of no matter for networks of none.
        width: Factor on all channels.

    Raises:
        UnknownName: No such space or network.
        InvalidArgument: It describes no network of the space.
    """
    choices = mobile_choices(family, width, tuple(scale.name for scale in COMPOUND))
    found = _parsed(arch, choices)
    if isinstance(found, Network):
        return found if width == 1.0 else _widened(found, width)
    return choices.network(choices.row(found))


def mobile_point(arch: str | Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """The point of an architecture, as for `mobile_network`, among `mobile_choices`.

    Raises:
        UnknownName: No network has this name.
        InvalidArgument: It is no network of the space.
    """
    found = _parsed(arch, choices)
    if isinstance(found, Network):
        raise InvalidArgument(f"arch: {arch!r} is no network of the space; give one that is")
    return found


def _parsed(arch: str | Mapping[str, Any], choices: Choices) -> dict[str, Any] | Network:
    family = choices.family
    names = efficientnet_names() if family.scaled_by == "model" else ofa_names()
    names = {name: _sized(values, family) for name, values in names.items()}
    text = arch if isinstance(arch, str) else json.dumps(_sized(arch, family))
    return parse_architecture(text, choices, names)


def mobile_trunk(network: Network, config: Mapping[str, Any]) -> Trunk:
    """The trunk of a network: its stem and blocks.

    Raises:
        InvalidArgument: It has no maps at all four strides.
    """
    taps = mobile_taps(network)
    pixels = halved(_REFERENCE, network.stem_stride) ** 2
    stem = 9 * network.image_channels * network.stem
    pooled = sum(2 * block.expanded * block.squeeze for block in network.blocks)
    return Trunk(
        config=config,
        channels=tuple(network.blocks[tap].outputs for tap in taps),
        params=stem + 2 * network.stem + sum(map(block_params, network.blocks)),
        area_macs=stem * pixels + sum(map(block_macs, network.blocks)) - pooled,
        pooled_macs=pooled,
    )


def mobile_taps(network: Network) -> tuple[int, ...]:
    """The numbers of the last blocks at each of `STRIDES`.

    Raises:
        InvalidArgument: It has no maps at all four strides.
    """
    stride, last = network.stem_stride, {}
    for number, block in enumerate(network.blocks):
        stride *= block.stride
        last[stride] = number
    if missing := [stride for stride in STRIDES if stride not in last]:
        raise InvalidArgument(f"arch: the network has no map at stride {missing[0]}; use another")
    return tuple(last[stride] for stride in STRIDES)


def _sized(values: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """Values of an architecture with the one resolution there is."""
    return {**values, "resolution": _REFERENCE} if family.scaled_by == "resolution" else {**values}


def _widened(network: Network, width: float) -> Network:
    """A network with its channels times ``width``, rounded as its authors do."""

    def widened(block: Block) -> Block:
        inputs, outputs = divisible(block.inputs * width), divisible(block.outputs * width)
        expanded = divisible(block.expanded * width)
        if block.expanded % block.inputs == 0:
            expanded = inputs * (block.expanded // block.inputs)
        squeeze = divisible(expanded // 4) if block.squeeze else 0
        return replace(block, inputs=inputs, expanded=expanded, outputs=outputs, squeeze=squeeze)

    stem = divisible(network.stem * width)
    return replace(network, stem=stem, blocks=tuple(map(widened, network.blocks)))


# -- NASNet cells ------------------------------------------------------------------------------


def cell_skeleton(channels: int, cells: int, standardised: bool = False) -> Skeleton:
    """The row of cells of a backbone, behind the stem for ImageNet.

    Raises:
        InvalidArgument: It is too short, or has no channels.
    """
    skeleton = Skeleton(
        channels=channels,
        cells=cells,
        image_size=_REFERENCE,
        classes=1,
        stem="imagenet",
        standardised=standardised,
    )
    if len(skeleton.reductions) < 2:
        raise InvalidArgument(f"cells: {cells} leaves no map at stride 32; use 2 or more")
    return skeleton


def cell_trunk(genotype: Genotype, skeleton: Skeleton, config: Mapping[str, Any]) -> Trunk:
    """The trunk of a network of cells: all but its classifier."""
    sites = cell_sites(genotype, skeleton)
    quarter, eighth = skeleton.stem_features
    first, second = skeleton.reductions
    maps = (quarter, sites[first - 1].output if first else eighth, sites[second - 1].output)
    channels = (*(features.channels for features in maps), sites[-1].output.channels)
    whole = network_cost(genotype, skeleton)
    return Trunk(
        config=config,
        channels=channels,
        params=whole.params - channels[-1] - 1,  # a classifier of one class
        area_macs=whole.macs - channels[-1],
    )
