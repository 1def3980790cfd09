"""A table of measured cells as columns: one row a class of isomorphic cells, by fingerprint.

On disk it is a folder of ``.npy`` files, opened as memory maps: nothing is read before it is
asked for. ``table.json`` is written last, so a folder without it is half written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lamcts.adapters.nasbench101.fingerprint import INVALID
from lamcts.errors import InvalidArgument

__all__ = [
    "FIGURES",
    "FINAL",
    "HALFWAY",
    "Columns",
    "group_rows",
    "is_saved",
    "open_columns",
    "row_type",
]

#: What is known of a training, in the order of the last axis of `Columns.figures`.
FIGURES = ("train_accuracy", "validation_accuracy", "test_accuracy", "training_time")
#: Moments of a training, in the order of the last axis but one.
HALFWAY, FINAL = 0, 1

_FACTS = "table.json"
_ARRAYS = ("keys", "hashes", "codes", "params", "figures")
_VERSION = 1


@dataclass(frozen=True)
class Columns:
    """Measured cells, sorted by fingerprint.

    Attributes:
        keys: (n,) fingerprints, ascending.
        hashes: (n, 16) bytes of the official hashes.
        codes: (n,) one drawing of each cell (`fingerprint.pack`).
        params: (n,) trainable parameters.
        figures: (n, epochs, repeats, 2, 4): of every training, halfway and at its end, the
            `FIGURES`; accuracies in [0, 1], seconds. NaN where not measured.
        epochs: Epochs of the trainings, ascending.
        source: The file they are from.
        synthetic: Whether the figures are made up, for tests.
    """

    keys: NDArray[np.uint64]
    hashes: NDArray[np.uint8]
    codes: NDArray[np.uint32]
    params: NDArray[np.uint32]
    figures: NDArray[Any]
    epochs: tuple[int, ...]
    source: str
    synthetic: bool = False

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def repeats(self) -> int:
        """The most trainings of a cell for the same number of epochs."""
        return int(self.figures.shape[2])

    def save(self, folder: Path) -> None:
        """Write the columns into a folder that exists."""
        for name in _ARRAYS:
            with (folder / f"{name}.npy").open("wb") as stream:
                np.save(stream, getattr(self, name))
                os.fsync(stream.fileno())
        facts = {
            "version": _VERSION,
            "cells": len(self),
            "epochs": self.epochs,
            "source": self.source,
            "synthetic": self.synthetic,
        }
        with (folder / _FACTS).open("w", encoding="utf-8") as text:
            json.dump(facts, text, indent=2)
            text.flush()
            os.fsync(text.fileno())

    def facts(self) -> dict[str, Any]:
        """What the table holds, for people."""
        missing = bool(np.isnan(self.figures[:, :, :, FINAL, FIGURES.index("test_accuracy")]).any())
        return {
            "cells": len(self),
            "epochs": list(self.epochs),
            "repeats": self.repeats,
            "gaps": missing,
            "synthetic": self.synthetic,
        }


def is_saved(folder: Path) -> bool:
    """Whether a folder holds columns, all of them."""
    return (folder / _FACTS).is_file()


def open_columns(folder: Path) -> Columns:
    """The columns in a folder, as memory maps.

    Raises:
        InvalidArgument: It is no such folder, half written or damaged.
    """
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        arrays = {name: _mapped(folder / f"{name}.npy") for name in _ARRAYS}
        if facts["version"] != _VERSION or any(
            len(array) != facts["cells"] for array in arrays.values()
        ):
            raise ValueError("its parts do not fit together")
        epochs = tuple(map(int, facts["epochs"]))
        return Columns(
            **arrays, epochs=epochs, source=facts["source"], synthetic=facts["synthetic"]
        )
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InvalidArgument(
            f"table: {folder} is no whole table ({error}); add the file again with "
            "lamcts data add nasbench101 FILE"
        ) from None


def row_type(number: DTypeLike) -> np.dtype[Any]:
    """One training as one row, before rows are grouped by cell.

    Args:
        number: Type of the figures: ``float32`` holds the official accuracies exactly.
    """
    return np.dtype(
        [
            ("end", "<u8"),  # bytes of the source up to here
            ("key", "<u8"),
            ("hash", "V16"),
            ("code", "<u4"),
            ("params", "<u4"),
            ("epochs", "<u4"),
            ("figures", number, (2, len(FIGURES))),
        ]
    )


def group_rows(rows: NDArray[Any], source: str, *, synthetic: bool = False) -> Columns:
    """Columns from single trainings; the rows of a cell are its repeats, in their order.

    Raises:
        InvalidArgument: No rows, an invalid cell, or hashes that do not fit the cells.
    """
    if not len(rows):
        raise InvalidArgument(f"FILE: {source} holds no cells")
    if (rows["key"] == INVALID).any():
        place = int((rows["key"] == INVALID).argmax())
        raise InvalidArgument(
            f"FILE: {source}: the cell of training {place + 1:,} is not in NASBench-101"
        )
    epochs, epoch_of = np.unique(rows["epochs"], return_inverse=True)
    keys, first, cell_of = np.unique(rows["key"], return_index=True, return_inverse=True)
    hashes = np.ascontiguousarray(rows["hash"]).view(np.uint8).reshape(-1, 16)
    if not np.array_equal(hashes, hashes[first][cell_of]) or len(_distinct(hashes[first])) != len(
        keys
    ):
        raise InvalidArgument(f"FILE: {source}: hashes do not belong to their cells; get it again")
    slot = cell_of * len(epochs) + epoch_of
    repeat = _occurrence(slot)
    shape = (len(keys), len(epochs), int(repeat.max()) + 1, 2, len(FIGURES))
    figures = np.full(shape, np.nan, dtype=rows["figures"].dtype)
    figures[cell_of, epoch_of, repeat] = rows["figures"]
    return Columns(
        keys=keys,
        hashes=hashes[first],
        codes=rows["code"][first],
        params=rows["params"][first],
        figures=figures,
        epochs=tuple(epochs.tolist()),
        source=source,
        synthetic=synthetic,
    )


def _distinct(hashes: NDArray[np.uint8]) -> NDArray[Any]:
    return np.unique(np.ascontiguousarray(hashes).view("<u8").reshape(-1, 2), axis=0)


def _occurrence(values: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many equal values come before each."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    lengths = np.diff(np.r_[starts, len(values)])
    found = np.empty(len(values), dtype=np.intp)
    found[order] = np.arange(len(values)) - np.repeat(starts, lengths)
    return found


def _mapped(path: Path) -> NDArray[Any]:
    """A memory map as a plain array, which is far quicker to index."""
    return np.asarray(np.load(path, mmap_mode="r"))
