"""A trained network as files that need nothing of this package. Importing this loads PyTorch."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from lamcts.adapters.training.folder import read_model, save_weights
from lamcts.adapters.training.retraining import load_trained
from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.storage import replace_file

if TYPE_CHECKING:
    from lamcts.adapters.training.evaluator import NetworkEvaluator

__all__ = ["FORMS", "export_trained"]

FORMS = ("arch", "safetensors", "onnx")


def export_trained(problem: NetworkEvaluator, folder: Path, form: str, out: Path) -> str:
    """Write an architecture, weights or a model; `NetworkEvaluator.export`."""
    about = read_model(folder)
    if form == "arch":
        replace_file(out, json.dumps(about["architecture"]).encode() + b"\n")
        return "architecture as JSON"
    if form not in FORMS:
        raise InvalidArgument(f"--format: a training is exported as {', '.join(FORMS)}")
    model = load_trained(folder)
    if form == "safetensors":
        save_weights(out, dict(model.state_dict()))
        return f"weights, {sum(p.numel() for p in model.parameters()):,} parameters"
    shape = about["shape"]
    size = about["recipe"]["test_resolution"] or shape["size"]
    _export_onnx(model, (shape["channels"], size, size), _facts(about), out)
    return (
        f"ONNX, images (n, {shape['channels']}, {size}, {size}) to logits (n, {shape['classes']})"
    )


def _facts(about: dict[str, Any]) -> dict[str, str]:
    """What one must know to use a model: how its images are scaled, and what it is."""
    facts = {"architecture": json.dumps(about["architecture"])}
    facts |= {name: json.dumps(about["images"][name]) for name in ("mean", "std")}
    return facts


def _export_onnx(
    model: nn.Module, shape: tuple[int, int, int], facts: dict[str, str], out: Path
) -> None:
    """Write a model for any number of images, in one file, with facts about it.

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
    # Two images: of one, the exporter would take the count for fixed.
    example = torch.zeros(2, *shape)
    with warnings.catch_warnings():  # the exporter's, about its own inner workings
        warnings.simplefilter("ignore")
        program: Any = torch.onnx.export(
            model,
            (example,),
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes={"images": {0: torch.export.Dim("n", min=1)}},
            dynamo=True,
            verbose=False,
        )
    proto = program.model_proto
    onnx.helper.set_model_props(proto, facts)
    onnx.checker.check_model(proto)
    replace_file(out, proto.SerializeToString())
