"""From an official file to columns, once; a conversion that was killed goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lamcts.adapters.nasbench101.files.columns import Columns, group_rows
from lamcts.adapters.nasbench101.files.records import ROW, checkpoint_of, read_rows
from lamcts.adapters.nasbench101.files.synthetic import CHECKPOINT
from lamcts.adapters.nasbench101.files.tfrecord import read_batches

__all__ = ["read_tfrecord"]

#: Called with the bytes done and the bytes there are.
Progress = Callable[[int, int], None]

_ROWS = "rows.bin"


def read_tfrecord(
    source: Path, scratch: Path, *, verify: bool = False, progress: Progress | None = None
) -> Columns:
    """The columns of an official file.

    Rows read so far are kept in ``scratch`` and deleted at the end. Each says where in the source
    it ends, so that the last whole one tells where to go on.

    Args:
        source: A ``.tfrecord`` file.
        scratch: A folder that belongs to this source.
        verify: Check all check sums, some seconds more.
        progress: What is told how far the reading is.

    Raises:
        InvalidArgument: The file is damaged, cut off, or of another kind.
    """
    kept = scratch / _ROWS
    start = _whole_rows(kept)
    size = source.stat().st_size
    with kept.open("ab") as stream:
        for batch in read_batches(source, start=start, verify=verify):
            stream.write(read_rows(batch, str(source)).tobytes())
            stream.flush()
            os.fsync(stream.fileno())
            if progress is not None:
                progress(batch[-1].end, size)
    rows = np.fromfile(kept, dtype=ROW)
    synthetic = bool(len(rows)) and _is_synthetic(source)
    columns = group_rows(rows, str(source), synthetic=synthetic)
    kept.unlink()
    return columns


def _whole_rows(kept: Path) -> int:
    """Cut a row off that was not written to its end; where in the source the last one ends."""
    if not kept.exists():
        return 0
    whole = kept.stat().st_size // ROW.itemsize
    os.truncate(kept, whole * ROW.itemsize)
    if not whole:
        return 0
    last = np.fromfile(kept, dtype=ROW, offset=(whole - 1) * ROW.itemsize)
    return int(last["end"][0])


def _is_synthetic(source: Path) -> bool:
    return checkpoint_of(next(read_batches(source))[0]).startswith(CHECKPOINT)
