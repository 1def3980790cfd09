"""Runs that prune: steps saved, curves kept, and the same run again from its file."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.history import TrialState
from lamcts.outcome import evaluate
from lamcts.problem import ProblemRef
from lamcts.result import load_result

FILE = Path(__file__).with_name("lessons.py")


def search(budget: int = 30, notes: Path | None = None, **options: Any) -> lamcts.Result:
    kwargs = {"notes": "" if notes is None else str(notes), "dies": options.pop("dies", False)}
    options = {"seed": 1, "prune": "halving", **options}
    return lamcts.search(ProblemRef(str(FILE), kwargs), budget=budget, **options)


def told(result: lamcts.Result) -> list[Any]:
    return [(t.number, t.x.tolist(), t.state, t.value, t.curve) for t in result.trials]


def steps(result: lamcts.Result) -> int:
    return sum(len(trial.curve) for trial in result.trials)


@pytest.mark.parametrize("rule", ["median", "halving"])
def test_pruned_trials_stop_where_they_are_told(tmp_path: Path, rule: str) -> None:
    result = search(prune=rule, notes=tmp_path / "notes", optimizer="random")
    taken = Counter(line.split()[0] for line in (tmp_path / "notes").read_text().splitlines())
    assert result.counts["pruned"] >= 5
    assert result.counts["complete"] + result.counts["pruned"] == 30
    for trial in result.trials:
        assert taken[str(trial.number)] == len(trial.curve)
        assert (trial.state is TrialState.PRUNED) == (len(trial.curve) < 9)
        assert (trial.value is None) == (trial.state is TrialState.PRUNED)
    assert result.best.state is TrialState.COMPLETE


def test_without_a_rule_curves_are_stored_and_nothing_is_pruned(tmp_path: Path) -> None:
    result = search(8, prune=None, folder=tmp_path / "run")
    assert result.counts["complete"] == 8
    assert told(load_result(tmp_path / "run")) == told(result)
    assert [step for step, _ in result.trials[0].curve] == list(range(1, 10))


@pytest.mark.parametrize("cut", [9, 20, 29])
def test_a_run_cut_anywhere_goes_on_as_if_never_stopped(tmp_path: Path, cut: int) -> None:
    whole = search(30, folder=tmp_path / "whole")
    file = tmp_path / "whole" / "run.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    asked = [i for i, line in enumerate(lines) if json.loads(line)["event"] == "ask"]
    file.write_bytes(b"".join(lines[: asked[cut] + 1]))
    assert told(lamcts.resume(tmp_path / "whole")) == told(whole)


def test_workers_in_deterministic_mode_prune_the_same() -> None:
    one, two = (search(24, workers=n, deterministic=True) for n in (1, 2))
    assert one.counts["pruned"] > 0
    assert told(one) == told(two)


def test_workers_prune_and_a_lost_trial_begins_again() -> None:
    # from step 3 on: the trial that dies at step 2 is not ended before, however late it is
    result = search(20, workers=2, dies=True, prune="halving:min_steps=3")
    assert result.counts["pruned"] > 0
    assert result.counts["complete"] + result.counts["pruned"] == 20
    assert result.trials[1].attempt == 1
    assert result.trials[1].curve[0][0] == 1


def test_a_rule_without_a_report_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    lamcts.search(Careless(), budget=3, seed=0, prune="halving", optimizer="random")
    assert caplog.messages == [
        "prune: no trial reported a value (Evaluator.report): none can end early"
    ]


def test_fewer_steps_find_as_good_a_point() -> None:
    """At equal steps spent a search that prunes finds the better point, over ten seeds."""
    pruned = [search(90, prune="halving", seed=s, optimizer="random") for s in range(10)]
    spent = statistics.median(map(steps, pruned))
    full = [search(round(spent / 9), prune=None, seed=s, optimizer="random") for s in range(10)]
    best = [statistics.median(r.best.value or 0.0 for r in runs) for runs in (pruned, full)]
    assert spent < 0.5 * 90 * 9
    assert best[0] < best[1]


def test_the_optimizer_learns_from_what_was_pruned() -> None:
    optimizer = lamcts.make_optimizer("lamcts", lamcts.spaces.Box(-1.0, 1.0, shape=(2,)), seed=0)
    trial, other = optimizer.ask(2)
    optimizer.tell(trial, 1.0)
    seen = optimizer.tell(other, lamcts.Pruned(expected=0.5))
    assert seen.state is TrialState.PRUNED
    assert seen.value is None
    assert optimizer.best.number == trial.number  # an estimate is no record
    assert optimizer.history.y.tolist() == [-1.0, -0.5]


class Careless(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(1,))

    def __init__(self, *reports: tuple[Any, Any]) -> None:
        self.reports = reports

    def evaluate(self, x: Any) -> float:
        for step, value in self.reports:
            self.report(step, value)
        return 0.0


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        ([(1, 0.5), (1, 0.4)], "step must be an integer greater than 1"),
        ([(0.5, 0.5)], "step must be an integer"),
        ([(0, "bad")], "value is 'bad' (str); give a number"),
    ],
)
def test_a_report_that_cannot_be_is_one_clear_line(reports: Any, words: str) -> None:
    evaluator = Careless(*reports)
    outcome = evaluate(evaluator, [0.0], evaluator.trial)
    assert outcome.state is TrialState.FAILED
    assert words in str(outcome.error)


def test_reports_outside_a_search_go_nowhere() -> None:
    assert Careless((0, 1.0), (0, 1.0)).evaluate([0.0]) == 0.0
