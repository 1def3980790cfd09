"""``lamcts predictor train``: an accuracy predictor from a table of measured networks."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lamcts._rows import read_rows
from lamcts.cli._app import Commands, app
from lamcts.cli._options import Json, ProblemName, Set
from lamcts.cli._output import print_json, print_table, say
from lamcts.errors import InvalidArgument, ProblemError, UnknownName, did_you_mean
from lamcts.problem import load_problem, problem_settings
from lamcts.settings import split_settings

#: Columns of digits, which are no numbers.
_WORDS = ("arch", "depths", "kernels", "expands", "squeeze")

predictor_app = Commands(help="Accuracy predictors: train one.")
app.add_typer(predictor_app, name="predictor")


@predictor_app.callback()
def predictor() -> None:
    """Accuracy predictors: train one on a table of measured networks."""


@predictor_app.command("train")
def train_command(
    problem: ProblemName,
    table: Annotated[
        Path, typer.Argument(help="Networks and their accuracies, a row each.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="The predictor, an .npz file.")],
    value: Annotated[str, typer.Option(help="The column of the accuracies.")] = "accuracy",
    seed: Annotated[int, typer.Option(help="Of which networks are held out.")] = 0,
    set: Set = None,
    json: Json = False,
) -> None:
    """Fit a predictor to a table, and say how well it does on a fifth that it has not seen.

    The predictor is for searches: --set predictor=FILE. A row describes its network in a column
    arch, as --arch does, or in columns of its own (see the problem's documentation).
    """
    settings, _ = split_settings(set or [], problem=problem_settings(problem), optimizer={})
    evaluator = load_problem(problem, **settings)
    if not hasattr(evaluator, "train_predictor"):
        raise ProblemError(
            f"problem {problem!r} takes no predictor; those of lamcts.adapters.mobile do"
        )
    if out.suffix != ".npz" or os.path.exists(out):
        raise InvalidArgument(f"--out: {str(out)!r}; give a new file that ends in .npz")
    rows = list(read_rows(table, field="table", text=_WORDS))
    if not rows:
        raise InvalidArgument(f"table: {str(table)!r} holds no rows; give one or more")
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    if value not in columns:
        raise UnknownName(f"--value: no column {value!r}; {did_you_mean(value, columns)}")
    model, assessment = evaluator.train_predictor(rows, value, seed)
    model.save(out)
    if json:
        print_json({"predictor": str(out), **asdict(assessment)})
        return
    print_table(
        [
            ("networks", f"{assessment.trained:,} trained on, {assessment.held_out:,} held out"),
            ("Kendall's tau", f"{assessment.tau:.3f}"),
            ("error (RMSE)", f"{assessment.rmse:.4g}"),
            ("coverage", f"{100 * assessment.coverage:.0f} % within intervals of 90 %"),
        ]
    )
    say(f"wrote {out}, fitted to all: use it with --set predictor={out}")
