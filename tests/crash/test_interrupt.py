"""Ctrl-C: the first ends a search after the running trial, the second at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lamcts
from lamcts.problem import ProblemRef
from lamcts.storage import RUN_FILE

SPHERE = Path(__file__).with_name("sphere.py")
ROOT = Path(__file__).parents[2]


def interrupt(tmp_path: Path, times: int, seconds: float) -> tuple[subprocess.Popen[str], str, str]:
    """Run a search in a process of its own, and send it ``times`` interrupts in trial 2."""
    code = (
        "import logging, sys, lamcts\n"
        "from lamcts.problem import ProblemRef\n"
        "logging.basicConfig()\n"
        f"problem = ProblemRef({str(SPHERE)!r}, {{'seconds': {seconds}}})\n"
        "result = lamcts.search(problem, budget=50, seed=0, optimizer='random',\n"
        f"    folder={str(tmp_path / 'run')!r})\n"
        "print(result.stopped, result.counts['complete'], result.counts['running'])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    file = tmp_path / "run" / RUN_FILE
    deadline = time.monotonic() + 60
    while not file.exists() or b'"number":2' not in file.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for _ in range(times):
        time.sleep(0.15)  # the trial is on the disk; let its evaluation start
        process.send_signal(signal.SIGINT)
    return process, *process.communicate(timeout=60)


def test_the_first_interrupt_finishes_the_running_trial(tmp_path: Path) -> None:
    process, out, err = interrupt(tmp_path, 1, 0.4)
    assert process.returncode == 0
    assert out == "interrupted 3 0\n"
    assert "Ctrl-C again drops them" in err
    problem = ProblemRef(str(SPHERE))
    expected = lamcts.search(problem, budget=8, seed=0, optimizer="random")
    resumed = lamcts.resume(tmp_path / "run", budget=8)
    assert [t.value for t in resumed.trials] == [t.value for t in expected.trials]


def test_the_second_interrupt_drops_it(tmp_path: Path) -> None:
    process, out, _ = interrupt(tmp_path, 2, 1.5)
    assert process.returncode == 0
    assert out == "interrupted 2 1\n"
