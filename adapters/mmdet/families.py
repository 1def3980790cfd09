"""Spaces of backbones to search: those of the adapters for mobile networks and NASNet cells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from lamcts.adapters.mmdet.supernets import check_record
from lamcts.adapters.mmdet.trunks import (
    MOBILE_FAMILIES,
    Trunk,
    cell_skeleton,
    cell_trunk,
    mobile_choices,
    mobile_network,
    mobile_point,
    mobile_trunk,
)
from lamcts.adapters.mobile.architectures import describe, parse_architecture
from lamcts.adapters.mobile.stages import Network
from lamcts.adapters.nasnet_cifar.architectures import parse_genotype
from lamcts.adapters.nasnet_cifar.encoding import ENCODINGS
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.errors import InvalidArgument, LamctsError, UnknownName, did_you_mean
from lamcts.spaces import Space

__all__ = ["FAMILIES", "CellFamily", "Family", "MobileFamily", "make_family"]

#: All of them, by name.
FAMILIES = (*MOBILE_FAMILIES, "nasnet")


class Family(Protocol):
    """A space of backbones."""

    @property
    def space(self) -> Space[Any]:
        """The space of its points."""

    def trunk(self, x: Any) -> Trunk:
        """The backbone of a point."""

    def canonical(self, x: Any) -> Any:
        """The point that stands for all points of one network."""

    def describe(self, x: Any) -> dict[str, Any]:
        """A point as JSON: `parse` reads it."""

    def parse(self, text: str) -> Any:
        """The point of a name or of JSON; a `Trunk`, where it is a network of no point here."""


class MobileFamily:
    """Once-for-All's MobileNetV3 or EfficientNet-B0's blocks.

    Args:
        name: ``"mobilenetv3"`` or ``"efficientnet"``.
        width: Factor on all channels.
        supernet: The folder of the supernet whose weights backbones begin with.

    Raises:
        InvalidArgument: The supernet is of other networks.
        RunError: The folder holds no trained supernet.
    """

    def __init__(self, name: str, width: float, supernet: Path | None = None) -> None:
        self.name, self.width = name, width
        self.supernet = None if supernet is None else supernet.resolve()
        if supernet is not None:
            check_record(supernet, name, width)
        self.choices = mobile_choices(name, width)
        self.space = self.choices.make_space()

    def trunk(self, x: Any) -> Trunk:
        """The backbone of a point."""
        config = self._config(self.describe(x))
        return mobile_trunk(self.choices.network(self.choices.row(x)), config)

    def canonical(self, x: Any) -> Any:
        """The point with 0 for all choices of blocks that the network does not have."""
        choices = self.choices
        return choices.point(choices.canonical(choices.row(x)[None])[0])

    def describe(self, x: Any) -> dict[str, Any]:
        """The values that are chosen."""
        found = describe(self.choices, self.choices.row(x))
        return {name: value for name, value in found.items() if name != "resolution"}

    def parse(self, text: str) -> Any:
        """The point of values; the trunk of a named network."""
        if text.lstrip().startswith("{"):
            known = self.choices.family
            if known.scaled_by == "resolution" and '"resolution"' not in text:
                text = f'{{"resolution": {known.scales[0].resolution}, {text.strip()[1:]}'
            found = parse_architecture(text, self.choices, {})
            return mobile_trunk(found, {}) if isinstance(found, Network) else found
        if self.supernet is not None:
            try:
                mobile_point(text, self.choices)
            except InvalidArgument:
                raise InvalidArgument(
                    f"arch: the supernet in {self.supernet} has no weights for {text!r}; "
                    "leave supernet out"
                ) from None
        return mobile_trunk(mobile_network(text, self.name, self.width), self._config(text))

    def _config(self, arch: str | Mapping[str, Any]) -> dict[str, Any]:
        given: dict[str, Any] = {"arch": arch, "family": self.name, "width": self.width}
        if self.supernet is not None:
            given["init_cfg"] = {"type": "Supernet", "folder": str(self.supernet)}
        return {"type": "MobileBackbone", **given}


class CellFamily:
    """Cells of LaNAS' NASNet space, its one-shot space, or DARTS'.

    Args:
        encoding: Which of them.
        channels: Of every node in the first cells.
        cells: Their number.
    """

    def __init__(self, encoding: str, channels: int, cells: int) -> None:
        if encoding not in ENCODINGS:
            raise UnknownName(
                f"encoding: {encoding!r} is not known; {did_you_mean(encoding, ENCODINGS)}"
            )
        self.encoding = ENCODINGS[encoding]
        self.skeleton = cell_skeleton(channels, cells)
        self.space = self.encoding.make_space()

    def trunk(self, x: Any) -> Trunk:
        """The backbone of a point."""
        return self._trunk(self.encoding.decode(x))

    def canonical(self, x: Any) -> Any:
        """The one point of the cells, whatever the order of their nodes."""
        return self.encoding.canonical(x)

    def describe(self, x: Any) -> dict[str, Any]:
        """The genotype."""
        return self.encoding.decode(x).to_json()

    def parse(self, text: str) -> Any:
        """The point of a genotype; the trunk of one that is not in the space."""
        genotype = parse_genotype(text, self.encoding)
        try:
            return self.encoding.encode(genotype)
        except LamctsError:
            return self._trunk(genotype)

    def _trunk(self, genotype: Genotype) -> Trunk:
        skeleton = self.skeleton
        config = {
            "type": "NASNetBackbone",
            "genotype": genotype.to_json(),
            "channels": skeleton.channels,
            "cells": skeleton.cells,
        }
        return cell_trunk(genotype, skeleton, config)


def make_family(
    name: str,
    *,
    width: float,
    encoding: str,
    channels: int,
    cells: int,
    supernet: Path | None = None,
) -> Family:
    """The space of a name, with those of the settings that it has.

    Raises:
        UnknownName: No such space.
        InvalidArgument: A setting that makes no network, or a supernet of others.
        RunError: No supernet where one is said to be.
    """
    if name not in FAMILIES:
        raise UnknownName(f"family: {name!r} is not known; {did_you_mean(name, FAMILIES)}")
    if name != "nasnet":
        return MobileFamily(name, width, supernet)
    if supernet is not None:  # those of cells are networks for small images, with another stem
        raise InvalidArgument(
            "supernet: backbones of NASNet cells cannot begin with one's weights; leave it out, or "
            "use family=mobilenetv3 or family=efficientnet"
        )
    return CellFamily(encoding, channels, cells)
