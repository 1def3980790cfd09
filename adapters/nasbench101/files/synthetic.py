"""Files in the official format with made-up figures: to test with, where the real one is not.

The cells, their hashes and their parameters are real. The accuracies are a formula of depth,
operations and a little noise, the times a formula of the parameters: they say nothing about
NASBench-101. Every record's checkpoint path begins with ``synthetic``, by which readers know.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAX_VERTICES, Cell
from lamcts.adapters.nasbench101.cost import network_cost
from lamcts.adapters.nasbench101.enumeration import all_cells
from lamcts.adapters.nasbench101.files.metrics import Metrics, Snapshot, write_metrics
from lamcts.adapters.nasbench101.files.tfrecord import write_records
from lamcts.adapters.nasbench101.isomorphism import cell_hash, depths
from lamcts.adapters.nasbench101.space import decode

__all__ = ["CHECKPOINT", "write_synthetic"]

CHECKPOINT = "synthetic"
#: Images that an accuracy is measured on in NASBench-101: accuracies are multiples of its inverse.
_IMAGES = 9984


def write_synthetic(
    path: Path,
    *,
    max_vertices: int = MAX_VERTICES,
    epochs: Sequence[int] = (108,),
    repeats: int = 3,
    seed: int = 0,
) -> int:
    """Write every cell of at most so many vertices, trained in imagination.

    Args:
        path: The file; its name should say ``synthetic``.
        max_vertices: From 2 (one cell) to 7 (423,624 cells, some minutes).
        epochs: Lengths of the trainings; the official full file has 4, 12, 36 and 108.
        repeats: Trainings of each cell and length.
        seed: Fixes the noise.

    Returns:
        The number of records.
    """
    edges, ops = all_cells(max_vertices)
    rng = np.random.default_rng(seed)
    cells = (
        decode({"edges": bits, "ops": labels}) for bits, labels in zip(edges, ops, strict=True)
    )
    records = (
        record
        for cell in cells
        for record in _records(cell, [e for e in epochs for _ in range(repeats)], rng)
    )
    write_records(path, records)
    return len(edges) * len(epochs) * repeats


def _records(cell: Cell, trainings: Sequence[int], rng: np.random.Generator) -> Iterator[bytes]:
    """The payloads of one cell's trainings."""
    name = cell_hash(cell)
    params = network_cost(cell).params
    adjacency = "".join(str(bit) for row in cell.adjacency for bit in row)
    operations = ",".join(cell.ops)
    quality = _quality(cell)
    for epochs in trainings:
        seconds = 10 * epochs + 2e-7 * epochs * params
        halfway, final = (
            _snapshot(moment, seconds * moment / epochs, quality, rng)
            for moment in (epochs / 2, float(epochs))
        )
        start = Snapshot(checkpoint=f"{CHECKPOINT}/{name}")
        metrics = write_metrics(Metrics((start, halfway, final), params, seconds))
        content = [name, epochs, adjacency, operations, base64.b64encode(metrics).decode()]
        yield json.dumps(content).encode()


def _quality(cell: Cell) -> float:
    """A figure in (0, 1): deeper is better up to a point, and so are 3x3 convolutions."""
    inner = cell.ops[1:-1]
    convolutions = (inner.count(CONV3X3) + 0.6 * inner.count(CONV1X1)) / 5
    depth = depths(cell)[-1] - 1
    return 0.2 + 0.5 * convolutions + 0.25 * math.exp(-((depth - 3.0) ** 2) / 4)


def _snapshot(epoch: float, seconds: float, quality: float, rng: np.random.Generator) -> Snapshot:
    progress = epoch / (epoch + 6)
    noise = rng.normal(0.0, 0.004, size=3)
    train, validation, test = (
        float(np.float32(round(_IMAGES * min(1.0, max(0.1, wanted))) / _IMAGES))
        for wanted in progress * (0.75 + 0.22 * quality) + np.array([0.03, 0.0, -0.006]) + noise
    )
    return Snapshot(
        epoch, float(np.float32(seconds)), train, validation, test, f"{CHECKPOINT}/{epoch:g}"
    )
