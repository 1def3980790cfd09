"""Mobile networks of a family as a problem: the best accuracy within limits on what it costs."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import lamcts
from lamcts._rows import Row
from lamcts.adapters.mobile.architectures import (
    NETWORKS,
    Values,
    describe,
    parse_architecture,
    parse_row,
)
from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.cost import FIGURES, BlockSum
from lamcts.adapters.mobile.families import PROXY_WIDTH, stand_in
from lamcts.adapters.mobile.gaussian import Assessment, GaussianPredictor, assess
from lamcts.adapters.mobile.latency import LatencyTable
from lamcts.adapters.mobile.paths import column_choice, elastic_paths
from lamcts.adapters.mobile.predictor import find_encoder, layout_size, load_predictor
from lamcts.adapters.mobile.stages import Family, Network
from lamcts.adapters.supernet import Choice, Paths, SupernetEvaluator
from lamcts.adapters.training import ImageShape, NetworkEvaluator, Recipe, require_torch
from lamcts.errors import InvalidArgument, UnknownName
from lamcts.outcome import as_number

if TYPE_CHECKING:
    from torch import nn

    from lamcts.adapters.mobile.stopwatch import LatencyBench

__all__ = ["MobileEvaluator"]


class MobileEvaluator(SupernetEvaluator):
    """Networks of a family, compared by predicted accuracy, or by that of narrow copies on digits.

    Costs are always those of the network itself, at its resolution and 1,000 classes.

    Args:
        family: The networks to choose from.
        settings: The settings that the family is made of.
        names: Values of architectures with a name.
        predictor: A file (`load_predictor`) that predicts accuracies; for ``.npz`` PyTorch is not
            needed then. Without it a copy of each network, an eighth as wide, is trained on
            ``data``.
        latency: A CSV file of measured blocks (`LatencyTable.load`): adds the cost ``latency_ms``.
        supernet: The folder of an elastic supernet of all narrow copies (``lamcts supernet
            train``), from which they take their weights instead of being trained.
        score: A training-free score of the narrow copies (`lamcts.adapters.scores`), or a cost, to
            compare by instead.
        data: Images to train on: a folder or file as `open_images` takes it; by default digits.
        epochs: Passes over the images.
        device: Where to train: ``"cpu"``, ``"cuda"``, ``"mps"``, ``"auto"``.
        seed: Fixes the initial weights and the order of the images, the same for every network.
        proxy_width: Factor on the channels of the copies.
        proxy_size: Height and width of the copies of images in files that they see.
        proxy_images: At most so many of a split are taken.

    Raises:
        InvalidArgument: A file that cannot be read, or does not fit the family; a number that is
            not positive.
    """

    direction = "maximize"
    default_budget = 100

    def __init__(
        self,
        family: Family,
        settings: Mapping[str, Any],
        names: Mapping[str, Values],
        *,
        predictor: str | Path | None,
        latency: Path | None,
        supernet: Path | None,
        score: str | None,
        data: Path | None,
        epochs: int,
        device: str,
        seed: int,
        proxy_width: float = PROXY_WIDTH,
        proxy_size: int = NetworkEvaluator.proxy_size,
        proxy_images: int = NetworkEvaluator.proxy_images,
    ) -> None:
        sizes = {"proxy_width": proxy_width, "proxy_size": proxy_size, "proxy_images": proxy_images}
        for name, value in sizes.items():
            if not 0 < value < math.inf:
                raise InvalidArgument(f"{name}: {value!r} is not a positive number")
        self.proxy_width, self.proxy_size, self.proxy_images = proxy_width, proxy_size, proxy_images
        self.choices = Choices(family)
        self.space = self.choices.make_space()
        self.settings, self.names = settings, names
        self.recipes = [Recipe(epochs=epochs, seed=seed, device=device)]
        self.data = data
        self.notice = (
            f"No predictor given: training a narrow copy of each network on {self.images}"
            f"{'' if data else ' (a stand-in for ImageNet)'}; costs are those of the full network."
        )
        self.predictor = None
        if predictor is not None:
            self.predictor = load_predictor(Path(predictor))
            self._encode = find_encoder(self.choices, self.predictor.inputs)
            self.notice = f"Accuracies are predicted by {Path(predictor).name}: nothing is trained."
        self._costs = {name: BlockSum(self.choices, *parts) for name, parts in FIGURES.items()}
        self._latency = None
        if latency is not None:
            table = LatencyTable.load(latency)
            self._latency = BlockSum(self.choices, table.of_block, table.of_outer)
            self._latency.tabulate()
        given = {"predictor": predictor, "supernet": supernet, "score": score}
        first, *others = [name for name, value in given.items() if value is not None] or [""]
        if others:
            raise InvalidArgument(f"{others[0]}: there is a {first} already; give one of them")
        self.use_supernet(supernet)
        self.use_score(score)

    def prepare(self) -> None:
        """Refuse to search without a predictor where PyTorch or the images are missing.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
            InvalidArgument: There are no images where ``data`` points to.
        """
        if self.predictor is None:
            super().prepare()

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """Accuracy in [0, 1]: predicted, or of the narrow copy on validation images."""
        if self.predictor is None:
            return super().evaluate(x)
        features = self._encode(self.choices.row(x)[None])
        predicted = float(self.predictor(features)[0])
        metrics = {"predicted_accuracy": predicted}
        if isinstance(self.predictor, GaussianPredictor):
            metrics["predicted_std"] = float(self.predictor.spread(features)[0])
        return lamcts.Evaluation(predicted, metrics=metrics)

    def test(self, x: Any) -> Mapping[str, float]:
        """Test accuracy of the narrow copy, trained again; a prediction has none."""
        return super().test(x) if self.predictor is None else {}

    def cost(self, x: Any) -> dict[str, float]:
        """Size of the network that `build` makes.

        Returns:
            ``params``; ``macs``, the multiply-adds for one image; ``flops``, the same number, as
            papers on mobile networks have it; ``activations``, the numbers that its layers give
            for one image; with a latency table ``latency_ms``.
        """
        found: dict[str, float]
        if isinstance(x, Network):
            found = {
                name: of_outer(x) + sum(map(of_block, x.blocks))
                for name, (of_block, of_outer) in FIGURES.items()
            }
        else:
            codes = self.choices.row(x)[None]
            found = {name: int(figure(codes)[0]) for name, figure in self._costs.items()}
            if self._latency is not None:
                found["latency_ms"] = float(self._latency(codes)[0])
        return {**found, "flops": found["macs"]}

    def cost_many(self, V: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """The same of many points as native vectors (n, p): these are rows of codes."""
        codes = V.astype(np.int64)
        found = {name: figure(codes) for name, figure in self._costs.items()}
        if self._latency is not None:
            found["latency_ms"] = self._latency(codes)
        return {**found, "flops": found["macs"]}

    def canonical(self, x: Any) -> dict[str, Any]:
        """The point with 0 for all choices of blocks that the network does not have."""
        choices = self.choices
        return choices.point(choices.canonical(choices.row(x)[None])[0])

    def canonical_many(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of many points as native vectors (n, p): these are rows of codes."""
        return self.choices.canonical(V.astype(np.int64)).astype(np.float64)

    def parse(self, text: str) -> Any:
        """The point of an architecture given by name or as JSON; or a published `Network`."""
        if text.lstrip().startswith('{"network"'):  # what `describe` makes of a published one
            with contextlib.suppress(json.JSONDecodeError):
                text = str(json.loads(text)["network"])
        return parse_architecture(text, self.choices, self.names)

    def render(self, x: Any) -> str:
        """The network stage by stage: channels, then kernel and expansion of each block."""
        network = self.decode(x)
        found = self.cost(x)
        lines = [
            f"{network.resolution} px, {found['params'] / 1e6:.2f} M parameters, "
            f"{found['macs'] / 1e6:.1f} M multiply-adds"
        ]
        for outputs, blocks in groupby(network.blocks, key=lambda block: block.outputs):
            words = (
                f"k{block.kernel} e{round(block.expanded / block.inputs, 1):g}"
                + (" se" if block.squeeze else "")
                for block in blocks
            )
            lines.append(f"  {outputs:>4} channels: {', '.join(words)}")
        return "\n".join(lines)

    # -- Supernets of narrow copies -----------------------------------------------------------

    def paths(self) -> Paths:
        """Networks of the family at random, dealt fairly, in a sandwich, or as it shrinks."""
        return elastic_paths(self.choices)

    def make_supernet(self, shape: ImageShape) -> nn.Module:
        """The elastic supernet of all narrow copies."""
        require_torch()
        from lamcts.adapters.mobile.supernet import ElasticMobileNet

        return ElasticMobileNet(self._copies(shape))

    def supernet_settings(self) -> dict[str, Any]:
        """The settings that the family is made of."""
        return dict(self.settings)

    def choice(self, name: str) -> Choice:
        """A choice by the key of a point and the number in it: ``depths.0``, say."""
        return column_choice(self.choices, name)

    # -- The adapter's side: points and networks ----------------------------------------------

    def decode(self, x: Any) -> Network:
        """The network of a point; every point has one."""
        return x if isinstance(x, Network) else self.choices.network(self.choices.row(x))

    def describe(self, x: Any) -> dict[str, Any]:
        """A point as the JSON that `parse` takes: the values, not their indices."""
        if isinstance(x, Network):
            return {"network": next(name for name, make in NETWORKS.items() if make() == x)}
        return describe(self.choices, self.choices.row(x))

    def resolution(self, x: Any) -> int:
        """Height and width of the network's images."""
        return self.decode(x).resolution

    def target(self, x: Any, shape: ImageShape | None = None) -> Callable[[], nn.Module]:
        """What makes the network of a point, or of a published one."""
        network = self.decode(x)
        if shape is not None:  # blocks keep the sizes they were counted with: none uses them
            network = replace(
                network,
                resolution=shape.size,
                image_channels=shape.channels,
                classes=shape.classes,
            )
        return _builder(network)

    def proxy(self, x: Any, shape: ImageShape) -> Callable[[], nn.Module]:
        """What makes the narrow copy of a point."""
        network = Choices(self._copies(shape)).network(self.choices.row(x))
        require_torch()
        from lamcts.adapters.mobile.network import Resized

        def placed() -> nn.Module:
            import torch

            # Depthwise convolutions are twice as fast on a CPU with the channels innermost.
            model: Any = Resized(network)  # PyTorch's versions type this overload differently
            found: nn.Module = model.to(memory_format=torch.channels_last)
            return found

        return placed

    def _copies(self, shape: ImageShape) -> Family:
        """The family of the narrow copies."""
        return stand_in(self.choices.family, shape, self.proxy_width)

    def train_predictor(
        self, rows: Sequence[Row], value: str, seed: int
    ) -> tuple[GaussianPredictor, Assessment]:
        """Fit a predictor to measured networks (``lamcts predictor train``).

        Args:
            rows: Networks (`parse_row`) with their accuracies, and where each stands.
            value: The column of the accuracies.
            seed: Fixes which networks are held out.

        Raises:
            InvalidArgument: A row that describes no network, or too few.
        """
        codes, values = [], []
        for place, row in rows:
            number = as_number(row.get(value))
            if number is None or not math.isfinite(number):
                continue  # not measured
            try:
                codes.append(self.choices.row(parse_row(row, self.choices, self.names)))
            except (InvalidArgument, UnknownName) as error:
                raise InvalidArgument(f"table: {place}: {error}") from None
            values.append(number)
        table = np.array(codes, dtype=np.int64).reshape(len(codes), len(self.choices.columns))
        features = find_encoder(self.choices, layout_size(self.choices))(table)
        assessment = assess(features, np.array(values), seed=seed)
        return GaussianPredictor.fit(features, np.array(values), seed=seed), assessment

    def latency_bench(self, *, device: str, threads: int, repeats: int) -> LatencyBench:
        """What measures a latency table of this space on this machine (``lamcts latency``).

        Raises:
            DependencyNotInstalled: When PyTorch is missing.
            InvalidArgument: A device that is not here, or a number below 1.
        """
        require_torch()
        from lamcts.adapters.mobile.stopwatch import LatencyBench, Stopwatch

        return LatencyBench(self.choices, Stopwatch(device, threads, repeats))


def _builder(network: Network) -> Callable[[], nn.Module]:
    require_torch()
    from lamcts.adapters.mobile.network import MobileNet

    return lambda: MobileNet(network)
