"""One training loop for every network. Importing this module loads PyTorch.

    trained = fit(build, task, recipe, folder=Path("out"), resume=True)

The task knows data and loss, the recipe every number; the loop knows optimizer and learning rate,
averaged weights, selection, mixed precision, several processes, checkpoints.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel
from torch.optim import swa_utils

from lamcts.adapters.training.checkpoint import claim, load_checkpoint, save_checkpoint, save_curve
from lamcts.adapters.training.distributed import (
    average_gradients,
    gathered,
    group,
    pick_device,
    rank,
    share_buffers,
    world,
)
from lamcts.adapters.training.optimizers import learning_rate, make_optimizer
from lamcts.adapters.training.randomness import random_state, seeded, set_random_state
from lamcts.adapters.training.recipe import Recipe
from lamcts.adapters.training.task import Task
from lamcts.errors import InvalidArgument, RunError

__all__ = ["Enough", "Row", "Trained", "evaluating", "fit"]

#: The figures of an epoch: ``epoch`` (from 1), ``loss``, ``score`` (what is selected on),
#: ``raw_score`` (of the weights that are trained, where they are averaged), ``seconds``.
Row = dict[str, Any]


class Enough(Exception):
    """Raised by ``on_epoch`` of `fit`: the training ends, its best epoch until then is kept."""


@dataclass(frozen=True)
class Trained:
    """What came of a training.

    Attributes:
        model: The network with the weights of the best epoch, averaged ones where they are
            averaged; in evaluation mode, on the recipe's device.
        history: The figures of every epoch.
        epoch: The best one, from 1; the last where the task has no score.
        score: Its score on the validation split.
    """

    model: nn.Module
    history: tuple[Row, ...]
    epoch: int
    score: float | None


def fit(
    build: Callable[[], nn.Module],
    task: Task,
    recipe: Recipe,
    *,
    folder: Path | None = None,
    resume: bool = False,
    architecture: str | None = None,
    on_epoch: Callable[[nn.Module, Row], None] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Trained:
    """Build a network and train it; the epoch that is best on the validation split is kept.

    On the CPU the same recipe and task give the same weights, bit for bit, on the same machine,
    interrupted or not; the caller's own random states are left untouched. Under ``torchrun`` the
    processes train together, each on its share of a batch.

    Args:
        build: Makes the network, with fresh weights; called once, after seeding.
        task: What it is trained for.
        recipe: Every number.
        folder: Where checkpoint and curve are written after every epoch; ``None`` for nowhere.
        resume: Whether to go on from the checkpoint of the folder, if there is one yet.
        architecture: Tells the network from others whose weights have the same shapes: a
            checkpoint is resumed only with the same.
        on_epoch: Called after every epoch with the network that is trained and the epoch's
            figures; what it raises ends the training, of which `Enough` is no error.
        progress: Takes a short line an epoch.

    Raises:
        InvalidArgument: The recipe asks for what the network does not have.
        RunError: The loss is no number any more; or a folder that cannot be used.
    """
    device = pick_device(recipe.device)
    with group(device), seeded(recipe.seed, device), _convolutions(recipe):
        training = _Training(build().to(device), task, recipe, device)
        if world() > 1:  # alike until here; each process makes random changes of its own
            torch.manual_seed(recipe.seed + rank())
        if folder is not None:
            claim(folder, resume=resume)
            about = (training.identity, architecture)
            training.load(load_checkpoint(folder, recipe, device, *about))
        while len(training.history) < recipe.epochs:
            row = training.run_epoch()
            if folder is not None:
                training.save(folder, architecture)
            if progress is not None and rank() == 0:
                progress(training.line())
            if on_epoch is not None:
                try:
                    on_epoch(training.model, row)
                except Enough:
                    break
        return training.result()


@contextmanager
def evaluating(model: nn.Module, recipe: Recipe) -> Iterator[None]:
    """A block in which the model is measured as `fit` measures it: without gradients."""
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    with torch.inference_mode(), _precision(recipe, device):
        yield
    model.train(was_training)


class _Training:
    """A network under training, with all that a checkpoint holds."""

    def __init__(self, model: nn.Module, task: Task, recipe: Recipe, device: torch.device) -> None:
        self.task, self.recipe, self.device = task, recipe, device
        if recipe.channels_last:
            model = _channels_last(model)
        if recipe.head_dropout is not None:
            _set_dropout(model, recipe.head_dropout)
        if recipe.norm_momentum is not None:
            for module in model.modules():
                if isinstance(module, _BatchNorm):
                    module.momentum = recipe.norm_momentum
        self.model = model
        self.average = swa_utils.AveragedModel(model, use_buffers=True) if recipe.ema else None
        self.optimizer = make_optimizer(model, recipe)
        fp16 = recipe.amp == "fp16" and device.type == "cuda"
        self.scaler = torch.amp.GradScaler(device.type, enabled=fp16)
        self.history: list[Row] = []
        self.best: dict[str, Tensor] | None = None
        self.best_epoch = 0
        self.wrapped = _wrapped(model, recipe, device)

    @property
    def identity(self) -> str:
        """What is learned, where the task tells."""
        return str(getattr(self.task, "identity", ""))

    def run_epoch(self) -> Row:
        """Train one epoch, score it, keep its weights if they are the best so far."""
        epoch, started = len(self.history), time.monotonic()
        self._set_drop_path(epoch)
        self.wrapped.train()
        total, count = torch.zeros((), device=self.device), 0
        step = epoch * self.task.steps_per_epoch
        for batch in self.task.batches(epoch):
            total += self._step(batch, step + count)
            count += 1
        losses = gathered(float(total) / max(1, count))
        loss = sum(losses) / len(losses)
        if not math.isfinite(loss):
            raise RunError(
                f"the loss of epoch {epoch + 1} is {loss}: the training diverged, or "
                "the data has NaN; use a smaller learning_rate, or clip=5"
            )
        row: Row = {"epoch": epoch + 1, "loss": loss, "score": self._score(self.model)}
        if self.average is not None:
            row |= {"raw_score": row["score"], "score": self._score(self.average.module)}
        self.history.append(row)
        if self._is_best(row["score"]):
            self.best_epoch = epoch + 1
            self.best = None if row["score"] is None else _copied(self._candidate)
        row["seconds"] = round(time.monotonic() - started, 3)
        return row

    def _step(self, batch: Any, step: int) -> Tensor:
        """One step down; the loss before it."""
        rate = learning_rate(self.recipe, step, self.task.steps_per_epoch)
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate
        self.optimizer.zero_grad()
        with _precision(self.recipe, self.device):
            loss = self._loss(batch)
        scaled: Any = self.scaler.scale(loss)
        scaled.backward()
        if world() > 1 and _leaves_weights_out(self.model):
            average_gradients(self.model)
        if self.recipe.clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            # As TensorFlow's with num_updates: else the first weights would weigh on for long.
            decay = min(self.recipe.ema, (1 + step) / (10 + step))
            self.average.multi_avg_fn = _averaging(decay)
            self.average.update_parameters(self.model)
        return loss.detach()

    def _loss(self, batch: Any) -> Tensor:
        """Of a batch; one example of one pixel has no variance to normalise by."""
        try:
            return self.task.loss(self.wrapped, batch)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise InvalidArgument(
                "batch_size: a batch of one example is too few for batch normalisation; use 2 or "
                "more, or drop_last=True in a DataLoader of your own"
            ) from error

    def _set_drop_path(self, epoch: int) -> None:
        if self.recipe.drop_path:
            set_drop_path = getattr(self.model, "set_drop_path", None)
            if set_drop_path is None:
                raise InvalidArgument(
                    f"drop_path: {type(self.model).__name__} has no paths to drop; use 0"
                )
            rises = self.recipe.drop_path_rises
            share = epoch / self.recipe.epochs if rises else 1.0
            set_drop_path(self.recipe.drop_path * share)

    def _score(self, model: nn.Module) -> float | None:
        share_buffers(model)
        with evaluating(model, self.recipe):
            score = self.task.score(model, "validation")
        of_first: float | None = gathered(None if score is None else float(score))[0]
        return of_first

    def _is_best(self, score: float | None) -> bool:
        """Whether a score is the best so far; of equal ones the first is, of none the last."""
        before = [row["score"] for row in self.history[:-1]]
        scores: list[float] = [s for s in before if s is not None and not math.isnan(s)]
        if score is None or not scores:
            return True
        maximize = self.task.direction == "maximize"
        return score > max(scores) if maximize else score < min(scores)

    @property
    def _candidate(self) -> nn.Module:
        """The network that is scored: the averaged one where there is one."""
        return self.model if self.average is None else self.average.module

    def line(self) -> str:
        """The last epoch in a short line."""
        row = self.history[-1]
        parts = [f"epoch {row['epoch']}/{self.recipe.epochs}", f"loss {row['loss']:.4f}"]
        if row["score"] is not None:
            mark = " (best)" if self.best_epoch == row["epoch"] else ""
            parts.append(f"validation {row['score']:.4f}{mark}")
        return "  ".join([*parts, f"{row['seconds']:.1f} s"])

    def save(self, folder: Path, architecture: str | None) -> None:
        """Write the state after the last epoch; of several processes the first does."""
        states = gathered(random_state(self.device))
        if rank() == 0:
            state = {
                "model": self.model.state_dict(),
                "average": None if self.average is None else self.average.state_dict(),
                "best": self.best,
                "best_epoch": self.best_epoch,
                "optimizer": self.optimizer.state_dict(),
                "scaler": self.scaler.state_dict(),
                "history": self.history,
                "random": states,
            }
            save_checkpoint(folder, self.recipe, state, self.identity, architecture)
            save_curve(folder, self.history)

    def load(self, state: Mapping[str, Any] | None) -> None:
        """Go on from what `save` wrote; from the start where it wrote nothing yet."""
        if state is None:
            return
        try:
            self.model.load_state_dict(state["model"])
            if self.average is not None:
                self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError) as error:
            why = str(error).partition("\n")[0]
            raise RunError(f"the checkpoint is of another network ({why})") from error
        if state["scaler"]:  # none of a training that was begun without scaled gradients
            self.scaler.load_state_dict(state["scaler"])
        self.history = list(state["history"])
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        if rank() < len(state["random"]):
            set_random_state(state["random"][rank()], self.device)

    def result(self) -> Trained:
        """The best network, ready to be used."""
        model = self._candidate
        if self.best is not None:
            model.load_state_dict(self.best)
        score = self.history[self.best_epoch - 1]["score"]
        return Trained(model.eval(), tuple(self.history), self.best_epoch, score)


#: Moving averages of tensors with a decay; the stubs of PyTorch's versions differ.
_averaging: Any = swa_utils.get_ema_multi_avg_fn


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def _set_dropout(model: nn.Module, probability: float) -> None:
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    if not layers:
        raise InvalidArgument(
            f"head_dropout: {type(model).__name__} has no layers that drop; leave it out"
        )
    for layer in layers:
        layer.p = probability


def _channels_last(model: Any) -> nn.Module:  # PyTorch's versions type this overload differently
    placed: nn.Module = model.to(memory_format=torch.channels_last)
    return placed


def _wrapped(model: nn.Module, recipe: Recipe, device: torch.device) -> nn.Module:
    """What the loss calls: the network, on several processes and compiled where wanted."""
    if world() > 1 and not _leaves_weights_out(model):
        ids = [device] if device.type == "cuda" else None
        model = DistributedDataParallel(model, device_ids=ids)
    if recipe.compile:
        compiled: Any = torch.compile(model)
        model = compiled
    return model


def _leaves_weights_out(model: nn.Module) -> bool:
    """Whether a step may not use all weights, as supernets' do not; they have to say so."""
    return bool(getattr(model, "leaves_weights_out", False))


def _precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[Any]:
    if recipe.amp == "off":
        return nullcontext()
    kind = torch.bfloat16 if recipe.amp == "bf16" else torch.float16
    return torch.autocast(device.type, dtype=kind)


def _convolutions(recipe: Recipe) -> AbstractContextManager[Any]:
    """How cuDNN chooses its algorithms: always the same, or the fastest it finds."""
    same = recipe.deterministic
    flags: AbstractContextManager[Any] = torch.backends.cudnn.flags(
        enabled=True, benchmark=not same, deterministic=same
    )
    return flags
