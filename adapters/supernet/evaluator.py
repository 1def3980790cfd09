"""Problems whose networks can share weights: measured by them, and the training of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamcts
from lamcts.adapters.supernet.folder import IMPORTED, Record, read_record, read_trained
from lamcts.adapters.supernet.ranking import Ranking, rank
from lamcts.adapters.supernet.sampling import Paths
from lamcts.adapters.supernet.splits import Choice, regions_of_run
from lamcts.adapters.training import ImageShape, NetworkEvaluator, Recipe, require_torch
from lamcts.errors import InvalidArgument
from lamcts.settings import plain

if TYPE_CHECKING:
    from torch import nn

    from lamcts.adapters.supernet.weights import SharedWeights

__all__ = ["SupernetEvaluator"]


class SupernetEvaluator(NetworkEvaluator):
    """Networks whose proxies can share weights.

    With ``supernet`` set, a point is evaluated by the weights that its proxy inherits, in a
    fraction of a second; else the proxy is trained alone. Every optimizer, constraint and executor
    works as ever.

    A subclass writes `paths`, `make_supernet`, `supernet_settings` and `choice` too.

    Attributes:
        supernet: The folder of a trained supernet, or ``None``.
    """

    supernet: Path | None = None

    def paths(self) -> Paths:
        """How the paths of the supernet are drawn."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def make_supernet(self, shape: ImageShape) -> nn.Module:
        """A supernet with fresh weights (`lamcts.adapters.supernet.inherit.Supernet`)."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def supernet_settings(self) -> dict[str, Any]:
        """The settings of the problem that a supernet's weights depend on."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def choice(self, name: str) -> Choice:
        """A choice that the space may be split along, by name.

        Raises:
            UnknownName: There is none of this name.
        """
        raise NotImplementedError  # on purpose: a subclass writes this method

    def import_settings(self) -> dict[str, Any]:
        """The settings, other than the defaults, with which supernets from elsewhere are used.

        Raises:
            InvalidArgument: None can be.
        """
        raise InvalidArgument(
            "problem: it takes no supernets from elsewhere; mobilenetv3_imagenet does"
        )

    def read_supernet(self, file: Path, supernet: nn.Module) -> Mapping[str, Any]:
        """The ``state_dict`` of a supernet, of a checkpoint from elsewhere.

        Args:
            file: The checkpoint.
            supernet: What `make_supernet` made, for the shapes.
        """
        raise NotImplementedError  # where there are `import_settings`, a subclass writes this

    def use_supernet(self, folder: Path | None) -> None:
        """Evaluate by the weights of a supernet from now on; the constructor calls it.

        Raises:
            RunError: The folder holds no trained supernet.
            InvalidArgument: It was trained with other settings.
        """
        self.supernet = folder
        if folder is None:
            return
        record = read_trained(folder)
        own = plain(self.supernet_settings())
        for name, value in record.settings.items():
            if own.get(name) != value:
                was, now = _typed(value), _typed(own.get(name))
                raise InvalidArgument(
                    f"supernet: {folder} was trained with {name}={was}, and this is "
                    f"{name}={now}; use --set {name}={was}"
                )
        if record.place is not None and self.data is None:
            raise InvalidArgument(
                f"supernet: {folder} was trained on {record.data}, and this is {self.images}; "
                f"use --set data={record.place}"
            )
        origin = (
            f"imported from {record.source}"
            if record.sampling == IMPORTED
            else f"trained for {record.recipe['epochs']} epochs on {record.data}"
        )
        self.notice = (
            f"Networks are measured by the weights of the supernet in {folder}, {origin}; "
            "costs are those of the target."
        )
        if record.sampling == IMPORTED:
            self.notice += (
                " It may have been trained on the images that are selected on (part of train, as a "
                "rule): go by the test accuracy."
            )

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """Validation accuracy by inherited weights where there is a supernet."""
        if self.supernet is None:
            return super().evaluate(x)
        accuracy = self._weights.score(x)
        return lamcts.Evaluation(accuracy, metrics={"validation_accuracy": accuracy})

    def test(self, x: Any) -> Mapping[str, float]:
        """Test accuracy by inherited weights; what training the network alone gives is another."""
        if self.supernet is None:
            return super().test(x)
        return {"inherited_test_accuracy": self._weights.score(x, "test")}

    @cached_property
    def _weights(self) -> SharedWeights:
        from lamcts.adapters.supernet.weights import SharedWeights

        assert self.supernet is not None
        return SharedWeights(self, self.supernet)

    # -- What the commands call -----------------------------------------------------------------

    def settings_for(self, folder: Path) -> dict[str, Any]:
        """The settings that the supernet of a folder was trained with, its images among them.

        Raises:
            RunError: The folder holds no supernet.
        """
        record = read_record(folder)
        return {**record.settings, **({"data": record.place} if record.place else {})}

    def supernet_recipe(self, **values: Any) -> Recipe:
        """That of a proxy, with gradients clipped as in one-shot LaNAS, and some fields set.

        Raises:
            InvalidArgument: A value that cannot be followed.
        """
        return replace(self.recipe, **{"clip": 5.0, **values})

    def train_supernet(
        self,
        folder: Path,
        *,
        recipe: Recipe,
        sampling: str | None = None,
        paths: int | None = None,
        resume: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Record:
        """Train a supernet on the training images; its record and weights are in the folder then.

        Args:
            folder: Where to.
            recipe: Every number.
            sampling: One of `SAMPLINGS`; by default a sandwich where the space has a largest
                network, else fair.
            paths: Paths a step; by default 4 of those with a largest network, else 1.
            resume: Whether to go on with an interrupted training.
            progress: Takes a line an epoch.

        Raises:
            InvalidArgument: The space does not allow the sampling.
            RunError: The folder is in use, or the training diverged.
        """
        require_torch()
        from lamcts.adapters.supernet.train import train_supernet

        own = self.paths()
        kind = sampling or ("sandwich" if own.extremes else "fair")
        count = paths or (4 if kind in ("sandwich", "progressive") else 1)
        return train_supernet(self, folder, recipe, kind, count, resume=resume, progress=progress)

    def import_supernet(self, file: Path, folder: Path, *, recipe: Recipe) -> Record:
        """Make a supernet of a checkpoint from elsewhere, and measure four of its networks.

        Args:
            file: The checkpoint.
            folder: Where to.
            recipe: How images are seen when networks are measured; nothing is trained.

        Raises:
            InvalidArgument: No images are given, or the checkpoint does not fit.
            RunError: The folder is in use.
        """
        if self.data is None:
            raise InvalidArgument("data: not given; name the images of the checkpoint's task")
        require_torch()
        from lamcts.adapters.supernet.train import import_supernet

        return import_supernet(self, file, folder, recipe)

    def split_supernet(
        self,
        source: Path,
        by: str,
        folder: Path,
        *,
        epochs: int,
        depth: int = 2,
        values: Mapping[str, Any] | None = None,
        resume: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Record:
        """Train a supernet for each part of the space, from the weights of one for all of it.

        Args:
            source: The folder of the one.
            by: A choice of the space, or a run's folder: then the parts are regions of its tree.
            folder: Where to.
            epochs: Passes over the images for each part.
            depth: Levels of the tree that are used.
            values: Fields of the recipe that are not to be the source's.
            resume: Whether to go on with an interrupted training.
            progress: Takes a line an epoch.

        Raises:
            UnknownName: ``by`` is neither.
            InvalidArgument: The run is of another space or too short, the source is split, or a
                value that cannot be followed.
            RunError: A folder that cannot be used, or the training diverged.
        """
        require_torch()
        from lamcts.adapters.supernet.train import split_supernet

        is_run = os.path.exists(by)
        split = regions_of_run(by, self.space, depth) if is_run else self.choice(by)
        fields = {**(values or {}), "epochs": epochs}
        return split_supernet(self, source, split, folder, fields, resume=resume, progress=progress)

    def rank(
        self,
        folders: Sequence[Path],
        networks: int,
        *,
        seed: int = 0,
        again: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> Ranking:
        """Measure random networks alone, trained as in any search, and by supernets' weights.

        Args:
            folders: Supernets.
            networks: How many.
            seed: Draws them.
            again: Whether to train each alone from another seed too: a supernet can hardly agree
                with a training better than another training does.
            progress: Takes a line a network.

        Raises:
            InvalidArgument: Too few networks, or a supernet of other settings.
            RunError: A folder holds no trained supernet.
        """
        self.prepare()
        return rank(self, folders, networks, seed=seed, again=again, progress=progress)


def _typed(value: Any) -> str:
    """A setting as ``--set`` takes it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
