"""Pairs of inputs and targets as a `lamcts.adapters.training.task.Task`. Loads PyTorch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lamcts.adapters.tasks.data import Data
from lamcts.adapters.training.arrays import epoch_order, shares, step_count
from lamcts.adapters.training.checkpoint import checksum
from lamcts.adapters.training.distributed import rank, world
from lamcts.adapters.training.recipe import Recipe
from lamcts.adapters.training.task import SplitName
from lamcts.errors import InvalidArgument

__all__ = ["Part", "Supervised"]

Pair = tuple[Tensor, Tensor]
_MEASURED = 256  # examples at a time, where nothing is learned


class Part:
    """Pairs of inputs and targets, whatever holds them.

    Args:
        data: A pair of arrays or tensors, a ``Dataset`` of pairs, or a ``DataLoader`` of batches.
        name: What messages call it.

    Raises:
        InvalidArgument: It is none of these, or empty.
    """

    def __init__(self, data: Any, name: str) -> None:
        self.data: Any = data
        if isinstance(data, (tuple, list)) and len(data) == 2:
            self.data = tuple(_tensor(half, f"{name}: {word}") for half, word in _named(data))
            if len(self.data[0]) != len(self.data[1]):
                raise InvalidArgument(
                    f"{name}: {len(self.data[0])} inputs and {len(self.data[1])} targets; "
                    "give as many"
                )
            self.count = len(self.data[0])
        elif isinstance(data, (DataLoader, Dataset)):
            try:
                self.count = len(data)  # type: ignore[arg-type]
            except TypeError:  # PyTorch's for a loader of what has none, too
                raise InvalidArgument(
                    f"{name}: {type(data).__name__} has no length; give the data set __len__"
                ) from None
        else:
            raise InvalidArgument(
                f"{name}: {type(data).__name__} is no data; give (inputs, targets), a Dataset "
                "with a length, or a DataLoader"
            )
        if not self.count:
            raise InvalidArgument(f"{name}: there are no examples in it")

    @property
    def is_loader(self) -> bool:
        """Whether the batches are of a loader's own making."""
        return isinstance(self.data, DataLoader)

    def identity(self) -> str:
        """How many there are and, of those in memory, a checksum."""
        if self.is_loader:
            return f"{self.count:,} batches"
        if isinstance(self.data, tuple):
            halves = (half.numpy(force=True) for half in self.data)
            return f"{self.count:,} examples {checksum(halves)}"
        return f"{self.count:,} examples"

    def first(self) -> Pair:
        """A batch of one example."""
        inputs, targets = next(self.batches([torch.arange(1)]))
        return inputs[:1], targets[:1]

    def batches(self, rows: Iterable[Tensor], workers: int = 0) -> Iterator[Pair]:
        """One pass.

        Args:
            rows: Those of each batch; a ``DataLoader`` has batches of its own.
            workers: Processes that load a ``Dataset``.
        """
        if self.is_loader:
            yield from self.data
        elif isinstance(self.data, tuple):
            inputs, targets = self.data
            yield from ((inputs[some], targets[some]) for some in rows)
        else:
            batches: Any = [some.tolist() for some in rows]
            yield from DataLoader(self.data, batch_sampler=batches, num_workers=workers)


class Rules(Protocol):
    """What is done with the pairs; `lamcts.adapters.tasks.TorchTask` says it."""

    direction: Literal["maximize", "minimize"]

    def augment(self, inputs: Tensor, recipe: Recipe) -> Tensor:
        """Training inputs changed at random."""

    def loss(self, outputs: Any, targets: Tensor, recipe: Recipe) -> Tensor:
        """The mean loss of outputs and targets, a scalar."""

    def metric(self, outputs: Any, targets: Tensor) -> Tensor:
        """The figures of outputs and targets, (n,), whose mean is the score."""


class Supervised:
    """Data and rules as `lamcts.adapters.training.loop.fit` takes them.

    Args:
        data: The parts.
        rules: Loss, metric, and random changes.
        recipe: Its ``batch_size``, ``workers`` and ``seed`` are followed here.
    """

    def __init__(self, data: Data, rules: Rules, recipe: Recipe) -> None:
        if not isinstance(data, Data):
            raise InvalidArgument(
                f"load_data: returns {type(data).__name__}; return a Data(train, validation, test)"
            )
        self._rules, self._recipe = rules, recipe
        self._parts = {"train": Part(data.train, "train")}
        self._parts["validation"] = Part(data.validation, "validation")
        if data.test is not None:
            self._parts["test"] = Part(data.test, "test")

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """Of the score."""
        return self._rules.direction

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        part = self._parts["train"]
        return part.count if part.is_loader else step_count(part.count, self._recipe)

    @cached_property
    def identity(self) -> str:
        """Which data; a checksum of the training examples, where they are in memory."""
        return self._parts["train"].identity()

    def example(self) -> Pair:
        """A batch of one training example."""
        return self._parts["train"].first()

    def batches(self, epoch: int) -> Iterator[Pair]:
        """All examples, in an order that seed and epoch fix; a loader's in its own order."""
        part, recipe = self._parts["train"], self._recipe
        if part.is_loader:
            for inputs, targets in part.batches([]):
                yield _shared(inputs), _shared(targets)
        else:
            order = epoch_order(part.count, recipe, epoch)
            yield from part.batches(shares(order, recipe), recipe.workers)

    def loss(self, model: nn.Module, batch: Pair) -> Tensor:
        """Mean loss of a batch."""
        inputs, targets = _placed(batch, model)
        inputs = self._rules.augment(inputs, self._recipe)
        loss: Tensor = self._rules.loss(model(inputs), targets, self._recipe)
        return loss

    def score(self, model: nn.Module, split: SplitName = "validation") -> float | None:
        """The mean metric of a part; ``None`` where there is no such part."""
        if split not in self._parts:
            return None
        part, total, count = self._parts[split], 0.0, 0
        rows: Any = torch.arange(part.count)
        for batch in part.batches(rows.split(_MEASURED), self._recipe.workers):
            inputs, targets = _placed(batch, model)
            figures = self._rules.metric(model(inputs), targets)
            if figures.shape != targets.shape[:1]:
                raise InvalidArgument(
                    f"metric: gives a tensor of shape {tuple(figures.shape)} for {len(targets)} "
                    f"examples; give one figure for each, shape ({len(targets)},)"
                )
            total += float(figures.float().sum())
            count += len(targets)
        return total / count


def _named(data: Any) -> list[tuple[Any, str]]:
    return list(zip(data, ("inputs", "targets"), strict=True))


def _tensor(values: Any, name: str) -> Tensor:
    """Rows of numbers as a tensor; real numbers in single precision."""
    if not isinstance(values, Tensor):
        array = np.asarray(values)
        if array.dtype.kind not in "fiub":
            raise InvalidArgument(f"{name} are no numbers but {array.dtype}; encode them first")
        values = torch.from_numpy(array)
    rows: Tensor = values.float() if values.is_floating_point() else values
    return rows


def _shared(rows: Tensor) -> Tensor:
    """This process' share of a batch, filled up to equal shares."""
    order = torch.arange(len(rows) + -len(rows) % world()) % len(rows)
    return rows[order[rank() :: world()]]


def _placed(batch: Any, model: nn.Module) -> Pair:
    """A batch where the network is, targets that are classes as PyTorch's losses want them."""
    if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
        raise InvalidArgument(
            f"data: a batch is {type(batch).__name__}, not a pair of inputs and targets"
        )
    device = next(model.parameters()).device
    inputs, targets = batch
    if targets.dtype in (torch.int8, torch.int16, torch.int32):
        targets = targets.long()
    pair: Pair = inputs.to(device), targets.to(device)
    return pair
