"""Short trainings on arrays of images, to compare networks. Importing this loads PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lamcts.adapters.training.arrays import shares, step_count
from lamcts.adapters.training.data import Split
from lamcts.adapters.training.distributed import pick_device
from lamcts.adapters.training.loop import fit
from lamcts.adapters.training.recipe import Recipe

__all__ = ["accuracy", "pick_device", "train"]

_Batch = tuple[Tensor, Tensor]


def train(
    build: Callable[[], nn.Module],
    data: Split,
    recipe: Recipe,
    on_epoch: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """Build a network and fit it to ``data``, unchanged images and their labels, with one thread.

    Args:
        build: Makes the network, with fresh weights; called once, after seeding.
        data: The training images.
        recipe: What `fit` follows.
        on_epoch: Called with the network after every epoch; what it raises ends the training.

    Returns:
        The network after the last epoch, in evaluation mode, on the recipe's device.

    Raises:
        RunError: The training diverged.
    """
    with _one_thread():
        trained = fit(
            build,
            _Plain(data, recipe),
            recipe,
            on_epoch=None if on_epoch is None else lambda model, _: on_epoch(model),
        )
    return trained.model


def accuracy(model: nn.Module, data: Split, *, batch_size: int = 1024) -> float:
    """Share of the images that the network labels rightly, in [0, 1]."""
    device = next(model.parameters()).device
    model.eval()
    right = 0
    with torch.inference_mode(), _one_thread():
        for start in range(0, len(data.labels), batch_size):
            rows = slice(start, start + batch_size)
            logits = model(torch.from_numpy(data.images[rows]).to(device))
            right += int((logits.argmax(1).cpu() == torch.from_numpy(data.labels[rows])).sum())
    return right / len(data.labels)


class _Plain:
    """Images as they are, and nothing to select on."""

    direction: Literal["maximize"] = "maximize"

    def __init__(self, data: Split, recipe: Recipe) -> None:
        device = pick_device(recipe.device)
        self.images = torch.from_numpy(data.images).to(device)
        self.labels = torch.from_numpy(data.labels).to(device)
        self.recipe = recipe
        self.steps_per_epoch = step_count(len(self.labels), recipe)

    def batches(self, epoch: int) -> Iterator[_Batch]:
        """All images, in an order of PyTorch's own generator."""
        order: Any = torch.randperm(len(self.labels)).to(self.labels.device)
        for rows in shares(order, self.recipe):
            yield self.images[rows], self.labels[rows]

    def loss(self, model: nn.Module, batch: _Batch) -> Tensor:
        images, labels = batch
        return cross_entropy(model(images), labels)

    def score(self, model: nn.Module, split: str = "validation") -> None:
        """None: searches measure the networks themselves."""


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, and searches run one process a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
