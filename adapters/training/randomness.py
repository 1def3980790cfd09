"""Random states: seeded for a training, held by its checkpoints, given back to the caller."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

__all__ = ["epoch_generator", "random_state", "seeded", "set_random_state"]


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed PyTorch, Python and numpy for a block; their states before it are restored."""
    before = random_state(device)
    try:
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002 - what a task's own code may draw from
        yield
    finally:
        set_random_state(before, device)


def random_state(device: torch.device) -> dict[str, Any]:
    """All states, of types that ``torch.load(weights_only=True)`` reads."""
    _, words, position, has_gauss, gauss = np.random.get_state()  # noqa: NPY002
    version, inner, gauss_next = random.getstate()
    state: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [np.asarray(words).tolist(), int(position), int(has_gauss), float(gauss)],
        "python": [version, list(inner), gauss_next],
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Take up the states of `random_state`; a GPU's where it was on one then."""
    words, position, has_gauss, gauss = state["numpy"]
    version, inner, gauss_next = state["python"]
    torch.set_rng_state(state["torch"].cpu())
    np.random.set_state(  # noqa: NPY002
        ("MT19937", np.array(words, np.uint32), position, has_gauss, gauss)
    )
    random.setstate((version, tuple(inner), gauss_next))
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)


def epoch_generator(seed: int, epoch: int, *more: int) -> torch.Generator:
    """A generator of its own for each epoch, the same in every process unless told ``more``."""
    words = np.random.SeedSequence([seed, epoch, *more]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
