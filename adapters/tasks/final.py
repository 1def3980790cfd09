"""The final network of a `TorchTask`: trained in full, and exported. Importing this loads PyTorch.

A training's folder is that of `lamcts.adapters.training.folder`, with the task's assets beside.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lamcts.adapters.tasks.files import origin
from lamcts.adapters.training.distributed import group, pick_device, rank
from lamcts.adapters.training.folder import load_weights, read_model, save_model, save_weights
from lamcts.adapters.training.loop import evaluating, fit
from lamcts.adapters.training.recipe import Recipe
from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.storage import replace_file

if TYPE_CHECKING:
    from lamcts.adapters.tasks.torch_task import TorchTask

__all__ = ["FORMS", "export", "retrain", "trained_network"]

FORMS = ("arch", "safetensors", "onnx")


def retrain(
    task: TorchTask,
    x: Any,
    folder: Path,
    recipe: Recipe,
    *,
    resume: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, float]:
    """Train the network of a point, keep its best epoch, test it once; `TorchTask.train`."""
    device = pick_device(recipe.device)
    data = task.supervised(x, recipe)
    with group(device):
        if task.notice is not None and progress is not None and rank() == 0:
            progress(task.notice)
        trained = fit(
            lambda: task.network(x),
            data,
            recipe,
            folder=folder,
            resume=resume,
            architecture=json.dumps(task.describe(x)),
            progress=progress,
        )
        with evaluating(trained.model, recipe):
            test = data.score(trained.model, "test")
        scores = {"epoch": float(trained.epoch), "validation_score": float(trained.score or 0.0)}
        if test is not None:
            scores["test_score"] = test
        if rank() == 0:
            for name, content in task.assets(x).items():
                replace_file(folder / name, json.dumps(content).encode() + b"\n")
            save_model(folder, trained.model, _about(task, x, recipe, scores))
    return scores


def export(task: TorchTask, folder: Path, form: str, out: Path) -> str:
    """Write an architecture, weights or a model; `TorchTask.export`."""
    about = read_model(folder)
    if form == "arch":
        replace_file(out, json.dumps(about["architecture"], indent=2).encode() + b"\n")
        return "the point as JSON"
    if form not in FORMS:
        raise InvalidArgument(f"--format: a training is exported as {', '.join(FORMS)}")
    x = task.parse(json.dumps(about["architecture"]))
    model = trained_network(task, folder)
    if form == "safetensors":
        save_weights(out, dict(model.state_dict()))
        return f"weights, {sum(weights.numel() for weights in model.parameters()):,} parameters"
    inputs, _ = task.supervised(x, task.recipe(x)).example()
    _write_onnx(model, inputs, task.assets(x), out)
    shape = ", ".join(map(str, inputs.shape[1:]))
    return f"ONNX, inputs (n, {shape}) of {str(inputs.dtype).removeprefix('torch.')}"


@contextmanager
def _silent_exporter() -> Iterator[None]:
    """A block without the exporter's words about its own inner workings."""
    log = logging.getLogger("onnxscript")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)


def trained_network(task: TorchTask, folder: Path) -> nn.Module:
    """The network of a finished training, with its weights.

    Raises:
        RunError: The folder is of no finished training.
    """
    x = task.parse(json.dumps(read_model(folder)["architecture"]))
    model = task.network(x).eval()
    load_weights(folder, model)
    return model


def _about(task: TorchTask, x: Any, recipe: Recipe, scores: Mapping[str, float]) -> dict[str, Any]:
    return {
        **origin(task),
        "architecture": task.describe(x),
        "recipe": recipe.to_json(),
        "scores": dict(scores),
    }


def _write_onnx(model: nn.Module, inputs: Tensor, assets: Mapping[str, Any], out: Path) -> None:
    """Write a model for any number of examples, in one file, with the assets as its metadata.

    Raises:
        DependencyNotInstalled: When onnx or onnxscript are missing.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - what torch.onnx exports by
    except ImportError as error:
        raise DependencyNotInstalled(
            'export --format onnx needs onnx and onnxscript; run: pip install "lamcts[export]"'
        ) from error
    with _silent_exporter():
        program: Any = torch.onnx.export(
            model,
            (torch.cat([inputs, inputs]),),  # of one the exporter would take the count for fixed
            input_names=["inputs"],
            output_names=["outputs"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),
            dynamo=True,
            verbose=False,
        )
    proto = program.model_proto
    facts = {name.removesuffix(".json"): json.dumps(content) for name, content in assets.items()}
    onnx.helper.set_model_props(proto, facts)
    onnx.checker.check_model(proto)
    replace_file(out, proto.SerializeToString())
