"""A folder to work in, and ``lamcts`` called as a person would call it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lamcts.cli import app

ROOT = Path(__file__).parents[2]

BOWL = """
import lamcts

class Bowl(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    default_budget = 12

    def __init__(self, target: float = 0.5):
        self.target = target

    def evaluate(self, x):
        return float(((x - self.target) ** 2).sum())

    def cost(self, x):
        return {"size": float(x[0])}
"""


class Outcome:
    """What a command printed and its exit status."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


Call = Callable[..., Outcome]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder with ``bowl.py``; the log goes back to where it went."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "bowl.py").write_text(BOWL)
    logger = logging.getLogger("lamcts")
    before = (list(logger.handlers), logger.propagate)
    yield tmp_path
    logger.handlers, logger.propagate = before


@pytest.fixture
def lamcts() -> Call:
    """Call a command in this process. An exception that is no exit is raised."""

    def call(*words: str) -> Outcome:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


def environment() -> dict[str, str]:
    """For subprocesses: the package under test, one thread each."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "TERM": "dumb"}


@pytest.fixture
def start(folder: Path) -> Start:
    """Start ``python -m lamcts`` in a process of its own."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # tests run in a shell's background
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def popen(*words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "lamcts", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment(),
        )

    return popen
