"""One seeded training loop. Importing this module loads PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from lamcts.adapters.training.data import Split
from lamcts.adapters.training.recipe import Recipe

__all__ = ["accuracy", "pick_device", "train"]


def pick_device(name: str) -> torch.device:
    """The device of a name in `DEVICES`; ``auto`` looks at what the machine has now."""
    if name != "auto":
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def train(
    build: Callable[[], nn.Module],
    data: Split,
    recipe: Recipe,
    on_epoch: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """Build a network and fit it to ``data``.

    On the CPU the same recipe gives the same weights, bit for bit, on the same machine; the
    caller's own random state is left untouched.

    Args:
        build: Makes the network, with fresh weights; called once, after seeding.
        data: The training images.
        recipe: Everything else.
        on_epoch: Called with the network after every epoch; what it raises ends the training.

    Returns:
        The trained network, in evaluation mode, on the recipe's device.
    """
    device = pick_device(recipe.device)
    with _seeded(recipe.seed, device), _one_thread():
        model = build().to(device)
        images = torch.from_numpy(data.images).to(device)
        labels = torch.from_numpy(data.labels).to(device)
        steps = recipe.epochs * math.ceil(len(labels) / recipe.batch_size)
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.momentum > 0.0,
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _cosine(steps, recipe.warmup))
        for _ in range(recipe.epochs):
            model.train()
            order = torch.randperm(len(labels)).to(device)
            for start in range(0, len(labels), recipe.batch_size):
                rows = order[start : start + recipe.batch_size]
                optimizer.zero_grad()
                loss = cross_entropy(model(images[rows]), labels[rows])
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
            if on_epoch is not None:
                on_epoch(model)
        return model.eval()


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


def _cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """The learning rate's factor at a step: up to 1 linearly, then down to 0 on a cosine."""
    rise = max(1, round(warmup * steps))

    def factor(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    return factor


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch for a block and give its random state back afterwards."""
    cuda = [torch.cuda.current_device()] if device.type == "cuda" else []
    with (
        torch.random.fork_rng(devices=cuda),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True),
    ):
        torch.manual_seed(seed)
        yield


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks gain nothing from threads, and searches run one process a core."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
