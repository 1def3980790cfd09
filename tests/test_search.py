"""``search``: the loop, its budget, its ends, and what it does with every kind of outcome."""

from __future__ import annotations

import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.config import RunConfig
from lamcts.errors import (
    DependencyNotInstalled,
    InvalidArgument,
    LamctsError,
    ProblemError,
    TooManyFailures,
    UnknownName,
)
from lamcts.executors import SerialExecutor
from lamcts.history import TrialState
from lamcts.outcome import Outcome
from lamcts.problem import ProblemRef
from lamcts.result import load_result
from lamcts.storage import RUN_FILE

TASKS = Path(__file__).parent / "executors" / "tasks.py"
SPHERE = Path(__file__).parent / "crash" / "sphere.py"


class Bowl(lamcts.Evaluator):
    """A paraboloid that keeps count of its evaluations, and fails as told."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def __init__(self, outcome: Any = None) -> None:
        self.outcome = outcome
        self.calls = 0
        self.tested: list[Any] = []

    def evaluate(self, x: Any) -> Any:
        self.calls += 1
        value = float(x @ x)
        return value if self.outcome is None else self.outcome(self.calls, value)

    def test(self, x: Any) -> dict[str, float]:
        self.tested.append(x)
        return {"held_out": float(x @ x) + 1}


def run(problem: Any, budget: int = 12, **options: Any) -> lamcts.Result:
    return lamcts.search(problem, **{"budget": budget, "seed": 0, "optimizer": "random", **options})


def slow(calls: int, value: float) -> float:
    time.sleep(0.02)
    return value


def failing(calls: int, value: float) -> float:
    raise ValueError(f"call {calls}")


def lines(result: lamcts.Result) -> list[dict[str, Any]]:
    assert result.folder is not None
    return [json.loads(line) for line in (result.folder / RUN_FILE).read_text().splitlines()]


# -- the loop ------------------------------------------------------------------------------------


def test_the_budget_is_a_total() -> None:
    problem = Bowl()
    result = run(problem, 12)
    assert problem.calls == len(result.trials) == result.counts["complete"] == 12
    assert [trial.number for trial in result.trials] == list(range(12))
    assert result.stopped == "budget"
    assert result.best.value == min(trial.value or 0.0 for trial in result.trials)


def test_the_best_point_is_tested_once_at_the_end() -> None:
    problem = Bowl()
    result = run(problem)
    assert len(problem.tested) == 1
    assert np.array_equal(problem.tested[0], result.best.x)
    assert result.test == {"held_out": (result.best.value or 0.0) + 1}


def test_a_failing_test_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    problem = Bowl()
    problem.test = lambda x: failing(0, 0.0)  # type: ignore[method-assign, return-value, assignment]
    assert run(problem).test == {}
    assert "no test figures" in caplog.text


def test_the_best_point_in_words_is_stored(tmp_path: Path) -> None:
    class Spoken(Bowl):
        def render(self, x: Any) -> str:
            return f"left {x[0]:g}\nright {x[1]:g}"

    result = run(Spoken(), folder=tmp_path / "run")
    x = result.best.x
    assert result.words == f"left {x[0]:g}\nright {x[1]:g}"
    assert load_result(tmp_path / "run").words == result.words
    assert run(Bowl(), folder=tmp_path / "plain").words is None
    assert load_result(tmp_path / "plain").words is None


def test_a_failing_render_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    class Mute(Bowl):
        def render(self, x: Any) -> str:
            raise ValueError("no words")

    assert run(Mute()).words is None
    assert "has no words" in caplog.text


def test_an_interrupted_test_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def interrupted(self: Bowl, x: Any) -> dict[str, float]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Bowl, "test", interrupted)
        result = run(Bowl(), folder=tmp_path / "run")
    assert (result.stopped, result.test, result.counts["complete"]) == ("interrupted", {}, 12)
    assert "best point is not tested" in caplog.text
    resumed = lamcts.resume(tmp_path / "run", problem=Bowl())
    assert resumed.stopped == "budget"
    assert resumed.test == {"held_out": (result.best.value or 0.0) + 1}


def test_the_order_of_durability(tmp_path: Path) -> None:
    """Ask on disk before its evaluation; tell on disk before callbacks and before the next ask."""
    seen: list[str] = []

    def written() -> str:
        return json.loads((tmp_path / "run" / RUN_FILE).read_text().splitlines()[-1])["event"]  # type: ignore[no-any-return]

    class Watch(lamcts.Callback):
        def on_ask(self, run: Any, trial: lamcts.Trial) -> None:
            seen.append(f"on_ask:{written()}")

        def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
            seen.append(f"on_tell:{written()}")

    def outcome(calls: int, value: float) -> float:
        seen.append(f"evaluate:{written()}")
        return value

    run(Bowl(outcome), 2, folder=tmp_path / "run", callbacks=[Watch()])
    assert seen == ["on_ask:ask", "evaluate:ask", "on_tell:tell"] * 2


PREPARED = """
import lamcts

class Own(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    data = None

    def prepare(self):
        self.data = 1.0

    def evaluate(self, x):
        return self.data
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_problem_is_prepared_wherever_it_is_evaluated(tmp_path: Path, workers: int) -> None:
    (tmp_path / "own.py").write_text(PREPARED)
    first = run(tmp_path / "own.py", 2, folder=tmp_path / "run", workers=workers)
    assert first.counts["complete"] == 2
    assert lamcts.resume(tmp_path / "run", budget=4).counts["complete"] == 4


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError("no images.npz"), ProblemError, r"Bowl: prepare\(\) raised OSError: no images"),
        (DependencyNotInstalled("pip install it"), DependencyNotInstalled, "pip install it"),
    ],
)
def test_a_problem_that_cannot_be_prepared_ends_the_search_before_it_begins(
    tmp_path: Path, error: Exception, kind: type[Exception], message: str
) -> None:
    def prepare() -> None:
        raise error

    problem = Bowl()
    problem.prepare = prepare  # type: ignore[method-assign]
    with pytest.raises(kind, match=message):
        run(problem, folder=tmp_path / "run")
    assert problem.calls == 0
    assert list(tmp_path.iterdir()) == []
    run(Bowl(), 2, folder=tmp_path / "run")
    before = (tmp_path / "run" / RUN_FILE).read_bytes()
    with pytest.raises(kind, match=message):
        lamcts.resume(tmp_path / "run", problem=problem, budget=5)
    assert (tmp_path / "run" / RUN_FILE).read_bytes() == before


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(Bowl()).folder is None
    assert list(tmp_path.iterdir()) == []
    assert str(run(ProblemRef(str(SPHERE)), 2, folder=True).folder).startswith("runs/sphere/")


def test_the_seed_that_was_drawn_repeats_the_run() -> None:
    drawn = run(Bowl(), seed=None)
    again = run(Bowl(), seed=drawn.seed)
    assert [t.value for t in again.trials] == [t.value for t in drawn.trials]


# -- outcomes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, None, "0.3", 1j, True, [1.0], -math.inf])
def test_what_is_no_objective_fails_the_trial_and_not_the_run(bad: Any) -> None:
    result = run(Bowl(lambda calls, value: bad if calls % 3 == 0 else value), 12)
    assert result.counts["failed"] == 4
    assert result.counts["complete"] == 8
    assert "evaluate returned" in str(result.trials[2].error)
    assert result.trials[2].value is None


def test_failures_do_not_move_the_best() -> None:
    sound = run(Bowl(), 14)
    spoiled = run(Bowl(lambda calls, value: math.nan if calls % 3 == 0 else value), 14)
    values = [t.value for i, t in enumerate(sound.trials) if (i + 1) % 3]
    assert [t.value for t in spoiled.trials if t.value is not None] == values


def test_infeasible_trials_are_free_up_to_a_cap() -> None:
    def outcome(calls: int, value: float) -> float:
        if calls % 2:
            raise lamcts.Infeasible("odd")
        return value

    result = run(Bowl(outcome), 10)
    assert result.counts["complete"] == 10
    assert result.counts["infeasible"] == 10

    problem = Bowl(lambda calls, value: math.inf)
    result = run(problem, 10)
    assert result.stopped == "budget"
    assert result.counts["infeasible"] == 120
    with pytest.raises(LamctsError, match=r"no trial has completed .*returned inf"):
        _ = result.best


class DiesAfterTheFirst(SerialExecutor):
    """Loses every trial but the first."""

    def wait(self, timeout: float | None = None) -> list[Any]:
        ended = super().wait(timeout)
        lost = Outcome(TrialState.LOST, error="gone")
        return [(task, lost if task.number else outcome) for task, outcome in ended]


def test_lost_trials_are_free_up_to_a_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lamcts.prepare.SerialExecutor", DiesAfterTheFirst)

    class Tired(lamcts.Callback):
        def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
            if trial.number == 500:
                run.stop()

    result = run(Bowl(), 10, retries=0, callbacks=[Tired()])
    assert result.stopped == "budget"
    assert result.counts["complete"] == 1
    assert result.counts["lost"] == 110 + 9


def test_all_trials_fail() -> None:
    problem = Bowl(failing)
    with pytest.raises(
        TooManyFailures, match=r"10 of 10 trials failed; the first, trial 0"
    ) as error:
        run(problem, 100)
    assert "ValueError: call 1" in str(error.value)
    assert "in failing" in str(error.value)
    assert error.value.exit_code == 3
    assert problem.calls == 10


@pytest.mark.parametrize(
    ("limit", "calls"), [(0, 2), (2, 6), (0.5, 10), (0.99, None), (1000, None), (None, None)]
)
def test_max_failures_as_a_count_or_a_share(limit: Any, calls: int | None) -> None:
    problem = Bowl(lambda calls, value: math.nan if calls % 2 == 0 else value)
    if calls is None:
        assert run(problem, 30, max_failures=limit).counts["failed"] == 15
    else:
        with pytest.raises(TooManyFailures):
            run(problem, 30, max_failures=limit)
        assert problem.calls == calls


def test_equivalent_points_are_answered_from_history() -> None:
    class Mirror(Bowl):
        def canonical(self, x: Any) -> Any:
            return np.abs(x)

    problem = Mirror()
    corner = np.array([0.5, -0.25])
    result = run(problem, 5, init=[corner, -corner, np.abs(corner)])
    assert [trial.value for trial in result.trials[:3]] == [0.3125] * 3
    assert problem.calls == 3
    assert result.counts["complete"] == 5


def test_an_exhausted_space_ends_the_run() -> None:
    class Grid(lamcts.Evaluator):
        space = lamcts.spaces.MultiDiscrete([3, 3])

        def evaluate(self, x: Any) -> float:
            return float(x[0] * x[1])

    result = run(Grid, 100)
    assert result.stopped == "exhausted"
    assert sorted(trial.x.tolist() for trial in result.trials) == [
        [i, j] for i in range(3) for j in range(3)
    ]


# -- ends ----------------------------------------------------------------------------------------


def test_timeout_ends_the_run() -> None:
    result = run(Bowl(slow), 10_000, timeout=0.3)
    assert result.stopped == "timeout"
    assert 1 < len(result.trials) < 60


def test_timeout_drops_what_workers_are_at() -> None:
    began = time.monotonic()
    result = run(ProblemRef(str(SPHERE), {"seconds": 60.0}), 4, workers=2, timeout=1.5)
    assert result.stopped == "timeout"
    assert result.counts["running"] == 2
    assert time.monotonic() - began < 20.0


def test_a_callback_may_end_the_run() -> None:
    class Stop(lamcts.Callback):
        def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
            if trial.number == 4:
                run.stop()

    result = run(Bowl(), 100, callbacks=[Stop()])
    assert result.stopped == "callback"
    assert len(result.trials) == 5


@pytest.mark.parametrize("hook", ["on_run_start", "on_ask", "on_tell", "on_run_end"])
def test_a_callback_that_raises_is_logged_once(hook: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("callback trouble")

    broken = lamcts.Callback()
    setattr(broken, hook, fail)
    result = run(Bowl(), callbacks=[broken, lamcts.Callback()])
    assert result.counts["complete"] == 12
    assert caplog.text.count("the run goes on") == 1
    assert hook in caplog.text


class WithoutTheFirst(SerialExecutor):
    """Is never done with trial 0; all others done, it is interrupted for the second time."""

    def wait(self, timeout: float | None = None) -> list[Any]:
        if self._queue and self._queue[0].number == 0:
            self._queue.popleft()
        if not self._queue:
            raise KeyboardInterrupt
        return super().wait(timeout)


def test_a_deterministic_run_that_is_broken_off_keeps_what_was_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    watch = lamcts.Callback()
    watch.on_tell = lambda run, trial: told.append(trial.number)  # type: ignore[method-assign]
    with monkeypatch.context() as patch:
        patch.setattr("lamcts.prepare.SerialExecutor", WithoutTheFirst)
        result = run(Bowl(), folder=tmp_path / "run", deterministic=True, callbacks=[watch])
    assert result.stopped == "interrupted"
    assert result.counts["complete"] == 7
    assert told == list(range(1, 8))
    stored = lamcts.load_result(tmp_path / "run")
    assert [t.value for t in result.trials] == [t.value for t in stored.trials]
    assert result.best.value == stored.best.value
    assert json.loads((tmp_path / "run" / "best.json").read_text())["number"] == stored.best.number
    resumed = lamcts.resume(tmp_path / "run", problem=Bowl())
    whole = run(Bowl(), deterministic=True)
    assert [t.value for t in resumed.trials] == [t.value for t in whole.trials]


# -- workers -------------------------------------------------------------------------------------


def test_the_same_trials_with_one_worker_and_with_two() -> None:
    problem = ProblemRef(str(SPHERE))
    options: dict[str, Any] = {"optimizer": "lamcts", "n_init": 6, "deterministic": True}
    one = run(problem, 20, **options)
    two = run(problem, 20, workers=2, **options)
    assert [t.x.tolist() for t in one.trials] == [t.x.tolist() for t in two.trials]
    assert [t.value for t in one.trials] == [t.value for t in two.trials]


class OnlyDeadly(lamcts.Callback):
    """Notes which attempts were made of which trial."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def on_ask(self, run: Any, trial: lamcts.Trial) -> None:
        self.asked.append((trial.number, trial.attempt))


def test_a_trial_whose_worker_dies_is_retried_and_the_budget_is_exact(tmp_path: Path) -> None:
    notes = OnlyDeadly()
    problem = ProblemRef(str(TASKS), {"notes": str(tmp_path)})
    result = run(problem, 3, workers=2, init=[[0, 5], [2, 0], [0, 7], [0, 9]], callbacks=[notes])
    assert sorted(notes.asked)[:5] == [(0, 0), (1, 0), (1, 1), (2, 0), (3, 0)]
    lost = result.trials[1]
    assert lost.state is TrialState.LOST
    assert lost.attempt == 1
    assert "signal 9 (SIGKILL)" in str(lost.error)
    assert result.counts["complete"] == 3
    assert result.counts["lost"] == 1


def test_a_trial_that_sleeps_too_long_is_ended(tmp_path: Path) -> None:
    problem = ProblemRef(str(TASKS), {"notes": str(tmp_path)})
    result = run(problem, 2, trial_timeout=0.5, init=[[1, 600], [0, 7]])
    assert [trial.state.value for trial in result.trials] == ["timeout", "complete"]


def test_private_folders_survive_when_something_is_in_them(tmp_path: Path) -> None:
    problem = ProblemRef(str(TASKS), {"notes": str(tmp_path)})
    result = run(problem, 2, init=[[6, 0], [0, 7]], folder=tmp_path / "run")
    assert result.trials[0].artifacts == {"left": "left.txt"}
    assert math.isnan(result.trials[0].metrics["nan"])
    kept = [path.name for path in (tmp_path / "run" / "trials").iterdir()]
    assert kept == ["000000"]
    assert lines(result)[2]["metrics"] == {"nan": {"$float": "nan"}}


# -- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budget": 0}, "budget: must be an integer of at least 1, got 0"),
        ({"budget": 2.5}, "budget: must be an integer"),
        ({"budget": True}, "budget: must be an integer"),
        ({"workers": 0}, "workers: must be an integer of at least 1"),
        ({"retries": -1}, "retries: must be an integer of at least 0"),
        ({"timeout": 0}, "timeout: must be a positive number of seconds"),
        ({"trial_timeout": math.nan}, "trial_timeout: must be a positive number"),
        ({"trial_memory": "lots"}, "trial_memory: 'lots' is no size; write 8GB"),
        ({"trial_memory": 0}, "trial_memory: must be an integer of at least 1"),
        ({"prune": "medain"}, "prune: 'medain' is no rule; did you mean 'median'"),
        ({"max_failures": -1}, "max_failures: must be a count"),
        ({"max_failures": 1.5}, "max_failures: must be a count"),
        ({"timeout": 10**400}, "timeout: must be a positive number of seconds"),
        ({"trial_memory": "9" * 400}, "trial_memory: '9+' is no size"),
        ({"constraints": "flops"}, "constraint: 'flops' is not NAME<=NUMBER"),
        ({"constraints": [None]}, "constraint: None is not NAME<=NUMBER"),
        ({"constraints": None}, "constraints: None; give a list"),
        ({"seed": -1}, "seed: "),
        ({"callbacks": lamcts.Callback()}, "callbacks: .*; give a list of"),
        ({"callbacks": [print]}, "callbacks: .*; give a list of"),
        ({"init": "known.csv"}, "init: 'known.csv'; give a list of points"),
        ({"init": 3}, "init: 3; give a list of points"),
        ({"direction": "maximize"}, "direction: the problem says it"),
        ({"settings": {"noisy": True}}, "noisy: the problem says it"),
        ({"folder": "."}, "folder: '.' has no name; give one"),
        ({"folder": ""}, "folder: '.' has no name; give one"),
    ],
)
def test_bad_arguments(options: dict[str, Any], message: str) -> None:
    with pytest.raises((InvalidArgument, UnknownName), match=message):
        run(Bowl(), **options)


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    numbers: dict[str, Any] = {"budget": np.int64(3), "retries": np.int64(2)}
    numbers |= {"timeout": np.float32(60.0), "max_failures": np.int64(2)}
    assert len(run(Bowl(), folder=tmp_path / "run", **numbers).trials) == 3
    assert run(Bowl(), 3, max_failures=np.float32(0.5)).stopped == "budget"


def test_a_config_read_back_is_the_same() -> None:
    settings = {"sizes": (1, 2), "table": {"path": Path("x")}}
    config = RunConfig(5, settings=settings, constraints=("flops<=3",), deterministic=True)
    assert RunConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.settings == {"sizes": [1, 2], "table": {"path": "x"}}


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="did you mean 'random'"):
        run(Bowl(), optimizer="randon")
    with pytest.raises(UnknownName, match="no_such"):
        run(Bowl(), no_such=3)
    with pytest.raises(UnknownName, match="the problem has no cost 'flops'"):
        run(Bowl(), constraints=["flops<=3"])


def test_the_library_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    run(Bowl(lambda calls, value: math.nan if calls == 1 else value))
    assert capfd.readouterr() == ("", "")
    assert any(isinstance(h, logging.NullHandler) for h in logging.getLogger("lamcts").handlers)


def test_a_finite_space_without_a_point_within_the_limits_is_said_to_be_one() -> None:
    class Bits(lamcts.Evaluator):
        space = lamcts.spaces.MultiBinary(3)

        def cost(self, x: Any) -> dict[str, float]:
            return {"p": 5.0}

        def evaluate(self, x: Any) -> float:
            return 1.0

    with pytest.raises(InvalidArgument, match="no point that meets the constraints was found"):
        lamcts.search(Bits, budget=5, seed=0, constraints="p<=1")


def test_what_is_no_path_and_no_dict_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="folder: 5 is no path"):
        lamcts.search(Bowl, budget=1, folder=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="folder: None is no path"):
        lamcts.resume(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="settings: 5 is no dict"):
        lamcts.search(Bowl, budget=1, settings=5)  # type: ignore[arg-type]


def test_a_function_cannot_go_to_a_worker() -> None:
    with pytest.raises(ProblemError, match="workers: a function cannot be sent to a worker; write"):
        lamcts.minimize(lambda x: 1.0, lamcts.spaces.Box(0.0, 1.0), budget=6, workers=2)
