"""``lamcts run --sweep``: a search a limit, and a table of what each found."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

import typer

from lamcts.callbacks import Callback
from lamcts.cli._app import INTERRUPTED
from lamcts.cli._output import number, print_json, print_table, print_text, say
from lamcts.cli._runs import RUNS, fits_several
from lamcts.errors import LamctsError
from lamcts.progress import Progress
from lamcts.result import Result
from lamcts.run import Run
from lamcts.storage import RUN_FILE, list_runs
from lamcts.sweeps import SWEEP_FILE

__all__ = ["find_sweep", "report_sweep"]

Results = Mapping[str, Result]


def find_sweep(name: str) -> Path | None:
    """The folder of a sweep given by its path, or by the last part of it under ``runs/``.

    Raises:
        RunError: The name fits several, or a run too.
    """
    if name and os.path.isfile(os.path.join(name, SWEEP_FILE)):  # false for what is no path
        return Path(name)
    if os.path.isfile(os.path.join(name, RUN_FILE)):
        return None
    files = sorted(RUNS.glob(f"*/*/{SWEEP_FILE}"))
    fits = [file.parent for file in files if file.parent.name == name]
    if fits and len(both := [*fits, *(run for run in list_runs(RUNS) if run.name == name)]) > 1:
        raise fits_several(name, both)
    return fits[0] if fits else None


def report_sweep(search: Callable[[list[Callback]], Results], *, json: bool, quiet: bool) -> None:
    """Search with progress shown, print what was found under each limit, and exit accordingly."""
    with Progress() as progress:
        results = search([] if quiet else [_Heading(), progress])
    if json:
        print_json([{"limit": text, **result.to_json()} for text, result in results.items()])
    else:
        _print_table(results)
    last = list(results.values())[-1]
    if last.folder is not None and not json:
        print_text(f"run  {last.folder.parent}")
    if last.stopped in ("interrupted", "timeout") and last.folder is not None:
        say(f"go on with: lamcts resume {shlex.quote(str(last.folder.parent))}")
    if last.stopped == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if not any(result.counts["complete"] for result in results.values()):
        raise typer.Exit(1)


class _Heading(Callback):
    """Says which limit is searched under, and the problem's notice once."""

    def __init__(self) -> None:
        self._noticed = False

    def on_run_start(self, run: Run) -> None:
        if run.evaluator.notice and not self._noticed:
            say(run.evaluator.notice)
        self._noticed = True
        say(f"within {', '.join(run.config.constraints)}")


def _print_table(results: Results) -> None:
    costs = list(dict.fromkeys(name for r in results.values() for t in r.trials for name in t.cost))
    rows = []
    for text, result in results.items():
        try:
            best = result.best
        except LamctsError:
            rows.append((text, "-", "-", *("-" for _ in costs)))
            continue
        trials = sum(not trial.known for trial in result.trials)
        figures = [number(best.cost[name]) if name in best.cost else "-" for name in costs]
        rows.append((text, number(best.value), str(trials), *figures))
    print_table(rows, header=("limit", "best value", "new trials", *costs))
