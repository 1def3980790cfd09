"""Batches of images that are read from files while training, by other processes. Loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from lamcts.adapters.training.arrays import epoch_order, shares, step_count
from lamcts.adapters.training.augment import make_policy, transforms
from lamcts.adapters.training.distributed import rank, world
from lamcts.adapters.training.files import FileSplit, ImageFiles
from lamcts.adapters.training.randomness import epoch_generator
from lamcts.adapters.training.recipe import Recipe
from lamcts.adapters.training.task import SplitName
from lamcts.errors import InvalidArgument

__all__ = ["FileLoader"]


class FileLoader:
    """Images read, changed at random and resized by `Recipe.workers` processes.

    Args:
        data: Where the images are.
        recipe: How they are changed.
        device: Where the network is.

    Raises:
        InvalidArgument: No resolution: images in files come in many.
        DependencyNotInstalled: When torchvision is missing.
    """

    def __init__(self, data: ImageFiles, recipe: Recipe, device: torch.device) -> None:
        if recipe.resolution is None:
            raise InvalidArgument("resolution: images in files have many; set it, to 224 say")
        self.data, self.recipe, self.device = data, recipe, device
        self.classes = len(data.classes)
        size = max(recipe.resolution, recipe.teacher_resolution or 0)
        self._training = _Images(data.train, _training_changes(recipe, size))
        self._tested = _test_view(recipe, recipe.test_resolution or recipe.resolution)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return step_count(len(self.data.train.labels), self.recipe)

    def training(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (n, 3, size, size) and labels (n,) of every step, this process' share."""
        order = epoch_order(len(self.data.train.labels), self.recipe, epoch)
        batches = [rows.tolist() for rows in shares(order, self.recipe)]
        # Workers seed themselves from this generator: by seed and epoch, not by what came before.
        generator = epoch_generator(self.recipe.seed, epoch, rank())
        yield from self._loaded(self._training, batches, generator)

    def measuring(self, split: SplitName) -> Iterator[tuple[Tensor, Tensor]]:
        """The images of a split as they are tested, this process' share."""
        files: FileSplit = getattr(self.data, split)
        mine = range(rank(), len(files.labels), world())
        size = self.recipe.batch_size
        batches = [list(mine[start : start + size]) for start in range(0, len(mine), size)]
        yield from self._loaded(_Images(files, self._tested), batches, epoch_generator(0, 0))

    def _loaded(
        self, images: _Images, batches: list[list[int]], generator: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        loader: Any = DataLoader(
            images,
            batch_sampler=batches,
            num_workers=self.recipe.workers,
            generator=generator,
            pin_memory=self.device.type == "cuda",
        )
        mean, std = (
            torch.tensor(each, device=self.device)[:, None, None]
            for each in (self.data.mean, self.data.std)
        )
        try:
            for pixels, labels in loader:
                moved = pixels.to(self.device, non_blocking=True).float() / 255.0
                yield (moved - mean) / std, labels.to(self.device, non_blocking=True)
        except InvalidArgument as error:  # another process' comes with its traceback in the text
            why = str(error).rpartition(f"{InvalidArgument.__name__}: ")[2]
            raise InvalidArgument(why.strip()) from None


class _Images(Dataset[tuple[Tensor, int]]):
    """The images of a split, changed, as bytes."""

    def __init__(self, split: FileSplit, change: Any) -> None:
        self.split, self.change = split, change

    def __len__(self) -> int:
        return len(self.split.labels)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        changed: Tensor = self.change(self.split.read(row))
        return changed, int(self.split.labels[row])


def _training_changes(recipe: Recipe, size: int) -> Any:
    """From an image as PIL has it to bytes (3, size, size)."""
    v2 = transforms("images in files")
    steps: list[Any] = [v2.Resize(size), v2.CenterCrop(size)]
    if recipe.crop == "resized":
        steps = [v2.RandomResizedCrop(size)]
    elif recipe.crop == "pad":
        steps.append(v2.RandomCrop(size, padding=max(1, size // 8)))
    if recipe.flip:
        steps.append(v2.RandomHorizontalFlip())
    if recipe.policy != "none":
        steps.append(make_policy(recipe))
    return v2.Compose([*steps, v2.PILToTensor()])


def _test_view(recipe: Recipe, size: int) -> Any:
    v2 = transforms("images in files")
    wide = round(size / recipe.test_crop)
    return v2.Compose([v2.Resize(wide), v2.CenterCrop(size), v2.PILToTensor()])
