"""When the rules end a trial, and what a pruned one is taken to have come to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.errors import InvalidArgument, UnknownName
from lamcts.pruning import MedianRule, Pruner, SuccessiveHalving, make_rule

values = st.floats(-1e6, 1e6)


def follow(pruner: Pruner, number: int, curve: list[tuple[int, float]]) -> int | None:
    """The step at which a trial is ended, if it is."""
    pruner.begin(number)
    for end, (step, value) in enumerate(curve, 1):
        if pruner.judge(number, step, value):
            pruner.told(number, curve[:end], None)
            return step
    pruner.told(number, curve, curve[-1][1])
    return None


def test_the_median_rule_ends_what_is_worse_than_half() -> None:
    pruner = Pruner(MedianRule(), "minimize")
    for number in range(5):  # too few to judge by
        assert follow(pruner, number, [(1, number), (2, number), (3, number)]) is None
    assert follow(pruner, 5, [(1, 2.5), (2, 2.5), (3, 2.5)]) == 1
    assert follow(pruner, 6, [(1, 1.5), (2, 9.0), (3, 9.0)]) is None  # its best so far counts


def test_the_median_rule_waits_for_its_first_step() -> None:
    pruner = Pruner(MedianRule(min_steps=2), "minimize")
    for number in range(5):
        follow(pruner, number, [(1, 10.0), (2, 0.0), (3, 0.0)])
    assert follow(pruner, 5, [(1, 20.0), (2, 0.1), (3, 0.0)]) == 2


@given(st.lists(values, min_size=9, max_size=40), st.integers(2, 4))
def test_halving_lets_the_best_share_go_on(reported: list[float], reduction: int) -> None:
    pruner = Pruner(SuccessiveHalving(reduction=reduction), "maximize")
    past: list[float] = []
    for number, value in enumerate(reported):
        ended = follow(pruner, number, [(1, value), (1000, value)])
        better = sum(other > value for other in past)
        going_on = (len(past) + 1) // reduction
        assert (ended == 1) == (going_on > 0 and better >= going_on)
        past.append(value)


def test_rungs_are_powers_and_may_be_stepped_over() -> None:
    rule = SuccessiveHalving(min_steps=2, reduction=3)
    marks = [rule.mark(before, before + 1) for before in range(20)]
    assert [step for step, mark in enumerate(marks, 1) if mark] == [2, 6, 18]
    assert rule.mark(0, 7) == 6
    assert rule.mark(6, 17) is None


def test_the_last_step_ends_nothing() -> None:
    pruner = Pruner(SuccessiveHalving(reduction=2), "minimize")
    assert follow(pruner, 0, [(1, 1.0), (2, 1.0), (4, 1.0)]) is None
    pruner.begin(1)
    assert not pruner.judge(1, 1, 0.5)
    assert not pruner.judge(1, 4, 99.0)  # worst, but there is nothing left to save


def test_no_number_is_worst() -> None:
    pruner = Pruner(SuccessiveHalving(reduction=2), "minimize")
    assert follow(pruner, 0, [(1, 1e300), (2, 1.0)]) is None
    assert follow(pruner, 1, [(1, math.nan), (2, 1.0)]) == 1


def test_what_left_no_curve_is_judged_by_no_more() -> None:
    """A trial that was ended from outside: a run that is resumed knows no report of it."""
    pruner = Pruner(SuccessiveHalving(reduction=2), "minimize")
    pruner.begin(0)
    assert not pruner.judge(0, 1, 0.0)
    assert not pruner.judge(0, 2, 0.0)
    pruner.told(0, [], None)
    assert follow(pruner, 1, [(1, 5.0), (2, 5.0), (3, 5.0)]) is None


def test_a_lost_attempt_is_judged_by_no_more() -> None:
    pruner = Pruner(SuccessiveHalving(reduction=2), "minimize")
    pruner.begin(0)
    for step in (1, 2, 3, 4):
        pruner.judge(0, step, 0.0)
    pruner.judge(0, 1, 0.0)  # begins again
    pruner.told(0, [(1, 0.0)], None)  # and fails
    pruner.begin(1)
    assert not pruner.judge(1, 4, 5.0)


@pytest.mark.parametrize("sooner", [False, True])
def test_what_ends_beside_a_trial_does_not_change_how_it_is_judged(sooner: bool) -> None:
    """In deterministic mode, where trials have different numbers of steps."""
    pruner = Pruner(MedianRule(), "minimize")
    for number in range(5):
        follow(pruner, number, [(1, 1.0), (3, 1.0)])
    pruner.begin(5, 5)
    pruner.begin(6, 5)
    if sooner:
        pruner.told(5, [(1, 1.0), (3, 1.0), (9, 1.0)], 1.0)
    assert not pruner.judge(6, 3, 99.0)


@given(st.lists(values, min_size=3, max_size=30, unique=True), values)
def test_what_is_expected_has_the_rank_of_what_was_reported(finals: list[float], at: float) -> None:
    pruner = Pruner(None, "minimize")
    for number, final in enumerate(finals):
        pruner.begin(number)
        pruner.told(number, [(1, final + 10.0)], final)
    expected = pruner.expected([(1, at)])
    assert expected in finals
    better = sum(final + 10.0 < at for final in finals)
    assert expected == np.sort(finals)[min(better, len(finals) - 1)]


def test_nothing_is_expected_of_a_step_that_few_completed_trials_reported() -> None:
    pruner = Pruner(None, "minimize")
    for number in range(3):
        pruner.begin(number)
        pruner.told(number, [(2, 1.0)], 1.0)
    assert pruner.expected([(1, 1.0)]) is None
    assert pruner.expected([]) is None
    assert pruner.expected([(1, 5.0), (2, 1.0)]) == 1.0


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("medain", UnknownName, "did you mean 'median'"),
        ("halving:min_step=2", UnknownName, "did you mean 'min_steps'"),
        ("halving:reduction=1", InvalidArgument, "reduction must be a whole number of at least 2"),
        ("median:min_trials=few", InvalidArgument, "got 'few'"),
        ([], InvalidArgument, r"prune: \[\] is no text; use one of median, halving"),
    ],
)
def test_a_text_that_is_no_rule(text: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_rule(text)
