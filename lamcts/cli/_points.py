"""Points that are given: ``--arch``, and files or earlier runs to begin with (``--init``)."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lamcts._rows import Row, read_rows
from lamcts.cli._columns import Columns, flat
from lamcts.errors import InvalidArgument, did_you_mean
from lamcts.evaluator import Evaluator
from lamcts.history import TrialState
from lamcts.outcome import as_number, outcome_of
from lamcts.result import load_result
from lamcts.spaces import as_space, from_json
from lamcts.storage import RUN_FILE

__all__ = ["point_of", "read_points"]

_log = logging.getLogger(__name__)


def point_of(evaluator: Evaluator, arch: str) -> Any:
    """The point that ``--arch`` means: in the problem's own words, as JSON, or a file of either.

    Raises:
        InvalidArgument: It is none; and as the problem's ``parse`` raises.
    """
    text = _text_of(arch)
    parse = getattr(evaluator, "parse", None)
    if parse is not None:
        return parse(text)
    space = as_space(evaluator.space)
    try:
        x = from_json(space, json.loads(text))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InvalidArgument(f"--arch: {text!r} is not a point of {space!r}: {error}") from None
    if x not in space:
        raise InvalidArgument(f"--arch: {text!r} is not in {space!r}")
    return x


def _text_of(arch: str) -> str:
    """What the file of this name holds; the text itself where there is none."""
    try:
        return Path(arch).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):  # most architectures are no file's name
        return arch


def read_points(file: Path, evaluator: Evaluator) -> list[Any]:
    """The points of a file, with their values where it has them.

    It may be what ``lamcts export`` wrote (JSON, JSON lines, CSV, Parquet), or a run's folder.
    Trials that did not complete are left out. Columns of which none is ``value`` get a warning.

    Raises:
        InvalidArgument: It cannot be read, or an entry is no point (line and column are named), or
            there is none.
        DependencyNotInstalled: It is a Parquet file, and pyarrow is missing.
        RunError: It is a run that is damaged.
    """
    columns = Columns(as_space(evaluator.space))
    points: list[Any] = []
    names: set[str] = set()
    for place, row in _entries(file, evaluator):
        names |= row.keys()
        try:
            if _is_complete(row.get("state")):
                x, value = columns.point(row), _value(row.get("value"))
                points.append(x if value is None else (x, value))
        except ValueError as error:
            raise InvalidArgument(f"--init: {str(file)!r}, {place}: {error}") from None
    if not points:
        raise InvalidArgument(
            f"--init: {str(file)!r} holds no point, and no trial that is complete; leave it out"
        )
    further = names - columns.bounds.keys() - {"state"}
    if further and "value" not in names:
        words = "--init: %r has no column 'value': its points are evaluated; %s"
        _log.warning(words, str(file), did_you_mean("value", further))
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


def _entries(file: Path, evaluator: Evaluator) -> Iterator[Row]:
    if os.path.isdir(file) or file.name == RUN_FILE:
        yield from _of_run(file, evaluator)
    else:
        for place, row in read_rows(file, field="--init"):
            yield place, flat(row)


def _of_run(folder: Path, evaluator: Evaluator) -> Iterator[Row]:
    result = load_result(folder)
    if result.direction != evaluator.direction:
        raise InvalidArgument(
            f"--init: {str(folder)!r} is to {result.direction}, this problem to "
            f"{evaluator.direction}; give points without their values"
        )
    for trial in result.trials_to_json():
        yield f"trial {trial['number']}", flat(trial)
