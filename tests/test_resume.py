"""``resume``: the same trials as without a stop, nothing for a finished run, and clear refusals."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import InvalidArgument, ProblemError, RunError
from lamcts.executors import ProcessExecutor
from lamcts.problem import ProblemRef, load_problem
from lamcts.result import load_result
from lamcts.storage import RUN_FILE, read_run

SPHERE = Path(__file__).parent / "crash" / "sphere.py"


def values(result: lamcts.Result) -> list[Any]:
    return [(trial.number, trial.x.tolist(), trial.state, trial.value) for trial in result.trials]


def search(budget: int, folder: Path | None = None, **options: Any) -> lamcts.Result:
    options = {"seed": 4, "optimizer": "random", **options}
    return lamcts.search(ProblemRef(str(SPHERE)), budget=budget, folder=folder, **options)


@pytest.mark.parametrize("optimizer", ["lamcts", "random", "sobol", "turbo", "evolution", "cmaes"])
def test_a_raised_budget_goes_on_as_if_never_stopped(tmp_path: Path, optimizer: str) -> None:
    first = search(12, tmp_path / "run", optimizer=optimizer)
    assert first.folder is not None
    second = lamcts.resume(first.folder, budget=18)
    third = lamcts.resume(first.folder, budget=24)
    assert second.budget == 18
    assert third.stopped == "budget"
    assert values(third) == values(search(24, optimizer=optimizer))
    assert third.seconds >= first.seconds


def test_a_finished_run_is_not_touched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first = search(5, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").glob("*")}
    again = lamcts.resume(tmp_path / "run")
    assert values(again) == values(first)
    assert again.stopped == "budget"
    assert "finished, nothing to do; raise the budget" in caplog.text
    assert {path: path.read_bytes() for path in (tmp_path / "run").glob("*")} == before


def test_the_time_of_a_run_is_one_recorded_number(tmp_path: Path) -> None:
    first = search(5, tmp_path / "run")
    assert first.seconds == load_result(tmp_path / "run").seconds
    assert first.seconds == lamcts.resume(tmp_path / "run").seconds  # finished: nothing is done
    second = lamcts.resume(tmp_path / "run", budget=9)
    assert second.seconds == load_result(tmp_path / "run").seconds > first.seconds


SETTINGS = """
import json
from pathlib import Path
import lamcts

class Own(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def __init__(self, sizes: tuple[int, ...] = (1,), data: Path = Path("."), loose=None):
        self.settings = repr((sizes, str(data), isinstance(data, Path), loose))

    def evaluate(self, x):
        self.trial.folder.joinpath("settings").write_text(self.settings)
        return float(x @ x)
"""


def test_settings_are_the_same_in_a_worker_and_after_a_resume(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(SETTINGS)
    given = {"sizes": (64, 32), "data": Path("/data"), "loose": (1, (2, 3), math.inf)}
    problem = load_problem(tmp_path / "own.py", **given)
    folder = tmp_path / "run"
    lamcts.search(problem, budget=1, seed=0, optimizer="random", folder=folder)
    lamcts.resume(folder, budget=2)
    lamcts.resume(folder, budget=4, workers=2)
    seen = [path.read_text() for path in sorted(folder.glob("trials/*/settings"))]
    assert seen == [repr(((64, 32), "/data", True, [1, [2, 3], math.inf]))] * 4


def test_deterministic_runs_with_any_workers_and_budgets(tmp_path: Path) -> None:
    """Sessions of different sizes on different numbers of workers replay to the same state."""
    first = search(12, tmp_path / "run", deterministic=True, optimizer="lamcts", n_init=4)
    assert first.folder is not None
    lamcts.resume(first.folder, budget=18, workers=2)
    shutil.copytree(first.folder, tmp_path / "copy")
    once = lamcts.resume(first.folder, budget=26, workers=2)
    again = lamcts.resume(tmp_path / "copy", budget=26, workers=1)
    assert values(once) == values(again)


def test_no_more_workers_are_started_than_trials_are_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []

    class Counted(ProcessExecutor):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            started.append(self.slots)

    monkeypatch.setattr("lamcts.prepare.ProcessExecutor", Counted)
    known = ([0.0, 0.0], 0.18)  # costs no budget
    first = search(3, tmp_path / "run", workers=100_000, init=[known])
    again = lamcts.resume(tmp_path / "run", budget=5)
    assert started == [3, 2]
    assert len(first.trials) == 4
    alone = search(5, init=[known])
    assert [t.x.tolist() for t in again.trials] == [t.x.tolist() for t in alone.trials]


def test_callbacks_hear_nothing_before_the_run_starts(tmp_path: Path) -> None:
    class Watch(lamcts.Callback):
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_run_start(self, run: Any) -> None:
            self.heard.append(run.counts["complete"])

        def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
            self.heard.append(f"trial {trial.number}")

    folder, watch = tmp_path / "run", Watch()
    search(6, folder, deterministic=True)
    lamcts.resume(folder, budget=8, callbacks=[watch])
    assert watch.heard == [6, "trial 6", "trial 7"]
    best = json.loads((folder / "best.json").read_text())
    assert best["number"] == load_result(folder).best.number


def test_the_run_file_may_be_named_itself(tmp_path: Path) -> None:
    search(3, tmp_path / "run")
    assert len(lamcts.resume(tmp_path / "run" / RUN_FILE, budget=4).trials) == 4


def test_a_changed_problem_is_refused_with_the_difference(tmp_path: Path) -> None:
    problem = tmp_path / "mine.py"
    text = SPHERE.read_text()
    problem.write_text(text)
    lamcts.search(problem, budget=3, optimizer="random", folder=tmp_path / "run")
    before = (tmp_path / "run" / RUN_FILE).read_bytes()

    problem.write_text(text.replace("Box(-1.0, 1.0", "Box(-1.0, 2.0"))
    with pytest.raises(RunError, match=r"space\.high: 1\.0 in the run, 2\.0 now"):
        lamcts.resume(tmp_path / "run", budget=5)
    problem.write_text(text.replace("    space =", '    direction = "maximize"\n    space ='))
    with pytest.raises(RunError, match="direction: 'minimize' in the run, 'maximize' now"):
        lamcts.resume(tmp_path / "run", budget=5)
    problem.unlink()
    with pytest.raises(RunError, match=r"no file .*; if it has moved, .* lamcts\.resume\("):
        lamcts.resume(tmp_path / "run", budget=5)
    assert (tmp_path / "run" / RUN_FILE).read_bytes() == before

    moved = tmp_path / "moved.py"
    moved.write_text(text)
    assert len(lamcts.resume(tmp_path / "run", budget=5, problem=moved).trials) == 5


def test_an_edited_file_is_only_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    problem = tmp_path / "mine.py"
    problem.write_text(SPHERE.read_text())
    lamcts.search(problem, budget=3, optimizer="random", folder=tmp_path / "run")
    problem.write_text(SPHERE.read_text() + "\n# a remark\n")
    lamcts.resume(tmp_path / "run", budget=4)
    assert "mine.py has changed since the run was started" in caplog.text


def test_a_problem_without_a_reference_must_be_given(tmp_path: Path) -> None:
    class Local(lamcts.Evaluator):
        space = lamcts.spaces.Discrete(9)

        def evaluate(self, x: Any) -> float:
            return float(x)

    lamcts.search(Local(), budget=3, seed=0, optimizer="random", folder=tmp_path / "run")
    with pytest.raises(RunError, match=r"problem=\.\.\."):
        lamcts.resume(tmp_path / "run", budget=5)
    assert len(lamcts.resume(tmp_path / "run", budget=5, problem=Local()).trials) == 5


class Scaled(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def __init__(self, scale: float = 1.0, sizes: tuple[int, ...] = (1, 2)) -> None:
        self.scale, self.sizes = scale, sizes

    def evaluate(self, x: Any) -> float:
        return self.scale * float(x @ x) + len(self.sizes)


def local() -> type[Scaled]:
    class Local(Scaled):
        """Without a reference, as a class of a notebook is."""

    return Local


@pytest.mark.parametrize("kind", [Scaled, local()])
def test_a_problem_that_is_given_has_the_settings_of_the_run(
    tmp_path: Path, kind: type[Scaled], caplog: pytest.LogCaptureFixture
) -> None:
    options: dict[str, Any] = {"seed": 0, "optimizer": "random"}
    whole = lamcts.search(kind(3.0, sizes=(1,)), budget=6, **options)
    lamcts.search(kind(3.0, sizes=(1,)), budget=2, folder=tmp_path / "run", **options)
    more = lamcts.resume(tmp_path / "run", problem=kind, budget=4)
    assert values(more) == values(whole)[:4]
    again = kind(sizes=(1,), scale=3.0)
    assert values(lamcts.resume(tmp_path / "run", problem=again, budget=6)) == values(whole)
    assert "settings" not in caplog.text
    lamcts.resume(tmp_path / "run", problem=kind(), budget=7)  # its data may have moved
    assert "(scale: 3.0 in the run, 1.0 now; sizes: [1] in the run, [1, 2] now)" in caplog.text


def test_a_setting_that_is_the_default_need_not_be_given_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lamcts.search(Scaled(sizes=(1, 2)), budget=2, optimizer="random", folder=tmp_path / "run")
    assert len(lamcts.resume(tmp_path / "run", problem=Scaled(1.0), budget=3).trials) == 3
    assert "settings" not in caplog.text


def test_a_setting_that_is_no_number_is_the_same_setting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    problem = Scaled(sizes=(math.nan, math.inf))  # type: ignore[arg-type]
    lamcts.search(problem, budget=2, optimizer="random", folder=tmp_path / "run")
    assert len(lamcts.resume(tmp_path / "run", problem=problem, budget=3).trials) == 3
    assert "settings" not in caplog.text


def test_a_class_that_does_not_take_the_settings_of_the_run(tmp_path: Path) -> None:
    lamcts.search(Scaled(2.0), budget=2, optimizer="random", folder=tmp_path / "run")

    class Other(lamcts.Evaluator):
        space = Scaled.space

        def __init__(self, factor: float = 1.0) -> None:
            self.factor = factor

        def evaluate(self, x: Any) -> float:
            return self.factor

    with pytest.raises(ProblemError, match=r"Other cannot be built with the run's settings: Type"):
        lamcts.resume(tmp_path / "run", problem=Other, budget=3)


@pytest.mark.parametrize("budget", [0, -3, 2.5])
def test_a_bad_budget(tmp_path: Path, budget: Any) -> None:
    search(3, tmp_path / "run")
    with pytest.raises(InvalidArgument, match="budget: must be an integer"):
        lamcts.resume(tmp_path / "run", budget=budget)
    assert read_run(tmp_path / "run").budget == 3


def test_a_damaged_header_is_named(tmp_path: Path) -> None:
    search(3, tmp_path / "run")
    file = tmp_path / "run" / RUN_FILE
    data = file.read_bytes().replace(b'"retries":1', b'"retrying":1', 1)
    file.write_bytes(data)
    with pytest.raises(RunError, match=r"run\.jsonl, line 1: .*check sum is wrong"):
        lamcts.resume(tmp_path / "run", budget=5)
    file.write_bytes(data.replace(b',"crc":', b',"edited":', 1))
    with pytest.raises(RunError, match=r"run\.jsonl, line 1: the header is damaged"):
        lamcts.resume(tmp_path / "run", budget=5)


def test_a_run_of_a_function_goes_on_with_the_function(tmp_path: Path) -> None:
    def height(x: Any) -> float:
        return float(x @ x)

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    whole = lamcts.maximize(height, space, budget=8, seed=3, optimizer="random")
    lamcts.maximize(height, space, budget=5, seed=3, optimizer="random", folder=tmp_path / "run")
    with pytest.raises(RunError, match=r"lamcts\.resume\(folder, problem="):
        lamcts.resume(tmp_path / "run", budget=8)
    again = lamcts.resume(tmp_path / "run", problem=height, budget=8)
    assert values(again) == values(whole)
    search(3, tmp_path / "other")
    with pytest.raises(RunError, match="the problem has changed"):
        lamcts.resume(tmp_path / "other", problem=height, budget=8)


def test_a_budget_below_what_is_spent_is_refused(tmp_path: Path) -> None:
    search(6, tmp_path / "run")
    before = (tmp_path / "run" / RUN_FILE).read_bytes()
    with pytest.raises(InvalidArgument, match="budget: 4 is less than the 6 that are spent"):
        lamcts.resume(tmp_path / "run", budget=4)
    assert (tmp_path / "run" / RUN_FILE).read_bytes() == before


def test_a_run_that_was_broken_off_takes_a_smaller_budget(tmp_path: Path) -> None:
    class Stop(lamcts.Callback):
        def on_tell(self, run: Any, trial: lamcts.Trial) -> None:
            if trial.number == 3:
                run.stop()

    search(9, tmp_path / "run", callbacks=[Stop()])
    again = lamcts.resume(tmp_path / "run", budget=5)
    assert (len(again.trials), again.stopped, again.budget) == (5, "budget", 5)
