"""The task of image classification: the images, the loss, the accuracy. Loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax

from lamcts.adapters.training.arrays import ArrayLoader
from lamcts.adapters.training.augment import cutout, mixed, resized
from lamcts.adapters.training.checkpoint import checksum
from lamcts.adapters.training.data import ImageData
from lamcts.adapters.training.distributed import pick_device, summed
from lamcts.adapters.training.files import ImageFiles
from lamcts.adapters.training.recipe import Recipe
from lamcts.adapters.training.task import SplitName
from lamcts.errors import InvalidArgument

__all__ = ["ImageBatch", "ImageTask", "Loader", "make_loader"]


class Loader(Protocol):
    """Where batches of images come from, normalised, on the device."""

    classes: int

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch; known once the processes have joined."""

    def training(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels of an epoch's steps, changed at random."""

    def measuring(self, split: SplitName) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels of a split, as they are tested."""


def make_loader(data: ImageData | ImageFiles, recipe: Recipe, device: torch.device) -> Loader:
    """What gives batches of the images."""
    if isinstance(data, ImageData):
        return ArrayLoader(data, recipe, device)
    from lamcts.adapters.training.streams import FileLoader  # on use: it needs torchvision

    return FileLoader(data, recipe, device)


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """A training batch.

    Attributes:
        images: (n, channels, height, width), in the size they were loaded.
        targets: Labels (n,), or shares of the classes (n, classes) where images are mixed.
    """

    images: Tensor
    targets: Tensor


class ImageTask:
    """Classify images; the score is the accuracy in [0, 1].

    Args:
        data: The images, in memory or in files.
        recipe: Everything else.
        teacher: A trained network whose outputs are learned too (``recipe.distillation``).

    Raises:
        InvalidArgument: Distillation without a teacher, or a recipe that the images do not fit.
        DependencyNotInstalled: When the recipe needs torchvision, and it is missing.
    """

    direction: Literal["maximize"] = "maximize"

    def __init__(
        self, data: ImageData | ImageFiles, recipe: Recipe, *, teacher: nn.Module | None = None
    ) -> None:
        if recipe.distillation and teacher is None:
            raise InvalidArgument("distillation: there is no teacher to learn from; give one")
        self.recipe = recipe
        #: Which images, and taught by whom; names and places of files may change.
        self.identity = f"{len(data.train.labels):,} images {checksum([data.train.labels])}"
        if teacher is not None:
            weights = [value.detach().cpu().numpy() for value in teacher.state_dict().values()]
            self.identity += f" and teacher {checksum(weights)}"
        device = pick_device(recipe.device)
        self.loader = make_loader(data, recipe, device)
        self.teacher = None if teacher is None else teacher.to(device).eval()

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return self.loader.steps_per_epoch

    def batches(self, epoch: int) -> Iterator[ImageBatch]:
        """Images changed at random, every one once, in the order of the seed and the epoch."""
        for images, labels in self.loader.training(epoch):
            if self.recipe.cutout:
                images = cutout(images, self.recipe.cutout)
            yield ImageBatch(*mixed(images, labels, self.recipe, self.loader.classes))

    def loss(self, model: nn.Module, batch: ImageBatch) -> Tensor:
        """Cross entropy, with that of the auxiliary head and of the teacher, where there are."""
        recipe = self.recipe
        outputs = model(self._placed(resized(batch.images, recipe.resolution)))
        logits, auxiliary = outputs if isinstance(outputs, tuple) else (outputs, None)
        loss = self._cross_entropy(logits, batch.targets)
        if self.teacher is not None and recipe.distillation:
            share = recipe.distillation
            loss = (1.0 - share) * loss + share * self._distance(logits, batch.images)
        if auxiliary is not None:
            loss = loss + recipe.auxiliary_weight * self._cross_entropy(auxiliary, batch.targets)
        return loss

    def score(self, model: nn.Module, split: SplitName = "validation") -> float:
        """Share of the images of a split that are labelled rightly."""
        right, count = torch.zeros(()), 0
        for images, labels in self.loader.measuring(split):
            hits = (model(self._placed(images)).argmax(1) == labels).sum()
            right, count = right.to(hits.device) + hits, count + len(labels)
        total, counted = summed([float(right), float(count)], right.device)
        return total / counted

    def _cross_entropy(self, logits: Tensor, targets: Tensor) -> Tensor:
        return cross_entropy(logits, targets, label_smoothing=self.recipe.label_smoothing)

    def _distance(self, logits: Tensor, images: Tensor) -> Tensor:
        """From the teacher's outputs (Hinton et al., 2015); it sees images of its own size."""
        assert self.teacher is not None
        size = self.recipe.teacher_resolution or self.recipe.resolution
        with torch.no_grad():
            taught = self.teacher(self._placed(resized(images, size)))
        heat = self.recipe.temperature
        return heat**2 * kl_div(
            log_softmax(logits / heat, dim=1),
            log_softmax(taught / heat, dim=1),
            reduction="batchmean",
            log_target=True,
        )

    def _placed(self, images: Any) -> Tensor:
        """With the channels innermost, where the network has them so."""
        if self.recipe.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        placed: Tensor = images
        return placed
