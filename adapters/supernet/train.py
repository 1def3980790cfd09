"""Training supernets: one for a whole space, or one for each of its parts. Loads PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lamcts.adapters.supernet.folder import (
    IMPORTED,
    RECORD,
    Record,
    begin,
    save_weights,
    write_record,
)
from lamcts.adapters.supernet.splits import Split, paths_within
from lamcts.adapters.supernet.task import SupernetTask
from lamcts.adapters.supernet.weights import SharedWeights
from lamcts.adapters.training import ImageData, Recipe
from lamcts.adapters.training.distributed import group, pick_device, rank
from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.loop import Trained, fit
from lamcts.adapters.training.retraining import about_data
from lamcts.errors import InvalidArgument, RunError

if TYPE_CHECKING:
    from lamcts.adapters.supernet.evaluator import SupernetEvaluator

__all__ = ["import_supernet", "split_supernet", "train_supernet"]

Say = Callable[[str], None]


def train_supernet(
    problem: SupernetEvaluator,
    folder: Path,
    recipe: Recipe,
    sampling: str,
    count: int,
    *,
    resume: bool,
    progress: Say | None,
) -> Record:
    """Train one supernet; arguments as in `SupernetEvaluator.train_supernet`."""
    data = problem.load_data()
    task = SupernetTask(
        ImageTask(data, recipe), problem.paths(), sampling, count, recipe.seed, recipe.epochs
    )
    record = _record(problem, data, recipe, sampling, count)
    device = pick_device(recipe.device)
    with group(device):
        _begin(folder, record, resume=resume)
        if progress is not None and rank() == 0:
            progress(about_data(data, device))
        trained = fit(
            lambda: problem.make_supernet(data.shape),
            task,
            recipe,
            folder=folder / "training",
            resume=resume,
            progress=progress,
        )
        return _finished(folder, record, [trained])


def split_supernet(
    problem: SupernetEvaluator,
    source: Path,
    split: Split,
    folder: Path,
    fields: Mapping[str, Any],
    *,
    resume: bool,
    progress: Say | None,
) -> Record:
    """Train a supernet for each part of a split, from the weights of one for the whole space.

    The recipe is that of the whole, but for the ``fields`` and the problem's device.

    Raises:
        InvalidArgument: The source is split already.
        RunError: A folder that cannot be used.
    """
    weights = SharedWeights(problem, source)
    if weights.split is not None:
        raise InvalidArgument(f"supernet: {source} is split already; give the one that it is from")
    before = weights.record
    # A part need not hold the largest network, so there is no sandwich.
    with_largest = before.sampling in ("sandwich", "progressive", IMPORTED)
    sampling = "random" if with_largest else before.sampling
    own = {"device": problem.recipe.device}
    recipe = replace(Recipe(**before.recipe), **(own | dict(fields)))
    device = pick_device(recipe.device)
    task = ImageTask(weights.data, recipe)
    record = replace(
        _record(problem, weights.data, recipe, sampling, 1),
        split=split.to_json(),
        parts=split.labels,
        source=str(source),
    )
    state = weights.supernet(0).state_dict()
    parts = []
    with group(device):
        _begin(folder, record, resume=resume)
        if progress is not None and rank() == 0:
            progress(about_data(weights.data, device))
        for part, label in enumerate(split.labels):
            paths = paths_within(problem.paths(), split, part)
            trained = fit(
                lambda: _begun(problem.make_supernet(weights.data.shape), state),
                SupernetTask(task, paths, sampling, 1, recipe.seed, recipe.epochs),
                recipe,
                folder=folder / f"training-{part}",
                resume=resume,
                progress=None if progress is None else _prefixed(progress, label),
            )
            parts.append(trained)
        return _finished(folder, record, parts)


def import_supernet(problem: SupernetEvaluator, file: Path, folder: Path, recipe: Recipe) -> Record:
    """Make one of a checkpoint; arguments as in `SupernetEvaluator.import_supernet`."""
    if (folder / RECORD).exists():
        raise RunError(f"{folder}: holds a supernet already; give another --out")
    data = problem.load_data()
    supernet = problem.make_supernet(data.shape)
    state = dict(problem.read_supernet(file, supernet))
    supernet.load_state_dict(state)
    task = SupernetTask(ImageTask(data, recipe), problem.paths(), "random", 1, recipe.seed)
    record = replace(
        _record(problem, data, recipe, IMPORTED, 0),
        source=str(file.resolve()),
        scores=(task.score(supernet.to(pick_device(recipe.device))),),
    )
    begin(folder, replace(record, scores=()), resume=False)
    save_weights(folder, 0, state)
    write_record(folder, record)
    return record


def _begin(folder: Path, record: Record, *, resume: bool) -> None:
    """Make the folder; of several processes the first does."""
    if rank() == 0:
        begin(folder, record, resume=resume)


def _finished(folder: Path, record: Record, parts: Sequence[Trained]) -> Record:
    """Write the weights of all parts, and then that they are there."""
    record = replace(record, scores=tuple(float(part.score or 0.0) for part in parts))
    if rank() == 0:
        for number, part in enumerate(parts):
            save_weights(folder, number, part.model.state_dict())
        write_record(folder, record)
    return record


def _begun(supernet: nn.Module, state: dict[str, Any]) -> nn.Module:
    """The supernet with the weights that it begins with."""
    supernet.load_state_dict(state)
    return supernet


def _prefixed(progress: Say, label: str) -> Say:
    return lambda line: progress(f"{label}: {line}")


def _absolute(data: Path) -> str:
    """A path that holds from any folder; a name as it is."""
    return str(data.resolve() if data.exists() else data)


def _record(
    problem: SupernetEvaluator, data: ImageData, recipe: Recipe, sampling: str, count: int
) -> Record:
    return Record(
        settings=problem.supernet_settings(),
        data=data.name,
        place=None if problem.data is None else _absolute(problem.data),
        recipe=recipe.to_json(),
        sampling=sampling,
        paths=count,
        torch=torch.__version__,
    )
