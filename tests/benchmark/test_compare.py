"""The engine of ``lamcts bench``: every run once, in its own process, the same for all methods."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from pathlib import Path

import pytest

from lamcts.benchmark import Record, Task, compare, read_records, run_task
from lamcts.benchmark.compare import RECORDS, plan
from lamcts.benchmark.processes import _receive
from lamcts.benchmark.suites import find_case
from lamcts.errors import InvalidArgument, ProblemError, RunError, UnknownName
from lamcts.optimizers import make_optimizer

FAULTY = '''
import os
import time
import lamcts


class Faulty(lamcts.Evaluator):
    """Fails in the one way or the other."""

    space = lamcts.spaces.MultiBinary(3)
    direction = "maximize"

    def __init__(self, fault: str = "none") -> None:
        self.fault = fault
        self.ready = False

    def prepare(self):
        if self.fault == "unready":
            raise OSError("no data")
        self.ready = True

    def evaluate(self, x):
        if not self.ready:
            raise RuntimeError("not prepared")
        if self.fault == "fork" and os.fork() == 0:
            time.sleep(20.0)
        if self.fault in ("die", "fork"):
            os._exit(9)
        if self.fault == "always" or (self.fault == "some" and x[0]):
            raise RuntimeError("no luck")
        if self.fault == "infeasible" and x[0]:
            raise lamcts.Infeasible("x[0] must be 0")
        if self.fault == "wordless":
            raise lamcts.Infeasible
        return float(x.sum())

'''


OF_ITS_OWN = """
import lamcts


class Bounded(lamcts.Evaluator):
    space = lamcts.spaces.MultiBinary(3)
    direction = "maximize"
    constraints = ("bits<=1",)

    def cost(self, x):
        return {"bits": float(x.sum())}

    def evaluate(self, x):
        return float(x.sum())


class Noisy(Bounded):
    constraints = ()
    noisy = True
"""


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, and its pipes")


@pytest.fixture
def faulty(tmp_path: Path) -> str:
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY, encoding="utf-8")
    return str(path)


def test_a_run_on_a_noisy_problem_is_judged_by_what_its_points_are_worth() -> None:
    (quiet,) = compare(["sphere"], ["random"], budget=20, seeds=1, dim=2)
    settings = {"sphere": {"noise": 1e6}}
    (noisy,) = compare(["sphere"], ["random"], budget=20, seeds=1, dim=2, problem_settings=settings)
    assert noisy.trace == quiet.trace  # the same random points
    assert all(value >= 0 for _, value in noisy.trace)


def test_a_comparison_from_runs_to_records_and_back(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    settings = {"budget": 12, "seeds": 2, "dim": 3, "folder": tmp_path}

    records = compare(
        ["ackley", "onemax"],
        ["random", "sobol"],
        workers=2,
        on_record=lambda record, done, total: seen.append((done, total)),
        **settings,  # type: ignore[arg-type]
    )

    assert [(r.task.problem, r.task.optimizer, r.task.seed) for r in records] == [
        (problem, optimizer, seed)
        for problem in ("ackley", "onemax")
        for optimizer in ("random", "sobol")
        for seed in (0, 1)
    ]
    assert seen == [(n, 8) for n in range(1, 9)]
    for record in records:
        assert record.error is None
        values = [value for _, value in record.trace]
        assert values == sorted(values, reverse=record.direction == "minimize")
        assert record.cpu_seconds > 0
        assert record.peak_mb is None or record.peak_mb > 10
    # A space of 8 points ends before the budget does.
    assert {r.evaluations for r in records} == {12, 8}
    assert {r.version.split()[0] for r in records} == {"lamcts"}

    # Again: everything is found in the folder, nothing is run.
    again = compare(["ackley", "onemax"], ["random", "sobol"], on_record=_fail, **settings)  # type: ignore[arg-type]
    assert again == records


def _fail(record: Record, done: int, total: int) -> None:
    raise AssertionError(f"{record.task} was run again")


def test_runs_cut_short_are_run_again_and_the_others_are_not(tmp_path: Path) -> None:
    settings = {"budget": 3, "seeds": 3, "dim": 2, "folder": tmp_path}
    first = compare(["sphere"], ["random"], **settings)  # type: ignore[arg-type]
    path = tmp_path / RECORDS
    content = path.read_bytes()
    path.write_bytes(content[:-40])
    assert read_records(path) == first[:2]

    seen: list[Record] = []
    again = compare(["sphere"], ["random"], on_record=lambda r, *_: seen.append(r), **settings)  # type: ignore[arg-type]

    assert [r.task.seed for r in seen] == [2]
    assert [r.trace for r in again] == [r.trace for r in first]
    assert read_records(path) == again


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / RECORDS
    path.write_text("{}\n", encoding="utf-8")
    with pytest.raises(RunError, match="line 1 is damaged"):
        compare(["sphere"], ["random"], budget=3, folder=tmp_path)


def test_records_survive_json_exactly() -> None:
    record = run_task(Task("levy", "random", 3, 7, problem_settings={"dim": 2}))
    assert Record.from_json(record.to_json()) == record
    assert record.evaluations == 7


def test_an_instance_is_the_same_for_every_method_and_seed() -> None:
    tasks = plan(
        ["ackley", "levy-v0", "branin"],
        ["random", "scipy-cobyqa"],
        budget=1,
        seeds=[0, 1],
        instances=2,
        dim=None,
        problem_settings={"levy-v0": {"dim": 3}},
        optimizer_settings={"random": {}},
    )
    assert len(tasks) == 3 * 2 * 2 * 2
    assert {t.label for t in tasks} == {
        *("ackley", "ackley #2", "levy-v0", "levy-v0 #2", "branin", "branin #2")
    }
    # What differs between the runs on an instance is the optimizer and its seed, nothing else.
    for label in ("ackley", "levy-v0 #2"):
        told = {(t.problem, t.instance, str(t.problem_settings)) for t in tasks if t.label == label}
        assert len(told) == 1


def test_the_trace_is_what_the_problem_says() -> None:
    task = Task("ackley", "random", 1, 30, problem_settings={"dim": 2})
    record = run_task(task)
    assert record.optimum == 0.0
    assert record.dim == 2
    assert run_task(task).trace == record.trace
    assert all(math.isfinite(value) and value > 0 for _, value in record.trace)
    problem = find_case("ackley").build(1, {"dim": 2})
    optimizer = make_optimizer("random", problem.space, direction="minimize", seed=1)
    values = []
    for _ in range(30):
        (trial,) = optimizer.ask()
        value = problem.evaluate(trial.x)
        optimizer.tell(trial, value)
        values.append(float(value))  # type: ignore[arg-type]
    assert record.trace[-1][1] == min(values)
    assert record.trace[-1][0] == values.index(min(values)) + 1


def test_failures_count_and_infeasible_points_do_not(faulty: str) -> None:
    some = run_task(Task(faulty, "random", 0, 8, problem_settings={"fault": "some"}))
    assert (some.evaluations, some.failed) == (8, 4)
    assert some.trace[-1][1] == 2.0
    infeasible = run_task(Task(faulty, "random", 0, 8, problem_settings={"fault": "infeasible"}))
    assert (infeasible.evaluations, infeasible.failed) == (4, 0)
    assert run_task(Task(faulty, "random", 0, 8)).trace[-1][1] == 3.0


def test_a_run_without_a_result_says_why(faulty: str) -> None:
    always = run_task(Task(faulty, "random", 0, 8, problem_settings={"fault": "always"}))
    assert always.error == "no trial completed: RuntimeError: no luck"
    assert run_task(Task("nowhere.py", "random", 0, 8)).error is not None


def test_an_error_without_words_is_a_result_too(faulty: str) -> None:
    task = Task(faulty, "random", 0, 8, problem_settings={"fault": "wordless"})
    assert run_task(task).error == "no trial completed: infeasible"


@pytest.mark.parametrize("optimizer", ["random", "lamcts", "scipy-de"])
def test_a_problems_own_limits_hold_for_every_method(tmp_path: Path, optimizer: str) -> None:
    (tmp_path / "own.py").write_text(OF_ITS_OWN, encoding="utf-8")
    record = run_task(Task(f"{tmp_path / 'own.py'}:Bounded", optimizer, 0, 40))
    assert record.error is None
    assert record.trace[-1][1] == 1.0  # of three bits


def test_a_noisy_problems_points_are_asked_again(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OF_ITS_OWN, encoding="utf-8")
    record = run_task(Task(f"{tmp_path / 'own.py'}:Noisy", "lamcts", 0, 20))
    assert record.evaluations == 20  # there are eight points


def test_a_problem_is_prepared_in_every_process_and_before_all_of_them(faulty: str) -> None:
    (record,) = compare([faulty], ["random"], budget=8, seeds=1)
    assert (record.failed, record.trace[-1][1]) == (0, 3.0)
    unready = {faulty: {"fault": "unready"}}
    with pytest.raises(ProblemError, match="no data"):
        compare([faulty], ["random"], budget=8, problem_settings=unready, on_record=_fail)


def test_a_process_that_dies_is_one_record_and_is_tried_again(faulty: str, tmp_path: Path) -> None:
    for _ in range(2):
        (record,) = compare(
            [faulty],
            ["random"],
            budget=2,
            seeds=1,
            folder=tmp_path,
            problem_settings={faulty: {"fault": "die"}},
        )
        assert record.error == "the process died with exit code 9"
        assert record.task.label == "faulty"
    assert len(read_records(tmp_path / RECORDS)) == 2


@needs_fork
def test_a_process_is_dead_though_what_it_forked_lives(faulty: str) -> None:
    began = time.monotonic()
    fork = {faulty: {"fault": "fork"}}
    (record,) = compare([faulty], ["random"], budget=2, seeds=1, problem_settings=fork)
    assert record.error == "the process died with exit code 9"
    assert time.monotonic() - began < 15


@needs_fork
def test_a_process_that_died_while_it_sent_is_a_record_too() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    os.write(sender.fileno(), (1000).to_bytes(4, "big") + b"not all of it")
    sender.close()
    process = multiprocessing.get_context("spawn").Process(target=os._exit, args=(9,))
    process.start()
    record = _receive(receiver, process, Task("sphere", "random", 0, 3))
    assert record.error == "the process died with exit code 9"


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    compare(["sphere"], ["random"], budget=1, seeds=1, dim=2)
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"budget": 0}, InvalidArgument, "budget: must be at least 1"),
        ({"seeds": 0}, InvalidArgument, "seeds: none given"),
        ({"seeds": [1, 1]}, InvalidArgument, "given twice"),
        ({"instances": 0}, InvalidArgument, "instances: must be at least 1"),
        ({"workers": 0}, InvalidArgument, "workers: must be at least 1"),
        ({"problems": []}, InvalidArgument, "problems: none given"),
        ({"problems": ["akley"]}, UnknownName, "ackley"),
        ({"optimizers": ["randon"]}, UnknownName, "random"),
        ({"problems": ["branin"], "dim": 5}, InvalidArgument, "Branin"),
        ({"optimizers": ["optuna-tbe"]}, UnknownName, "did you mean 'optuna-tpe'"),
        ({"optimizer_settings": {"random": {"nope": 1}}}, UnknownName, "nope"),
        ({"optimizer_settings": {"randon": {}}}, UnknownName, "did you mean 'random'"),
        ({"problem_settings": {"spere": {"dim": 3}}}, UnknownName, "did you mean 'sphere'"),
        (
            {"optimizers": ["scipy-de"], "optimizer_settings": {"scipy-de": {"tol": 1}}},
            UnknownName,
            "tol: scipy-de takes no settings",
        ),
        (
            {"problems": ["onemax"], "optimizers": ["random", "scipy-cobyqa"]},
            InvalidArgument,
            "scipy-cobyqa takes no binary variables, which onemax has",
        ),
    ],
)
def test_slips_are_told_before_anything_runs(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    given = {"problems": ["sphere"], "optimizers": ["random"], "budget": 3, "seeds": 1} | change
    with pytest.raises(error, match=message):
        compare(on_record=_fail, **given)  # type: ignore[arg-type]


def test_an_interrupt_ends_what_runs_and_keeps_what_is_done(tmp_path: Path) -> None:
    def interrupt(record: Record, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(["sphere"], ["random"], budget=3, workers=2, folder=tmp_path, on_record=interrupt)
    assert len(read_records(tmp_path / RECORDS)) == 1
    assert multiprocessing.active_children() == []
