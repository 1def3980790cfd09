"""The two problem files that need nothing but the core keep the contract of evaluators."""

from __future__ import annotations

from pathlib import Path

import pytest

from lamcts.errors import UnknownName
from lamcts.evaluator import TrialContext
from lamcts.functions import FUNCTIONS, make_function
from lamcts.problem import load_problem
from lamcts.testing import check_evaluator

PROBLEMS = Path(__file__).parents[2] / "problems"


@pytest.mark.parametrize("file", ["synthetic.py", "my_evaluator.py"])
def test_the_file_keeps_the_contract(file: str) -> None:
    report = check_evaluator(load_problem(PROBLEMS / file))
    assert {finding.level for finding in report.findings} == {"ok"}, str(report)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_a_registered_problem(name: str) -> None:
    problem = load_problem(f"{name}-v0")
    function = make_function(name)
    assert problem.space == function.space
    assert problem.direction == function.direction
    x = function.space.sample()
    assert problem.evaluate(x) == function.evaluate(x)


def test_the_settings_reach_the_function() -> None:
    settings = {"dim": 6, "shift_seed": 3, "rotate_seed": 4, "noise": 0.5}
    problem = load_problem("levy", low=-5.0, high=5.0, **settings)
    function = make_function("levy", low=-5.0, high=5.0, **settings)  # type: ignore[arg-type]
    x = function.space.sample()
    assert problem.evaluate(x) == function.evaluate(x)
    assert problem.optimum_value == 0.0  # type: ignore[attr-defined]
    first = problem.evaluate(x)
    problem.trial = TrialContext(number=1)
    assert problem.evaluate(x) != first
    with pytest.raises(UnknownName, match="instance: levy has no such setting"):
        load_problem("levy", instance=3)


def test_tuning_finds_more_than_chance() -> None:
    problem = load_problem(PROBLEMS / "my_evaluator.py")
    accuracy = problem.evaluate({"C": 10.0, "gamma": 1e-3})
    assert isinstance(accuracy, float)
    assert 0.85 < accuracy <= 1.0


def test_a_centred_optimum_is_said() -> None:
    centred, moved = load_problem("ackley"), load_problem("ackley", shift_seed=1)
    assert centred.notice is not None
    assert "shift_seed=1" in centred.notice
    assert moved.notice is None
    assert load_problem("levy").notice is None  # at 1, in a box around 0
