"""The folder of a training: a checkpoint and the curve, written whole after every epoch."""

from __future__ import annotations

import io
import json
import os
import pickle
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lamcts.adapters.training.recipe import Recipe, stored_recipe
from lamcts.errors import RunError
from lamcts.storage import replace_file

__all__ = [
    "CHECKPOINT",
    "CURVE",
    "checksum",
    "claim",
    "load_checkpoint",
    "save_checkpoint",
    "save_curve",
]

CHECKPOINT, CURVE = "checkpoint.pt", "curve.jsonl"
_VERSION = 1
#: Fields that change where a training runs and not what comes of it.
_WHERE = ("device", "compile")


def claim(folder: Path, *, resume: bool) -> None:
    """Make the folder of a training.

    Raises:
        RunError: It holds a training that is not to be resumed, or cannot be made.
    """
    if not resume and os.path.exists(folder / CHECKPOINT):
        raise RunError(f"{folder}: holds a training already; resume it, or choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from error


def save_checkpoint(
    folder: Path,
    recipe: Recipe,
    state: dict[str, Any],
    identity: str = "",
    architecture: str | None = None,
) -> None:
    """Write all that a training needs to go on; a reader sees the old or the new one, whole."""
    buffer = io.BytesIO()
    about = {"version": _VERSION, "recipe": recipe.to_json(), "identity": identity}
    torch.save({**about, "architecture": architecture, **state}, buffer)
    replace_file(folder / CHECKPOINT, buffer.getvalue())


def load_checkpoint(
    folder: Path,
    recipe: Recipe,
    device: torch.device | str,
    identity: str = "",
    architecture: str | None = None,
) -> dict[str, Any] | None:
    """What `save_checkpoint` wrote; ``None`` where nothing was written yet.

    Only tensors and plain data are read (``weights_only``): a checkpoint runs no code.

    Raises:
        RunError: It is damaged, of another version, of another recipe, of another architecture,
            or of other data.
    """
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        version, before = state["version"], state["recipe"]
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        why = str(error).partition("\n")[0]
        raise RunError(f"{path}: no checkpoint that can be read ({why}); start afresh") from error
    if version != _VERSION:
        raise RunError(f"{path}: written by another version of lamcts; start afresh")
    before = stored_recipe(before, path)
    for name, value in recipe.to_json().items():
        if name not in _WHERE and before.get(name) != value:
            raise RunError(
                f"{path}: was begun with {name}={before.get(name)!r}, not {value!r}; "
                "resume it with the same, or start afresh in another folder"
            )
    # Older checkpoints do not say which architecture, and those of own tasks not which data.
    begun = state.get("architecture")
    if begun is not None and architecture is not None and begun != architecture:
        raise RunError(
            f"{path}: was begun with the architecture {begun}; "
            "resume it with the same, or start afresh in another folder"
        )
    learned = state.get("identity", "")
    if learned and learned != identity:
        raise RunError(
            f"{path}: was begun with {learned}, not {identity or 'these'}; "
            "resume it with the same, or start afresh in another folder"
        )
    found: dict[str, Any] = state
    return found


def save_curve(folder: Path, rows: Sequence[Any]) -> None:
    """Write the figures of all epochs, a line each."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    replace_file(folder / CURVE, text.encode())


def checksum(arrays: Iterable[NDArray[Any]]) -> str:
    """Of labels, of examples, or of weights."""
    found = 0
    for array in arrays:
        found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return f"{found:08x}"
