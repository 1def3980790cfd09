"""Tables of cells in other files: CSV with a column for each figure, and LaNAS' own JSON."""

from __future__ import annotations

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.adapters.nasbench101.cell import MAX_VERTICES, OPS
from lamcts.adapters.nasbench101.cost import network_cost
from lamcts.adapters.nasbench101.files.columns import (
    FIGURES,
    FINAL,
    HALFWAY,
    Columns,
    group_rows,
    row_type,
)
from lamcts.adapters.nasbench101.files.records import frame_edges, frame_ops
from lamcts.adapters.nasbench101.fingerprint import fingerprints, pack
from lamcts.adapters.nasbench101.isomorphism import cell_hash
from lamcts.adapters.nasbench101.space import decode
from lamcts.errors import InvalidArgument

__all__ = ["read_csv", "read_lanas"]

_ACCURACY = re.compile(r"(train|val|valid|validation|test)_acc(?:uracy)?(?:_(\d+)ep)?")
_TIME = re.compile(r"train(?:ing)?_time(?:_s)?(?:_(\d+)ep)?")
_PARTS = {"train": 0, "val": 1, "valid": 1, "validation": 1, "test": 2}
_SECONDS = FIGURES.index("training_time")
_TEST = FIGURES.index("test_accuracy")

#: LaNAS' codes of vertices that are documented by its code; its file holds two more.
_INPUT_CODE, _CONV3X3_CODE, _OUTPUT_CODE = -1.0, 0.5, 1.0
_MATRIX = MAX_VERTICES * (MAX_VERTICES - 1)  # 42 places for it, then 7 codes


def read_csv(path: Path) -> Columns:
    """A table with ``adjacency`` (V x V digits, row by row), ``operations`` and figures.

    Figures are in ``train_acc_108ep``, ``val_acc_108ep``, ``test_acc_108ep`` (in [0, 1]) and
    ``train_time_s_108ep``, whatever the epochs; where a column ``epochs`` has them, the names end
    before. Columns of half another column's epochs are that training's halfway figures, after half
    of its time where they do not say. Rows of isomorphic cells are repeats. Other columns are left
    aside, but a ``hash`` must be right.

    Raises:
        InvalidArgument: A column is missing, or a row means no cell.
    """
    rows: list[tuple[Any, ...]] = []
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        try:
            names = reader.fieldnames or []
            places = {name: place for name in names if (place := _place(name)) is not None}
            for row in reader:
                edges, ops = frame_edges(row["adjacency"]), frame_ops(row["operations"])
                for epochs, figures in _trainings(row, places):
                    rows.append((edges, ops, epochs, figures, row.get("hash")))
        except UnicodeDecodeError as error:
            raise InvalidArgument(f"FILE: {path} is no text in UTF-8 ({error})") from None
        except (KeyError, ValueError, TypeError, AttributeError, csv.Error) as error:
            raise InvalidArgument(f"FILE: {path}, line {reader.line_num}: {error}") from None
    if not rows:
        raise InvalidArgument(
            f"FILE: {path} holds no figures; name columns like val_acc_108ep, or val_acc beside "
            "a column epochs"
        )
    return _columns(*map(list, zip(*rows, strict=True)), source=str(path))


def read_lanas(
    path: Path, *, conv1x1: float | None = None, maxpool: float | None = None
) -> Columns:
    """LaNAS' ``nasbench_dataset``: a JSON list of ``{"feature": 49 floats, "acc": accuracy}``.

    The features are the V x V matrix row by row, padded or cut to 42 (a position means another
    edge for another V), then 7 vertex codes: input -1, conv3x3 0.5, output 1, padding 0. The codes
    of the other two operations are not documented. The accuracy is the mean test accuracy after
    108 epochs; there is no validation accuracy in it.

    Args:
        path: The file.
        conv1x1: The code of 1x1 convolutions, and
        maxpool: that of max-pooling. Left out, the two codes found are told apart by the cells
            that have no other operation: those of max-pooling alone are the worst.

    Raises:
        InvalidArgument: It is another file, or the codes cannot be told apart.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        features = np.array([entry["feature"] for entry in content], dtype=np.float64)
        accuracies = np.array([entry["acc"] for entry in content], dtype=np.float64)
        if features.shape[1:] != (_MATRIX + MAX_VERTICES,):
            raise ValueError(f"features of shape {features.shape[1:]}, not 49")
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidArgument(f"FILE: {path} is no nasbench_dataset of LaNAS ({error})") from None
    codes = features[:, _MATRIX:]
    if conv1x1 is None or maxpool is None:
        conv1x1, maxpool = _tell_apart(codes, accuracies, path)
    numbers = {_CONV3X3_CODE: 0, conv1x1: 1, maxpool: 2}
    try:
        cells = [_lanas_cell(row, numbers) for row in features]
    except (ValueError, KeyError) as error:
        raise InvalidArgument(f"FILE: {path}: a feature vector is no cell ({error})") from None
    edges, ops = zip(*cells, strict=True)
    figures = np.full((len(cells), 2, len(FIGURES)), np.nan)
    figures[:, FINAL, _TEST] = accuracies
    return _columns(edges, ops, [108] * len(cells), figures, source=str(path))


def _place(name: str) -> tuple[int | None, int] | None:
    """Epochs (``None``: in a column of their own) and figure of a column, if it has one."""
    if match := _ACCURACY.fullmatch(name):
        return (int(match[2]) if match[2] else None), _PARTS[match[1]]
    if match := _TIME.fullmatch(name):
        return (int(match[1]) if match[1] else None), _SECONDS
    return None


def _trainings(
    row: Mapping[str, str], places: Mapping[str, tuple[int | None, int]]
) -> Iterable[tuple[int, NDArray[np.float64]]]:
    """Epochs and figures, (2, 4), of every training in a row of a CSV."""
    found: dict[int, NDArray[np.float64]] = {}
    for name, (named, figure) in places.items():
        epochs = int(row["epochs"]) if named is None else named
        figures = found.setdefault(epochs, np.full((2, len(FIGURES)), np.nan))
        if not row[name]:
            continue
        value = float(row[name])
        if not 0.0 <= value <= (sys.float_info.max if figure == _SECONDS else 1.0):
            kind = "seconds are from 0 up" if figure == _SECONDS else "accuracies are from 0 to 1"
            raise ValueError(f"{name} is {row[name]}; {kind}")
        figures[FINAL, figure] = value
    for epochs in sorted(found):
        if 2 * epochs in found:
            half, whole = found.pop(epochs)[FINAL], found[2 * epochs]
            if math.isnan(half[_SECONDS]):  # it is what a query of it costs
                half[_SECONDS] = whole[FINAL, _SECONDS] / 2
            whole[HALFWAY] = half
    return found.items()


def _tell_apart(
    codes: NDArray[np.float64], accuracies: NDArray[np.float64], path: Path
) -> tuple[float, float]:
    """The codes of 1x1 convolution and of max-pooling."""
    documented = (_INPUT_CODE, _CONV3X3_CODE, _OUTPUT_CODE, 0.0)
    others = sorted(set(np.unique(codes).tolist()) - set(documented))
    means = {}
    for code in others:
        alone = np.isin(codes, [_INPUT_CODE, _OUTPUT_CODE, 0.0, code]).all(axis=1)
        alone &= (codes == code).any(axis=1)
        if alone.any():
            means[code] = float(accuracies[alone].mean())
    if len(others) != 2 or len(means) != 2:
        raise InvalidArgument(
            f"FILE: {path}: its vertex codes {others} cannot be told apart; read it with "
            "read_lanas(path, conv1x1=..., maxpool=...)"
        )
    worst = min(others, key=means.__getitem__)
    (better,) = set(others) - {worst}
    return better, worst


def _lanas_cell(
    feature: NDArray[np.float64], numbers: Mapping[float, int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    codes = feature[_MATRIX:].tolist()
    size = codes.index(_OUTPUT_CODE) + 1
    cut = feature[: min(size * size, _MATRIX)]
    adjacency = "".join(f"{digit:.0f}" for digit in cut).ljust(size * size, "0")
    inner = [OPS[numbers[code]] for code in codes[1 : size - 1]]
    return frame_edges(adjacency), frame_ops(",".join(["input", *inner, "output"]))


def _columns(
    edges: ArrayLike,
    ops: ArrayLike,
    epochs: ArrayLike,
    figures: ArrayLike,
    hashes: Sequence[str | None] = (),
    *,
    source: str,
) -> Columns:
    """Columns from trainings; hash and parameters are computed, once a class of cells.

    Args:
        edges: (n, 21) bits.
        ops: (n, 5) operation numbers.
        epochs: (n,) lengths.
        figures: (n, 2, 4).
        hashes: What the file says the hashes are, if it does.
        source: Where they are from.
    """
    bits, labels = np.asarray(edges), np.asarray(ops)
    rows = np.zeros(len(bits), dtype=row_type("<f8"))
    rows["key"] = fingerprints(bits, labels)
    rows["code"] = pack(bits, labels)
    rows["epochs"] = epochs
    rows["figures"] = figures
    _, first, cell_of = np.unique(rows["key"], return_index=True, return_inverse=True)
    cells = [decode({"edges": bits[row], "ops": labels[row]}) for row in first]
    found = [cell_hash(cell) for cell in cells]
    for place, given in zip(cell_of, hashes, strict=False):
        if given and given != found[place]:
            raise InvalidArgument(f"FILE: {source}: hash {given} does not belong to its cell")
    rows["hash"] = np.frombuffer(bytes.fromhex("".join(found)), dtype="V16")[cell_of]
    rows["params"] = np.array([network_cost(cell).params for cell in cells])[cell_of]
    return group_rows(rows, source)
