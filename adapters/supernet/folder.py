"""The folder of a supernet: what it is, in ``supernet.json``, and the weights of its parts."""

from __future__ import annotations

import io
import json
import os
import pickle
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lamcts import __version__
from lamcts.adapters.training.recipe import stored_recipe
from lamcts.errors import RunError
from lamcts.storage import replace_file

__all__ = [
    "IMPORTED",
    "RECORD",
    "Record",
    "begin",
    "load_weights",
    "read_record",
    "read_trained",
    "save_weights",
    "write_record",
]

RECORD = "supernet.json"

#: Stands where a record says how paths were sampled, of a supernet that was not trained here.
IMPORTED = "imported"


@dataclass(frozen=True)
class Record:
    """What a supernet is and how it was trained; written when training begins, and at its end.

    Attributes:
        settings: The problem's settings that its weights depend on.
        data: What images it was trained on, for people.
        place: Where they are; ``None`` for those that the problem has of its own.
        recipe: The recipe's fields.
        sampling: How paths were sampled; `IMPORTED` for weights from elsewhere.
        paths: Paths a step.
        parts: The names of the parts, one where the space was not split.
        split: How it was split; ``None`` where it was not.
        source: The supernet whose weights the parts began with, or the file they came from.
        scores: Of each part: mean validation score of a few of its networks. None are there while
            it is being trained.
        lamcts: The version that trained it.
        torch: PyTorch's version.
    """

    settings: Mapping[str, Any]
    data: str
    place: str | None
    recipe: Mapping[str, Any]
    sampling: str
    paths: int
    parts: tuple[str, ...] = ("whole space",)
    split: Mapping[str, Any] | None = None
    source: str | None = None
    scores: tuple[float, ...] = ()
    lamcts: str = __version__
    torch: str = ""

    @property
    def trained(self) -> bool:
        """Whether the weights of all parts are there."""
        return len(self.scores) == len(self.parts)


def write_record(folder: Path, record: Record) -> None:
    """Write it, whole."""
    text = json.dumps(asdict(record), indent=2)
    replace_file(folder / RECORD, text.encode() + b"\n")


def read_record(folder: Path) -> Record:
    """What `write_record` wrote.

    Raises:
        RunError: There is none, or it cannot be read.
    """
    file = folder / RECORD
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        lists = {name: tuple(data[name]) for name in ("scores", "parts")}
        return Record(**{**data, **lists, "recipe": stored_recipe(data["recipe"], file)})
    except (FileNotFoundError, NotADirectoryError):
        raise RunError(
            f"supernet: {str(folder)!r} holds none; train one: "
            f"lamcts supernet train PROBLEM --out {folder}"
        ) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{file}: cannot be read ({error}); train the supernet again") from error


def read_trained(folder: Path) -> Record:
    """The record of a supernet that can be used.

    Raises:
        RunError: As for `read_record`, or its training has not ended.
    """
    record = read_record(folder)
    if not record.trained:
        raise RunError(f"supernet: {folder} is not trained to its end; go on with --resume")
    return record


def begin(folder: Path, record: Record, *, resume: bool) -> None:
    """Make the folder of a supernet that is to be trained.

    Raises:
        RunError: It holds one that is not to be resumed, or another one.
    """
    if os.path.exists(folder / RECORD):
        if not resume:
            raise RunError(
                f"{folder}: holds a supernet already; --resume it, or give another --out"
            )
        before = asdict(read_record(folder))
        for name in ("settings", "data", "sampling", "paths", "split", "source"):
            now = json.loads(json.dumps(asdict(record)[name]))
            if before[name] != now:
                raise RunError(
                    f"{folder}: was begun with {name} {before[name]!r}, not {now!r}; resume it "
                    "with the same, or give another --out"
                )
        return  # a training that is refused after this leaves the folder as it was
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder}: cannot be made: {error.strerror}") from error
    write_record(folder, record)


def save_weights(folder: Path, part: int, state: Mapping[str, Any]) -> None:
    """Write the weights of a part."""
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    replace_file(_weights(folder, part), buffer.getvalue())


def load_weights(folder: Path, part: int) -> dict[str, Any]:
    """What `save_weights` wrote; tensors alone are read, no code is run.

    Raises:
        RunError: They are not there, or damaged.
    """
    import torch

    file = _weights(folder, part)
    try:
        found: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        why = str(error).partition("\n")[0]
        raise RunError(f"{file}: cannot be read ({why}); train the supernet again") from error
    return found


def _weights(folder: Path, part: int) -> Path:
    return folder / f"weights-{part}.pt"
