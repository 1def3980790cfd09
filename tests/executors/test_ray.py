"""A real Ray cluster of two nodes on this machine: outcomes as elsewhere, and every death survived.

Starting Ray takes seconds, so all this is slow; what needs no Ray is in ``test_cluster.py``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import InvalidArgument, ProblemError
from lamcts.executors import RayExecutor, SerialExecutor, Task
from lamcts.history import TrialState
from lamcts.outcome import Outcome
from lamcts.problem import ProblemRef
from lamcts.storage import read_run

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    # Ray's own: it opens files and forks with threads running.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]

ROOT = Path(__file__).parents[2]
TASKS = Path(__file__).with_name("tasks.py")
#: Sleeps, and leaves its process's id and its attempt; imports what lies beside it.
PROBLEM = """\
import os, time
from pathlib import Path
import lamcts
from beside import square


class Bowl(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(3,))

    def __init__(self, notes: str, seconds: float = 0.0, deadly: int = -1):
        self.notes, self.seconds, self.deadly = Path(notes), seconds, deadly

    def evaluate(self, x):
        trial = self.trial
        (self.notes / f"{trial.number}-{trial.attempt}-{os.getpid()}").touch()
        if trial.number == self.deadly and trial.attempt == 0:
            os.kill(os.getpid(), 9)
        time.sleep(self.seconds)
        return square(x)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without room for trials, and one node with room for two."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def problem(tmp_path: Path) -> tuple[Path, Path]:
    """A problem's file, and the folder for its notes."""
    folder, notes = tmp_path / "mine", tmp_path / "notes"
    folder.mkdir()
    notes.mkdir()
    (folder / "bowl.py").write_text(PROBLEM)
    (folder / "beside.py").write_text("def square(x):\n    return float((x**2).sum())\n")
    return folder / "bowl.py", notes


@pytest.fixture
def executor(cluster: Any, tmp_path: Path) -> Iterator[RayExecutor]:
    reference = ProblemRef(str(TASKS), {"notes": str(tmp_path)})
    executor = RayExecutor(reference, address=cluster.address, trial_timeout=1.5)
    yield executor
    executor.close()
    executor.close()  # harmless


def run(executor: Any, *points: tuple[int, int], folder: Path | None = None) -> list[Outcome]:
    """The outcomes of some points, in their order."""
    for number, point in enumerate(points):
        executor.submit(Task(number, list(point), folder=folder))
    outcomes: dict[int, Outcome] = {}
    deadline = time.monotonic() + 90
    while len(outcomes) < len(points) and time.monotonic() < deadline:
        outcomes |= {task.number: outcome for task, outcome in executor.wait(1.0)}
    return [outcomes[number] for number in range(len(points))]


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def marked(token: str) -> list[str]:
    """The command lines of the processes that have a word in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if token.encode() in (folder / "environ").read_bytes() and alive(int(folder.name)):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_until(condition: Any, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def points_of(result: lamcts.Result) -> list[tuple[Any, ...]]:
    return [(*trial.x, trial.value, trial.state) for trial in result.trials]


def test_trials_that_report_are_pruned_as_in_this_process(cluster: Any) -> None:
    lessons = ProblemRef(str(ROOT / "tests" / "pruning" / "lessons.py"))
    options: dict[str, Any] = {"budget": 20, "seed": 1, "prune": "halving", "deterministic": True}
    here = lamcts.search(lessons, **options)
    there = lamcts.search(lessons, executor="ray", ray_address=cluster.address, **options)
    assert here.counts["pruned"] > 0
    assert [trial.curve for trial in there.trials] == [trial.curve for trial in here.trials]


def test_networks_are_trained_under_a_rule(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="it trains networks")
    problem = ROOT / "problems" / "nasnet_cifar.py"
    sizes = ("nodes=2", "proxy_channels=2", "proxy_cells=1", "epochs=2")
    words = [word for size in sizes for word in ("--set", size)]
    options = "--budget 4 --workers 2 --seed 0 --executor ray --prune median --name small --quiet"
    finished = subprocess.run(
        [sys.executable, "-m", "lamcts", "run", str(problem), *words, *options.split()],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    trials = read_run(tmp_path / "runs" / "nasnet_cifar" / "small").trials
    assert len(trials) == 4  # fewer than the median compares: it may end none yet
    for trial in trials:
        assert trial.state in (TrialState.COMPLETE, TrialState.PRUNED), trial
        steps = [step for step, _ in trial.curve]
        assert steps == ([1, 2] if trial.state is TrialState.COMPLETE else [1])


def test_outcomes_are_those_of_the_serial_executor(executor: RayExecutor, tmp_path: Path) -> None:
    points = [(0, 3), (3, 0), (0, 999), (6, 0)]
    serial = SerialExecutor(ProblemRef(str(TASKS), {"notes": str(tmp_path)}).build())
    here, there = run(serial, *points, folder=tmp_path), run(executor, *points, folder=tmp_path)
    for ours, theirs in zip(here, there, strict=True):
        assert (ours.state, ours.value) == (theirs.state, theirs.value)
        assert (ours.error or "").splitlines()[-1:] == (theirs.error or "").splitlines()[-1:]
        assert ours.metrics.keys() == theirs.metrics.keys()
    assert (tmp_path / "left.txt").read_text() == "3"


def test_a_trial_that_runs_too_long_ends_with_its_children(
    executor: RayExecutor, tmp_path: Path
) -> None:
    late, fine = run(executor, (4, 0), (0, 5))
    assert late.state is TrialState.TIMEOUT
    assert "time-out of 1.5 s" in str(late.error)
    assert fine.value == 5.0
    child = max(int(path.name[4:]) for path in tmp_path.glob("pid-*"))
    wait_until(lambda: not alive(child), 10.0)
    assert run(executor, (0, 1))[0].value == 1.0


def test_a_dead_worker_is_seen_and_replaced(executor: RayExecutor) -> None:
    lost, fine = run(executor, (2, 0), (0, 4))
    assert lost.state is TrialState.LOST
    assert "worker process has died" in str(lost.error)
    assert "\n" not in str(lost.error)
    assert fine.value == 4.0
    assert [outcome.value for outcome in run(executor, (0, 1), (0, 2), (0, 3))] == [1.0, 2.0, 3.0]


def test_a_problem_that_workers_cannot_build(cluster: Any, tmp_path: Path) -> None:
    file = tmp_path / "only_here.py"
    file.write_text("import no_such_module\n")
    executor = RayExecutor(ProblemRef(str(file)), address=cluster.address)
    executor.submit(Task(0, [0]))
    with pytest.raises(ProblemError, match="no_such_module") as caught:
        executor.wait(60.0)
    assert "\n" not in str(caught.value)
    executor.close()


def test_resources_that_no_node_has(cluster: Any) -> None:
    with pytest.raises(InvalidArgument, match="resources: no node has them"):
        RayExecutor(ProblemRef("ackley-v0"), address=cluster.address, resources={"gpu": 1})


@pytest.mark.parametrize("workers", [1, 2])
def test_a_search_finds_what_a_serial_one_does(
    cluster: Any, problem: tuple[Path, Path], workers: int
) -> None:
    file, notes = problem
    options: dict[str, Any] = {"budget": 25, "seed": 3, "deterministic": workers > 1}
    reference = ProblemRef(str(file), {"notes": str(notes)})
    here = lamcts.search(reference, **options)
    there = lamcts.search(
        reference, **options, executor="ray", ray_address=cluster.address, workers=workers
    )
    assert points_of(there) == points_of(here)


def test_a_worker_killed_in_a_trial_costs_no_budget(
    cluster: Any, problem: tuple[Path, Path]
) -> None:
    file, notes = problem
    reference = ProblemRef(str(file), {"notes": str(notes), "deadly": 4})
    result = lamcts.search(
        reference, budget=12, seed=0, executor="ray", ray_address=cluster.address
    )
    assert result.counts["complete"] == len(result.trials) == 12
    assert result.trials[4].attempt == 1


def test_a_node_killed_in_a_run_costs_no_budget_and_a_new_one_is_used(
    cluster: Any, problem: tuple[Path, Path]
) -> None:
    file, notes = problem
    second = cluster.add_node(num_cpus=2)

    class Saboteur(lamcts.Callback):
        def on_tell(self, run: Any, trial: Any) -> None:
            if trial.number == 8:
                cluster.remove_node(second, allow_graceful=False)

    result = lamcts.search(
        ProblemRef(str(file), {"notes": str(notes), "seconds": 0.3}),
        budget=24,
        seed=0,
        executor="ray",
        ray_address=cluster.address,
        retries=2,
        callbacks=[Saboteur()],
    )
    assert result.counts["complete"] == len(result.trials) == 24
    assert sum(trial.attempt for trial in result.trials) >= 1  # it took some with it
    assert len({path.name.split("-")[2] for path in notes.iterdir()}) > 2  # it was used before


def test_slots_grow_with_the_cluster(cluster: Any, executor: RayExecutor) -> None:
    assert executor.slots == 1
    numbers = iter(range(10_000))

    def busy_until(slots: int) -> bool:
        executor.submit(Task(next(numbers), [1, 1]))
        executor.wait(0.1)
        return executor.slots == slots

    wait_until(lambda: busy_until(2))
    third = cluster.add_node(num_cpus=1)
    wait_until(lambda: busy_until(3))
    cluster.remove_node(third)


def test_the_coordinator_is_killed_and_resumed_while_the_cluster_goes_on(
    cluster: Any, problem: tuple[Path, Path], tmp_path: Path
) -> None:
    file, notes = problem
    folder = tmp_path / "run"
    script = (
        "import lamcts, sys\n"
        "from lamcts.problem import ProblemRef\n"
        f"problem = ProblemRef({str(file)!r}, {{'notes': {str(notes)!r}, 'seconds': 0.3}})\n"
        f"lamcts.search(problem, budget=16, seed=1, folder={str(folder)!r},\n"
        f"              executor='ray', ray_address={cluster.address!r})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    coordinator = subprocess.Popen([sys.executable, "-c", script], env=environment)
    wait_until(lambda: len(list(notes.iterdir())) >= 6)
    coordinator.kill()
    coordinator.wait()
    begun = {int(path.name.split("-")[2]) for path in notes.iterdir()}
    wait_until(lambda: not any(map(alive, begun)), 30.0)
    told = sum(trial.state.finished for trial in read_run(folder).trials)
    assert 0 < told < 16
    result = lamcts.resume(folder)
    assert result.counts["complete"] == len(result.trials) == 16
    assert max(trial.attempt for trial in result.trials) == 1


@pytest.mark.parametrize("interrupts", [0, 1, 2])
def test_nothing_is_left_of_a_cluster_that_a_run_started(
    problem: tuple[Path, Path], tmp_path: Path, interrupts: int
) -> None:
    file, notes = problem
    token = f"token-{uuid.uuid4()}"
    budget = 1000 if interrupts else 6
    command = f"run {file} --set notes={notes} --set seconds=0.5 --budget {budget} --quiet"
    process = subprocess.Popen(
        [sys.executable, "-m", "lamcts", *command.split(), "--executor", "ray", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "LAMCTS_TEST": token},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: process.poll() is not None or len(list(notes.iterdir())) >= 3)
    assert len(marked(token)) > 2
    for _ in range(interrupts):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: Ray's processes get it too
        time.sleep(0.3)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == (130 if interrupts else 0), errors
    assert '"stopped": "interrupted"' in out or not interrupts
    assert "Traceback" not in errors
    wait_until(lambda: not marked(token), 10.0)
