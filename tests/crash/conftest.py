"""What the crash tests share: the problem, runs in a process of their own, and their comparison."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.problem import ProblemRef

HERE = Path(__file__).parent


@pytest.fixture
def problem() -> ProblemRef:
    """The sphere, by reference."""
    return ProblemRef(str(HERE / "sphere.py"))


@pytest.fixture
def outline() -> Callable[[list[lamcts.Trial]], list[Any]]:
    """What must be equal in a resumed run: everything but durations and attempts."""
    return lambda trials: [
        (trial.number, trial.x.tolist(), trial.state, trial.value, dict(trial.metrics))
        for trial in trials
    ]


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a search, or resume it, in a process of its own: ``start(folder, **options)``."""
    started = []

    def run(folder: Path, **options: Any) -> subprocess.Popen[bytes]:
        root = HERE.parents[1]
        process = subprocess.Popen(
            [sys.executable, str(HERE / "killed_run.py"), str(folder), json.dumps(options)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
