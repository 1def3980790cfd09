"""Several processes, a GPU each, as ``torchrun`` starts them. Importing this loads PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import distributed, nn

from lamcts.errors import InvalidArgument

__all__ = [
    "average_gradients",
    "gathered",
    "group",
    "pick_device",
    "rank",
    "share_buffers",
    "summed",
    "world",
]


def pick_device(name: str) -> torch.device:
    """The device of a name in `DEVICES`; ``auto`` looks at what the machine has now.

    Of several GPUs each process that ``torchrun`` started takes its own.

    Raises:
        InvalidArgument: This machine has no such device.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        name = next((kind for kind, is_here in here.items() if is_here), "cpu")
    if name in here and not here[name]:
        raise InvalidArgument(
            f"device: PyTorch finds no {name!r} on this machine; use cpu, or auto for the fastest "
            "that each machine has"
        )
    if name == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return torch.device(name)


@contextmanager
def group(device: torch.device) -> Iterator[None]:
    """Join the processes that ``torchrun`` started for a block; alone, or joined, do nothing."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or distributed.is_initialized():
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
        distributed.barrier()  # gloo may abort a process that leaves while others still talk to it
    finally:
        distributed.destroy_process_group()


def rank() -> int:
    """The number of this process, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def gathered(value: Any) -> list[Any]:
    """The value that each process has, in order."""
    values: list[Any] = [value]
    if world() > 1:
        values = [None] * world()
        distributed.all_gather_object(values, value)
    return values


def summed(values: list[float], device: torch.device) -> list[float]:
    """The sum over all processes of each value."""
    if world() == 1:
        return values
    total = torch.tensor(values, dtype=torch.float64, device=device)
    distributed.all_reduce(total)
    found: list[float] = total.tolist()
    return found


def share_buffers(model: nn.Module) -> None:
    """Give every process the buffers of the first: each has its own statistics of batches."""
    if world() > 1:
        for buffer in model.buffers():
            distributed.broadcast(buffer, 0)


def average_gradients(model: nn.Module) -> None:
    """Give every process the mean gradients; a weight that none of them used keeps none.

    What `DistributedDataParallel` does while a step runs, for networks that it cannot take: those
    that leave weights out, or go forward several times a step.
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    used = [float(weight.grad is not None) for weight in weights]
    counts = summed(used, weights[0].device)
    grads = []
    for weight, count in zip(weights, counts, strict=True):
        if count:
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
            grads.append(weight.grad)
    if grads:
        # Flattened: a view of them there is not where the channels are innermost.
        mean: Any = torch.cat([grad.flatten() for grad in grads])
        distributed.all_reduce(mean)
        mean /= world()
        for grad, part in zip(grads, mean.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))
