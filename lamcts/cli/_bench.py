"""``lamcts bench``: methods against each other."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from lamcts.cli._app import app
from lamcts.cli._options import Quiet
from lamcts.cli._output import number, print_json, print_table, say
from lamcts.errors import DependencyNotInstalled, InvalidArgument, UnknownName, did_you_mean
from lamcts.settings import parse_value

_FIGURE = "figure.png"


@app.command()
def bench(
    functions: Annotated[
        str, typer.Option(help="Test functions or problems, comma-separated.")
    ] = "ackley,rosenbrock,levy",
    optimizers: Annotated[
        str, typer.Option(help="Methods, comma-separated.")
    ] = "lamcts,turbo,cmaes,random",
    dim: Annotated[
        int | None, typer.Option(help="Coordinates of the functions.", show_default=False)
    ] = None,
    budget: Annotated[int, typer.Option(help="Evaluations a run.")] = 100,
    seeds: Annotated[int, typer.Option(help="Runs of each method on each function.")] = 3,
    jobs: Annotated[int, typer.Option(help="Runs at once, each in a process.")] = 1,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="OPTIMIZER.KEY=VALUE",
            help="A setting of one method; can be given many times.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for records and figure; finished runs are kept.")
    ] = Path("bench"),
    json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Compare methods on test functions with known optima: a table and a figure."""
    from lamcts.benchmark import Record, compare, draw_figure, results_table, scores_table

    def report(record: Record, done: int, total: int) -> None:
        task = record.task
        found = record.error or (number(record.trace[-1][1]) if record.trace else "-")
        say(f"{done}/{total}  {task.label}  {task.optimizer}  seed {task.seed}: {found}")

    methods = _names(optimizers)
    records = compare(
        _names(functions),
        methods,
        budget=budget,
        seeds=seeds,
        dim=dim,
        jobs=jobs,
        folder=out,
        optimizer_settings=_settings(set or [], methods),
        on_record=None if quiet else report,
    )
    if json:
        print_json([asdict(record) for record in records])
    else:
        for table in (results_table(records), scores_table(records)):
            typer.echo(f"{table.title}\n")
            print_table(table.rows, header=table.columns)
            typer.echo()
    try:
        say(f"figure: {draw_figure(records, out / _FIGURE)}")
    except DependencyNotInstalled as error:
        say(f"no figure: {error}")
    if any(record.error for record in records):
        raise typer.Exit(1)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _settings(pairs: list[str], methods: list[str]) -> dict[str, dict[str, Any]]:
    """``optimizer.key=value`` texts as typed settings by optimizer."""
    from lamcts.optimizers import optimizer_settings

    found: dict[str, dict[str, Any]] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        method, dot, name = key.strip().partition(".")
        if not equals or not dot:
            raise InvalidArgument(
                f"--set: {pair!r} is not OPTIMIZER.KEY=VALUE; write lamcts.cp=0.1"
            )
        if method not in methods:
            raise UnknownName(
                f"--set {key}: {method!r} is not run; {did_you_mean(method, methods)}"
            )
        known = optimizer_settings(method)
        if name not in known:
            raise UnknownName(f"--set {key}: unknown setting; {did_you_mean(name, known)}")
        found.setdefault(method, {})[name] = parse_value(text, known[name], label=f"--set {key}")
    return found
