"""The folder of a finished training: what other tools, and ``lamcts export``, read.

- ``model.json``: problem, settings, architecture, recipe, images, scores, versions
- ``weights.safetensors``: the best epoch's (``weights.pt`` where safetensors is not installed)
- ``curve.jsonl``: the figures of every epoch
- ``checkpoint.pt``: all that is needed to go on
"""

from __future__ import annotations

import json
import platform
from importlib import metadata, util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lamcts.errors import DependencyNotInstalled, RunError
from lamcts.storage import replace_file

__all__ = ["MODEL", "load_weights", "read_model", "save_model", "save_weights", "versions"]

MODEL = "model.json"
_SAFE, _PLAIN = "weights.safetensors", "weights.pt"


def save_model(folder: Path, model: nn.Module, about: dict[str, Any]) -> None:
    """Write the weights, and then ``model.json``, which says that the training is finished."""
    safe = util.find_spec("safetensors") is not None
    path = folder / (_SAFE if safe else _PLAIN)
    weights = {
        name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()
    }
    if safe:
        save_weights(path, weights)
    else:
        torch.save(weights, path)
    text = json.dumps(about | {"weights": path.name, "versions": versions()}, indent=2)
    replace_file(folder / MODEL, text.encode() + b"\n")


def save_weights(path: Path, weights: dict[str, Tensor]) -> None:
    """Write weights as safetensors, which any tool reads and which run no code.

    Raises:
        DependencyNotInstalled: When safetensors is missing.
    """
    try:
        from safetensors.torch import save
    except ImportError as error:
        raise DependencyNotInstalled(
            "weights as safetensors need that package, which is not installed; "
            'run: pip install "lamcts[export]"'
        ) from error
    replace_file(path, save(_apart(weights)))


def _apart(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of which no two share memory, as those that a network uses in two places do."""
    places: set[int] = set()
    found = {}
    for name, value in weights.items():
        place = value.untyped_storage().data_ptr()
        found[name] = value.clone() if place in places else value
        places.add(place)
    return found


def read_model(folder: Path) -> dict[str, Any]:
    """What ``model.json`` says.

    Raises:
        RunError: It cannot be read: no training here, or one that is not finished.
    """
    try:
        about = json.loads((folder / MODEL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"{folder}: no finished training (no {MODEL}); go on with --resume"
        ) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / MODEL}: cannot be read ({error})") from error
    found: dict[str, Any] = about
    return found


def load_weights(folder: Path, model: nn.Module) -> None:
    """Fill a network with the weights of its training.

    Raises:
        RunError: They cannot be read, or are of another network.
        DependencyNotInstalled: They need safetensors, and it is missing.
    """
    path = folder / str(read_model(folder)["weights"])
    try:
        if path.suffix == ".pt":
            weights = torch.load(path, map_location="cpu", weights_only=True)
        else:
            from safetensors.torch import load_file

            weights = load_file(path)
        model.load_state_dict(weights)
    except ImportError as error:
        raise DependencyNotInstalled(
            f'{path} needs safetensors, which is not installed; run: pip install "lamcts[export]"'
        ) from error
    except Exception as error:  # damaged files raise many kinds, safetensors one of its own
        why = str(error).partition("\n")[0]
        raise RunError(f"{path}: not the weights of this network ({why})") from error


def versions() -> dict[str, str]:
    """Of Python and of what trains."""
    found = {"python": platform.python_version(), "torch": str(torch.__version__)}
    for name in ("lamcts", "torchvision", "timm"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
