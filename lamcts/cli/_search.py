"""Commands that search: ``run`` and ``resume``."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamcts.callbacks import Callback
from lamcts.cli._app import INTERRUPTED, app
from lamcts.cli._options import (
    ExecutorName,
    Json,
    MaxFailures,
    OptimizerName,
    ProblemName,
    Quiet,
    RayAddress,
    Resources,
    RunFolder,
    Set,
    Timeout,
    TrialMemory,
    TrialTimeout,
    Workers,
    parse_failures,
    parse_resources,
)
from lamcts.cli._output import print_json, say, show_log
from lamcts.cli._points import read_points
from lamcts.cli._runs import find_run
from lamcts.cli._summary import print_summary
from lamcts.cli._sweep import find_sweep, report_sweep
from lamcts.errors import InvalidArgument
from lamcts.evaluator import Evaluator
from lamcts.problem import load_problem, problem_settings
from lamcts.progress import Progress
from lamcts.settings import split_settings
from lamcts.storage import default_folder

if TYPE_CHECKING:
    from lamcts.result import Result
    from lamcts.run import Run


@app.command()
def run(
    problem: ProblemName,
    budget: Annotated[
        int | None,
        typer.Option(help="Trials in all.  [default: the problem's]", show_default=False),
    ] = None,
    optimizer: OptimizerName = "lamcts",
    set: Set = None,
    workers: Workers = None,
    executor: ExecutorName = None,
    ray_address: RayAddress = None,
    resources: Resources = None,
    seed: Annotated[
        int | None, typer.Option(help="Drawn and stored when not given.", show_default=False)
    ] = None,
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    trial_memory: TrialMemory = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME<=NUMBER",
            help='A bound on a cost, "flops<=600e6"; can be given many times.',
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Of the run's folder.  [default: time and seed]", show_default=False),
    ] = None,
    max_failures: MaxFailures = None,
    retries: Annotated[
        int, typer.Option(help="How often a trial whose worker died is evaluated again.")
    ] = 1,
    prune: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="End trials early by what they report: median, halving, "
            "or halving:min_steps=4,reduction=2.",
            show_default=False,
        ),
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=NUMBER,...",
            help='Search under each of several limits in turn, "flops=150e6,600e6", the tightest '
            "first; each begins with what is known from those before.",
            show_default=False,
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            help="Points to begin with: a file of `lamcts export`, a run's folder, or a line "
            '{"x": ..., "value": ...} each.',
            show_default=False,
        ),
    ] = None,
    deterministic: Annotated[
        bool,
        typer.Option("--deterministic", help="The same trials with any number of workers up to 8."),
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search for the best point of a problem.

    Ctrl-C finishes the running trials and stops; again, it stops at once. Either way the run can
    be resumed.
    """
    from lamcts import sweeps
    from lamcts.api import search
    from lamcts.optimizers import optimizer_settings

    show_log(quiet)

    def begin(callbacks: list[Callback]) -> Any:
        for_problem, for_optimizer = split_settings(
            set or [], problem=problem_settings(problem), optimizer=optimizer_settings(optimizer)
        )
        with load_problem(problem, **for_problem) as evaluator:
            options: dict[str, Any] = {
                "budget": evaluator.default_budget if budget is None else budget,
                "seed": seed,
                "optimizer": optimizer,
                "settings": for_optimizer,
                "workers": workers,
                "executor": executor or "local",
                "ray_address": ray_address,
                "resources": parse_resources(resources) or {},
                "timeout": timeout,
                "trial_timeout": trial_timeout,
                "trial_memory": trial_memory,
                "constraints": constraint or [],
                "max_failures": parse_failures(max_failures),
                "retries": retries,
                "prune": prune,
                "folder": _folder(evaluator, name),
                "deterministic": deterministic,
                "init": [] if init is None else read_points(init, evaluator),
                "callbacks": callbacks,
            }
            if sweep is None:
                return search(evaluator, **options)
            return sweeps.sweep(evaluator, sweep, **options)

    report = _report if sweep is None else report_sweep
    report(begin, json=json, quiet=quiet)


@app.command("resume")
def resume_command(
    run: RunFolder,
    budget: Annotated[
        int | None,
        typer.Option(help="Another total of trials, no less than is spent.", show_default=False),
    ] = None,
    workers: Workers = None,
    executor: ExecutorName = None,
    ray_address: RayAddress = None,
    resources: Resources = None,
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    trial_memory: TrialMemory = None,
    max_failures: MaxFailures = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Go on with an interrupted run, or with a finished one under a greater budget.

    One that stopped because too many trials failed goes on with a greater --max-failures.
    """
    from lamcts import sweeps
    from lamcts.api import resume

    show_log(quiet)
    options: dict[str, Any] = {
        "budget": budget,
        "workers": workers,
        "executor": executor,
        "ray_address": ray_address,
        "resources": parse_resources(resources),
        "timeout": timeout,
        "trial_timeout": trial_timeout,
        "trial_memory": trial_memory,
        "max_failures": parse_failures(max_failures),
    }
    several = find_sweep(run)
    if several is None:
        folder = find_run(run)
        _report(
            lambda callbacks: resume(folder, callbacks=callbacks, **options), json=json, quiet=quiet
        )
    else:
        report_sweep(
            lambda callbacks: sweeps.resume_sweep(several, callbacks=callbacks, **options),
            json=json,
            quiet=quiet,
        )


class _Ending(Callback):
    """Passes on the problem's notice, and keeps the end of a run, also of one that then raises."""

    result: Result | None = None
    overhead: float | None = None

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet

    def on_run_start(self, run: Run) -> None:
        if run.evaluator.notice and not self._quiet:
            say(run.evaluator.notice)

    def on_run_end(self, run: Run, result: Result) -> None:
        self.result = result
        self.overhead = run.overhead


def _report(search: Callable[[list[Callback]], Result], *, json: bool, quiet: bool) -> None:
    """Search with progress shown, print the result, and exit with the status it calls for."""
    ending = _Ending(quiet)
    with ExitStack() as stack:
        stack.callback(_print_ending, ending, json)
        callbacks: list[Callback] = [ending]
        if not quiet:
            callbacks.append(stack.enter_context(Progress()))
        result = search(callbacks)
        ending.result = result  # a finished run that is resumed calls nothing
    if result.stopped == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if not result.counts["complete"]:
        raise typer.Exit(1)


def _print_ending(ending: _Ending, json: bool) -> None:
    result = ending.result
    if result is None:
        return
    if json:
        print_json(result.to_json())
    else:
        print_summary(result, ending.overhead)
    if result.folder is None:
        return
    folder = shlex.quote(str(result.folder))
    if result.stopped in ("interrupted", "timeout"):
        say(f"go on with: lamcts resume {folder}")
    if result.stopped == "failures":
        more = 2 * sum(result.counts[state] for state in ("failed", "timeout", "lost"))
        say(f"once mended, go on: lamcts resume {folder} --max-failures {more}")


def _folder(evaluator: Evaluator, name: str | None) -> Path | bool:
    """``runs/<problem>/<name>``; the run makes up a name itself when there is none.

    Raises:
        InvalidArgument: The name is no folder's, or it is taken.
    """
    from lamcts.prepare import problem_name
    from lamcts.problem import reference_of

    if name is None:
        return True
    if name in ("", "..") or Path(name).name != name:
        raise InvalidArgument(f"--name: {name!r} cannot name a folder; leave out slashes and dots")
    folder = default_folder(problem_name(evaluator, reference_of(evaluator)), 0).with_name(name)
    if os.path.exists(folder):
        raise InvalidArgument(
            f"--name: {folder} exists; choose another name, "
            f"or go on with that run: lamcts resume {shlex.quote(str(folder))}"
        )
    return folder
