"""The problem: find the cells whose network has the best validation accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

import lamcts
from lamcts.adapters.nasnet_cifar.architectures import parse_genotype
from lamcts.adapters.nasnet_cifar.canonical import canonical_genotype
from lamcts.adapters.nasnet_cifar.cost import network_cost
from lamcts.adapters.nasnet_cifar.encoding import ENCODINGS, Encoding
from lamcts.adapters.nasnet_cifar.genotype import Genotype
from lamcts.adapters.nasnet_cifar.skeleton import SKELETONS, Skeleton
from lamcts.adapters.training import ImageData, Recipe, Split, digits, require_torch
from lamcts.errors import UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NASNetCIFAR"]


class NASNetCIFAR(lamcts.Evaluator):
    """Cells of the NASNet family, compared by validation accuracy of a small network of them.

    As in the papers there are two networks. The *proxy* is trained to compare cells: few channels,
    few cells, on the images of `load_data`, by default scikit-learn's 8x8 handwritten digits, a
    few seconds each on one core. The *target* is what found cells are for: `cost` and `build` mean
    it, and so do constraints. Test images are used by `test` alone.

    Args:
        encoding: The space: ``"lanas"`` (one cell for both places), ``"one-shot"`` or ``"darts"``.
        nodes: Nodes in a cell; by default the encoding's own, 7, 5 or 4.
        skeleton: The target: ``"cifar"`` or ``"imagenet"``.
        channels: Channels of the target's first cells; the skeleton's by default.
        cells: Cells of the target; the skeleton's by default.
        auxiliary: Whether the target has an auxiliary head.
        proxy_channels: Channels of the proxy's first cells.
        proxy_cells: Cells of the proxy.
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
        proxy_channels: int = 8,
        proxy_cells: int = 3,
        epochs: int = 3,
        device: str = "cpu",
        seed: int = 0,
    ) -> None:
        self.encoding: Encoding = _named("encoding", encoding, ENCODINGS)
        if nodes is not None:
            self.encoding = replace(self.encoding, nodes=nodes)
        self.space = self.encoding.make_space()
        sizes = {"channels": channels, "cells": cells}
        self.target = replace(
            _named("skeleton", skeleton, SKELETONS),
            auxiliary=auxiliary,
            **{name: size for name, size in sizes.items() if size is not None},
        )
        self.proxy = Skeleton(channels=proxy_channels, cells=proxy_cells)
        self.recipe = Recipe(epochs=epochs, seed=seed, device=device)
        self.notice = (
            f"Training each architecture for real with {proxy_cells} cells of {proxy_channels} "
            "channels on scikit-learn's 8x8 handwritten digits (a stand-in for CIFAR-10); "
            f"costs are those of {self.target.cells} cells of {self.target.channels} channels."
        )

    def load_data(self) -> ImageData:
        """The images that proxies are trained on: override it, and `notice`, to use your own."""
        return digits()

    def prepare(self) -> None:
        """Refuse to search where PyTorch is missing; costs need none.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
        """
        require_torch()

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """Validation accuracy of the proxy in [0, 1], reported after every epoch too."""
        data = self.load_data()
        splits = [data.train, data.validation]
        train, validation = self._accuracies(x, data, splits, reported=data.validation)
        figures = {"validation_accuracy": validation, "train_accuracy": train}
        return lamcts.Evaluation(validation, metrics=figures)

    def test(self, x: Any) -> dict[str, float]:
        """Test accuracy of the proxy in [0, 1]; it is trained again, from the same seed."""
        data = self.load_data()
        (accuracy,) = self._accuracies(x, data, [data.test])
        return {"test_accuracy": accuracy}

    def cost(self, x: Any) -> dict[str, float]:
        """Size of the target network, that `build` makes.

        Returns:
            ``params``; ``macs``, the multiply-adds for one image; and ``flops``, which is the same
            number: architecture search papers call multiply-adds FLOPs.
        """
        found = network_cost(self.decode(x), self.target)
        return {"params": found.params, "macs": found.macs, "flops": found.macs}

    def canonical(self, x: Any) -> Any:
        """The point that stands for every point of the same network."""
        return self.encoding.canonical(x)

    def render(self, x: Any) -> str:
        """Both cells, a node a line."""
        return str(self.decode(x))

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

    def build(self, x: Any) -> nn.Module:
        """The target network of a point, a fresh `torch.nn.Module`.

        Raises:
            DependencyNotInstalled: When PyTorch is missing.
        """
        return self._builder(self.decode(x), self.target)()

    def _builder(self, genotype: Genotype, skeleton: Skeleton) -> Callable[[], nn.Module]:
        require_torch()
        from lamcts.adapters.nasnet_cifar.network import GenotypeNetwork

        return lambda: GenotypeNetwork(genotype, skeleton)

    def _accuracies(
        self, x: Any, data: ImageData, splits: list[Split], *, reported: Split | None = None
    ) -> list[float]:
        """Accuracy of the trained proxy on each split; of every epoch on the ``reported`` one."""
        # Points of one network must get one accuracy, and the order of its nodes seeds its weights.
        genotype = canonical_genotype(self.decode(x))
        build = self._builder(genotype, _fitted(self.proxy, data.train))
        from lamcts.adapters.training.trainer import accuracy, train

        steps = count(1)

        def on_epoch(model: nn.Module) -> None:
            if reported is not None:
                self.report(next(steps), accuracy(model, reported))

        model = train(build, data.train, self.recipe, on_epoch)
        return [accuracy(model, split) for split in splits]


def _fitted(skeleton: Skeleton, split: Split) -> Skeleton:
    """The skeleton for the images and the classes of a data set."""
    channels, size = split.images.shape[1:3]
    return replace(
        skeleton,
        image_size=size,
        image_channels=channels,
        classes=int(split.labels.max()) + 1,
    )


def _named(setting: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise UnknownName(f"{setting}: {name!r} is not known; {did_you_mean(name, known)}")
    return known[name]
