"""SIGKILL at named points and at random times: the resumed run equals the uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
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
    *(
        (point, kind, 3)
        for kind in ("ask", "tell")
        for point in ("before", "torn", "unsynced", "after")
    ),
    ("best", "", 2),
    ("before", "stop", 1),
    ("torn", "stop", 1),
]


@dataclass
class Account:
    """What became of a run that was killed again and again."""

    kills: int = 0
    acknowledged: set[int] = field(default_factory=set)
    finished: dict[int, Any] = field(default_factory=dict)  # by trial: its outcome

    def check(self, folder: Path, printed: bytes) -> None:
        """Read the run in this process: nothing acknowledged is lost, nothing finished changes."""
        self.acknowledged |= set(map(int, printed.split()))
        run = read_run(folder)
        told = [event["number"] for event in run.events if event["event"] == "tell"]
        assert len(told) == len(set(told)), "a trial was told twice"
        finished = {t.number: (t.x.tolist(), t.value) for t in run.trials if t.state.finished}
        assert finished.keys() >= self.acknowledged, "an acknowledged trial is lost"
        assert finished.items() >= self.finished.items(), "a finished trial is lost or has changed"
        self.finished = finished


@pytest.mark.parametrize("kill", POINTS, ids=lambda kill: "-".join(map(str, kill)))
def test_killed_at_a_named_point(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, kill: tuple[Any, ...]
) -> None:
    options: dict[str, Any] = {"budget": 8, "seed": 5, "optimizer": "random"}
    expected = lamcts.search(problem, **options)
    folder = tmp_path / "run"
    process = start(folder, kill=kill, **options)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    Account().check(folder, printed)
    done = [t for t in load_result(folder).trials_to_json() if t["state"] == "complete"]
    result = lamcts.resume(folder)
    assert outline(result.trials) == outline(expected.trials)
    assert result.trials_to_json()[: len(done)] == done
    assert result.stopped == "budget"


@pytest.mark.parametrize("kill", [("after", "ask", 3), ("unsynced", "tell", 3)])
def test_killed_at_a_named_point_with_two_workers(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, kill: tuple[Any, ...]
) -> None:
    options: dict[str, Any] = {"budget": 8, "seed": 5, "optimizer": "random"}
    options["deterministic"] = True
    process = start(tmp_path / "run", kill=kill, workers=2, **options)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    Account().check(tmp_path / "run", printed)
    expected = lamcts.search(problem, **options)
    assert outline(lamcts.resume(tmp_path / "run").trials) == outline(expected.trials)


def test_killed_before_the_header_holds_no_run(tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "run"
    process = start(folder, kill=("torn", "start", 1), budget=3, seed=0, optimizer="random")
    assert process.wait(60) == -signal.SIGKILL
    with pytest.raises(RunError, match="holds no run"):
        lamcts.resume(folder)


def count(folder: Path, mark: bytes) -> int:
    """How often something stands in a run's file, which may not be there yet."""
    file = folder / RUN_FILE
    return file.read_bytes().count(mark) if file.exists() else 0


def kill_at_random(
    tmp_path: Path, start: Start, rng: random.Random, kills: int, **options: Any
) -> Account:
    """Kill a run at ``kills`` random times, resuming it in a new process after each."""
    folder, account = tmp_path / "run", Account()
    while account.kills < kills:
        process = start(folder, **options)
        # Starting takes long and varies: the clock begins with something that is written, mostly
        # the first outcome of this session.
        mark = b'"v":' if rng.random() < 0.2 else b'"event":"tell"'
        before, deadline = count(folder, mark), time.monotonic() + 60
        while count(folder, mark) <= before and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.25))
        process.kill()
        printed, _ = process.communicate()
        account.kills += process.returncode == -signal.SIGKILL
        account.check(folder, printed)
        assert process.returncode in (-signal.SIGKILL, 0)
        if process.returncode == 0:
            break  # it was done: the budget is too small for so many kills
    return account


@pytest.mark.parametrize("optimizer", ["random", "lamcts"])
def test_killed_at_random_times(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start, optimizer: str
) -> None:
    options: dict[str, Any] = {"budget": 60, "seed": 7, "optimizer": optimizer}
    expected = lamcts.search(problem, **options)
    account = kill_at_random(tmp_path, start, random.Random(1), 2, seconds=0.01, **options)
    assert account.kills == 2
    result = lamcts.resume(tmp_path / "run")
    assert outline(result.trials) == outline(expected.trials)


def test_killed_with_two_workers_in_deterministic_mode(
    tmp_path: Path, problem: ProblemRef, outline: Outline, start: Start
) -> None:
    options: dict[str, Any] = {"budget": 50, "seed": 2, "optimizer": "lamcts", "n_init": 8}
    options["deterministic"] = True
    expected = lamcts.search(problem, **options)
    account = kill_at_random(
        tmp_path, start, random.Random(2), 2, seconds=0.02, workers=2, **options
    )
    assert account.kills == 2
    result = lamcts.resume(tmp_path / "run", workers=1)
    assert outline(result.trials) == outline(expected.trials)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_many_kills(
    tmp_path: Path,
    problem: ProblemRef,
    outline: Outline,
    start: Start,
    seed: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Twenty kills in each of ten runs, and not one trial lost, told twice or changed."""
    rng = random.Random(seed)
    options: dict[str, Any] = {"budget": 400, "seed": seed}
    options["optimizer"] = ["lamcts", "turbo", "evolution", "random", "cmaes"][seed % 5]
    options["deterministic"] = seed >= 5
    expected = lamcts.search(problem, **options)
    workers = 2 if options["deterministic"] else 1
    account = kill_at_random(tmp_path, start, rng, 20, seconds=0.02, workers=workers, **options)
    assert account.kills == 20
    assert outline(lamcts.resume(tmp_path / "run").trials) == outline(expected.trials)
    with capsys.disabled():
        print(
            f"\n{options['optimizer']}, {workers} workers: {account.kills} kills, "
            f"{len(account.acknowledged)} trials acknowledged before them, none lost; "
            f"all {len(expected.trials)} as in the uninterrupted run"
        )


def kill_workers(tmp_path: Path, process: subprocess.Popen[bytes], kills: int) -> int:
    """Kill a worker in the middle of a trial, again and again. Returns how many were killed."""
    pids, done = tmp_path / "pids", 0
    seen: set[str] = set()
    while done < kills and process.poll() is None:
        time.sleep(0.01)
        started = pids.read_text().split() if pids.exists() else []
        if started and started[-1] not in seen:
            seen.add(started[-1])
            os.kill(int(started[-1]), signal.SIGKILL)
            done += 1
    return done


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_workers(
    tmp_path: Path,
    problem: ProblemRef,
    outline: Outline,
    start: Start,
    kills: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each lost trial is evaluated again at its point; the budget is exact, the trials the same."""
    options: dict[str, Any] = {"budget": 30 + 2 * kills, "seed": 4, "optimizer": "lamcts"}
    options |= {"deterministic": True, "retries": 100}
    expected = lamcts.search(problem, **options)
    pids = str(tmp_path / "pids")
    process = start(tmp_path / "run", workers=2, seconds=0.05, pids=pids, **options)
    assert kill_workers(tmp_path, process, kills) == kills
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    run = read_run(tmp_path / "run")
    again = [event for event in run.events if event["event"] == "ask" and "x" not in event]
    assert 0 < len(again) <= kills
    assert all("SIGKILL" in event["lost"] for event in again)
    assert outline(run.trials) == outline(expected.trials)
    assert sorted(map(int, printed.split())) == list(range(options["budget"]))
    with capsys.disabled():
        print(f"\n{kills} workers killed, {len(again)} trials evaluated again", end=" ")


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


def test_readers_disturb_nobody(tmp_path: Path, start: Start) -> None:
    """Eight workers, 1,600 trials of a millisecond, and a reader that looks all the time."""
    folder = tmp_path / "run"
    process = start(folder, budget=1600, seed=0, optimizer="random", workers=8, seconds=0.001)
    looks, seen = 0, 0
    while process.poll() is None:
        now = read_events_safely(folder)
        assert now >= seen
        looks, seen = looks + (0 < now < 1600), now
    assert process.returncode == 0
    assert looks > 5
    assert load_result(folder).counts["complete"] == 1600


def read_events_safely(folder: Path) -> int:
    """How many trials a reader sees; none while the header is being written."""
    try:
        return len(read_run(folder).trials)
    except RunError:
        return 0
