"""What every problem of networks shares: proxies that are compared, targets that are retrained."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lamcts
from lamcts.adapters.training.data import DIGITS, ImageData, ImageShape, Split, announced, digits
from lamcts.adapters.training.files import ImageFiles
from lamcts.adapters.training.opening import open_images
from lamcts.adapters.training.recipe import Recipe, require_torch
from lamcts.adapters.training.recipes import find_recipe
from lamcts.settings import keyword_parameters

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NetworkEvaluator"]


@cache
def _opened(path: Path) -> ImageData | ImageFiles:
    return open_images(path)


@cache
def _small_copies(files: ImageFiles, size: int, at_most: int) -> ImageData:
    return files.in_memory(size, at_most)


class NetworkEvaluator(lamcts.Evaluator):
    """Networks, compared by the validation accuracy of a short training, each from its own seed.

    As in the papers there are two networks of a point. The *proxy* is small, and trained for
    seconds to compare points. The *target* is what a found point is for: `build` makes it, and
    `train` trains it in earnest. Test images are used by `test` and at the end of `train` alone.

    A subclass writes `target`, `proxy`, `parse` and `describe`.

    Attributes:
        recipes: How proxies are trained; their accuracies are averaged.
        data: Where the images are; ``None`` for handwritten digits.
        default_recipe: The name of the recipe that `train` follows unless told otherwise.
        score: What networks are compared by without training, or ``None``.
        proxy_size: Height and width of the copies of images in files that proxies see.
        proxy_images: At most so many of a split are taken.
    """

    direction = "maximize"
    default_recipe = "digits"
    recipes: Sequence[Recipe]
    data: Path | None = None
    score: str | None = None
    proxy_size: int = 32
    proxy_images: int = 50_000

    # -- What a subclass writes ------------------------------------------------------------------

    def target(self, x: Any, shape: ImageShape | None = None) -> Callable[[], nn.Module]:
        """What makes the network of a point; for images of another shape, where one is given.

        Raises:
            DependencyNotInstalled: When PyTorch is missing.
        """
        raise NotImplementedError  # on purpose: a subclass writes this method

    def proxy(self, x: Any, shape: ImageShape) -> Callable[[], nn.Module]:
        """What makes the small network that stands for a point, the same for equivalent points."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def parse(self, text: str) -> Any:
        """The point of an architecture given by a published name or as JSON."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def describe(self, x: Any) -> dict[str, Any]:
        """The architecture as JSON: ``parse(json.dumps(describe(x)))`` is the network of ``x``."""
        raise NotImplementedError  # on purpose: a subclass writes this method

    def resolution(self, x: Any) -> int | None:
        """Height and width of the target's images, where the point says so."""
        return None

    # -- Comparing: the short training -----------------------------------------------------------

    @property
    def recipe(self) -> Recipe:
        """How the first proxy of a point is trained."""
        return self.recipes[0]

    def load_data(self) -> ImageData:
        """The images that proxies are trained on: override it, and `notice`, to use your own.

        Of images in files small copies are taken, of ``proxy_size`` pixels.
        """
        data = digits() if self.data is None else _opened(self.data)
        if isinstance(data, ImageData):
            return data
        return _small_copies(data, self.proxy_size, self.proxy_images)

    def training_data(self) -> ImageData | ImageFiles:
        """The images that targets are trained on; by default those of `load_data`."""
        return self.load_data() if self.data is None else _opened(self.data)

    @property
    def images(self) -> str:
        """What the images are, for people."""
        return DIGITS if self.data is None else f"the images of {self.data}"

    def prepare(self) -> None:
        """Refuse to search where PyTorch, the device or the images are missing; costs need none.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
            InvalidArgument: There is no such device, or no images where ``data`` points to.
        """
        require_torch()
        from lamcts.adapters.training.distributed import pick_device

        pick_device(self.recipe.device)
        self.load_data()

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """Validation accuracy of the proxy in [0, 1], reported by epoch too; or its score."""
        if self.score is not None:
            return self._scored(x, self.score)
        data = self.load_data()
        splits = [data.train, data.validation]
        train, validation = self._accuracies(x, data, splits, reported=data.validation)
        figures = {"validation_accuracy": validation, "train_accuracy": train}
        return lamcts.Evaluation(validation, metrics=figures)

    def test(self, x: Any) -> Mapping[str, float]:
        """Test accuracy of the proxy in [0, 1]; it is trained again, from the same seed."""
        data = self.load_data()
        (accuracy,) = self._accuracies(x, data, [data.test])
        return {"test_accuracy": accuracy}

    def use_score(self, name: str | None) -> None:
        """Compare by a training-free score from now on; the constructor calls it.

        Raises:
            UnknownName: There is no such score.
        """
        if name is not None:
            from lamcts.adapters.scores import SIZES, check_score

            self.score = check_score(name)
            seen = "" if name in SIZES else f" on {announced(self.images)}"
            self.notice = (
                f"Nothing is trained to compare networks: they are ranked by {name}{seen}; "
                "that says something of accuracies, not what they are."
            )

    def _scored(self, x: Any, name: str) -> lamcts.Evaluation:
        """A score of the proxy as it is initialised; a cost of the target, where it is one."""
        costs = self.cost(x)
        if name not in costs:
            from lamcts.adapters.scores import compute_score

            data = self.load_data()
            build, seed = self.proxy(x, data.shape), self.recipe.seed
            return lamcts.Evaluation(compute_score(name, build, data.train, seed=seed))
        return lamcts.Evaluation(float(costs[name]))

    def _accuracies(
        self, x: Any, data: ImageData, splits: Sequence[Split], *, reported: Split | None = None
    ) -> list[float]:
        """Accuracy of the trained proxy on each split, the mean over the recipes.

        That on the ``reported`` split is reported after every epoch, of all recipes in a row.
        """
        require_torch()
        build = self.proxy(x, data.shape)
        from lamcts.adapters.training.trainer import accuracy, train

        steps = count(1)

        def on_epoch(model: nn.Module) -> None:
            if reported is not None:
                self.report(next(steps), accuracy(model, reported))

        models = [train(build, data.train, recipe, on_epoch) for recipe in self.recipes]
        found = [[accuracy(model, split) for model in models] for split in splits]
        return [sum(each) / len(each) for each in found]

    # -- The target ------------------------------------------------------------------------------

    def build(self, x: Any) -> nn.Module:
        """The target network of a point, a fresh `torch.nn.Module`.

        Raises:
            DependencyNotInstalled: When PyTorch is missing.
        """
        return self.target(x)()

    def recipe_fields(self) -> Mapping[str, inspect.Parameter]:
        """What ``lamcts train --set`` may set beside the problem's own settings."""
        return keyword_parameters(Recipe)

    def make_recipe(self, name: str | None, values: Mapping[str, Any]) -> Recipe:
        """A named recipe, by default the problem's, with some of its fields set.

        Raises:
            UnknownName: No such recipe.
            InvalidArgument: A value that cannot be followed.
        """
        return replace(find_recipe(name or self.default_recipe), **values)

    def train(
        self,
        x: Any,
        folder: Path,
        *,
        recipe: Recipe,
        teacher: Path | None = None,
        resume: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, float]:
        """Train the target of a point in earnest; the epoch is selected on validation images.

        Args:
            x: The point.
            folder: Takes what `lamcts.adapters.training.folder` describes.
            recipe: Every number.
            teacher: The folder of another training, to learn from its network too.
            resume: Whether to go on with the training in the folder, if there is one.
            progress: Takes a short line an epoch.

        Returns:
            ``validation_accuracy`` and ``epoch`` of the best epoch, and its ``test_accuracy``,
            measured once, at the end.

        Raises:
            RunError: The folder cannot be used, or the training diverged.
        """
        require_torch()
        from lamcts.adapters.training.retraining import retrain

        return retrain(self, x, folder, recipe, teacher=teacher, resume=resume, progress=progress)

    def export(self, folder: Path, form: str, out: Path) -> str:
        """Write what `train` left for other tools: ``arch``, ``safetensors`` or ``onnx``.

        Returns:
            A line about the file.

        Raises:
            InvalidArgument: No such form.
            RunError: The folder is of no finished training.
        """
        require_torch()
        from lamcts.adapters.training.exporting import export_trained

        return export_trained(self, folder, form, out)
