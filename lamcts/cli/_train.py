"""``lamcts train``: train a network in earnest, a published one or what a run found."""

from __future__ import annotations

import inspect
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from lamcts.cli._app import INTERRUPTED, app
from lamcts.cli._options import Json, Quiet, complete_problem
from lamcts.cli._output import number, print_json, print_table, say
from lamcts.cli._points import point_of
from lamcts.cli._runs import find_run
from lamcts.errors import InvalidArgument, ProblemError, UnknownName, did_you_mean
from lamcts.problem import load_problem, problem_settings
from lamcts.result import result_of
from lamcts.settings import parse_value, split_settings
from lamcts.spaces import as_space
from lamcts.storage import read_run

Parameters = Mapping[str, inspect.Parameter]


@app.command()
def train(
    problem: Annotated[
        str | None,
        typer.Argument(
            help="A Python file, package.module:Class, or a name.  [default: that of --run]",
            autocompletion=complete_problem,
            show_default=False,
        ),
    ] = None,
    arch: Annotated[
        str | None,
        typer.Option(
            "--arch",
            help="An architecture as the problem writes it, or a file with one.",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            help="Instead: the best of a run, by its folder or name, with the run's settings.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="How, by name.  [default: the problem's]", show_default=False),
    ] = None,
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the problem or a number of the recipe; can be given many times.",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Passes over the data.  [default: the recipe's]", show_default=False),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            help="The folder of a training whose network is learned from, by a share of "
            "--set distillation=.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder.  [default: trained/TIME]", show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the training in --out.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train an architecture, select an epoch on validation data, and measure it once on test data.

    Ctrl-C, or a crash, loses the epoch under way: the same command with --resume goes on.
    """
    shared = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if (resume or shared) and out is None:
        why = "--resume" if resume else "torchrun"
        raise InvalidArgument(f"{why}: give the folder of the training with --out")
    first = os.environ.get("RANK", "0") == "0"  # of torchrun's processes one speaks
    quiet = quiet or not first
    pairs = set or []
    evaluator, x, values = _chosen(problem, arch, run, pairs)
    chosen = evaluator.make_recipe(recipe, values | ({} if epochs is None else {"epochs": epochs}))
    folder = out or Path("trained") / time.strftime("%Y%m%d-%H%M%S")
    try:
        scores = evaluator.train(
            x,
            folder,
            recipe=chosen,
            teacher=teacher,
            resume=resume,
            progress=None if quiet else say,
        )
    except KeyboardInterrupt:
        options: dict[str, Any] = {"--arch": arch, "--run": run, "--recipe": recipe}
        options |= {"--epochs": epochs, "--teacher": teacher, "--out": folder}
        words = [*([problem] if problem else []), *_words(options)]
        words += [word for pair in pairs for word in ("--set", pair)]
        say(f"interrupted; go on with: lamcts train {shlex.join(words)} --resume")
        raise typer.Exit(INTERRUPTED) from None
    if not first:
        return
    if json:
        print_json({**scores, "folder": str(folder)})
        return
    print_table((name, number(score)) for name, score in scores.items())
    if not quiet:
        is_network = not (folder / "model.joblib").exists()  # else it is for other tools already
        further = f"; for other tools: lamcts export {folder} --format onnx" if is_network else ""
        say(f"stored in {folder}{further}")


def _words(options: dict[str, Any]) -> list[str]:
    """The options that were given, as typed."""
    given = {name: value for name, value in options.items() if value is not None}
    return [str(word) for pair in given.items() for word in pair]


def _chosen(
    problem: str | None, arch: str | None, run: str | None, pairs: list[str]
) -> tuple[Any, Any, dict[str, Any]]:
    """The evaluator, the point that is trained, and what is set of the recipe."""
    before: dict[str, Any] = {}
    stored = None if run is None else read_run(find_run(run))
    if stored is not None and stored.header["problem"] is not None:
        before = dict(stored.header["problem"]["kwargs"])
        problem = problem or str(stored.header["problem"]["ref"])
    if problem is None or (arch is None) == (stored is None):
        raise InvalidArgument("give PROBLEM --arch ARCH, or --run RUN, to say what is trained")
    known = problem_settings(problem)
    keys = [pair.partition("=")[0].strip() for pair in pairs]
    own = [pair for key, pair in zip(keys, pairs, strict=True) if key in known or "=" not in pair]
    settings, _ = split_settings(own, problem=known, optimizer={})
    evaluator: Any = load_problem(problem, **{**before, **settings})
    for hook in ("train", "make_recipe"):
        if not hasattr(evaluator, hook):
            raise ProblemError(
                f"problem {problem!r} has no networks to train; write {hook}(...) as "
                "lamcts.adapters.training.NetworkEvaluator has it"
            )
    values = _of_recipe(pairs, evaluator.recipe_fields(), known)
    if stored is None:
        return evaluator, point_of(evaluator, str(arch)), values
    x = result_of(stored).best.x
    if x not in as_space(evaluator.space):
        raise InvalidArgument(f"--run: what {run!r} found is no point of this problem's space")
    return evaluator, x, values


def _of_recipe(pairs: list[str], fields: Parameters, known: Parameters) -> dict[str, Any]:
    """What is set of the recipe; a name that the problem has too (device, seed) goes to both."""
    values = {}
    for pair in pairs:
        key, _, text = (part.strip() for part in pair.partition("="))
        if key in fields:
            values[key] = parse_value(text, fields[key], label=f"--set {key}")
        elif key not in known:
            mend = did_you_mean(key, {*known, *fields})
            raise UnknownName(f"--set {key}: unknown setting; {mend}")
    return values
