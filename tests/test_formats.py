"""A run of each released format of the run file is kept, and is opened by every later version."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lamcts.cli import app
from lamcts.storage import FORMAT, RUN_FILE, read_run, repair

DATA = Path(__file__).parent / "data"
STORED = sorted(DATA.glob("run-v*"))

Call = Callable[..., str]


@pytest.fixture(params=STORED, ids=lambda folder: str(folder.name))
def stored(request: pytest.FixtureRequest) -> Path:
    """A stored run, and beside it ``trials.json``: what it held when it was stored."""
    folder: Path = request.param
    return folder


@pytest.fixture
def call() -> Call:
    def lamcts(*words: str) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    return lamcts


def test_this_format_has_a_stored_run() -> None:
    assert [folder.name for folder in STORED] == [f"run-v{n}" for n in range(1, FORMAT + 1)]
    assert json.loads((STORED[-1] / RUN_FILE).read_text().splitlines()[0])["v"] == FORMAT


def test_it_is_shown_and_exported(stored: Path, call: Call) -> None:
    expected = json.loads((stored / "trials.json").read_text())
    before = {path: path.read_bytes() for path in stored.iterdir()}
    assert json.loads(call("export", str(stored))) == expected
    shown = json.loads(call("show", "--json", str(stored)))
    values = [trial["value"] for trial in expected if trial["value"] is not None]
    assert shown["best"]["value"] == min(values)
    assert json.loads((stored / "best.json").read_text())["value"] == min(values)
    assert {path: path.read_bytes() for path in stored.iterdir()} == before


def test_it_is_resumed(stored: Path, tmp_path: Path, call: Call) -> None:
    """Its trials stay as they were, and are what the new ones build on."""
    folder = shutil.copytree(stored, tmp_path / "run")
    expected = json.loads((stored / "trials.json").read_text())
    budget = read_run(folder).budget
    call("resume", str(folder), "--budget", str(budget + 4), "--quiet")
    trials: list[Any] = json.loads(call("export", str(folder)))
    assert trials[: len(expected)] == expected
    assert [trial["state"] for trial in trials[len(expected) :]] == ["complete"] * 4
    assert repair(folder) is None
