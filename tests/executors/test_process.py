"""Worker processes: outcomes as in this process, and every way of dying seen for what it is."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lamcts
from lamcts.errors import InvalidArgument, ProblemError
from lamcts.executors import Executor, ProcessExecutor, SerialExecutor, Task
from lamcts.executors._machine import least_used, resident_memory, visible_devices
from lamcts.history import TrialState
from lamcts.outcome import Outcome
from lamcts.problem import ProblemRef

FILE = Path(__file__).with_name("tasks.py")


def run(
    executor: Executor, *points: tuple[int, int] | int, folder: Path | None = None
) -> list[Outcome]:
    """The outcomes of some points, in their order."""
    for number, point in enumerate(points):
        data = point if isinstance(point, int) else list(point)
        executor.submit(Task(number, data, folder=folder))
    outcomes: dict[int, Outcome] = {}
    deadline = time.monotonic() + 60
    while len(outcomes) < len(points) and time.monotonic() < deadline:
        outcomes |= {task.number: outcome for task, outcome in executor.wait(1.0)}
    return [outcomes[number] for number in range(len(points))]


def warm_up(executor: Executor, notes: Path) -> None:
    """Wait until both workers have evaluated something."""
    deadline = time.monotonic() + 60
    while len(pids(notes)) < 2 and time.monotonic() < deadline:
        run(executor, (1, 1), (1, 1))


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def pids(notes: Path) -> list[int]:
    return [int(path.name[4:]) for path in notes.glob("pid-*")]


def wait_until_gone(processes: list[int], seconds: float = 5.0, left: int = 0) -> None:
    """Wait until ``left`` of the processes live: a killed one takes a moment to be gone."""
    deadline = time.monotonic() + seconds
    while sum(map(alive, processes)) > left:
        assert time.monotonic() < deadline, "processes outlived their coordinator"
        time.sleep(0.02)


@pytest.fixture
def reference(tmp_path: Path) -> ProblemRef:
    return ProblemRef(str(FILE), {"notes": str(tmp_path)})


@pytest.fixture
def executor(reference: ProblemRef) -> Iterator[ProcessExecutor]:
    executor = ProcessExecutor(reference, workers=2, trial_timeout=1.5)
    yield executor
    executor.close()
    executor.close()  # harmless


def test_outcomes_are_those_of_the_serial_executor(
    executor: ProcessExecutor, reference: ProblemRef, tmp_path: Path
) -> None:
    points = [(0, 3), (3, 0), (0, 999), (6, 0)]
    serial = SerialExecutor(reference.build())
    here = run(serial, *points, folder=tmp_path)
    there = run(executor, *points, folder=tmp_path)
    for ours, theirs in zip(here, there, strict=True):
        assert (ours.state, ours.value, ours.error) == (theirs.state, theirs.value, theirs.error)
        assert ours.artifacts == theirs.artifacts
        assert ours.metrics.keys() == theirs.metrics.keys()
    assert math.isnan(there[3].metrics["nan"])
    assert (tmp_path / "left.txt").read_text() == "3"


def test_a_traceback_names_the_users_line(executor: ProcessExecutor) -> None:
    (outcome,) = run(executor, (3, 0))
    assert outcome.state is TrialState.FAILED
    assert outcome.error is not None
    assert outcome.error.endswith("KeyError: 'no such thing'")
    assert "tasks.py" in outcome.error
    assert "outcome.py" not in outcome.error


def test_a_trial_that_runs_too_long_ends_with_its_children(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    warm_up(executor, tmp_path)
    began = time.monotonic()
    late, fine = run(executor, (4, 0), (0, 5))
    assert late.state is TrialState.TIMEOUT
    assert "time-out of 1.5 s" in str(late.error)
    assert fine.value == 5.0
    assert 1.5 <= time.monotonic() - began < 10.0
    assert len(pids(tmp_path)) == 3  # two workers, and the child of the late one
    wait_until_gone(pids(tmp_path), left=1)
    assert sum(map(alive, pids(tmp_path))) == 1
    assert run(executor, (0, 1))[0].value == 1.0


def test_a_trial_that_reports_without_end_runs_too_long_all_the_same(reference: ProblemRef) -> None:
    executor = ProcessExecutor(reference, trial_timeout=0.5, judge=lambda *report: False)
    executor.submit(Task(0, [10, 300]))
    [(_, late)] = executor.wait()
    executor.close()
    assert late.state is TrialState.TIMEOUT


@pytest.mark.parametrize(
    ("point", "cause"), [((2, 0), "signal 9 (SIGKILL)"), ((7, 0), "exited with status 7")]
)
def test_a_dead_worker_is_seen_at_once_and_replaced(
    executor: ProcessExecutor, point: tuple[int, int], cause: str
) -> None:
    lost, fine = run(executor, point, (0, 4))
    assert lost.state is TrialState.LOST
    assert cause in str(lost.error)
    assert fine.value == 4.0
    assert [outcome.value for outcome in run(executor, (0, 1), (0, 2), (0, 3))] == [1.0, 2.0, 3.0]


def test_threads_are_limited_and_chatter_stays_off_stdout(
    executor: ProcessExecutor, capfd: pytest.CaptureFixture[str]
) -> None:
    (outcome,) = run(executor, (5, 0))
    assert outcome.value == float(os.environ.get("OMP_NUM_THREADS", "1"))
    assert capfd.readouterr().out == ""


def test_two_workers_run_at_a_time(executor: ProcessExecutor, tmp_path: Path) -> None:
    warm_up(executor, tmp_path)
    began = time.monotonic()
    run(executor, (1, 8), (1, 8))
    assert time.monotonic() - began < 1.5  # one after the other takes 1.6


def test_withdraw_forgets_what_has_not_started(executor: ProcessExecutor, tmp_path: Path) -> None:
    warm_up(executor, tmp_path)
    for number in range(5):
        executor.submit(Task(number, [1, 3]))
    assert executor.withdraw() == 2
    heard: list[int] = []
    while done := executor.wait(5.0):
        heard += [task.number for task, _ in done]
    assert sorted(heard) == [0, 1]


def test_wait_without_tasks_returns_at_once(executor: ProcessExecutor) -> None:
    assert executor.wait() == []


def test_a_problem_that_workers_cannot_build(tmp_path: Path) -> None:
    file = tmp_path / "only_here.py"
    file.write_text("import no_such_module\n")
    executor = ProcessExecutor(ProblemRef(str(file)))
    executor.submit(Task(0, [0]))
    with pytest.raises(ProblemError, match="no_such_module"):
        executor.wait(60.0)
    executor.close()


def test_a_worker_refuses_a_file_that_was_edited_meanwhile(tmp_path: Path) -> None:
    file = tmp_path / "edited.py"
    text = (
        "import os, lamcts\n"
        "class Edited(lamcts.Evaluator):\n"
        "    space = lamcts.spaces.Discrete(3)\n"
        "    def evaluate(self, x):\n"
        "        if x == 2: os._exit(7)\n"
        "        return 1.0\n"
    )
    file.write_text(text)
    with contextlib.closing(ProcessExecutor(ProblemRef(str(file)))) as executor:
        executor.submit(Task(0, 0))
        assert [outcome.value for _, outcome in executor.wait(60.0)] == [1.0]
        file.write_text(text.replace("1.0", "2.0"))
        executor.submit(Task(1, 2))
        executor.wait(60.0)
        executor.submit(Task(2, 0))
        with pytest.raises(ProblemError, match="not that which the search began with; undo"):
            executor.wait(60.0)


def test_an_error_of_a_moment_in_a_later_worker_is_survived(tmp_path: Path) -> None:
    file = tmp_path / "moody.py"
    file.write_text(
        "import os, lamcts\n"
        "from pathlib import Path\n"
        "class Moody(lamcts.Evaluator):\n"
        "    space = lamcts.spaces.Discrete(9)\n"
        "    left = Path(__file__).with_name('left')\n"
        "    def prepare(self):\n"
        "        left = int(self.left.read_text()) if self.left.exists() else 0\n"
        "        self.left.write_text(str(left - 1))\n"
        "        if left > 0: raise OSError('no network')\n"
        "    def evaluate(self, x):\n"
        "        if not x: return 1.0\n"
        "        self.left.write_text(str(x))\n"
        "        os._exit(7)\n"
    )
    with contextlib.closing(ProcessExecutor(ProblemRef(str(file)))) as executor:
        lost, fine = run(executor, 2, 0)  # two workers that replace it cannot start
        assert lost.state is TrialState.LOST
        assert fine.value == 1.0
        executor.submit(Task(0, 8))
        executor.wait(60.0)
        executor.submit(Task(1, 0))
        with pytest.raises(ProblemError, match="no network"):
            executor.wait(60.0)


def test_a_problem_that_kills_workers(tmp_path: Path) -> None:
    file = tmp_path / "deadly.py"
    file.write_text("import os\nos._exit(11)\n")
    executor = ProcessExecutor(ProblemRef(str(file)))
    executor.submit(Task(0, [0]))
    with pytest.raises(ProblemError, match=r"workers die loading it \(exited with status 11\)"):
        executor.wait(60.0)
    executor.close()


def test_a_forked_child_does_not_hold_up_the_end(reference: ProblemRef) -> None:
    executor = ProcessExecutor(reference)
    child = os.fork()  # as by a data loader in an evaluator's test()
    if not child:
        time.sleep(20.0)
        os._exit(0)
    began = time.monotonic()
    executor.close()
    assert time.monotonic() - began < 10.0
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_close_ends_what_runs(reference: ProblemRef, tmp_path: Path) -> None:
    executor = ProcessExecutor(reference, workers=1)
    executor.submit(Task(0, [4, 0]))
    while len(pids(tmp_path)) < 2:
        executor.wait(0.05)
    executor.close()
    wait_until_gone(pids(tmp_path))


def test_children_die_with_the_coordinator(tmp_path: Path) -> None:
    script = (
        "import sys; from lamcts.executors import ProcessExecutor, Task\n"
        "from lamcts.problem import ProblemRef\n"
        f"problem = ProblemRef({str(FILE)!r}, {{'notes': sys.argv[1]}})\n"
        "executor = ProcessExecutor(problem, workers=2)\n"
        "for n in range(2): executor.submit(Task(n, [4, 0]))\n"
        "while True: executor.wait(60.0)\n"
    )
    root = FILE.parents[2]
    coordinator = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    deadline = time.monotonic() + 60
    while len(pids(tmp_path)) < 4:  # two workers and a child of each
        assert coordinator.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    coordinator.kill()
    coordinator.wait()
    wait_until_gone(pids(tmp_path))


def test_a_problem_file_that_starts_a_search(tmp_path: Path) -> None:
    """Workers import the file; without a guard each would start workers of its own."""
    file = tmp_path / "no_guard.py"
    file.write_text(
        "import lamcts\n"
        "class Bowl(lamcts.Evaluator):\n"
        "    space = lamcts.spaces.Box(0.0, 1.0, shape=(1,))\n"
        "    def evaluate(self, x):\n"
        "        return float(x[0])\n"
        "lamcts.search(Bowl, budget=4, workers=2, optimizer='random')\n"
    )
    root = FILE.parents[2]
    done = subprocess.run(
        [sys.executable, str(file)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert '__name__ == "__main__"' in done.stderr


def test_where_there_are_no_process_groups(
    reference: ProblemRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "killpg")
    with pytest.raises(InvalidArgument, match="use workers=1, and no trial_timeout"):
        ProcessExecutor(reference)


def test_workers_that_there_is_no_room_for(
    reference: ProblemRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ProcessExecutor._start
    started = []

    def limited(self: ProcessExecutor) -> None:
        if len(self._workers) == 1:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        start(self)
        started.append(self._workers[0].pid)

    monkeypatch.setattr(ProcessExecutor, "_start", limited)
    message = r"workers: 900 cannot be started \(Too many open files after 1\); use fewer"
    with pytest.raises(InvalidArgument, match=message):
        ProcessExecutor(reference, workers=900)
    wait_until_gone(started)


def test_search_refuses_an_evaluator_without_a_reference() -> None:
    class Local(lamcts.Evaluator):
        space = lamcts.spaces.Box(0.0, 1.0, shape=(1,))

        def evaluate(self, x: object) -> float:
            return 0.0

    with pytest.raises(ProblemError, match="workers=1"):
        lamcts.search(Local(), budget=3, workers=2, optimizer="random")
    with pytest.raises(InvalidArgument, match="workers"):
        lamcts.search(Local(), budget=3, workers=0)


def test_a_trial_that_holds_too_much_memory_fails_alone(reference: ProblemRef) -> None:
    executor = ProcessExecutor(reference, workers=2, trial_memory=400_000_000)
    with contextlib.closing(executor):
        large, small = run(executor, (8, 600), (1, 20))
        assert large.state is TrialState.FAILED
        assert "more than the trial's limit of 0.4 GB" in str(large.error)
        assert small.state is TrialState.COMPLETE
        assert run(executor, (0, 5), (0, 6))[0].value == 5.0


@pytest.mark.parametrize(
    ("visible", "seen"), [("3,5", {3.0, 5.0}), ("3", {3.0}), ("", set()), ("2,-1", {2.0})]
)
def test_each_worker_has_a_device_of_its_own(
    reference: ProblemRef, monkeypatch: pytest.MonkeyPatch, visible: str, seen: set[float]
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert {float(name) for name in visible_devices()} == seen
    if len(seen) > 1:
        with contextlib.closing(ProcessExecutor(reference, workers=2)) as executor:
            warm_up(executor, Path(reference.kwargs["notes"]))
            found = run(executor, (9, 0), (9, 0), (9, 0), (9, 0))
            assert {outcome.value for outcome in found} <= seen
            assert {worker.device for worker in executor._workers} == {"3", "5"}


def test_what_is_the_least_used_device() -> None:
    assert least_used(["0", "1"], ["0", None]) == "1"
    assert least_used(["0"], []) is None
    assert least_used([], []) is None


def test_the_memory_of_this_process_is_seen() -> None:
    held = resident_memory()[os.getpgrp()]
    assert held > 1e7
    ballast = np.ones(20_000_000)
    assert resident_memory()[os.getpgrp()] > held + 0.9 * ballast.nbytes
