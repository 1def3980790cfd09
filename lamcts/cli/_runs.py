"""Commands about stored runs: ``list``, ``show`` and ``plot``, which only read, and ``repair``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from lamcts.cli._app import app
from lamcts.cli._options import Json, RunFolder
from lamcts.cli._output import number, print_json, print_table, print_text, say
from lamcts.cli._summary import print_summary
from lamcts.errors import InvalidArgument, LamctsError, RunError, did_you_mean
from lamcts.result import Result, load_result
from lamcts.storage import RUN_FILE, list_runs, repair, run_path

__all__ = ["RUNS", "find_run", "fits_several"]

RUNS = Path("runs")  # where runs are kept, in the current folder
_SHOWN = 8  # lines and trials that are named one by one
_NEWEST = 3  # runs that are named where another was meant


def find_run(run: str) -> Path:
    """The folder of a run given by its path, or by the last part of it under ``runs/``.

    Raises:
        RunError: There is none, or the name fits several.
    """
    # os.path: false, and no error, for what no file could be called
    if os.path.isfile(run) or os.path.isfile(os.path.join(run, RUN_FILE)):
        return run_path(run)
    folders = list_runs(RUNS)
    fits = [folder for folder in folders if folder.name == run]
    if not fits and os.path.exists(run):
        return run_path(run)  # which says that there is none in it
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise fits_several(run, fits)
    raise RunError(f"RUN: {run!r} is no run; {_others(run, folders)}")


def _others(run: str, folders: Sequence[Path]) -> str:
    """The run that was meant, or else the newest: there may be hundreds."""
    inside = [folder for folder in folders if folder.parent.name == run]  # a sweep, a problem
    near = did_you_mean(run, {name for f in folders for name in (f.name, str(f))})
    if near.startswith("did") and not inside:
        return near
    if not folders:
        return f"there are none under {RUNS}; start one with: lamcts run PROBLEM"
    newest = ", ".join(map(str, (inside or folders)[: -_NEWEST - 1 : -1]))
    return f"the newest: {newest}; all: lamcts list"


def fits_several(run: str, folders: Sequence[Path]) -> RunError:
    """What to say of a name that several folders have."""
    return RunError(f"RUN: {run!r} fits {', '.join(map(str, folders))}; give the whole path")


@app.command("list")
def list_command(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = RUNS, json: Json = False
) -> None:
    """List the runs, oldest first."""
    if folder != RUNS and not os.path.isdir(folder):
        raise InvalidArgument(f"FOLDER: {str(folder)!r} is no folder; give one with runs, or none")
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
    done = sum(trial.state.finished for trial in result.trials) - result.known
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
def plot(
    run: RunFolder,
    out: Annotated[
        str | None,
        typer.Option(
            help="An image file: .png, .svg or .pdf.  [default: plot.png in the run's folder]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Draw a run: values by trial, the best points across the variables, learning curves."""
    from lamcts.plots import plot_run

    result = load_result(find_run(run))
    assert result.folder is not None
    if out is not None and not Path(out).suffix:  # it would be written under another name
        raise InvalidArgument(f"--out: {out!r} has no ending; write for example {out or 'run'}.png")
    file = Path(out) if out is not None else result.folder / "plot.png"
    figure = plot_run(result)
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"--out: {str(file)!r} cannot be written: {error}") from None
    say(f"drew {file}")


@app.command("repair")
def repair_command(run: RunFolder) -> None:
    """Mend a damaged run file: every whole trial is kept, and the damaged file beside it."""
    done = repair(find_run(run))
    if done is None:
        say("nothing to repair")
        return
    print_text(f"kept          {done.kept} trials with their outcome")
    if done.open:
        print_text(f"no outcome    {_numbers(done.open)}: evaluated again by resume")
    if done.lost:
        print_text(f"lost          {_numbers(done.lost)}: where it was cannot be read")
    for line, why in done.dropped[:_SHOWN]:
        print_text(f"line {line:<8} {why}")
    if len(done.dropped) > _SHOWN:
        print_text(f"... and {len(done.dropped) - _SHOWN} lines more")
    say(f"the damaged file is kept: {done.original}")
    say(f"go on with: lamcts resume {shlex.quote(str(done.folder))}")


def _numbers(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    word = "trial" if len(numbers) == 1 else "trials"
    return f"{word} {shown}" + (f" and {len(numbers) - _SHOWN} more" if numbers[_SHOWN:] else "")
