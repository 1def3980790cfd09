"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from lamcts.errors import InvalidArgument

__all__ = [
    "ExecutorName",
    "Json",
    "MaxFailures",
    "OptimizerName",
    "ProblemName",
    "Quiet",
    "RayAddress",
    "Resources",
    "RunFolder",
    "Set",
    "Timeout",
    "TrialMemory",
    "TrialTimeout",
    "Workers",
    "complete_problem",
    "parse_failures",
    "parse_resources",
]


def complete_problem(incomplete: str) -> Iterator[str]:
    """Registered names, files and folders that start with what was typed."""
    from lamcts.registry import list_problems

    yield from (spec.id for spec in list_problems() if spec.id.startswith(incomplete))
    for path in Path().glob(f"{incomplete}*"):
        if path.suffix == ".py" or path.is_dir():
            yield f"{path}/" if path.is_dir() else str(path)


def _complete_optimizer(incomplete: str) -> Iterator[str]:
    from lamcts.optimizers import list_optimizers

    yield from (name for name in list_optimizers() if name.startswith(incomplete))


ProblemName = Annotated[
    str,
    typer.Argument(
        help="A Python file, package.module:Class, or a name from `lamcts problems`.",
        autocompletion=complete_problem,
        show_default=False,
    ),
]
OptimizerName = Annotated[
    str, typer.Option("--optimizer", help="The method.", autocompletion=_complete_optimizer)
]
RunFolder = Annotated[
    str, typer.Argument(help="A run's folder, or its name under runs/.", show_default=False)
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A setting of the problem or the optimizer; can be given many times.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        help="Trials evaluated at a time.  [default: 1; on Ray, as many as there is room for]",
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None, typer.Option(help="Seconds for the whole run.", show_default=False)
]
TrialTimeout = Annotated[
    float | None, typer.Option(help="Seconds for one trial.", show_default=False)
]
TrialMemory = Annotated[
    str | None, typer.Option(metavar="SIZE", help="Memory for one trial: 8GB.", show_default=False)
]
MaxFailures = Annotated[
    str | None,
    typer.Option(
        help="Stop when more trials fail than this count; for a fraction below 1, when that share "
        "or more do.",
        show_default=False,
    ),
]
ExecutorName = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="local|ray",
        help="Evaluate on this machine or on a Ray cluster.  [default: local]",
        show_default=False,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="The cluster: auto on a machine of it, or host:port; else one is started here.",
        show_default=False,
    ),
]
Resources = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=NUMBER,...",
        help="What a trial needs on Ray: gpu=1,cpu=4.  [default: cpu=1]",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")]


def parse_resources(texts: Sequence[str] | None) -> dict[str, float] | None:
    """``["gpu=1,cpu=4"]`` as names and numbers.

    Raises:
        InvalidArgument: A part is not a name and a number.
    """
    if texts is None:
        return None
    resources = {}
    for part in ",".join(texts).split(","):
        name, _, amount = part.partition("=")
        try:
            resources[name.strip()] = float(amount)
        except ValueError:
            raise InvalidArgument(
                f"--resources: {part!r} is no name and number; write gpu=1,cpu=4"
            ) from None
    return resources


def parse_failures(text: str | None) -> int | float | None:
    """A count, or a fraction below 1.

    Raises:
        InvalidArgument: It is no number.
    """
    if text is None:
        return None
    try:
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        raise InvalidArgument(
            f"--max-failures: {text!r} is no number; give a count, or a fraction below 1"
        ) from None
