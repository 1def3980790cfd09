"""``lamcts latency``: a latency table of a problem's networks, measured on this machine."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from lamcts.cli._app import INTERRUPTED, app
from lamcts.cli._options import Json, ProblemName, Quiet, Set
from lamcts.cli._output import print_json, print_table, print_text, say
from lamcts.errors import InvalidArgument, ProblemError
from lamcts.problem import load_problem, problem_settings
from lamcts.settings import split_settings


@app.command()
def latency(
    problem: ProblemName,
    out: Annotated[
        Path, typer.Option(help="The table, a CSV file; one that was begun is gone on with.")
    ],
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where to measure.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads on the CPU.")] = 1,
    repeats: Annotated[int, typer.Option(help="Passes that count; their median is taken.")] = 20,
    check: Annotated[
        int, typer.Option(help="Compare the table with so many random networks, end to end.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the random networks.")] = 0,
    set: Set = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure how long each block of a problem's networks takes here, for one image.

    The table is for searches within a limit: --set latency=FILE --constraint "latency_ms<=20".
    """
    if check < 0:
        raise InvalidArgument(f"--check: {check!r} is no number of networks; give 20, say")
    settings, _ = split_settings(set or [], problem=problem_settings(problem), optimizer={})
    evaluator = load_problem(problem, **settings)
    if not hasattr(evaluator, "latency_bench"):
        raise ProblemError(
            f"problem {problem!r} has no blocks to measure; those of lamcts.adapters.mobile have"
        )
    bench = evaluator.latency_bench(device=device, threads=threads, repeats=repeats)
    try:
        table = bench.measure(out, _Lines("measuring", quiet))
        if not quiet:
            say(f"{out}: {len(table.times)} parts, milliseconds of one image, {device}")
        checks = bench.check(table, check, seed, _Lines("checking", quiet)) if check else []
    except KeyboardInterrupt:
        say("interrupted; the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    errors = [found.error for found in checks]
    if json:
        print_json(
            {
                "table": str(out),
                "parts": len(table.times),
                "checks": [found._asdict() for found in checks],
                "median_error": median(errors) if errors else None,
                "worst_error": max(errors, default=None),
            }
        )
    elif checks:
        rows = [
            (f"{found.predicted:.3f}", f"{found.measured:.3f}", f"{100 * found.error:.1f} %")
            for found in checks
        ]
        print_table(rows, header=("by table, ms", "end to end, ms", "error"))
        print_text(f"median {100 * median(errors):.1f} %, worst {100 * max(errors):.1f} %")


class _Lines:
    """How far it is: a line every few seconds on standard error.

    Args:
        what: The word before it.
        quiet: Show nothing.
    """

    _PAUSE = 5.0  # seconds between two lines

    def __init__(self, what: str, quiet: bool) -> None:
        self._what, self._quiet = what, quiet
        self._next = time.monotonic() + self._PAUSE

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` networks are through."""
        if not self._quiet and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._PAUSE
            print(f"{self._what}: {done} of {total} networks", file=sys.stderr, flush=True)
