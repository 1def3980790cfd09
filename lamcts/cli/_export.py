"""``lamcts export``: the trials of a run, or a trained network, for other tools."""

from __future__ import annotations

import csv
import io
import json
import os
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from lamcts.cli._app import app
from lamcts.cli._columns import flat
from lamcts.cli._optuna import export_study
from lamcts.cli._output import print_text, say, to_plain
from lamcts.cli._runs import find_run
from lamcts.errors import DependencyNotInstalled, InvalidArgument, RunError
from lamcts.problem import load_problem
from lamcts.result import Result, load_result

Rows = list[dict[str, Any]]


class Format(str, Enum):
    """What ``lamcts export`` writes."""

    json = "json"
    jsonl = "jsonl"
    csv = "csv"
    parquet = "parquet"
    optuna = "optuna"
    arch = "arch"
    safetensors = "safetensors"
    onnx = "onnx"
    huggingface = "huggingface"


#: What a training can be written as, and what that is called in its folder.
_OF_TRAINING = {
    Format.arch: "arch.json",
    Format.safetensors: "model.safetensors",
    Format.onnx: "model.onnx",
    Format.huggingface: "huggingface",
}
#: What a finished training left, and what one under way has (`lamcts train`).
_MODEL, _CHECKPOINT = "model.json", "checkpoint.pt"


@app.command()
def export(
    run: Annotated[
        str,
        typer.Argument(
            help="A run's folder, or its name under runs/; or the folder of a training.",
            show_default=False,
        ),
    ],
    format: Annotated[
        Format | None,
        typer.Option(
            "--format",
            help="Of a run, json: a list; jsonl: a line each; csv and parquet: a table; optuna: "
            "a study. Of a training, arch: the architecture as JSON; safetensors: the weights; "
            "onnx: the model; huggingface: a folder, of a tuned Hugging Face model.  "
            "[default: json; arch]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="A new file; for optuna also the URL of a database.  "
            "[default: print; weights and models beside the training]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the trials of a run, most of which ``run --init`` takes; or a trained network."""
    folder = Path(run)
    if any(os.path.exists(folder / name) for name in (_MODEL, _CHECKPOINT)):  # no error for no path
        _export_training(folder, format or Format.arch, out)
    elif format in _OF_TRAINING:
        raise InvalidArgument(
            f"--format: {format.value} is of a training, and {run!r} is none; "
            "train one with: lamcts train"
        )
    else:
        _export_run(run, format or Format.json, out)


def _export_training(folder: Path, format: Format, out: str | None) -> None:
    """Write a trained network, by the problem it is of."""
    if format not in _OF_TRAINING:
        known = ", ".join(form.value for form in _OF_TRAINING)
        raise InvalidArgument(f"--format: {format.value} is of a run; a training has {known}")
    try:
        about = json.loads((folder / _MODEL).read_text(encoding="utf-8"))
        problem, settings = about["problem"], about["settings"]
    except FileNotFoundError:
        raise RunError(f"{folder}: its training is not finished; go on with --resume") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{folder / _MODEL}: cannot be read ({error})") from None
    if format is Format.arch and out is None:
        print_text(json.dumps(about["architecture"]))  # in a line: --arch "$(lamcts export ...)"
        return
    path = Path(out) if out is not None else folder / _OF_TRAINING[format]
    if os.path.exists(path):
        raise InvalidArgument(f"--out: {str(path)!r} exists; choose another name")
    evaluator: Any = load_problem(problem, **settings)
    what = evaluator.export(folder, format.value, path)
    say(f"wrote {path}: {what}")


def _export_run(run: str, format: Format, out: str | None) -> None:
    """Print or write every trial of a run."""
    result = load_result(find_run(run))
    if format is Format.optuna:
        export_study(result, _named(out, "study.log or sqlite:///study.db"))
    elif format is Format.parquet:
        _create(_named(out, "trials.parquet"), _parquet(result))
    else:
        text = {Format.json: _json, Format.jsonl: _jsonl, Format.csv: _csv}[format](result)
        if out is None:
            print_text(text, nl=False)
        else:
            _create(out, text.encode("utf-8", "backslashreplace"))
    if out is not None:
        say(f"wrote {len(result.trials)} trials to {out}")


def _named(out: str | None, example: str) -> str:
    if out is None:
        raise InvalidArgument(f"--out: this format is not printed; give a file, such as {example}")
    return out


def _create(out: str, data: bytes) -> None:
    """Write a new file.

    Raises:
        InvalidArgument: There is one, or it cannot be written.
    """
    try:
        with open(out, "xb") as file:
            file.write(data)
    except FileExistsError:
        raise InvalidArgument(f"--out: {out!r} exists; choose another name") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"--out: {out!r} cannot be written: {why}") from None


def _json(result: Result) -> str:
    return json.dumps(to_plain(result.trials_to_json()), indent=2, allow_nan=False) + "\n"


def _jsonl(result: Result) -> str:
    trials = to_plain(result.trials_to_json())
    return "".join(json.dumps(trial, allow_nan=False) + "\n" for trial in trials)


def _csv(result: Result) -> str:
    rows = _rows(result)
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(rows), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _parquet(result: Result) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise DependencyNotInstalled(
            'export --format parquet needs pyarrow; run: pip install "lamcts[parquet]"'
        ) from error
    rows = _rows(result)
    columns = {name: [_figure(name, row.get(name)) for row in rows] for name in _columns(rows)}
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


def _rows(result: Result) -> Rows:
    return [flat(trial) for trial in result.trials_to_json()]


def _columns(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _figure(name: str, value: Any) -> Any:
    """A figure that JSON has no number for, which stands as text, as the number it is."""
    is_figure = name.startswith(("metrics.", "cost.")) and value is not None
    return float(value) if is_figure else value
