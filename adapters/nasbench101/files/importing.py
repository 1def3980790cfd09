"""The importer of `lamcts.datasets` for NASBench-101, and the choice of a reader by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lamcts.adapters.nasbench101.files.columns import Columns, is_saved, open_columns
from lamcts.adapters.nasbench101.files.convert import read_tfrecord
from lamcts.adapters.nasbench101.files.text import read_csv, read_lanas
from lamcts.adapters.nasbench101.files.tfrecord import is_tfrecord
from lamcts.errors import InvalidArgument

__all__ = ["import_file", "read_text"]

#: Classes of isomorphic cells in NASBench-101: what a whole table holds.
_ALL_CELLS = 423_624


def import_file(
    source: Path,
    folder: Path,
    *,
    verify: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Turn an official TFRecord, LaNAS' JSON or a CSV into a folder of columns.

    Args:
        source: The file.
        folder: Where the columns go.
        verify: Check the check sums of a TFRecord.
        progress: To be told the bytes read, and those there are.

    Returns:
        Counts, and ``summary``.

    Raises:
        InvalidArgument: The file is damaged, cut off, or none of these.
    """
    if is_saved(folder):  # killed between here and being moved to its place
        return _facts(open_columns(folder))
    if is_tfrecord(source):
        columns = read_tfrecord(source, folder, verify=verify, progress=progress)
    else:
        columns = read_text(source)
    columns.save(folder)
    return _facts(columns)


def read_text(source: Path) -> Columns:
    """The columns of a CSV or of LaNAS' JSON.

    Raises:
        InvalidArgument: The file is damaged, or of another kind.
    """
    with source.open("rb") as stream:
        start = stream.read(4096).lstrip()
    if start.startswith(b"["):
        return read_lanas(source)
    if b"adjacency" in start.partition(b"\n")[0]:
        return read_csv(source)
    raise InvalidArgument(
        f"FILE: {source} is no table of NASBench-101: no TFRecord, no JSON list, no CSV with a "
        "column adjacency"
    )


def _facts(columns: Columns) -> dict[str, Any]:
    facts = columns.facts()
    words = [f"{len(columns):,} cells"]
    if len(columns) < _ALL_CELLS:
        words[0] += f" of {_ALL_CELLS:,}"
    words.append(f"epochs {', '.join(map(str, columns.epochs))}")
    words.append(f"trainings a cell: {columns.repeats}" + (", with gaps" * facts["gaps"]))
    if columns.synthetic:
        words.append("SYNTHETIC: figures made up")
    return {**facts, "summary": "; ".join(words)}
