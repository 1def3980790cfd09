"""The gate every evaluation passes: what is an objective, and what is said of what is not."""

from __future__ import annotations

import json
import math
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.errors import Infeasible, ProblemError, TrialTimeout, WorkerLost
from lamcts.evaluator import Evaluator, TrialContext
from lamcts.history import TrialState
from lamcts.outcome import Outcome, evaluate, outcome_of

SPACE = lamcts.spaces.Box(0.0, 1.0)

NUMBERS = [
    (1, 1.0),
    (0.1, 0.1),
    (np.float64(0.1), 0.1),
    (np.float32(0.5), 0.5),
    (np.int64(-3), -3.0),
    (np.array(2.5), 2.5),
    (Fraction(1, 4), 0.25),
    (lamcts.Evaluation(3), 3.0),
]
NO_NUMBERS = [
    (None, "evaluate returned None; return a number or an Evaluation"),
    ("0.5", "evaluate returned '0.5' (str)"),
    (True, "True (bool)"),
    (np.bool_(True), "(bool"),
    (1 + 2j, "(complex)"),
    (np.array([1.0]), "array([1.]) (ndarray)"),
    ([1.0], "[1.0] (list)"),
    (Decimal("0.5"), "(Decimal)"),
    (10**400, "(int)"),
    (math.nan, "evaluate returned nan; return a finite number"),
    (-math.inf, "evaluate returned -inf"),
    (lamcts.Evaluation(None), "evaluate returned None"),  # type: ignore[arg-type]
    (lamcts.Evaluation(1.0, {"accuracy": "high"}), "metrics['accuracy'] is 'high' (str)"),  # type: ignore[dict-item]
    (lamcts.Evaluation(1.0, [3]), "must be dicts"),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("returned", "value"), NUMBERS)
def test_real_scalars_are_objectives(returned: Any, value: float) -> None:
    outcome = outcome_of(returned)
    assert outcome.state is TrialState.COMPLETE
    assert outcome.value == value
    assert type(outcome.value) is float


@pytest.mark.parametrize(("returned", "message"), NO_NUMBERS)
def test_anything_else_is_a_failure_that_says_what_it_is(returned: Any, message: str) -> None:
    outcome = outcome_of(returned)
    assert outcome.state is TrialState.FAILED
    assert outcome.value is None
    assert message in str(outcome.error)
    assert "\n" not in str(outcome.error)


def test_infinitely_bad_is_infeasible_and_infinitely_good_a_failure() -> None:
    assert outcome_of(math.inf, "minimize").state is TrialState.INFEASIBLE
    assert outcome_of(-math.inf, "maximize").state is TrialState.INFEASIBLE
    assert outcome_of(math.inf, "maximize").state is TrialState.FAILED


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (lamcts.Infeasible("no path"), TrialState.INFEASIBLE),
        (TrialTimeout("slow"), TrialState.TIMEOUT),
        (WorkerLost("gone"), TrialState.LOST),
        (ValueError("bad"), TrialState.FAILED),
        (SystemExit(3), TrialState.FAILED),
    ],
)
def test_what_is_raised_decides_the_state(error: BaseException, state: TrialState) -> None:
    class Raises(lamcts.Evaluator):
        space = lamcts.spaces.Discrete(2)

        def evaluate(self, x: Any) -> float:
            raise error

    outcome = evaluate(Raises(), 0, TrialContext())
    assert outcome.state is state
    assert str(error) in str(outcome.error)
    if state is TrialState.FAILED:  # the traceback starts in the user's code
        assert str(outcome.error).count('File "') == 1
        assert "in evaluate" in str(outcome.error)
    told = outcome.to_tell()
    assert isinstance(told, Exception)
    assert str(told) == outcome.error
    assert outcome_of(told).state is state


def exits(*_: Any) -> Any:
    sys.exit("no data")


@pytest.mark.parametrize("hook", ["__init__", "prepare", "cost", "canonical"])
def test_a_hook_that_exits_is_said_in_one_line(hook: str) -> None:
    kind = type(
        "Mine", (Evaluator,), {"space": SPACE, "evaluate": lambda self, x: 0.0, hook: exits}
    )
    with pytest.raises(ProblemError, match="SystemExit: no data"):
        lamcts.search(kind, budget=2, seed=0, optimizer="random")


def test_a_test_that_exits_does_not_lose_the_run(tmp_path: Path) -> None:
    kind = type("Mine", (Evaluator,), {"space": SPACE, "evaluate": lambda self, x: 0.0})
    kind.test = exits  # type: ignore[attr-defined]
    result = lamcts.search(kind, budget=2, seed=0, optimizer="random", folder=tmp_path / "run")
    assert (result.stopped, result.test) == ("budget", {})
    assert lamcts.load_result(tmp_path / "run").stopped == "budget"


def test_a_canonical_form_that_is_refused_says_what_to_do() -> None:
    def canonical(self: Any, x: Any) -> Any:
        raise Infeasible("no cell")

    kind = type("Mine", (Evaluator,), {"space": SPACE, "evaluate": lambda self, x: 0.0})
    kind.canonical = canonical  # type: ignore[attr-defined]
    with pytest.raises(
        ProblemError, match=r"canonical\(x\) raised Infeasible \(no cell\); return x"
    ):
        lamcts.search(kind, budget=2, seed=0, optimizer="random")


def test_an_outcome_travels_as_json() -> None:
    outcome = Outcome(TrialState.COMPLETE, 0.1, {"a": 1 / 3}, {"log": "x.txt"}, None, 2.5)
    assert Outcome.from_dict(json.loads(json.dumps(outcome.to_dict()))) == outcome


def test_the_evaluator_knows_its_trial() -> None:
    class Asks(lamcts.Evaluator):
        space = lamcts.spaces.Discrete(2)

        def evaluate(self, x: Any) -> float:
            return self.trial.number + self.trial.attempt / 10

    assert evaluate(Asks(), 0, TrialContext(4, 2)).value == 4.2


def test_what_is_meant_to_end_a_program_ends_it() -> None:
    """Of what is no `Exception` only cancellations and ``sys.exit`` are an evaluation's own."""

    class Ends(BaseException):
        pass

    def function(x: Any) -> float:
        raise Ends

    with pytest.raises(Ends):
        lamcts.minimize(function, lamcts.spaces.Box(0.0, 1.0), budget=3, seed=0)
