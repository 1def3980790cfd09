"""Commands about problems: ``problems``, ``check``, ``init``, ``cost``."""

from __future__ import annotations

import keyword
import re
import shlex
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from lamcts.cli._app import app
from lamcts.cli._options import Json, ProblemName, Set
from lamcts.cli._output import number, print_json, print_table, print_text, say, show_log
from lamcts.cli._points import point_of
from lamcts.errors import InvalidArgument, ProblemError, RunError
from lamcts.evaluator import Evaluator
from lamcts.outcome import cost_of
from lamcts.problem import load_problem, problem_settings
from lamcts.registry import list_problems
from lamcts.settings import split_settings, type_name

#: What ``init`` copies: modules of this package, read as text.
_TEMPLATES = "lamcts.adapters.tasks.templates"


class Template(str, Enum):
    """What kind of problem ``init`` writes."""

    function = "function"
    vision = "vision"
    text = "text"
    tabular = "tabular"
    rl = "rl"


@app.command()
def problems(
    name: Annotated[
        str | None, typer.Argument(help="Show the settings of this problem.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """List the problems that can be run by name, or one problem's settings."""
    if name is not None:
        _print_settings(name, json)
        return
    specs = list_problems()
    if json:
        print_json([{"id": s.id, "summary": s.summary, "requires": s.requires} for s in specs])
        return
    print_table(
        (
            (spec.id, spec.summary + (f"  [needs {spec.requires}]" if spec.requires else ""))
            for spec in specs
        ),
    )


def _print_settings(name: str, json: bool) -> None:
    settings = problem_settings(name)
    rows = []
    for key, parameter in settings.items():
        required = parameter.default is parameter.empty
        kind = "" if parameter.annotation is parameter.empty else type_name(parameter.annotation)
        rows.append((key, kind, "(required)" if required else repr(parameter.default)))
    if json:
        print_json([dict(zip(("name", "type", "default"), row, strict=True)) for row in rows])
    elif rows:
        print_table(rows, header=("setting", "type", "default"))
    else:
        say(f"{name} has no settings")


@app.command()
def check(problem: ProblemName, set: Set = None, seed: int = 0, json: Json = False) -> None:
    """Check a problem against the contract: evaluates one point four times."""
    from lamcts.testing import check_evaluator

    show_log(quiet=False)
    report = check_evaluator(_load(problem, set), seed=seed)
    if json:
        found = [
            {"level": f.level, "subject": f.subject, "message": f.message} for f in report.findings
        ]
        print_json({"ok": report.ok, "seconds": report.seconds, "findings": found})
    else:
        print_text(str(report))
    if not report.ok:
        raise typer.Exit(ProblemError.exit_code)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(help="The file to write, ending in .py.")],
    template: Annotated[
        Template, typer.Option(help="What the problem is about: what the file begins with.")
    ] = Template.function,
) -> None:
    """Write a problem file that runs as it stands, to be filled in."""
    if file.suffix != ".py":
        raise InvalidArgument(f"FILE: {str(file)!r} does not end in .py; write {file.stem}.py")
    words = re.findall(r"[A-Za-z0-9]+", file.stem)
    name = "".join(word.capitalize() for word in words)
    if not name.isidentifier() or keyword.iskeyword(name):
        name = "MyEvaluator"
    source = resources.files(_TEMPLATES).joinpath(f"{template.value}.py")
    text = source.read_text(encoding="utf-8").replace("my_task.py", str(file))
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text.replace("MyTask", name))
    except FileExistsError:
        raise InvalidArgument(f"FILE: {str(file)!r} exists; choose another name") from None
    except OSError as error:
        raise RunError(f"FILE: {str(file)!r} cannot be written: {error.strerror}") from error
    quoted = shlex.quote(str(file))
    say(f"wrote {file}\nnow: lamcts check {quoted}, then: lamcts run {quoted}")


@app.command()
def cost(
    problem: ProblemName,
    arch: Annotated[
        str,
        typer.Option(
            "--arch", help="An architecture as the problem writes it, or a point as JSON."
        ),
    ],
    set: Set = None,
    json: Json = False,
) -> None:
    """Print what an architecture costs (parameters, MACs, ...) without evaluating it."""
    evaluator = _load(problem, set)
    found = cost_of(evaluator, point_of(evaluator, arch))
    if not found:
        raise ProblemError(f"problem {problem!r} knows no costs; write cost(self, x) -> dict")
    if json:
        print_json(found)
    else:
        print_table((name, number(figure)) for name, figure in found.items())


def _load(problem: str, pairs: list[str] | None) -> Evaluator:
    settings, _ = split_settings(pairs or [], problem=problem_settings(problem), optimizer={})
    return load_problem(problem, **settings)
