"""Backbones for mmdetection 3.x, made of the adapters' own networks.

Importing this module loads PyTorch and mmengine, and registers both classes. Weights keep the
names they have in the networks for classification, so that theirs can be loaded by ``init_cfg``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from mmcv.cnn import build_norm_layer
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from lamcts.adapters.mmdet.trunks import (
    STRIDES,
    Trunk,
    cell_skeleton,
    cell_trunk,
    mobile_network,
    mobile_taps,
    mobile_trunk,
)
from lamcts.adapters.mobile.network import MobileNet
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.adapters.nasnet_cifar.network import GenotypeNetwork
from lamcts.errors import InvalidArgument

__all__ = ["MobileBackbone", "NASNetBackbone", "SearchedBackbone"]


class SearchedBackbone(BaseModule):  # type: ignore[misc]
    """What the backbones have in common: images (n, 3, h, w) to maps at strides 4, 8, 16, 32.

    Sizes are rounded up, so odd ones may be given.

    Args:
        out_indices: Which of the four maps to give, ascending.
        frozen_stages: How much does not learn: -1 nothing, 0 the stem, n also all up to map n.
        norm_cfg: The normalisation; ``requires_grad=False`` fixes its scales and shifts.
        norm_eval: Whether batch normalisation keeps its statistics in training.
        with_cp: Whether to compute inner values twice rather than to store them.
        init_cfg: Initial weights, as everywhere in mmengine: ``{"type": "Pretrained",
            "checkpoint": FILE}``, say; by default those that the layers begin with.

    Attributes:
        trunk: Its description.
        out_channels: Of the maps that it gives.

    Raises:
        InvalidArgument: An option that cannot be used.
    """

    trunk: Trunk

    def __init__(
        self,
        *,
        out_indices: Sequence[int] = (0, 1, 2, 3),
        frozen_stages: int = -1,
        norm_cfg: Mapping[str, Any] | None = None,
        norm_eval: bool = False,
        with_cp: bool = False,
        init_cfg: Any = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        indices = tuple(out_indices)
        if not indices or any(i not in range(len(STRIDES)) for i in indices):
            raise InvalidArgument(f"out_indices: {indices!r} are not of 0 to 3; use (0, 1, 2, 3)")
        if sorted(set(indices)) != list(indices):
            raise InvalidArgument(f"out_indices: {indices!r} do not ascend; use (0, 1, 2, 3)")
        if frozen_stages not in range(-1, len(STRIDES) + 1):
            raise InvalidArgument(f"frozen_stages: {frozen_stages!r} is not in -1 to 4; use -1")
        self.out_indices, self.frozen_stages = indices, frozen_stages
        self.norm_cfg, self.norm_eval, self.with_cp = norm_cfg, norm_eval, with_cp

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """The stem, then what leads to each of the four maps, each in order."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def maps(self, images: Tensor) -> Iterator[Tensor]:
        """All four maps, one after another."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    @property
    def out_channels(self) -> tuple[int, ...]:
        """Channels of the maps that it gives."""
        return tuple(self.trunk.channels[i] for i in self.out_indices)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The maps that ``out_indices`` name, the largest first."""
        maps = tuple(self.maps(images))
        return tuple(maps[i] for i in self.out_indices)

    def train(self, mode: bool = True) -> SearchedBackbone:
        """Switch to training; what is frozen stays as it is."""
        super().train(mode)
        for stage in self.stages()[: self.frozen_stages + 1]:
            for module in stage:
                module.eval().requires_grad_(False)
        if mode and self.norm_eval:
            for module in self.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def _finish(self) -> None:
        """What comes when all layers are there."""
        if self.norm_cfg is not None:
            _replace_norms(self, dict(self.norm_cfg))
        self.train()

    def _run(self, layer: nn.Module, *inputs: Tensor) -> Tensor:
        if self.with_cp and self.training and any(tensor.requires_grad for tensor in inputs):
            again: Tensor = checkpoint(layer, *inputs, use_reentrant=False)
            return again
        out: Tensor = layer(*inputs)
        return out


@MODELS.register_module()
class MobileBackbone(SearchedBackbone):
    """A network of inverted bottlenecks: Once-for-All's MobileNetV3, EfficientNet, MobileNetV2.

    Args:
        arch: Its choices, or its name (`mobile_network`).
        family: The space it is from.
        width: Factor on all channels.
        **options: As for `SearchedBackbone`.
    """

    def __init__(
        self,
        arch: str | Mapping[str, Any],
        family: str = "mobilenetv3",
        width: float = 1.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.arch, self.family, self.width = arch, family, width
        network = mobile_network(arch, family, width)
        self.trunk = mobile_trunk(network, {})
        self._taps = [tap + 1 for tap in mobile_taps(network)]  # the stem comes before block 0
        self.features = MobileNet(network).features[: len(network.blocks) + 1]
        self._finish()

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """The stem, then the blocks of each map, also those of stride 2 before the first."""
        ends = [0, *self._taps]
        layers = list(self.features)
        return [layers[:1], *(layers[before + 1 : end + 1] for before, end in pairwise(ends))]

    def maps(self, images: Tensor) -> Iterator[Tensor]:
        """Every block in turn."""
        for number, layer in enumerate(self.features):
            images = self._run(layer, images)
            if number in self._taps:
                yield images


@MODELS.register_module()
class NASNetBackbone(SearchedBackbone):
    """A row of NASNet cells behind the stem for ImageNet.

    Args:
        genotype: The cells, as JSON (`Genotype.to_json`).
        channels: Of every node in the first cells.
        cells: Their number, 2 or more.
        standardised: As in `Skeleton`.
        **options: As for `SearchedBackbone`.
    """

    def __init__(
        self,
        genotype: Mapping[str, Any],
        channels: int = 48,
        cells: int = 14,
        standardised: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        found = Genotype.from_json(dict(genotype))
        skeleton = cell_skeleton(channels, cells, standardised)
        network = GenotypeNetwork(found, skeleton)
        self.trunk = cell_trunk(found, skeleton, {})
        self.stem, self.second_stem = network.stem, network.second_stem
        self.cells = network.cells
        self._reductions = skeleton.reductions
        self._finish()

    def stages(self) -> Sequence[Sequence[nn.Module]]:
        """The stem's first convolution, its second, then up to each reduction, and the rest."""
        first, second = self._reductions
        layers, cells = list(self.stem.children()), list(self.cells)
        return [
            layers[:3],
            layers[3:],
            [self.second_stem, *cells[:first]],
            cells[first:second],
            cells[second:],
        ]

    def maps(self, images: Tensor) -> Iterator[Tensor]:
        """Every cell in turn; a map is whole where the next cell halves it."""
        before = self._run(self.stem, images)
        yield before
        previous = self._run(self.second_stem, before)
        for number, cell in enumerate(self.cells):
            if number in self._reductions:
                yield previous
            before, previous = previous, self._run(cell, before, previous)
        yield previous


def _replace_norms(module: nn.Module, norm_cfg: dict[str, Any]) -> None:
    """Put the normalisation of ``norm_cfg`` in the place of every batch normalisation."""
    for name, child in module.named_children():
        if not isinstance(child, nn.BatchNorm2d):
            _replace_norms(child, norm_cfg)
            continue
        try:
            _, norm = build_norm_layer(norm_cfg, child.num_features)
        except (AssertionError, KeyError, TypeError, ValueError) as error:
            raise InvalidArgument(
                f"norm_cfg: {norm_cfg!r} makes no normalisation of {child.num_features} channels: "
                f"{error}"
            ) from None
        setattr(module, name, norm.to(next(child.parameters()).device))
