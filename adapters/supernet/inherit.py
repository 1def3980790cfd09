"""Networks by inherited weights: copied out, statistics made anew, measured; loads PyTorch."""

from __future__ import annotations

from itertools import islice
from typing import Any, Protocol, cast

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from lamcts.adapters.training.randomness import seeded
from lamcts.adapters.training.task import SplitName, Task

__all__ = ["BATCHES", "Supernet", "inherited_score", "recalibrate"]

#: Training batches that statistics are taken over at least, and while a supernet is trained.
BATCHES = 8


class Supernet(Protocol):
    """What a supernet is: a `torch.nn.Module` that is many networks, named by points."""

    def __call__(self, images: Any, point: Any) -> Any:
        """What the network of a point computes."""

    def network(self, point: Any) -> nn.Module:
        """The network of a point alone, with a copy of its weights."""


def recalibrate(network: nn.Module, task: Task, batches: int = BATCHES) -> None:
    """Take the statistics of all batch normalisations anew, as means over training batches.

    In a supernet they are those of whatever networks were trained last (Bender et al., ICML 2018;
    Yu, Huang, ICCV 2019). The weights stay as they are; the network is in evaluation mode then.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative mean
        norm.train()
    with torch.no_grad():
        for batch in islice(task.batches(0), batches if norms else 0):
            task.loss(network, batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
        norm.eval()


def inherited_score(
    supernet: nn.Module,
    point: Any,
    task: Task,
    split: SplitName = "validation",
    batches: int = BATCHES,
) -> float:
    """Score of the network of a point by the supernet's weights, which stay as they are.

    The same for the same point, weights and task, whatever was measured before.
    """
    with seeded(0, next(supernet.parameters()).device), torch.no_grad():
        network = cast("Supernet", supernet).network(point)
        recalibrate(network, task, batches)
        score = task.score(network, split)
    assert score is not None
    return score
