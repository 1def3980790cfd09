"""Batches of images that are in memory, changed at random on the device. Loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamcts.adapters.training.augment import (
    flipped,
    make_policy,
    padded_crop,
    scored_view,
    transforms,
)
from lamcts.adapters.training.data import ImageData
from lamcts.adapters.training.distributed import rank, world
from lamcts.adapters.training.randomness import epoch_generator
from lamcts.adapters.training.recipe import Recipe
from lamcts.adapters.training.task import SplitName
from lamcts.errors import InvalidArgument

__all__ = ["ArrayLoader", "epoch_order", "shares", "step_count"]

# Images and pixels at a time, where no gradients are kept: 512 images of up to 128 by 128.
_MEASURED, _PIXELS = 512, 2**23


class ArrayLoader:
    """All images on the device from the start.

    Args:
        data: The images.
        recipe: How they are changed.
        device: Where the network is.
    """

    def __init__(self, data: ImageData, recipe: Recipe, device: torch.device) -> None:
        self.data, self.recipe, self.device = data, recipe, device
        self.classes = data.shape.classes
        self.images = torch.from_numpy(data.train.images).to(device)
        self.labels = torch.from_numpy(data.train.labels).to(device)
        self._mean, self._std = self._scale()
        self._policy = None if recipe.policy == "none" else make_policy(recipe)
        self._crop: Any = None
        if recipe.crop == "resized":
            v2 = transforms("crop: resized")
            size = recipe.resolution or data.shape.size
            if recipe.resolution:  # the student's images are made smaller after this
                size = max(size, recipe.teacher_resolution or 0)
            self._crop = v2.RandomResizedCrop(size, antialias=True)

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return step_count(len(self.labels), self.recipe)

    def training(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (n, c, h, w) and labels (n,) of every step, this process' share."""
        order = epoch_order(len(self.labels), self.recipe, epoch).to(self.device)
        for rows in shares(order, self.recipe):
            yield self._changed(self.images[rows]), self.labels[rows]

    def measuring(self, split: SplitName) -> Iterator[tuple[Tensor, Tensor]]:
        """The images of a split as they are tested, this process' share."""
        part = getattr(self.data, split)
        size = self.recipe.test_resolution or self.recipe.resolution
        mine = np.arange(rank(), len(part.labels), world())
        most = max(1, min(_MEASURED, _PIXELS // self.data.shape.size**2))
        for start in range(0, len(mine), most):
            rows = mine[start : start + most]
            images = torch.from_numpy(part.images[rows]).to(self.device)
            labels = torch.from_numpy(part.labels[rows]).to(self.device)
            yield scored_view(images, size, self.recipe.test_crop), labels

    def _changed(self, images: Tensor) -> Tensor:
        if self._crop is not None:
            images = torch.stack([self._crop(image) for image in images])
        elif self.recipe.crop == "pad":
            black = -self._mean / self._std
            images = padded_crop(images, max(1, images.shape[2] // 8), black)
        if self.recipe.flip:
            images = flipped(images)
        if self._policy is not None:
            images = self._by_policy(images)
        return images

    def _by_policy(self, images: Tensor) -> Tensor:
        """Change the pixels, image by image, of which there are 256 levels."""
        mean, std = self._mean[:, None, None], self._std[:, None, None]
        pixels = ((images * std + mean) * 255.0).round().clamp(0.0, 255.0).to(torch.uint8)
        changed: Tensor = torch.stack([self._policy(image) for image in pixels])  # type: ignore[misc]
        return (changed.to(images.dtype) / 255.0 - mean) / std

    def _scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the pixels, by channel."""
        if self.data.mean is None or self.data.std is None:
            if self.recipe.policy != "none":
                raise InvalidArgument(
                    f"policy: {self.recipe.policy} changes pixels, and these images are given "
                    "without mean and std of theirs; give both (ImageData), or use none"
                )
            zero = torch.zeros(self.images.shape[1], device=self.device)
            return zero, zero + 1.0
        return (
            torch.tensor(self.data.mean, device=self.device),
            torch.tensor(self.data.std, device=self.device),
        )


def epoch_order(count: int, recipe: Recipe, epoch: int) -> Tensor:
    """The order of an epoch, the same in every process; filled up to equal shares.

    Raises:
        InvalidArgument: A batch cannot be shared equally.
    """
    if recipe.batch_size % world():
        raise InvalidArgument(
            f"batch_size: {recipe.batch_size} is not to be shared equally by {world()} processes"
        )
    order = torch.randperm(count, generator=epoch_generator(recipe.seed, epoch))
    return order[torch.arange(count + -count % world()) % count]


def shares(order: Any, recipe: Recipe) -> Iterator[Tensor]:
    """This process' share of every batch.

    What remains at the end is a batch of its own, or goes with the one before where a process
    would have a single example of it: a batch normalisation cannot train on one.
    """
    batches = list(order.split(recipe.batch_size))
    if len(batches) > 1 and len(batches[-1]) < min(2 * world(), recipe.batch_size):
        batches[-2:] = [torch.cat(batches[-2:])]
    for rows in batches:
        yield rows[rank() :: world()]


def step_count(count: int, recipe: Recipe) -> int:
    """How many batches `shares` makes of an epoch."""
    full, rest = divmod(count + -count % world(), recipe.batch_size)
    return full + (rest >= 2 * world() or not full)
