"""``export`` in every format, and back again through ``--init``."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from lamcts.result import Result, load_result
from tests.cli.conftest import Call

MIXED = """
import math
import numpy as np
import lamcts
from lamcts.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete

class Mixed(lamcts.Evaluator):
    space = Dict([
        ("lr", Box(1e-4, 1.0, shape=(2,), scale="log")),
        ("depth", Box(1, 64, dtype=np.int64, scale="log")),
        ("op", Discrete(3, start=5)),
        ("cell", Dict(ops=MultiDiscrete([2, 3]), on=MultiBinary((2, 2)))),
    ])
    direction = "maximize"
    default_budget = 12

    def cost(self, x):
        return {"flops": 10.0 + x["depth"]}

    def evaluate(self, x):
        if self.trial.number == 1:
            raise ValueError("diverged,\\n'so'")
        if self.trial.number == 2:
            raise lamcts.Infeasible("no path")
        return lamcts.Evaluation(float(x["lr"][0]), {"loss": math.inf, "acc": 1 / 3})
"""
QUICK = ("--optimizer", "random", "--seed", "0", "--quiet")
FORMATS = ["json", "jsonl", "csv", "parquet"]


@pytest.fixture(autouse=True)
def mixed(folder: Path) -> None:
    (folder / "mixed.py").write_text(MIXED)


@pytest.fixture
def first(lamcts: Call) -> Result:
    """A run of twelve trials and two that are no answers, in ``runs/mixed/first``."""
    assert lamcts("run", "mixed.py", "--name", "first", *QUICK).code == 0
    return load_result("runs/mixed/first")


def completed(result: Result) -> list[Any]:
    trials = [trial for trial in result.trials_to_json() if trial["state"] == "complete"]
    return [(trial["x"], trial["value"]) for trial in trials]


@pytest.mark.parametrize("source", [*FORMATS, "runs/mixed/first", "runs/mixed/first/run.jsonl"])
def test_what_was_exported_begins_another_run(lamcts: Call, first: Result, source: str) -> None:
    """Every complete trial is known to the new run, bit for bit, and costs it nothing."""
    if source in FORMATS:
        pytest.importorskip("pyarrow" if source == "parquet" else "json")
        wrote = lamcts("export", "first", "--format", source, "--out", f"old.{source}")
        assert (wrote.code, wrote.out) == (0, "")
        assert wrote.err == f"wrote 13 trials to old.{source}\n"
        source = f"old.{source}"
    words = ("--name", "second", "--budget", "1", "--init", source)
    assert lamcts("run", "mixed.py", *words, *QUICK).code == 0
    second = load_result("runs/mixed/second")
    known = completed(first)
    assert len(known) == 11
    assert completed(second)[:11] == known
    assert [trial.number for trial in second.trials][-1] == 11
    assert json.loads(lamcts("show", "second", "--json").out)["budget"] == 1


@pytest.mark.parametrize("format", ["json", "jsonl", "csv"])
def test_text_formats_are_printed_or_written_alike(
    lamcts: Call, first: Result, folder: Path, format: str
) -> None:
    printed = lamcts("export", "first", "--format", format).out
    lamcts("export", "first", "--format", format, "--out", "out.txt")
    assert (folder / "out.txt").read_text() == printed
    if format == "csv":
        rows = list(csv.DictReader(printed.splitlines(keepends=True)))
        assert rows[0]["metrics.loss"] == "inf"
        assert "x.cell.on[1][0]" in rows[0]
    else:
        rows = json.loads(printed if format == "json" else f"[{','.join(printed.splitlines())}]")
    assert len(rows) == 13
    assert "diverged,\n'so'" in rows[1]["error"]


def test_parquet_has_a_type_for_every_column(lamcts: Call, first: Result) -> None:
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    lamcts("export", "first", "--format", "parquet", "--out", "out.parquet")
    frame = pandas.read_parquet("out.parquet")
    assert len(frame) == 13
    assert frame["metrics.loss"].dtype == frame["value"].dtype == frame["x.lr[1]"].dtype == "f8"
    assert frame["x.depth"].dtype == "i8"
    assert frame["value"].max() == first.best.value


@pytest.mark.parametrize("out", ["sqlite:///study.db", "study.log"])
def test_a_study_holds_the_trials(lamcts: Call, first: Result, out: str) -> None:
    optuna = pytest.importorskip("optuna")
    done = lamcts("export", "first", "--format", "optuna", "--out", out)
    assert done.code == 0, done
    storage: Any = out
    if "://" not in out:
        backend = optuna.storages.journal.JournalFileBackend(out)
        storage = optuna.storages.JournalStorage(backend)
    study = optuna.load_study(study_name="first", storage=storage)
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.best_value == first.best.value
    x = first.best.x
    params = {"lr[0]": x["lr"][0], "lr[1]": x["lr"][1], "depth": x["depth"], "op": x["op"]}
    assert study.best_params.items() >= params.items()
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "FAIL"] + ["COMPLETE"] * 10
    assert [t.user_attrs["state"] for t in study.trials[:3]] == ["complete", "failed", "infeasible"]
    assert study.trials[0].user_attrs["metrics.acc"] == 1 / 3
    assert study.trials[0].user_attrs["cost.flops"] == first.trials[0].cost["flops"]
    ranges = study.trials[0].distributions
    floats = optuna.distributions.FloatDistribution(1e-4, 1.0, log=True)
    assert ranges["lr[0]"] == floats
    assert ranges["depth"] == optuna.distributions.IntDistribution(1, 64, log=True)
    assert ranges["op"] == optuna.distributions.CategoricalDistribution((5, 6, 7))
    assert ranges["cell.on[1,0]"] == optuna.distributions.IntDistribution(0, 1)
    again = lamcts("export", "first", "--format", "optuna", "--out", out)
    assert again.code == 2
    assert "has a study named 'first' already" in again.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--format parquet", "--out: this format is not printed; give a file, such as trials."),
        ("--format optuna", "--out: this format is not printed; give a file, such as study."),
        ("--out mixed.py", "--out: 'mixed.py' exists; choose another name"),
        ("--out gone/x.json", "--out: 'gone/x.json' cannot be written: No such file"),
        ("--format optuna --out nodb:///x", "--out: 'nodb:///x': "),
        ("--format optuna --out sqlite:///gone/x.db", "--out: 'sqlite:///gone/x.db': "),
    ],
)
def test_where_to_write_is_checked(lamcts: Call, first: Result, words: str, message: str) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("optuna")
    done = lamcts("export", "first", *words.split())
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: " + message)
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(("module", "extra"), [("pyarrow", "parquet"), ("optuna", "optuna")])
def test_a_missing_library_is_one_line_with_the_mend(
    lamcts: Call, first: Result, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    done = lamcts("export", "first", "--format", extra, "--out", "x")
    assert done.code == 2
    assert done.err.endswith(f'run: pip install "lamcts[{extra}]"\n')
    assert not Path("x").exists()


CELLS = (
    "x.cell.ops[0],x.cell.ops[1],x.cell.on[0][0],x.cell.on[0][1],x.cell.on[1][0],x.cell.on[1][1]"
)
HEADER = f"x.lr[0],x.lr[1],x.depth,x.op,{CELLS},value\n"
GOOD = "0.1,0.5,3,5,0,2,1,0,1,1,2.5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER + GOOD + "\n" + GOOD.replace("0.5", "7"), "line 4: column x.lr[1]: 7; give a nu"),
        (HEADER + GOOD.replace("0.5", ""), "line 2: column x.lr[1]: missing; give a number from"),
        (HEADER + GOOD.replace("0.5", "nan"), "line 2: column x.lr[1]: nan; give a number from"),
        (HEADER + GOOD.replace("0.5", "'a'"), "line 2: column x.lr[1]: \"'a'\"; give a number"),
        (HEADER + GOOD.replace(",3,", ",3.5,"), "line 2: column x.depth: 3.5; give an integer"),
        (HEADER + GOOD.replace(",5,", ",4,"), "line 2: column x.op: 4; give an integer from 5 to"),
        (HEADER + GOOD.replace("2.5", "inf"), "line 2: column value: inf is no finite number"),
        (HEADER + GOOD.replace("2.5", "9" * 400), "line 2: column value: 99999"),
        (HEADER + GOOD.replace("2.5", "good"), "line 2: column value: 'good' is no finite"),
        (HEADER + GOOD[:-5], "is not CSV: line 2: 10 cells under 11 names"),
        (HEADER.replace("x.op", "x.oq") + GOOD, "line 2: column x.oq: no part of this space"),
        (HEADER.replace("x.op", "x.depth") + GOOD, "is not CSV: line 1: two columns have one name"),
        (
            "state," + HEADER + "done," + GOOD,
            "line 2: column state: 'done' is no state; known: com",
        ),
        (HEADER + '"' + GOOD, "is not CSV: line 2: unexpected end of data"),
    ],
)
def test_a_bad_cell_is_named(lamcts: Call, folder: Path, text: str, message: str) -> None:
    (folder / "bad.csv").write_text(text)
    done = lamcts("run", "mixed.py", "--init", "bad.csv", *QUICK)
    assert (done.code, done.out) == (2, "")
    assert f"'bad.csv', {message}" in done.err or f"'bad.csv' {message}" in done.err
    assert done.err.count("\n") == 1
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"x": 1},\n {"x" 2}]', "is not JSON: line 2, column 7: Expecting ':' delimiter"),
        ('{"x": 1, "state": "failed"}\n\n{"x": [}', "is not JSON: line 3, column 8: Expecting va"),
        ("[1]", ', entry 1: 1 is no object; write {"name": value, ...}'),
        ('{"x": {"lr": [0.1, "0.5"]}}', ", line 1: column x.lr[1]: '0.5'; give a number from"),
        ('{"x": {"lr": [0.1, 0.5, 1]}}', ", line 1: column x.lr[2]: no part of this space"),
        ('{"x": 5}', ", line 1: column x: no part of this space"),
        ("[" * 100_000, "is not JSON: line 1: "),
    ],
)
def test_a_bad_entry_is_named(lamcts: Call, folder: Path, text: str, message: str) -> None:
    (folder / "bad.json").write_text(text)
    done = lamcts("run", "mixed.py", "--init", "bad.json", *QUICK)
    assert (done.code, done.out) == (2, "")
    assert f"'bad.json'{message}" in done.err or f"'bad.json' {message}" in done.err
    assert done.err.count("\n") == 1


def test_what_is_no_parquet(lamcts: Call, folder: Path) -> None:
    pytest.importorskip("pyarrow")
    (folder / "bad.parquet").write_text("hello")
    done = lamcts("run", "mixed.py", "--init", "bad.parquet", *QUICK)
    assert done.code == 2
    assert "--init: 'bad.parquet' is not Parquet" in done.err
    assert done.err.count("\n") == 1


def test_a_run_in_the_other_direction_is_refused(lamcts: Call, first: Result, folder: Path) -> None:
    (folder / "other.py").write_text(MIXED.replace('"maximize"', '"minimize"'))
    done = lamcts("run", "other.py", "--init", "runs/mixed/first", *QUICK)
    assert done.code == 2
    assert "'runs/mixed/first' is to maximize, this problem to minimize" in done.err


def test_a_table_may_have_no_values(lamcts: Call, folder: Path) -> None:
    """A byte order mark, Windows' line ends, and columns of the user's own."""
    rows = "\ufeffx[0],name,x[1]\r\n0.5,best,0.5\r\n-1,worst,-1\r\n"
    (folder / "points.csv").write_text(rows, encoding="utf-8", newline="")
    done = lamcts("run", "bowl.py", "--init", "points.csv", "--budget", "3", "--json", *QUICK)
    best = json.loads(done.out)["best"]
    assert (best["number"], best["x"], best["value"]) == (0, [0.5, 0.5], 0.0)


@pytest.mark.parametrize(
    ("header", "mend"),
    [("x[0],x[1],valeu", "did you mean 'valeu'?"), ("x[0],x[1],loss", "known: loss")],
)
def test_a_misspelt_column_of_values_is_told_of(
    lamcts: Call, folder: Path, header: str, mend: str
) -> None:
    (folder / "points.csv").write_text(f"{header}\n0.5,0.5,7\n")
    words = ("run", "bowl.py", "--init", "points.csv", "--budget", "2", "--optimizer", "random")
    warning = "--init: 'points.csv' has no column 'value': its points are evaluated"
    assert f"{warning}; {mend}\n" in lamcts(*words).err
    for whole in ("x[0],x[1]\n0.5,0.5\n", "x[0],x[1],value,name\n0.5,0.5,7,a\n"):
        (folder / "points.csv").write_text(whole)
        assert "has no column" not in lamcts(*words).err


@pytest.mark.parametrize("sign", [";", "\t"])
def test_a_table_of_points_may_be_between_semicolons_or_tabs(
    lamcts: Call, folder: Path, sign: str
) -> None:
    rows = "x[0],x[1],value\n0.5,0.5,0\n-1,-1,4.5\n".replace(",", sign)
    (folder / "points.csv").write_text(rows)
    done = lamcts("run", "bowl.py", "--init", "points.csv", "--budget", "1", "--json", *QUICK)
    result = json.loads(done.out)
    assert (result["trials"]["complete"], result["best"]["value"]) == (2 + 1, 0.0)
    (folder / "points.csv").rename("points.tsv")
    done = lamcts("run", "bowl.py", "--init", "points.tsv", *QUICK)
    assert done.err == (
        "Error: --init: 'points.tsv': ending .tsv is not known; "
        "use .csv, .parquet, .json or .jsonl\n"
    )
