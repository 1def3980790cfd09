"""Commands about stored runs: ``list``, ``show``, ``export``. They only ever read."""

from __future__ import annotations

import csv
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from lamcts.cli._app import app
from lamcts.cli._options import Json, RunFolder
from lamcts.cli._output import number, print_json, print_table, say
from lamcts.cli._summary import print_summary
from lamcts.errors import LamctsError, RunError, did_you_mean
from lamcts.result import Result, load_result
from lamcts.storage import list_runs, run_path

__all__ = ["RUNS", "find_run"]

RUNS = Path("runs")  # where runs are kept, in the current folder


class Format(str, Enum):
    """What ``lamcts export`` writes."""

    json = "json"
    csv = "csv"


def find_run(run: str) -> Path:
    """The folder of a run given by its path, or by the last part of it under ``runs/``.

    Raises:
        RunError: There is none, or the name fits several.
    """
    if Path(run).exists():
        return run_path(run)
    folders = list_runs(RUNS)
    fits = [folder for folder in folders if folder.name == run]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise RunError(f"RUN: {run!r} fits {', '.join(map(str, fits))}; give the whole path")
    raise RunError(f"RUN: {run!r} is no run; {did_you_mean(run, map(str, folders))}")


@app.command("list")
def list_command(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = RUNS, json: Json = False
) -> None:
    """List the runs, oldest first."""
    results = [result for path in list_runs(folder) if (result := _readable(path)) is not None]
    if json:
        print_json([result.to_json() for result in results])
    elif results:
        header = ("run", "optimizer", "trials", "best value", "ended")
        print_table(map(_row, results), header=header)
    else:
        say(f"no runs under {folder}; start one with: lamcts run PROBLEM")


def _readable(path: Path) -> Result | None:
    """The result of a run; a damaged one is named and does not hide the others."""
    try:
        return load_result(path)
    except LamctsError as error:
        say(f"skipped: {error}")
        return None


def _row(result: Result) -> tuple[str, ...]:
    done = sum(trial.state.finished for trial in result.trials)
    try:
        best = number(result.best.value)
    except LamctsError:
        best = "-"
    trials = f"{done}/{result.budget}"
    return (str(result.folder), result.optimizer, trials, best, result.stopped)


@app.command()
def show(run: RunFolder, json: Json = False) -> None:
    """Show what a run found, finished or not."""
    result = load_result(find_run(run))
    if json:
        print_json(result.to_json())
    else:
        print_summary(result)


@app.command()
def export(
    run: RunFolder,
    format: Annotated[Format, typer.Option("--format", help="json: a list; csv: a table.")] = (
        Format.json
    ),
) -> None:
    """Print every trial of a run; the JSON can be given to ``lamcts run --init``."""
    trials = load_result(find_run(run)).trials_to_json()
    if format is Format.json:
        print_json(trials)
        return
    rows = [dict(_flat(trial)) for trial in trials]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _flat(data: Any, name: str = "") -> list[tuple[str, Any]]:
    """Nested values as columns: ``x[0]``, ``x.cell``, ``metrics.loss``."""
    if isinstance(data, dict):
        parts = [(f"{name}.{key}" if name else key, value) for key, value in data.items()]
    elif isinstance(data, list):
        parts = [(f"{name}[{i}]", value) for i, value in enumerate(data)]
    else:
        return [(name, data)]
    return [pair for part, value in parts for pair in _flat(value, part)]
