"""A point's network trained in earnest, and had again from its folder. Loads PyTorch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lamcts.adapters.training.data import ImageData, ImageShape, announced
from lamcts.adapters.training.distributed import group, pick_device, rank
from lamcts.adapters.training.files import ImageFiles
from lamcts.adapters.training.folder import load_weights, read_model, save_model
from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.loop import evaluating, fit
from lamcts.adapters.training.recipe import Recipe
from lamcts.errors import InvalidArgument
from lamcts.problem import load_problem, reference_of

if TYPE_CHECKING:
    from lamcts.adapters.training.evaluator import NetworkEvaluator

__all__ = ["about_data", "load_trained", "retrain"]


def retrain(
    problem: NetworkEvaluator,
    x: Any,
    folder: Path,
    recipe: Recipe,
    *,
    teacher: Path | None = None,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Train the target of a point, select an epoch, measure it once; `NetworkEvaluator.train`."""
    device = pick_device(recipe.device)
    if recipe.resolution is None:
        recipe = replace(recipe, resolution=problem.resolution(x))
    data = problem.training_data()
    shape = _shape(data, recipe)
    learnt = None if teacher is None else _teacher(teacher, shape, recipe)
    with group(device):
        task = ImageTask(data, recipe, teacher=learnt)
        if progress is not None and rank() == 0:
            progress(about_data(data, device))
        trained = fit(
            problem.target(x, shape),
            task,
            recipe,
            folder=folder,
            resume=resume,
            architecture=json.dumps(problem.describe(x)),
            progress=progress,
        )
        with evaluating(trained.model, recipe):
            test = task.score(trained.model, "test")
        scores: dict[str, float] = {
            "epoch": trained.epoch,
            "validation_accuracy": float(trained.score or 0.0),
            "test_accuracy": test,
        }
        if rank() == 0:
            about = {
                **_origin(problem),
                "architecture": problem.describe(x),
                "recipe": recipe.to_json(),
                "images": {"name": data.name, "mean": data.mean, "std": data.std},
                "shape": asdict(shape),
                "scores": scores,
            }
            save_model(folder, trained.model, about)
    return scores


def _shape(data: ImageData | ImageFiles, recipe: Recipe) -> ImageShape:
    """What the network must fit."""
    if isinstance(data, ImageFiles):
        return ImageShape(len(data.mean), recipe.resolution or 0, len(data.classes))
    return replace(data.shape, size=recipe.resolution or data.shape.size)


def _teacher(folder: Path, shape: ImageShape, recipe: Recipe) -> nn.Module:
    """The network of a training, to learn from.

    Raises:
        InvalidArgument: It is none for such images, or the recipe does not learn from it.
    """
    if not recipe.distillation:
        raise InvalidArgument(
            "distillation: 0, so that nothing is learned from the teacher; set it, to 0.5 say"
        )
    theirs = read_model(folder).get("shape") or {}  # a task of one's own has none
    if (theirs.get("channels"), theirs.get("classes")) != (shape.channels, shape.classes):
        raise InvalidArgument(
            f"--teacher: {folder} holds no network for images of {shape.channels} channels and "
            f"{shape.classes} classes; give one that was trained on such"
        )
    return load_trained(folder)


def about_data(data: ImageData | ImageFiles, device: torch.device) -> str:
    """What is trained on, and where, in a line."""
    counts = (len(split.labels) for split in (data.train, data.validation, data.test))
    train, validation, test = (f"{count:,}" for count in counts)
    return (
        f"training on {announced(data.name)}: {train} images, {validation} to select an epoch, "
        f"{test} to measure it; {device}"
    )


def _origin(problem: NetworkEvaluator) -> dict[str, Any]:
    """Where the problem comes from, so that the network can be built again."""
    reference = reference_of(problem)
    return {"problem": reference.ref, "settings": reference.kwargs}


def load_trained(folder: Path) -> nn.Module:
    """The network that a training left, in evaluation mode, on the CPU.

    Raises:
        RunError: The folder is of no finished training.
    """
    about = read_model(folder)
    problem: Any = load_problem(about["problem"], **about["settings"])
    x = problem.parse(json.dumps(about["architecture"]))
    model: nn.Module = problem.target(x, ImageShape(**about["shape"]))()
    load_weights(folder, model)
    return model.eval()
