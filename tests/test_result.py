"""What a result says: to people, to notebooks, to pandas and to programs."""

from __future__ import annotations

import json
import math
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import DependencyNotInstalled, LamctsError
from lamcts.history import TrialState
from lamcts.result import Result, best_trial, load_result, reason
from lamcts.storage import list_runs


class Mixed(lamcts.Evaluator):
    """A nested space, a metric that is no number, a failure and an infeasible point."""

    space = lamcts.spaces.Dict(
        {
            "lr": lamcts.spaces.Box(1e-4, 1.0, shape=(2,), scale="log"),
            "op": lamcts.spaces.Discrete(3),
        }
    )
    direction = "maximize"

    def cost(self, x: Any) -> dict[str, float]:
        return {"flops": 10.0 + x["op"]}

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        if self.trial.number == 1:
            raise ValueError("<diverged>")
        if self.trial.number == 2:
            raise lamcts.Infeasible("no path")
        return lamcts.Evaluation(float(x["lr"][0]), {"loss": math.inf})

    def test(self, x: Any) -> dict[str, float]:
        return {"accuracy": 0.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "mixed"


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    return lamcts.search(Mixed, budget=8, seed=0, optimizer="random", folder=folder)


def test_to_json_is_the_documented_object(result: Result, folder: Path) -> None:
    data = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert data["run"] == str(folder)
    assert (data["problem"], data["optimizer"]) == ("Mixed", "random")
    assert (data["seed"], data["budget"], data["stopped"]) == (0, 8, "budget")
    assert data["trials"]["complete"] == 7
    assert data["trials"]["failed"] == data["trials"]["infeasible"] == 1
    assert set(data["trials"]) == {state.value for state in TrialState}
    best = max((t for t in result.trials if t.value is not None), key=lambda t: t.value or 0.0)
    assert data["best"] == {
        "number": best.number,
        "value": best.value,
        "x": {"lr": best.x["lr"].tolist(), "op": int(best.x["op"])},
        "metrics": {"loss": "inf"},
        "cost": {"flops": 10.0 + best.x["op"]},
    }
    assert data["test"] == {"accuracy": 0.5}


def test_trials_to_json_lists_every_trial(result: Result) -> None:
    trials = json.loads(json.dumps(result.trials_to_json(), allow_nan=False))
    assert [trial["number"] for trial in trials] == list(range(9))
    assert trials[1]["state"] == "failed"
    assert trials[1]["value"] is None
    assert trials[1]["error"].endswith("ValueError: <diverged>")
    assert (trials[2]["state"], trials[2]["error"]) == ("infeasible", "no path")


def test_a_curve_with_figures_that_json_lacks_is_json(tmp_path: Path) -> None:
    class Diverging(Mixed):
        def evaluate(self, x: Any) -> lamcts.Evaluation:
            for step, value in enumerate((0.5, math.nan, math.inf)):
                self.report(step, value)
            return lamcts.Evaluation(1.0)

    result = lamcts.search(Diverging, budget=1, optimizer="random", folder=tmp_path / "run")
    best = json.loads((tmp_path / "run" / "best.json").read_text(), parse_constant=pytest.fail)
    assert best["curve"] == [[0, 0.5], [1, None], [2, None]]
    assert math.isnan(load_result(tmp_path / "run").trials[0].curve[1][1])
    json.dumps(result.trials_to_json(), allow_nan=False)


def test_the_stored_result_is_the_same(result: Result, folder: Path) -> None:
    stored = load_result(folder)
    assert stored.trials_to_json() == result.trials_to_json()
    ours, theirs = stored.to_json(), result.to_json()
    assert abs(ours.pop("seconds") - theirs.pop("seconds")) < 1.0
    assert ours == theirs
    assert json.loads((folder / "best.json").read_text())["number"] == result.best.number


def test_list_runs_is_by_age(result: Result, folder: Path) -> None:
    again = lamcts.search(Mixed, budget=2, seed=0, optimizer="random", folder=folder)
    assert list_runs(folder.parent) == [folder, again.folder]
    assert list_runs(folder.parent / "none") == []


def test_to_dataframe(result: Result) -> None:
    pytest.importorskip("pandas")
    table = result.to_dataframe()
    assert list(table["number"]) == list(range(9))
    assert table["lr[0]"][3] == result.trials[3].x["lr"][0]
    assert table["op"][3] == result.trials[3].x["op"]
    assert {"value", "state", "metrics.loss", "cost.flops", "seconds", "error"} <= set(table)


def test_to_dataframe_keeps_what_a_variable_is_named_like() -> None:
    pytest.importorskip("pandas")
    space = lamcts.spaces.Dict(value=lamcts.spaces.Box(0.0, 1.0), error=lamcts.spaces.Discrete(3))
    result = lamcts.minimize(lambda x: 7.0 + float(x["value"]), space, budget=3, seed=0)
    table = result.to_dataframe()
    assert list(table["value"]) == [trial.value for trial in result.trials]
    assert list(table["x.value"]) == [float(trial.x["value"]) for trial in result.trials]
    assert list(table["x.error"]) == [trial.x["error"] for trial in result.trials]


def test_to_dataframe_without_pandas(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[pandas\]"'):
        result.to_dataframe()


def test_repr_says_what_it_is(result: Result) -> None:
    value = f"{result.best.value:.6g}"
    assert repr(result) == (
        f"<Result 'Mixed' random: 9/8 trials, best={value}, seed=0, stopped=budget>"
    )
    page = result._repr_html_()
    assert page.startswith("<table>")
    assert value in page
    assert "7 complete, 1 failed, 1 infeasible" in page


def raised(error: BaseException) -> BaseException:
    """The error with a traceback, as an evaluator's has one, and one before it."""
    try:
        try:
            raise KeyError("earlier")
        except KeyError:
            raise error  # noqa: B904
    except BaseException as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            RuntimeError("Error(s) in loading state_dict for Net:\n\tMissing key(s): w\n\thint"),
            "RuntimeError: Error(s) in loading state_dict for Net: ...",
        ),
        (ValueError("first\nsecond\nthird"), "ValueError: first ..."),
        (ValueError("\n  first"), "ValueError: first"),
        (ValueError("one line"), "ValueError: one line"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SyntaxError("bad", ("a.py", 1, 1, "x = (")), "SyntaxError: bad"),
    ],
)
def test_the_first_error_is_named_in_one_line(error: BaseException, line: str) -> None:
    text = "".join(traceback.format_exception(raised(error))).rstrip()
    assert reason(lamcts.Trial(0, 0, TrialState.FAILED, error=text)) == line


GROUP = """\
  + Exception Group Traceback (most recent call last):
  |   File "my.py", line 3, in evaluate
  |     raise ExceptionGroup("two", [error, other])
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "my.py", line 2, in evaluate
    | ValueError: a
    +---------------- 2 ----------------
    | ValueError: b
    +------------------------------------"""


def test_the_first_error_without_a_traceback_of_its_own() -> None:
    for error, line in (
        (GROUP, "ExceptionGroup: two (2 sub-exceptions) ..."),
        ("worker died: exited", "worker died: exited"),
        (None, "lost"),
        ("", "lost"),
    ):
        assert reason(lamcts.Trial(0, 0, TrialState.LOST, error=error)) == line


def test_best_of_equals_is_the_first_and_failures_never_are() -> None:
    trials = [
        lamcts.Trial(0, 0, TrialState.FAILED, error="ValueError: <x>"),
        lamcts.Trial(1, 0, TrialState.COMPLETE, 2.0),
        lamcts.Trial(2, 0, TrialState.COMPLETE, 2.0),
        lamcts.Trial(3, 0, TrialState.COMPLETE, 3.0),
    ]
    assert best_trial(trials, "minimize") is trials[1]
    assert best_trial(trials, "maximize") is trials[3]
    assert best_trial(trials[:1], "minimize") is None
    empty = Result(
        "p", "random", "minimize", lamcts.spaces.Discrete(2), 0, 4, trials[:1], "budget", 0.1
    )
    with pytest.raises(LamctsError, match=r"1 did not succeed.*trial 0: ValueError: <x>"):
        _ = empty.best
    assert empty.to_json()["best"] is None
    assert "none" in empty._repr_html_()
