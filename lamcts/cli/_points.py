"""Points to begin with, from a file or an earlier run: ``lamcts run --init``."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamcts.cli._columns import Columns, flat
from lamcts.errors import DependencyNotInstalled, InvalidArgument, did_you_mean
from lamcts.evaluator import Evaluator
from lamcts.history import TrialState
from lamcts.outcome import as_number, outcome_of
from lamcts.result import load_result
from lamcts.spaces import as_space
from lamcts.storage import RUN_FILE

__all__ = ["read_points"]

Entry = tuple[str, dict[str, Any]]  # where it stands, for messages, and its columns


def read_points(file: Path, evaluator: Evaluator) -> list[Any]:
    """The points of a file, with their values where it has them.

    It may be what ``lamcts export`` wrote (JSON, JSON lines, CSV, Parquet), or a run's folder.
    Trials that did not complete are left out.

    Raises:
        InvalidArgument: It cannot be read, or an entry is no point; line and column are named.
        DependencyNotInstalled: It is a Parquet file, and pyarrow is missing.
        RunError: It is a run that is damaged.
    """
    columns = Columns(as_space(evaluator.space))
    points: list[Any] = []
    for place, row in _entries(file, evaluator):
        try:
            if _is_complete(row.get("state")):
                x, value = columns.point(row), _value(row.get("value"))
                points.append(x if value is None else (x, value))
        except ValueError as error:
            raise InvalidArgument(f"--init: {str(file)!r}, {place}: {error}") from None
    return points


def _is_complete(cell: Any) -> bool:
    if cell is not None and cell not in list(TrialState):
        raise ValueError(
            f"column state: {cell!r} is no state; {did_you_mean(str(cell), [*TrialState])}"
        )
    return cell in (None, TrialState.COMPLETE)


def _value(cell: Any) -> float | None:
    if cell is None:
        return None
    if outcome_of(cell).state is not TrialState.COMPLETE:
        raise ValueError(f"column value: {cell!r} is no finite number; leave it out to evaluate")
    return as_number(cell)


def _entries(file: Path, evaluator: Evaluator) -> Iterator[Entry]:
    if os.path.isdir(file) or file.name == RUN_FILE:
        yield from _of_run(file, evaluator)
        return
    try:
        data = file.read_bytes()
        if file.suffix == ".parquet":
            yield from _of_parquet(file, data)
        elif file.suffix == ".csv":
            yield from _of_csv(file, data.decode("utf-8-sig"))
        else:
            yield from _of_json(file, data.decode("utf-8-sig"))
    except OSError as error:
        why = error.strerror or error
        raise InvalidArgument(f"--init: {str(file)!r} cannot be read: {why}") from None
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"--init: {str(file)!r} is not UTF-8: {error}") from None


def _of_run(folder: Path, evaluator: Evaluator) -> Iterator[Entry]:
    result = load_result(folder)
    if result.direction != evaluator.direction:
        raise InvalidArgument(
            f"--init: {str(folder)!r} is to {result.direction}, this problem to "
            f"{evaluator.direction}; give points without their values"
        )
    for trial in result.trials_to_json():
        yield f"trial {trial['number']}", flat(trial)


def _of_json(file: Path, text: str) -> Iterator[Entry]:
    """The objects of a JSON list, or of JSON lines."""
    if text.lstrip().startswith("["):
        entries = [(f"entry {i}", item) for i, item in enumerate(_parsed(file, text), 1)]
    else:
        lines = [(i, line) for i, line in enumerate(text.split("\n"), 1) if line.strip()]
        entries = [(f"line {i}", _parsed(file, line, i)) for i, line in lines]
    for place, item in entries:
        if not isinstance(item, dict):
            raise InvalidArgument(
                f"--init: {str(file)!r}, {place}: {json.dumps(item)[:60]} is no object; "
                'write {"x": ..., "value": ...}'
            )
        yield place, flat(item)


def _parsed(file: Path, text: str, line: int = 1) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {line + error.lineno - 1}, column {error.colno}"
        raise InvalidArgument(f"--init: {str(file)!r} is not JSON: {place}: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # too long a number, too deep a nesting
        raise InvalidArgument(f"--init: {str(file)!r} is not JSON: line {line}: {error}") from None


def _of_csv(file: Path, text: str) -> Iterator[Entry]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next(reader, [])
        if len(set(names)) < len(names):
            raise csv.Error("two columns have one name")
        first = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(names):
                raise csv.Error(f"{len(cells)} cells under {len(names)} names")
            if cells:
                yield f"line {first}", dict(zip(names, map(_cell, cells), strict=True))
            first = reader.line_num + 1
    except csv.Error as error:
        raise InvalidArgument(
            f"--init: {str(file)!r} is not CSV: line {reader.line_num}: {error}"
        ) from None


def _cell(text: str) -> Any:
    """A number where it is one; nothing where it is empty."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return text or None


def _of_parquet(file: Path, data: bytes) -> Iterator[Entry]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DependencyNotInstalled(
            '--init: Parquet files need pyarrow; run: pip install "lamcts[parquet]"'
        ) from error
    try:
        rows = parquet.read_table(pyarrow.BufferReader(data)).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        first, *_ = str(error).splitlines() or [""]
        raise InvalidArgument(f"--init: {str(file)!r} is not Parquet: {first}") from None
    for i, row in enumerate(rows, 1):
        yield f"row {i}", row
