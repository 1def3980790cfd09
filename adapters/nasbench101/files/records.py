"""What stands in an official record: JSON of hash, epochs, matrix, operations and metrics."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.nasbench101.cell import INPUT, MAX_VERTICES, OPS, OUTPUT
from lamcts.adapters.nasbench101.files.columns import FIGURES, row_type
from lamcts.adapters.nasbench101.files.metrics import Snapshot, read_metrics
from lamcts.adapters.nasbench101.files.tfrecord import Record
from lamcts.adapters.nasbench101.fingerprint import fingerprints, pack
from lamcts.adapters.nasbench101.space import FRAME_EDGES
from lamcts.errors import InvalidArgument

__all__ = ["ROW", "checkpoint_of", "frame_edges", "frame_ops", "read_rows"]

#: A training of the official files, whose figures are single-precision numbers.
ROW = row_type("<f4")

_PLACES = {edge: place for place, edge in enumerate(FRAME_EDGES)}
_OP_NUMBERS = {op: number for number, op in enumerate(OPS)}


def read_rows(records: Sequence[Record], source: str) -> NDArray[Any]:
    """The trainings in some records, as an array of `ROW`.

    Raises:
        InvalidArgument: A record holds something else, or accuracies outside [0, 1].
    """
    parsed = []
    for record in records:
        try:
            parsed.append(_parse(record.payload))
        except (ValueError, TypeError, KeyError) as error:
            at = record.end - len(record.payload)
            raise InvalidArgument(
                f"FILE: {source}: the record at byte {at:,} is none of NASBench-101 ({error})"
            ) from None
    edges, ops, hashes, params, epochs, figures = zip(*parsed, strict=True)
    rows = np.zeros(len(records), dtype=ROW)
    rows["end"] = [record.end for record in records]
    rows["key"] = fingerprints(edges, ops)
    rows["code"] = pack(edges, ops)
    rows["hash"] = np.frombuffer(b"".join(hashes), dtype="V16")
    rows["params"] = params
    rows["epochs"] = epochs
    rows["figures"] = figures
    _check_figures(rows, source)
    return rows


def checkpoint_of(record: Record) -> str:
    """Where the network of a record was stored, which tells where the record is from."""
    snapshots = read_metrics(base64.b64decode(json.loads(record.payload)[4])).snapshots
    return snapshots[-1].checkpoint if snapshots else ""


@lru_cache(maxsize=20_000)
def frame_edges(adjacency: str) -> tuple[int, ...]:
    """The 21 bits of a matrix given row by row as V x V digits.

    Raises:
        ValueError: No square of 4 to 49 zeros and ones, or not strictly upper triangular.
    """
    size = round(len(adjacency) ** 0.5)
    if size * size != len(adjacency) or not 2 <= size <= MAX_VERTICES or set(adjacency) - {*"01"}:
        raise ValueError(f"adjacency {adjacency!r}")
    bits = [0] * len(FRAME_EDGES)
    for place, digit in enumerate(adjacency):
        if digit == "1":
            source, target = divmod(place, size)
            if target <= source:
                raise ValueError(f"adjacency {adjacency!r} is not upper triangular")
            bits[_PLACES[source, MAX_VERTICES - 1 if target == size - 1 else target]] = 1
    return tuple(bits)


@lru_cache(maxsize=1000)
def frame_ops(operations: str) -> tuple[int, ...]:
    """The 5 operation numbers of a comma list from ``input`` to ``output``.

    Raises:
        ValueError: Another first, last or inner operation, or too many.
    """
    first, *inner, last = operations.split(",")
    known = first == INPUT and last == OUTPUT and set(inner) <= set(OPS)
    if not known or len(inner) > MAX_VERTICES - 2:
        raise ValueError(f"operations {operations!r}")
    numbers = [_OP_NUMBERS[op] for op in inner]
    return (*numbers, *[0] * (MAX_VERTICES - 2 - len(inner)))


def _parse(payload: bytes) -> tuple[Any, ...]:
    cell_hash, epochs, adjacency, operations, encoded = json.loads(payload)
    if len(adjacency) != (operations.count(",") + 1) ** 2:
        raise ValueError(f"{operations!r} for a matrix of {len(adjacency)}")
    metrics = read_metrics(base64.b64decode(encoded))
    if len(metrics.snapshots) != 3:
        raise ValueError(f"{len(metrics.snapshots)} evaluations, not 3")
    _, halfway, final = metrics.snapshots
    if len(cell_hash) != 32:
        raise ValueError(f"hash {cell_hash!r}")
    return (
        frame_edges(adjacency),
        frame_ops(operations),
        bytes.fromhex(cell_hash),
        metrics.params,
        int(epochs),
        (_figures(halfway), _figures(final)),
    )


def _figures(snapshot: Snapshot) -> tuple[float, ...]:
    """In the order of `FIGURES`."""
    return (snapshot.train, snapshot.validation, snapshot.test, snapshot.seconds)


def _check_figures(rows: NDArray[Any], source: str) -> None:
    """Refuse what no training gives: a damaged record may parse all the same."""
    figures = rows["figures"]
    accuracies = figures[..., : FIGURES.index("training_time")]
    possible = np.isfinite(figures).all() and accuracies.min() >= 0 and accuracies.max() <= 1
    if not possible or figures.min() < 0:
        raise InvalidArgument(
            f"FILE: {source}: a figure before byte {int(rows['end'][-1]):,} is no accuracy or time "
            "of a training; the file is damaged, get it again"
        )
