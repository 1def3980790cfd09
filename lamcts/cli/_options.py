"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Json", "OptimizerName", "ProblemName", "Quiet", "RunFolder", "Set"]


def _complete_problem(incomplete: str) -> Iterator[str]:
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
        autocompletion=_complete_problem,
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
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no notes.")]
