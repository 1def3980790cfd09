"""Anything at all may come back from an evaluation: it gets a state, and never the wrong one."""

from __future__ import annotations

import math
import numbers
import sys
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

import lamcts
from lamcts.errors import InvalidArgument, LamctsError
from lamcts.history import Trial, TrialState
from lamcts.optimizers import make_optimizer

BOX = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))


class Unprintable:
    """An object whose repr raises, as a half-built one's may; hypothesis can print it."""

    def __repr__(self) -> str:
        caller = sys._getframe(1).f_globals["__name__"]
        if caller.startswith("lamcts"):
            raise RuntimeError("no repr")
        return "Unprintable()"


def raised(message: str, kind: type[Exception]) -> Exception:
    return kind(message)


reals = st.one_of(
    st.floats(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.fractions(),
    st.floats(width=32).map(np.float32),
    st.integers(-5, 5).map(np.int8),
    st.floats().map(np.array),
)
others = st.one_of(
    st.none(),
    st.booleans(),
    st.booleans().map(np.bool_),
    st.text(max_size=5),
    st.text(max_size=5).map(np.str_),
    st.binary(max_size=5),
    st.complex_numbers(),
    st.decimals(),
    st.dates(),
    st.lists(st.floats(), max_size=3),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(max_dims=2, max_side=2)),
    hnp.from_dtype(np.dtype("datetime64[s]")),
    st.sampled_from([object(), Unprintable(), int, float("nan").hex, ..., np.ma.masked]),
    st.sampled_from([ValueError, lamcts.Infeasible]),  # a class, not an exception
)
values = reals | others
evaluations = st.builds(
    lamcts.Evaluation,
    values,
    st.dictionaries(st.text(max_size=3) | st.integers(), values, max_size=2) | others,
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2) | others,
)
exceptions = st.builds(
    raised,
    st.text(max_size=20),
    st.sampled_from([ValueError, KeyError, MemoryError, lamcts.Infeasible, LamctsError]),
)
outcomes = values | evaluations | exceptions


def number_in(outcome: object) -> float | None:
    """The finite number that an outcome is, if any: what the documentation says, written anew."""
    if isinstance(outcome, lamcts.Evaluation):
        named = (outcome.metrics, outcome.artifacts)
        if not all(isinstance(mapping, dict) for mapping in named):
            return None
        if any(real(figure) is None for figure in outcome.metrics.values()):
            return None
        outcome = outcome.value
    number = real(outcome)
    return number if number is not None and math.isfinite(number) else None


def real(value: object) -> float | None:
    if value is np.ma.masked or isinstance(value, (bool, np.bool_, str, Decimal)):
        return None
    if isinstance(value, np.ndarray):
        return float(value) if value.shape == () and value.dtype.kind in "iuf" else None
    if not isinstance(value, numbers.Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


@pytest.mark.parametrize("examples", [150, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_tell(examples: int, direction: Any) -> None:
    @settings(max_examples=examples)
    @given(told=st.lists(outcomes, min_size=1, max_size=6))
    def check(told: list[Any]) -> None:
        optimizer = make_optimizer("random", BOX, direction=direction, seed=0)
        known: list[float] = []
        for outcome in told:
            (trial,) = optimizer.ask()
            finished = optimizer.tell(trial, outcome)
            number = number_in(outcome)
            if number is None:
                assert finished.state in (TrialState.FAILED, TrialState.INFEASIBLE)
                assert finished.value is None
                assert isinstance(finished.error, str)
            else:
                assert (finished.state, finished.value) == (TrialState.COMPLETE, number)
                known.append(number)
            with pytest.raises(InvalidArgument, match="a trial is told once"):
                optimizer.tell(trial, outcome)
        if known:
            assert optimizer.best.value == (min if direction == "minimize" else max)(known)
        assert not optimizer.history.pending

    check()


@pytest.mark.parametrize("examples", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_what_is_told_of_no_trial(examples: int) -> None:
    """A point of the space is taken as one that was evaluated elsewhere; else it is refused."""

    @settings(max_examples=examples)
    @given(about=values | st.builds(Trial, st.integers(), values), outcome=outcomes)
    def check(about: Any, outcome: Any) -> None:
        optimizer = make_optimizer("random", BOX, seed=0)
        if about in BOX:
            assert optimizer.tell(about, outcome).number == 0
        else:
            with pytest.raises(InvalidArgument, match=r"^[^\n]*$"):
                optimizer.tell(about, outcome)
            assert len(optimizer.history) == 0

    check()


@pytest.mark.parametrize("examples", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_search(examples: int) -> None:
    """A run goes on whatever is returned, and its best is the best of the numbers."""

    @settings(max_examples=examples)
    @given(told=st.lists(outcomes, min_size=1, max_size=6))
    def check(told: list[Any]) -> None:
        returned = iter(told)

        def evaluate(x: Any) -> Any:
            outcome = next(returned)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        options: dict[str, Any] = {"budget": 6, "seed": 0, "optimizer": "random"}
        options["callbacks"] = [StopAfter(len(told))]
        result = lamcts.minimize(evaluate, BOX, max_failures=100, **options)
        known = [number for number in map(number_in, told) if number is not None]
        assert len(result.trials) == len(told)
        assert result.counts["complete"] == len(known)
        if known:
            assert result.best.value == min(known)

    check()


class StopAfter(lamcts.Callback):
    def __init__(self, trials: int) -> None:
        self.trials = trials

    def on_tell(self, run: Any, trial: Trial) -> None:
        if trial.number == self.trials - 1:
            run.stop()
