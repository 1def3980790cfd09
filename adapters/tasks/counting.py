"""What a network costs, counted without computing anything. Importing this loads PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

__all__ = ["count"]


def count(build: Callable[[], nn.Module], inputs: Tensor) -> tuple[nn.Module, Tensor, float]:
    """Build a network without weights and pass a batch of one example through it.

    Convolutions, matrix products and attention are counted, as PyTorch's own counter does;
    additions, normalisations and activations are not.

    Args:
        build: Makes the network.
        inputs: A batch of one example; its shape and type matter alone.

    Returns:
        The network and its output, on PyTorch's ``meta`` device, and the multiply-adds.
    """
    with torch.device("meta"):
        model = build().eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = model.to("meta")(inputs.to("meta"))
    return model, outputs, counter.get_total_flops() / 2
