"""Initial points of a search: in which order, at what cost, and which are refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

import lamcts
from lamcts.errors import InvalidArgument
from lamcts.storage import RUN_FILE


class Bowl(lamcts.Evaluator):
    """A paraboloid that keeps count of its evaluations."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    calls = 0

    def evaluate(self, x: Any) -> float:
        self.calls += 1
        return float(x @ x)


def run(problem: Any, budget: int = 12, **options: Any) -> lamcts.Result:
    return lamcts.search(problem, budget=budget, seed=0, optimizer="random", **options)


def test_initial_points_come_first_and_known_ones_cost_nothing() -> None:
    problem = Bowl()
    result = run(problem, 4, init=[[0.5, 0.5], ([0.1, 0.1], -7.0), ([1.0, 1.0], None)])
    assert [trial.value for trial in result.trials[:3]] == [-7.0, 0.5, 2.0]
    assert problem.calls == 4
    assert len(result.trials) == 5
    assert result.best.number == 0
    assert (result.known, result.tally) == (1, "4 complete")
    assert "4/4 trials" in repr(result)


def test_known_points_are_taken_whatever_the_budget() -> None:
    result = run(Bowl(), 1, init=[[0.5, 0.5], [1.0, 1.0], ([0.1, 0.1], -7.0)])
    assert [trial.value for trial in result.trials] == [-7.0, 0.5]


def test_a_known_value_may_be_zero() -> None:
    result = run(Bowl(), 2, init=[([0.1, 0.1], 0.0), ([0.2, 0.1], -0.0)])
    assert [trial.value for trial in result.trials[:2]] == [0.0, 0.0]
    assert result.best.number == 0


def test_initial_points_survive_a_resume(tmp_path: Path) -> None:
    points = [[0.5, 0.5], ([0.1, 0.1], -7.0), [1.0, 1.0]]
    whole = run(Bowl(), 6, init=points, folder=tmp_path / "run")
    assert whole.folder is not None
    file = whole.folder / RUN_FILE
    data = file.read_bytes().splitlines(keepends=True)
    for keep in range(1, len(data)):
        file.write_bytes(b"".join(data[:keep]))
        resumed = lamcts.resume(whole.folder, problem=Bowl())
        assert [t.value for t in resumed.trials] == [t.value for t in whole.trials]


def test_initial_points_that_break_a_constraint_are_left_out(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    class Costly(Bowl):
        constraints = ("height>=0",)

        def cost(self, x: Any) -> dict[str, float]:
            if x[0] == 1.0:
                raise lamcts.Infeasible("at the edge")
            return {"width": float(x[0]), "height": float(x[1])}

    init = [([0.5, 0.1], -9.0), [0.1, 0.5], ([0.1, -0.5], -7.0), [1.0, 0.0]]
    result = run(Costly(), 4, init=init, constraints="width<=0.2", folder=tmp_path / "run")
    assert all(t.cost["width"] <= 0.2 and t.cost["height"] >= 0 for t in result.trials)
    assert result.trials[0].x.tolist() == [0.1, 0.5]
    assert "3 of 4 points; the first is init[0], [0.5, 0.1]: width is 0.5, not width<=0.2" in (
        caplog.text
    )
    assert len(lamcts.resume(tmp_path / "run", problem=Costly(), budget=6).trials) == 6


def test_a_constraint_that_is_just_broken_shows_by_how_much(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Large(Bowl):
        def cost(self, x: Any) -> dict[str, float]:
            return {"flops": 600_000_001.0 if x[0] > 0.4 else 5e8}

    run(Large(), 2, init=[[0.5, 0.1]], constraints="flops<=600e6")
    assert "flops is 600000001, not flops<=600000000" in caplog.text


@pytest.mark.parametrize("item", [[5.0, 0.0], "x", ([0.1, 0.1], math.nan), ([0.1, 0.1], "a"), 3])
def test_a_bad_initial_point_is_named(item: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"init\[1\]: "):
        run(Bowl(), init=[[0.5, 0.5], item])
