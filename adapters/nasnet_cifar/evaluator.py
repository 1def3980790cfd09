"""The problem: find the cells whose network has the best validation accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcts.adapters.nasnet_cifar.architectures import parse_genotype
from lamcts.adapters.nasnet_cifar.canonical import canonical_genotype
from lamcts.adapters.nasnet_cifar.cost import network_cost
from lamcts.adapters.nasnet_cifar.encoding import ENCODINGS, Encoding
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.adapters.nasnet_cifar.paths import arm_choice, cell_paths
from lamcts.adapters.nasnet_cifar.skeleton import SKELETONS, Skeleton
from lamcts.adapters.supernet import Choice, Paths, SupernetEvaluator
from lamcts.adapters.training import ImageShape, Recipe, require_torch
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NASNetCIFAR"]


class NASNetCIFAR(SupernetEvaluator):
    """Cells of the NASNet family, compared by validation accuracy of a small network of them.

    As in the papers there are two networks. The *proxy* is trained to compare cells: few channels,
    few cells, on the images of `load_data`, by default scikit-learn's 8x8 handwritten digits, a
    few seconds each on one core. The *target* is what found cells are for: `cost` and `build` mean
    it, and so do constraints. Test images are used by `test` alone. With a supernet, a proxy takes
    its weights from there instead of being trained.

    Args:
        encoding: The space: ``"lanas"`` (one cell for both places), ``"one-shot"`` or ``"darts"``.
        nodes: Nodes in a cell; by default the encoding's own, 7, 5 or 4.
        skeleton: The target: ``"cifar"`` or ``"imagenet"``.
        channels: Channels of the target's first cells; the skeleton's by default.
        cells: Cells of the target; the skeleton's by default.
        auxiliary: Whether the target has an auxiliary head.
        standardised: Whether the target standardises the weights of 1x1 convolutions, as LaNet.
        proxy_channels: Channels of the proxy's first cells.
        proxy_cells: Cells of the proxy.
        supernet: The folder of a supernet of all proxies (``lamcts supernet train``), for spaces
            in which all nodes leave the cell: one-shot and DARTS.
        score: A training-free score of the proxies (`lamcts.adapters.scores`), or a cost, to
            compare by instead.
        data: Images to train on: a folder or file as `open_images` takes it; by default digits.
        epochs: Passes of the proxy over the training images.
        device: Where to train: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the fastest at
            hand. Networks as small as the default ones are fastest on the CPU.
        seed: Fixes the initial weights and the order of the images, the same for all cells.

    Raises:
        UnknownName: No such encoding or skeleton.
        InvalidArgument: A count, size or device that cannot be used.
    """

    direction = "maximize"
    default_budget = 60

    def __init__(
        self,
        *,
        encoding: str = "lanas",
        nodes: int | None = None,
        skeleton: str = "cifar",
        channels: int | None = None,
        cells: int | None = None,
        auxiliary: bool = False,
        standardised: bool = False,
        proxy_channels: int = 8,
        proxy_cells: int = 3,
        supernet: Path | None = None,
        score: str | None = None,
        data: Path | None = None,
        epochs: int = 3,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.encoding: Encoding = _named("encoding", encoding, ENCODINGS)
        if nodes is not None:
            self.encoding = replace(self.encoding, nodes=nodes)
        self.space = self.encoding.make_space()
        sizes = {"channels": channels, "cells": cells}
        self.target_skeleton = replace(
            _named("skeleton", skeleton, SKELETONS),
            auxiliary=auxiliary,
            standardised=standardised,
            **{name: size for name, size in sizes.items() if size is not None},
        )
        self.proxy_skeleton = Skeleton(channels=proxy_channels, cells=proxy_cells)
        self.recipes = [Recipe(epochs=epochs, seed=seed, device=device)]
        self.data = data
        target = self.target_skeleton
        self.notice = (
            f"Training each architecture for real with {proxy_cells} cells of {proxy_channels} "
            f"channels on {self.images}{'' if data else ' (a stand-in for CIFAR-10)'}; "
            f"costs are those of {target.cells} cells of {target.channels} channels."
        )
        if supernet is not None and score is not None:
            raise InvalidArgument("score: there is a supernet already; give one of them")
        self.use_supernet(supernet)
        self.use_score(score)

    def cost(self, x: Any) -> dict[str, float]:
        """Size of the target network, that `build` makes.

        Returns:
            ``params``; ``macs``, the multiply-adds for one image; and ``flops``, which is the same
            number: architecture search papers call multiply-adds FLOPs.
        """
        found = network_cost(self.decode(x), self.target_skeleton)
        return {"params": found.params, "macs": found.macs, "flops": found.macs}

    def canonical(self, x: Any) -> Any:
        """The point that stands for every point of the same network."""
        return self.encoding.canonical(x)

    def render(self, x: Any) -> str:
        """Both cells, a node a line."""
        return str(self.decode(x))

    # -- Supernets of proxies -----------------------------------------------------------------

    def paths(self) -> Paths:
        """Networks of the encoding at random, or dealt fairly."""
        return cell_paths(self.encoding)

    def make_supernet(self, shape: ImageShape) -> nn.Module:
        """The supernet of all proxies.

        Raises:
            InvalidArgument: The encoding's cells do not all have the same output.
        """
        require_torch()
        from lamcts.adapters.nasnet_cifar.supernet import CellSupernet

        return CellSupernet(self.encoding, _fitted(self.proxy_skeleton, shape))

    def supernet_settings(self) -> dict[str, Any]:
        """The space, and the sizes of a proxy."""
        return {
            "encoding": self.encoding.name,
            "nodes": self.encoding.nodes,
            "proxy_channels": self.proxy_skeleton.channels,
            "proxy_cells": self.proxy_skeleton.cells,
        }

    def choice(self, name: str) -> Choice:
        """The operation on the first arm of a node: ``normal.0`` to ``reduction.4``."""
        return arm_choice(self.encoding, name)

    # -- The adapter's side: points and genotypes ------------------------------------------------

    def encode(self, genotype: Genotype) -> Any:
        """The point of a genotype; ``decode(encode(genotype))`` is the genotype.

        Raises:
            InvalidArgument: It is not in the space of ``encoding``.
        """
        return self.encoding.encode(genotype)

    def decode(self, x: Any) -> Genotype:
        """The genotype of a point; every point has one."""
        return self.encoding.decode(x)

    def parse(self, text: str) -> Any:
        """The point of a genotype given by name (``lanet``), as JSON, or as a code or mask."""
        return self.encode(parse_genotype(text, self.encoding))

    def describe(self, x: Any) -> dict[str, Any]:
        """The genotype of a point as JSON."""
        return self.decode(x).to_json()

    def target(self, x: Any, shape: ImageShape | None = None) -> Callable[[], nn.Module]:
        """What makes the target network of a point."""
        skeleton = self.target_skeleton
        return _builder(self.decode(x), skeleton if shape is None else _fitted(skeleton, shape))

    def proxy(self, x: Any, shape: ImageShape) -> Callable[[], nn.Module]:
        """What makes the proxy of a point."""
        # Points of one network must get one accuracy, and the order of its nodes seeds its weights.
        return _builder(canonical_genotype(self.decode(x)), _fitted(self.proxy_skeleton, shape))


def _builder(genotype: Genotype, skeleton: Skeleton) -> Callable[[], nn.Module]:
    require_torch()
    from lamcts.adapters.nasnet_cifar.network import GenotypeNetwork

    return lambda: GenotypeNetwork(genotype, skeleton)


def _fitted(skeleton: Skeleton, shape: ImageShape) -> Skeleton:
    """The skeleton for the images and the classes of a data set."""
    return replace(
        skeleton,
        image_size=shape.size,
        image_channels=shape.channels,
        classes=shape.classes,
    )


def _named(setting: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UnknownName(f"{setting}: {name!r} is not known; {did_you_mean(name, known)}")
    return known[name]
