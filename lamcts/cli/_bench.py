"""``lamcts bench``: optimizers against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamcts.cli._app import INTERRUPTED, app
from lamcts.cli._options import Quiet
from lamcts.cli._output import number, print_json, print_table, print_text, say, show_log
from lamcts.errors import DependencyNotInstalled, InvalidArgument, UnknownName, did_you_mean
from lamcts.settings import parse_value

if TYPE_CHECKING:
    from lamcts.benchmark import Record, Results

#: The file with every table of a comparison, and the verdict.
_SUMMARY = "summary.md"

#: More rows than this are not read on a terminal: medians are printed, the rest is in the file.
_READABLE = 24

_FUNCTIONS = "ackley,rosenbrock,levy"


@app.command()
def bench(
    functions: Annotated[
        str | None,
        typer.Option(
            help="Test functions or problems, comma-separated; with --suite, those of the suite.",
            show_default=_FUNCTIONS,
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option(help="Suites of problems, comma-separated; see --list.", show_default=False),
    ] = None,
    optimizers: Annotated[
        str,
        typer.Option(
            help="Methods, comma-separated: ours and peers, see --list, and FILE.py:FUNCTION."
        ),
    ] = "lamcts,turbo,cmaes,random",
    dim: Annotated[
        int | None, typer.Option(help="Coordinates of the functions.", show_default=False)
    ] = None,
    budget: Annotated[int, typer.Option(help="Evaluations a run.")] = 100,
    seeds: Annotated[int, typer.Option(help="Runs of each method on each function.")] = 5,
    instances: Annotated[int, typer.Option(help="Shifts of each function.")] = 1,
    checkpoints: Annotated[
        str | None,
        typer.Option(
            help="Evaluations to report at, comma-separated.",
            show_default="a tenth, a quarter, half, all",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", "--jobs", help="Runs at once, each in a process.")
    ] = 1,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTIMIZER.KEY=VALUE",
            help="A setting of one of our methods; can be given many times.",
            show_default=False,
        ),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(
            metavar="table[:WORKERS]",
            help="Simulate workers that never wait, by the training times of the tables.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for records, tables, figures; finished runs are kept.")
    ] = Path("bench"),
    list_: Annotated[
        bool, typer.Option("--list", help="List the suites, the methods and the peers.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare methods on problems with known optima: tables, a verdict, figures."""
    from lamcts.benchmark import Results, compare, summary
    from lamcts.benchmark.suites import choose

    if list_:
        _print_known()
        return
    show_log(quiet)
    methods = _names(optimizers)
    problems = _names(_FUNCTIONS if functions is None and suite is None else functions or "")
    if suite is not None:
        problems = choose(_names(suite), problems)
    places = _checkpoints(checkpoints, budget)
    try:
        records = compare(
            problems,
            methods,
            budget=budget,
            seeds=seeds,
            instances=instances,
            dim=dim,
            workers=workers,
            folder=out,
            optimizer_settings=_settings(set or [], methods),
            clock=_clock(clock),
            on_record=None if quiet else _report,
        )
    except KeyboardInterrupt:
        say(f"interrupted; finished runs are kept in {out}: the same command goes on")
        raise typer.Exit(INTERRUPTED) from None
    results = Results(records)
    (out / _SUMMARY).write_text(summary(results, places), encoding="utf-8")
    if json:
        print_json([asdict(record) for record in records])
    else:
        _print_results(results, places, out)
    _draw(results, out)
    failures = [record for record in records if record.error is not None]
    if failures:
        first = failures[0].task
        say(
            f"failed: {len(failures)} of {len(records)} runs; the first one {first.optimizer} on "
            f"{first.label}, seed {first.seed}: {failures[0].error}"
        )
        raise typer.Exit(1)


def _report(record: Record, done: int, total: int) -> None:
    task = record.task
    found = "-"
    if record.trace:
        best = record.trace[-1][1]
        found = number(best if record.optimum is None else abs(best - record.optimum))
    text = f"{done}/{total}  {task.label}  {task.optimizer}  seed {task.seed}: {found}"
    say(text if record.error is None else f"{text}  failed: {record.error}")


def _print_results(results: Results, places: Sequence[int], out: Path) -> None:
    """Tables short enough to be read, and the verdict; the file has every figure."""
    from lamcts.benchmark import (
        clock_table,
        held_out_table,
        medians_table,
        results_table,
        scores_table,
        verdict,
    )

    table = results_table(results, places)
    if len(table.rows) > _READABLE:
        table = medians_table(results, places[-1])
        say(f"quartiles, and the other checkpoints: {out / _SUMMARY}")
    more = [held_out_table(results, places), clock_table(results)]
    for shown in filter(None, (table, *more, scores_table(results, places))):
        print_text(f"{shown.title}\n")
        print_table(shown.rows, header=shown.columns)
        print_text()
    for line in verdict(results, places[-1]):
        print_text(line)


def _draw(results: Results, out: Path) -> None:
    from lamcts.benchmark import draw_figures

    try:
        say(f"figures: {', '.join(map(str, draw_figures(results, out)))}")
    except (DependencyNotInstalled, InvalidArgument) as error:
        say(f"no figures: {error}")


def _print_known() -> None:
    """The suites with their problems, our optimizers, and the peers with what they need."""
    from lamcts.benchmark.peers import PEERS
    from lamcts.benchmark.suites import SUITES
    from lamcts.optimizers import list_optimizers

    for name, cases in SUITES.items():
        names = ", ".join(case.name for case in cases)
        print_text(fill(f"{name}: {names}", 100, subsequent_indent="  ", break_on_hyphens=False))
    methods = f"methods: {', '.join(list_optimizers())}"
    print_text("\n" + fill(methods, 100, subsequent_indent="  ", break_on_hyphens=False))
    print_text("\npeers, of other packages:")
    print_table(
        (
            f"  {name}",
            peer.summary,
            "/".join(sorted(peer.takes)),
            f"pip install {' '.join(peer.missing)}" if peer.missing else peer.version,
        )
        for name, peer in PEERS.items()
    )


def _clock(text: str | None) -> int:
    """How many workers ``table:8`` means; none when nothing is simulated."""
    if text is None:
        return 0
    name, _, workers = text.partition(":")
    if name != "table" or not (workers or "1").isdecimal() or not int(workers or 1):
        raise InvalidArgument(f"--clock: {text!r}; write table, or table:8 for eight workers")
    return int(workers or 1)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _checkpoints(text: str | None, budget: int) -> list[int]:
    """The numbers of evaluations to report at, in order; a few parts of the budget unless given."""
    if text is None:
        return sorted({max(1, round(budget * part)) for part in (0.1, 0.25, 0.5, 1.0)})
    names = _names(text)
    places = sorted({int(name) for name in names if name.isdecimal()})
    if not places or len(places) < len(names) or not 1 <= places[0] <= places[-1] <= budget:
        raise InvalidArgument(
            f"--checkpoints: {text!r} is not different numbers from 1 to {budget}; write for "
            f"example {max(1, budget // 10)},{budget}"
        )
    return places


def _settings(pairs: list[str], methods: list[str]) -> dict[str, dict[str, Any]]:
    """``optimizer.key=value`` texts as typed settings by optimizer."""
    from lamcts.benchmark.peers import is_peer
    from lamcts.optimizers import optimizer_settings

    found: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        method, dot, name = key.strip().rpartition(".")
        if not equals or not dot:
            raise InvalidArgument(
                f"--set: {pair!r} is not OPTIMIZER.KEY=VALUE; write lamcts.cp=0.1"
            )
        if method not in methods:
            raise UnknownName(
                f"--set {key}: {method!r} is not run; {did_you_mean(method, methods)}"
            )
        if is_peer(method):
            raise InvalidArgument(f"--set {key}: peers run with the settings of their adapters")
        known = optimizer_settings(method)
        if name not in known:
            raise UnknownName(f"--set {key}: unknown setting; {did_you_mean(name, known)}")
        found.setdefault(method, {})[name] = parse_value(text, known[name], label=f"--set {key}")
    return found
