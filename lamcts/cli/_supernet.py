"""Commands about supernets: ``supernet train``, ``import``, ``split``, ``search``, ``rank``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from lamcts.cli._app import INTERRUPTED, Commands, app
from lamcts.cli._options import Json, OptimizerName, ProblemName, Quiet, Set, Workers
from lamcts.cli._output import print_json, print_table, say
from lamcts.cli._search import run
from lamcts.errors import InvalidArgument, ProblemError
from lamcts.problem import load_problem, problem_settings
from lamcts.settings import split_settings

#: Images a batch of the 8 that statistics are taken over: 2,000 in all, as Once-for-All does.
_CALIBRATED = 250

supernet_app = Commands(
    help="Networks that share weights: train them at once, search by them, rank them."
)
app.add_typer(supernet_app, name="supernet")

Out = Annotated[Path, typer.Option("--out", help="The folder to write.", show_default=False)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with an interrupted training.")]
Supernet = Annotated[
    Path, typer.Option("--supernet", help="A trained supernet's folder.", show_default=False)
]


@supernet_app.command("train")
def train_command(
    problem: ProblemName,
    out: Out,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training images.")] = 60,
    sampling: Annotated[
        str | None,
        typer.Option(
            help="Which networks a step is for: fair, random, sandwich or progressive.  "
            "[default: sandwich where there is a largest network, else fair]",
            show_default=False,
        ),
    ] = None,
    paths: Annotated[
        int | None,
        typer.Option(
            help="Networks a step.  [default: 4 of those with a largest network, else 1]",
            show_default=False,
        ),
    ] = None,
    set: Set = None,
    resume: Resume = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the networks of a space at once, with shared weights.

    Ctrl-C, or a crash, loses the epoch under way: the same command with --resume goes on.
    """
    evaluator, _, fields = _load(problem, set)
    with _interruptible():
        record = evaluator.train_supernet(
            out,
            recipe=evaluator.supernet_recipe(**{"epochs": epochs, **fields}),
            sampling=sampling,
            paths=paths,
            resume=resume,
            progress=None if quiet else say,
        )
    _print_record(problem, out, record, json)


@supernet_app.command("import")
def import_command(
    problem: ProblemName,
    checkpoint: Annotated[
        Path,
        typer.Argument(help="A file of tensors that torch.save wrote.", show_default=False),
    ],
    out: Out,
    set: Set = None,
    json: Json = False,
) -> None:
    """Take the weights of a supernet from elsewhere: Once-for-All's, for mobilenetv3_imagenet.

    Four of its networks are measured on the images of its task (--set data=PATH).
    """
    evaluator, given, fields = _load(problem, set)
    settings = {**evaluator.import_settings(), **given}
    evaluator = cast("Any", load_problem(problem, **settings))
    recipe = evaluator.supernet_recipe(**{"batch_size": _CALIBRATED, **fields})
    record = evaluator.import_supernet(checkpoint, out, recipe=recipe)
    _print_record(problem, out, record, json)


@supernet_app.command("split")
def split_command(
    problem: ProblemName,
    supernet: Supernet,
    by: Annotated[
        str,
        typer.Option(
            help="A choice of the space, normal.0 say; or a run: then parts are its regions.",
            show_default=False,
        ),
    ],
    out: Out,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the images for a part.")] = 20,
    depth: Annotated[int, typer.Option(min=1, help="Levels of the run's tree.")] = 2,
    set: Set = None,
    resume: Resume = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a supernet for each part of a space, from the weights of one for all of it."""
    evaluator, _, fields = _load(problem, set, supernet)
    with _interruptible():
        record = evaluator.split_supernet(
            supernet,
            by,
            out,
            epochs=epochs,
            depth=depth,
            values=fields,
            resume=resume,
            progress=None if quiet else say,
        )
    _print_record(problem, out, record, json)


@supernet_app.command("search")
def search_command(
    problem: ProblemName,
    supernet: Supernet,
    budget: Annotated[
        int | None, typer.Option(help="Trials.  [default: the problem's]", show_default=False)
    ] = None,
    optimizer: OptimizerName = "lamcts",
    set: Set = None,
    workers: Workers = None,
    seed: Annotated[
        int | None, typer.Option(help="Drawn and stored when not given.", show_default=False)
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME<=NUMBER",
            help='A bound on a cost, "macs<=300e6"; can be given many times.',
            show_default=False,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Of the run's folder.  [default: time and seed]", show_default=False),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search among networks measured by a supernet's weights.

    It is `lamcts run PROBLEM --set supernet=FOLDER`, which has more options, with the settings
    that the supernet was trained with.
    """
    own = problem_settings(problem)
    of_problem = [p for p in set or [] if p.partition("=")[0].removeprefix("problem.") in own]
    of_optimizer = [p for p in set or [] if p not in of_problem]
    _, settings, _ = _load(problem, of_problem, supernet)
    settings["supernet"] = supernet.resolve()
    pairs = [f"problem.{key}={_text(value)}" for key, value in settings.items()]
    run(
        problem,
        budget=budget,
        optimizer=optimizer,
        set=[*pairs, *of_optimizer],
        workers=workers,
        seed=seed,
        constraint=constraint,
        name=name,
        json=json,
        quiet=quiet,
    )


@supernet_app.command("rank")
def rank_command(
    problem: ProblemName,
    supernet: Annotated[
        list[Path],
        typer.Option(help="A trained supernet's folder; several are compared.", show_default=False),
    ],
    networks: Annotated[int, typer.Option(help="Networks drawn at random.")] = 20,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Train each alone twice: how far training agrees with itself."
        ),
    ] = False,
    set: Set = None,
    seed: Annotated[int, typer.Option(help="Draws them.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Tell whether supernets order networks as training each of them alone does."""
    evaluator, _, fields = _load(problem, set, supernet[0])
    if fields:
        raise InvalidArgument(
            f"--set {next(iter(fields))}: networks are trained alone as in any search; "
            "set what the problem has, epochs say"
        )
    progress = None if quiet else say
    ranking = evaluator.rank(supernet, networks, seed=seed, again=again, progress=progress)
    if json:
        print_json(ranking.to_json())
        return
    low, high = min(ranking.alone), max(ranking.alone)
    say(f"{networks} networks trained alone: validation accuracy {low:.4f} to {high:.4f}")
    print_table(
        (
            (
                name,
                f"{found.spearman:.3f}",
                f"{found.low:.3f} to {found.high:.3f}",
                f"{found.kendall:.3f}",
            )
            for name, found in ranking.correlations.items()
        ),
        header=("supernet", "spearman", "95 % interval", "kendall"),
    )


def _load(
    problem: str, pairs: list[str] | None, folder: Path | None = None
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """The problem, its settings, and fields of a recipe.

    Args:
        problem: Its name.
        pairs: Settings of the problem, and of the recipe.
        folder: A supernet, with whose settings the problem is to be had unless others are given.

    Raises:
        ProblemError: Its networks cannot share weights.
    """
    own = problem_settings(problem)
    of_problem = [p for p in pairs or [] if p.partition("=")[0].removeprefix("problem.") in own]
    of_recipe = [p for p in pairs or [] if p not in of_problem]
    given, _ = split_settings(of_problem, problem=own, optimizer={})
    evaluator: Any = load_problem(problem, **given)
    if not hasattr(evaluator, "train_supernet"):
        raise ProblemError(f"problem {problem!r}: its networks do not share weights (no supernet)")
    _, fields = split_settings(of_recipe, problem={}, optimizer=evaluator.recipe_fields())
    if folder is not None:
        given = {**evaluator.settings_for(folder), **given}
        evaluator = load_problem(problem, **given)
    return evaluator, given, fields


@contextmanager
def _interruptible() -> Iterator[None]:
    """A training that Ctrl-C ends in one line; the last whole epoch is on disk."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; go on with the same command and --resume")
        raise typer.Exit(INTERRUPTED) from None


def _text(value: Any) -> str:
    """A setting as ``--set`` reads it."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _print_record(problem: str, folder: Path, record: Any, json: bool) -> None:
    """What was trained, and what comes next; of torchrun's processes one speaks."""
    if os.environ.get("RANK", "0") != "0":
        return
    if json:
        print_json(vars(record))
        return
    print_table(
        ((part, f"{score:.4f}") for part, score in zip(record.parts, record.scores, strict=True)),
        header=("part", "validation accuracy"),
    )
    say(f"now: lamcts supernet search {problem} --supernet {folder}")
