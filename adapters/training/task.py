"""What a network is trained for: the data, the loss, and the figure that is selected on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["SplitName", "Task"]

SplitName = Literal["validation", "test"]


class Task(Protocol):
    """What `lamcts.adapters.training.loop.fit` asks of a task; it knows no images.

    Random choices are to be drawn from PyTorch's default generators, ``random`` or numpy's global
    one (`fit` seeds them, and a checkpoint holds their states), or from a generator seeded with
    the recipe's seed and the epoch: then an interrupted training resumes exactly.

    A task may also have ``identity``, a text that tells its data from others: a checkpoint is
    resumed only with the same.

    Attributes:
        direction: Whether a greater score is better, or a smaller one.
        steps_per_epoch: Batches an epoch.
    """

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Whether a greater score is better, or a smaller one."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""

    def batches(self, epoch: int) -> Iterable[Any]:
        """The training batches of an epoch, counted from 0; this process' share of them."""

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """Mean loss of a batch, a scalar to be differentiated; the model is in training mode."""

    def score(self, model: nn.Module, split: SplitName = "validation") -> float | None:
        """The figure of a split; without gradients, the model in evaluation mode.

        ``None`` where there is nothing to select on: the last weights are kept.
        """
