"""What a network costs, counted without computing anything. Importing this loads PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["count"]


def count(build: Callable[[], nn.Module], inputs: Tensor) -> tuple[nn.Module, Tensor, float]:
    """Build a network without weights and pass a batch of one example through it.

    One that looks at its numbers (``.item()``) is built with weights instead, and computes.

    Convolutions, matrix products and attention are counted, as PyTorch's own counter does;
    additions, normalisations and activations are not.

    Args:
        build: Makes the network.
        inputs: A batch of one example; its shape and type matter alone.

    Returns:
        The network and its output, on PyTorch's ``meta`` device if they can be, and the
        multiply-adds.
    """
    try:
        return _count(build, inputs, "meta")
    except (NotImplementedError, RuntimeError):  # on purpose: PyTorch's, not ours
        # It raises them for an operation that "meta" lacks; a network that fails fails again.
        with torch.random.fork_rng(devices=[]):
            return _count(build, inputs, "cpu")


def _count(
    build: Callable[[], nn.Module], inputs: Tensor, device: str
) -> tuple[nn.Module, Tensor, float]:
    with torch.device(device):
        model = build().to(device).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = model(inputs.to(device))
    return model, outputs, counter.get_total_flops() / 2
