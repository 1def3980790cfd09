"""The PyTorch network of a genotype. Importing this module loads PyTorch."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from lamcts.adapters.nasnet_cifar.genotype import SKIP, Arm, Genotype
from lamcts.adapters.nasnet_cifar.operations import (
    AuxiliaryHead,
    FactorizedReduction,
    imagenet_stem,
    operation,
    relu_conv_bn,
)
from lamcts.adapters.nasnet_cifar.skeleton import CIFAR, Site, Skeleton, cell_sites
from lamcts.adapters.training.layers import DropPath
from lamcts.errors import InvalidArgument

__all__ = ["CellModule", "GenotypeNetwork", "arm_layer"]


class GenotypeNetwork(nn.Module):
    """Stem, cells, global average pooling, classifier; an auxiliary head if the skeleton has one.

    Maps images (n, image_channels, image_size, image_size) to logits (n, classes); in training
    mode with an auxiliary head, to a pair of logits: its own, and those of the head.
    """

    def __init__(self, genotype: Genotype, skeleton: Skeleton = CIFAR) -> None:
        super().__init__()
        self.skeleton = skeleton
        sites = cell_sites(genotype, skeleton)
        first, second = skeleton.stem_features
        self.stem: nn.Module
        self.second_stem: nn.Module
        if skeleton.stem == "cifar":
            self.stem = nn.Sequential(
                nn.Conv2d(skeleton.image_channels, first.channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(first.channels),
            )
            self.second_stem = nn.Identity()
        else:
            self.stem, self.second_stem = imagenet_stem(skeleton.image_channels, second.channels)
        self.cells = nn.ModuleList(
            CellModule(site, standardised=skeleton.standardised) for site in sites
        )
        self.auxiliary: AuxiliaryHead | None = None
        if skeleton.auxiliary:
            features = sites[skeleton.reductions[-1]].output
            self.auxiliary = AuxiliaryHead(features.channels, features.size, skeleton.classes)
        self.dropout = nn.Dropout(0.0)  # a recipe's ``head_dropout`` sets it
        self.classifier = nn.Linear(sites[-1].output.channels, skeleton.classes)

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Logits of a batch of images; a pair while training with an auxiliary head."""
        before = self.stem(images)
        previous = self.second_stem(before)
        auxiliary = None
        for number, cell in enumerate(self.cells):
            before, previous = previous, cell(before, previous)
            if self.training and self.auxiliary and number == self.skeleton.reductions[-1]:
                auxiliary = self.auxiliary(previous)
        logits: Tensor = self.classifier(self.dropout(previous.mean(dim=(2, 3))))
        return logits if auxiliary is None else (logits, auxiliary)

    @property
    def leaves_weights_out(self) -> bool:
        """Whether a cell has an input that nothing takes: its layers learn nothing; `fit` asks."""
        cells = (cast("CellModule", module).cell for module in self.cells)
        return any({0, 1} & set(cell.unused()) - set(cell.concat) for cell in cells)

    def set_drop_path(self, probability: float) -> None:
        """From now on drop every arm of an image with this probability, but for identities.

        Raises:
            InvalidArgument: It is not in [0, 1).
        """
        if not 0.0 <= probability < 1.0:
            raise InvalidArgument(f"drop_path: {probability!r} is not in [0, 1); use 0.2, say")
        for module in self.modules():
            if isinstance(module, DropPath):
                module.probability = probability


class CellModule(nn.Module):
    """One cell in its place: the outputs of the two cells before it to its own."""

    def __init__(self, site: Site, *, standardised: bool = False) -> None:
        super().__init__()
        self.cell = site.cell
        self.fit_before = (
            FactorizedReduction(site.before.channels, site.channels)
            if site.before.size != site.previous.size
            else relu_conv_bn(site.before.channels, site.channels, standardised=standardised)
        )
        self.fit_previous = relu_conv_bn(
            site.previous.channels, site.channels, standardised=standardised
        )
        arms = (arm for node in site.cell.nodes for arm in node)
        self.arms = nn.ModuleList(arm_layer(arm, site, standardised=standardised) for arm in arms)

    def layer(self, node: int, side: int) -> nn.Module:
        """What the arm on side 0 or 1 of a node applies to its input."""
        return self.arms[2 * node + side]

    def forward(self, before: Tensor, previous: Tensor) -> Tensor:
        """Each node in turn, the sum of its two arms; then the joined states."""
        states = [self.fit_before(before), self.fit_previous(previous)]
        for k, (one, other) in enumerate(self.cell.nodes):
            left, right = self.layer(k, 0), self.layer(k, 1)
            states.append(left(states[one.input]) + right(states[other.input]))
        return torch.cat([states[state] for state in self.cell.concat], dim=1)


def arm_layer(arm: Arm, site: Site, *, standardised: bool = False) -> nn.Module:
    """An arm of a cell in this place: its operation, with drop path unless it is an identity."""
    stride = site.stride(arm.input)
    layer = operation(arm.op, site.channels, stride, standardised=standardised)
    return layer if arm.op == SKIP and stride == 1 else nn.Sequential(layer, DropPath())
