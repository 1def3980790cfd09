"""Training a supernet: a task whose loss is that of a few networks. Importing it loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lamcts.adapters.supernet.inherit import inherited_score
from lamcts.adapters.supernet.sampling import Paths, steps
from lamcts.adapters.training.task import SplitName, Task

__all__ = ["SupernetTask"]

#: Networks, the same in every epoch, that a supernet is scored by while it is trained.
WATCHED = 4


class SupernetTask:
    """The task of the networks, with other paths for every batch.

    In a sandwich, and in progressive steps, the largest network learns from the labels, the others
    from its outputs (in-place distillation: Yu, Huang, "Universally Slimmable Networks", ICCV
    2019).

    Args:
        task: What a network alone is trained for.
        paths: How paths are drawn.
        sampling: One of `SAMPLINGS`.
        count: Paths a step; their losses are averaged.
        seed: Fixes the paths, epoch by epoch: a resumed training goes on with the same.
        epochs: Of the whole training, over which progressive steps open the space.

    Raises:
        UnknownName: No such sampling.
        InvalidArgument: The space does not allow it, or the count is too small.
    """

    def __init__(
        self,
        task: Task,
        paths: Paths,
        sampling: str,
        count: int,
        seed: int,
        epochs: int = 1,
    ) -> None:
        self.task, self.sampling = task, sampling
        self.paths, self.count, self.seed, self.epochs = paths, count, seed, epochs
        self._steps(0)  # refuse now what cannot be
        rng = np.random.default_rng(seed)
        self.watched = [paths.draw(rng) for _ in range(WATCHED)]

    @property
    def identity(self) -> str:
        """As the networks' own task."""
        return str(getattr(self.task, "identity", ""))

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """As the networks' own task."""
        return self.task.direction

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        return self.task.steps_per_epoch

    def batches(self, epoch: int) -> Iterator[tuple[Any, Sequence[Any]]]:
        """Batches with the paths that each is for; every process has the same paths."""
        return zip(self.task.batches(epoch), self._steps(epoch), strict=False)  # no end of steps

    def _steps(self, epoch: int) -> Iterator[Sequence[Any]]:
        rng = np.random.default_rng([self.seed, epoch])
        return steps(self.paths, self.sampling, self.count, rng, done=epoch / self.epochs)

    def loss(self, model: nn.Module, batch: tuple[Any, Sequence[Any]]) -> Tensor:
        """Mean loss of the step's paths."""
        examples, paths = batch
        if self.sampling not in ("sandwich", "progressive"):
            return _mean(self.task.loss(_Path(model, path), examples) for path in paths)
        largest = _Path(model, paths[0])
        losses = [self.task.loss(largest, examples)]
        teacher = torch.softmax(largest.outputs.detach(), dim=-1)
        for path in paths[1:]:
            losses.append(cross_entropy(model(*largest.inputs, point=path), teacher))
        return _mean(losses)

    def score(self, model: nn.Module, split: SplitName = "validation") -> float:
        """Mean score of a few networks, the same in every epoch, with recalibrated statistics."""
        scores = [inherited_score(model, path, self.task, split) for path in self.watched]
        return sum(scores) / len(scores)


class _Path(nn.Module):
    """A supernet at one path, which remembers what went through it last."""

    inputs: tuple[Tensor, ...]
    outputs: Tensor

    def __init__(self, model: nn.Module, point: Any) -> None:
        super().__init__()
        self.model, self.point = model, point

    def forward(self, *inputs: Tensor) -> Any:
        self.inputs = inputs
        outputs = self.model(*inputs, point=self.point)
        # Of a network with an auxiliary head, what it says itself.
        self.outputs = outputs[0] if isinstance(outputs, tuple) else outputs
        return outputs


def _mean(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(losses)).mean()
