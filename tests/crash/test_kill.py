"""SIGKILL at named points and at random times: the resumed run equals the uninterrupted one."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import LamctsError, RunError
from lamcts.problem import ProblemRef
from lamcts.result import load_result
from lamcts.storage import RUN_FILE, read_run

Outline = Callable[[list[lamcts.Trial]], list[Any]]
Start = Callable[..., "subprocess.Popen[bytes]"]

POINTS = [
    *((point, kind, 3) for kind in ("ask", "tell") for point in ("before", "torn", "after")),
    ("best", "", 2),
    ("before", "stop", 1),
    ("torn", "stop", 1),
]


@pytest.mark.parametrize("kill", POINTS, ids=lambda kill: "-".join(map(str, kill)))
def test_killed_at_a_named_point(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, kill: tuple[Any, ...]
) -> None:
    options: dict[str, Any] = {"budget": 8, "seed": 5, "optimizer": "random"}
    expected = lamcts.search(problem, **options)
    folder = tmp_path / "run"
    assert start(folder, kill=kill, **options).wait(60) == -signal.SIGKILL
    done = [t for t in load_result(folder).trials_to_json() if t["state"] == "complete"]
    result = lamcts.resume(folder)
    assert outline(result.trials) == outline(expected.trials)
    assert result.trials_to_json()[: len(done)] == done
    assert result.stopped == "budget"


def test_killed_before_the_header_holds_no_run(tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "run"
    process = start(folder, kill=("torn", "start", 1), budget=3, seed=0, optimizer="random")
    assert process.wait(60) == -signal.SIGKILL
    with pytest.raises(RunError, match="holds no run"):
        lamcts.resume(folder)


def kill_at_random(
    tmp_path: Path, start: Start, rng: random.Random, kills: int, **options: Any
) -> Path:
    """Kill a run at ``kills`` random times, resuming it in a new process after each."""
    folder = tmp_path / "run"
    for _ in range(kills):
        process = start(folder, **options)
        file, size = folder / RUN_FILE, 0
        deadline = time.monotonic() + 60
        # Starting takes long and varies: the clock begins when the process has written something.
        before = file.stat().st_size if file.exists() else 0
        while size <= before and process.poll() is None and time.monotonic() < deadline:
            size = file.stat().st_size if file.exists() else 0
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.15))
        process.kill()
        process.wait()
    return folder


@pytest.mark.parametrize("optimizer", ["random", "lamcts"])
def test_killed_at_random_times(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, optimizer: str
) -> None:
    options: dict[str, Any] = {"budget": 25, "seed": 7, "optimizer": optimizer}
    expected = lamcts.search(problem, **options)
    folder = kill_at_random(tmp_path, start, random.Random(1), 2, seconds=0.01, **options)
    result = lamcts.resume(folder)
    assert outline(result.trials) == outline(expected.trials)


def test_killed_with_two_workers_in_deterministic_mode(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start
) -> None:
    options: dict[str, Any] = {"budget": 20, "seed": 2, "optimizer": "lamcts", "n_init": 8}
    options["deterministic"] = True
    expected = lamcts.search(problem, **options)
    folder = kill_at_random(
        tmp_path, start, random.Random(2), 2, seconds=0.02, workers=2, **options
    )
    result = lamcts.resume(folder, workers=1)
    assert outline(result.trials) == outline(expected.trials)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_kills(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, seed: int
) -> None:
    rng = random.Random(seed)
    options: dict[str, Any] = {"budget": 60, "seed": seed}
    options["optimizer"] = rng.choice(["lamcts", "turbo", "evolution", "random", "cmaes"])
    options["deterministic"] = rng.random() < 0.5
    expected = lamcts.search(problem, **options)
    workers = 2 if options["deterministic"] else 1
    folder = kill_at_random(tmp_path, start, rng, 20, seconds=0.02, workers=workers, **options)
    assert outline(lamcts.resume(folder).trials) == outline(expected.trials)


def test_two_owners(tmp_path: Path, start: Start) -> None:
    """The second is told who has the run; once that is killed, it can go on."""
    folder = tmp_path / "run"
    first = start(folder, budget=1000, seed=0, optimizer="random", seconds=0.05)
    deadline = time.monotonic() + 60
    while not (folder / RUN_FILE).exists() or not read_events_safely(folder):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    with pytest.raises(LamctsError, match=f"run is open in pid {first.pid}") as refusal:
        lamcts.resume(folder, budget=30)
    assert refusal.value.exit_code == 2
    first.kill()
    first.wait()
    assert lamcts.resume(folder, budget=30).stopped == "budget"


def read_events_safely(folder: Path) -> int:
    """How many trials a reader sees; none while the header is being written."""
    try:
        return len(read_run(folder).trials)
    except RunError:
        return 0
