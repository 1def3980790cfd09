"""Which paths make a training step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.supernet.sampling import Paths, hands, steps
from lamcts.errors import InvalidArgument, UnknownName

NUMBERS = Paths(
    draw=lambda rng: int(rng.integers(10)),
    deal=lambda rng: (card for (card,) in hands(4, 1, rng)),
    extremes=(99, -99),
)
BARE = Paths(draw=NUMBERS.draw)


@given(st.integers(1, 9), st.data(), st.integers(0, 60))
def test_hands_are_fair_at_every_moment(cards: int, data: st.DataObject, dealt: int) -> None:
    size = data.draw(st.integers(1, cards))
    counts = Counter(dict.fromkeys(range(cards), 0))
    for hand in islice(hands(cards, size, np.random.default_rng(0)), dealt):
        assert len(set(hand)) == size
        counts.update(hand)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_sandwich_is_the_largest_the_smallest_and_random_ones() -> None:
    [step] = islice(steps(NUMBERS, "sandwich", 4, np.random.default_rng(0)), 1)
    assert step[:2] == [99, -99]
    assert len(step) == 4
    assert all(0 <= path < 10 for path in step[2:])


@pytest.mark.parametrize(("done", "stage"), [(0.0, 1), (0.49, 1), (0.5, 2), (1.0, 2)])
def test_progressive_steps_open_the_space_by_stages(done: float, stage: int) -> None:
    paths = replace(NUMBERS, stages=(lambda rng: 1, lambda rng: 2))
    [step] = islice(steps(paths, "progressive", 3, np.random.default_rng(0), done=done), 1)
    assert step == [99, stage, stage]


def test_fair_steps_go_on_dealing() -> None:
    dealt = [
        path
        for step in islice(steps(NUMBERS, "fair", 2, np.random.default_rng(0)), 2)
        for path in step
    ]
    assert sorted(dealt) == [0, 1, 2, 3]


def test_random_steps_are_the_generators() -> None:
    [step] = islice(steps(BARE, "random", 3, np.random.default_rng(5)), 1)
    rng = np.random.default_rng(5)
    assert step == [int(rng.integers(10)) for _ in range(3)]


@pytest.mark.parametrize(
    ("sampling", "count", "message"),
    [
        ("fare", 1, "sampling: 'fare' is not known; did you mean 'fair'"),
        ("fair", 1, "sampling: this space has no fair order; use random"),
        ("progressive", 2, "sampling: this space does not shrink by stages; use fair"),
        ("sandwich", 4, "sampling: this space has no largest and smallest network; use fair"),
        ("sandwich", 2, "paths: sandwich sampling needs 3 or more a step, got 2"),
        ("random", 0, "paths: random sampling needs 1 or more a step, got 0"),
    ],
)
def test_what_a_space_does_not_allow_is_said(sampling: str, count: int, message: str) -> None:
    with pytest.raises((InvalidArgument, UnknownName), match=message.replace("'", ".")):
        steps(BARE, sampling, count, np.random.default_rng(0))
