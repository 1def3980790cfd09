"""Anything may be typed: a command ends with a documented status and without a traceback."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from typer.testing import CliRunner

import lamcts
from lamcts.cli import app
from lamcts.errors import InvalidArgument
from lamcts.optimizers import list_optimizers
from lamcts.result import load_result

STATUSES = {0, 1, 2, 3}

#: Nine points, so that no budget is too large.
GRID = """
import lamcts

class Grid(lamcts.Evaluator):
    space = lamcts.spaces.MultiDiscrete([3, 3])
    default_budget = 4

    def __init__(self, target: int = 1, names: tuple[str, ...] = ()):
        self.target = target

    def evaluate(self, x):
        return float(abs(x - self.target).sum())

    def cost(self, x):
        return {"size": float(x[0])}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a problem, points and a run, made anew for each command by `fresh`."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "grid.py").write_text(GRID)
    (base / "points.csv").write_text("x[0],x[1],value\n0,1,2.5\n2,2,\n")
    (base / "points.jsonl").write_text('{"x": [0, 1], "value": 2.5}\n')
    monkeypatch.chdir(base)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    monkeypatch.setitem(sys.modules, "ray", None)  # no cluster is to be started
    logger = logging.getLogger("lamcts")
    before = (list(logger.handlers), logger.propagate)
    options: dict[str, Any] = {"budget": 4, "seed": 0, "optimizer": "random"}
    lamcts.search("grid.py", folder=base / "runs" / "grid" / "stored", **options)
    run = base / "runs" / "grid" / "stored" / "run.jsonl"
    (base / "runs" / "grid" / "hurt").mkdir()
    lines = run.read_bytes().splitlines(keepends=True)
    (base / "runs" / "grid" / "hurt" / "run.jsonl").write_bytes(b"".join(lines[:4] + lines[5:-1]))
    yield tmp_path
    logger.handlers, logger.propagate = before


def fresh(folder: Path) -> Path:
    os.chdir(folder)
    shutil.rmtree(folder / "work", ignore_errors=True)
    shutil.copytree(folder / "base", folder / "work")
    os.chdir(folder / "work")
    return folder / "work"


def call(folder: Path, words: list[str]) -> None:
    """Run a command; what was found before must still be there afterwards."""
    work = fresh(folder)
    before = load_result(work / "runs" / "grid" / "stored").trials_to_json()
    result = CliRunner().invoke(app, words)
    assert result.exception is None or isinstance(result.exception, SystemExit), words
    assert result.exit_code in STATUSES
    assert "Traceback" not in result.stderr
    if result.exit_code == 2:
        assert result.stderr.startswith(("Error: ", "Usage: ")), result.stderr
    after = load_result(work / "runs" / "grid" / "stored").trials_to_json()
    assert after[: len(before)] == before


texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), max_size=6
) | st.sampled_from(["a" * 300, "..", ".", "~", "\udcff", "--", "-", "=", "grid.py", "stored"])
numbers = st.sampled_from(
    [
        "0",
        "-1",
        "1",
        "7",
        "1e400",
        "1e-400",
        "nan",
        "inf",
        "-inf",
        "1.5",
        "9" * 30,
        "0x10",
        "",
        "1_0",
    ]
)
not_many = st.sampled_from(["0", "-1", "1", "1.5", "nan", "", "two"])
sizes = numbers | texts
optimizers = st.sampled_from([*list_optimizers(), "Random", "lamtcs"]) | texts
settings_ = st.builds(
    "{}={}".format,
    st.sampled_from(["target", "names", "cp", "n_init", "leaf_size", "sampler", "max_depth", "ucb"])
    | texts,
    sizes | st.sampled_from(["random", "turbo", "[1]", "none", "yes"]),
)
constraints = st.builds(
    "{}{}{}".format, st.just("size") | texts, st.sampled_from(["<=", ">", "=", "<"]), sizes
)
files = st.sampled_from(["points.csv", "points.jsonl", "grid.py", ".", "runs/grid/stored"]) | texts
runs = st.sampled_from(["stored", "hurt", "runs/grid/stored", "runs/grid/hurt", "runs"]) | texts


def options(**known: Any) -> st.SearchStrategy[list[str]]:
    """Some of the options, each with something as its value, in any order."""
    pairs = []
    for name, values in known.items():
        option = "--" + name.replace("_", "-")
        pairs.append(st.just([option]) if values is None else st.tuples(st.just(option), values))
    return st.lists(st.one_of(pairs), max_size=4).map(
        lambda some: [w for pair in some for w in pair]
    )


RUN: dict[str, Any] = {
    "budget": sizes,
    "optimizer": optimizers,
    "set": settings_ | texts,
    "workers": not_many | texts,
    "executor": st.sampled_from(["local", "ray"]) | texts,
    "ray_address": texts,
    "resources": texts | st.sampled_from(["gpu=1", "cpu=x", "cpu=nan", "cpu=-1"]),
    "seed": sizes,
    "timeout": sizes,
    "trial_timeout": not_many.filter(lambda text: text not in ("1", "1.5")) | texts,
    "constraint": constraints | texts,
    "name": texts,
    "max_failures": sizes,
    "retries": sizes,
    "init": files,
    "deterministic": None,
    "json": None,
    "quiet": None,
}
RESUME = {name: RUN[name] for name in ("budget", "workers", "executor", "resources", "json")}
BENCH: dict[str, Any] = {
    "functions": texts | st.sampled_from(["sphere", "ackley,levy", ",", "grid.py"]),
    "suite": texts | st.sampled_from(["bbob", "mixed", "discrete,mixed"]),
    "optimizers": texts | st.sampled_from(["random", "lamcts,random", ",", "optuna-tpe"]),
    "dim": sizes,
    "budget": not_many,
    "seeds": not_many,
    "instances": not_many,
    "checkpoints": sizes | st.sampled_from(["1,2", "1,,2", "7,1"]),
    "workers": not_many,
    "set": settings_ | texts | st.sampled_from(["lamcts.cp=1", "random.cp=1", "lamcts.=1"]),
    "out": texts,
    "list": None,
    "json": None,
}
formats = st.sampled_from(["json", "jsonl", "csv", "parquet"]) | texts

commands = st.one_of(
    st.tuples(st.just(["run"]), st.just(["grid.py"]), options(**RUN)),
    st.tuples(st.just(["run"]), texts.map(lambda text: [text]), options(**RUN)),
    st.tuples(st.just(["resume"]), runs.map(lambda run: [run]), options(**RESUME)),
    st.tuples(st.just(["show"]), runs.map(lambda run: [run]), options(json=None)),
    st.tuples(st.just(["export"]), runs.map(lambda run: [run]), options(format=formats, out=texts)),
    st.tuples(st.just(["repair"]), runs.map(lambda run: [run]), options(json=None)),
    st.tuples(st.just(["list"]), files.map(lambda file: [file]), options(json=None)),
    st.lists(texts, max_size=3).map(lambda words: (words,)),
).map(lambda parts: [word for part in parts for word in part])


@pytest.mark.parametrize("examples", [150, pytest.param(1500, marks=pytest.mark.slow)])
def test_commands(examples: int, folder: Path) -> None:
    @settings(max_examples=examples)
    @given(words=commands)
    @example(words=["run", "grid.py", "--set", "n_init=" + "9" * 30])
    @example(words=["show", "a" * 300])
    @example(words=["list", "grid.py"])
    def check(words: list[str]) -> None:
        call(folder, words)

    check()


@pytest.mark.parametrize("examples", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_bench(examples: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is asked for, up to where the processes would start."""

    def refuse(*arguments: Any, **more: Any) -> Any:
        raise InvalidArgument("tests: no processes")

    module = importlib.import_module("lamcts.benchmark.compare")  # a function has its name too
    monkeypatch.setattr(module, "run_in_processes", refuse)

    @settings(max_examples=examples)
    @given(words=options(**BENCH))
    def check(words: list[str]) -> None:
        call(folder, ["bench", *words])

    check()


@pytest.mark.parametrize("examples", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_files_of_points(examples: int, folder: Path) -> None:
    """What ``--init`` is given may hold anything."""
    csv = st.text(st.sampled_from('x[0],1.5"\n-e\r'), max_size=40).map(str.encode)
    json = st.text(st.sampled_from('{"x":[0,1]} \nvalue5.'), max_size=40).map(str.encode)
    broken = st.builds(
        lambda at, more: GOOD[:at] + more + GOOD[at + 1 :],
        st.integers(0, len(GOOD)),
        st.binary(max_size=2),
    )

    @settings(max_examples=examples)
    @given(data=st.binary(max_size=20) | csv | json | broken, kind=st.sampled_from(KINDS))
    def check(data: bytes, kind: str) -> None:
        (folder / "base" / f"any{kind}").write_bytes(data)
        call(folder, ["run", "grid.py", "--init", f"any{kind}", "--optimizer", "random"])

    check()


GOOD = b"x[0],x[1],value,state\n0,1,2.5,complete\n2,2,,failed\n1,1,-3,complete\n"
KINDS = [".csv", ".json", ".jsonl", ".parquet", ""]
