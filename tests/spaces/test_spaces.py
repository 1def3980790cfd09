"""Laws every space obeys, with gymnasium as the oracle."""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.errors import InvalidArgument
from lamcts.spaces import (
    Box,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    as_space,
    describe,
    flatdim,
    flatten,
    flatten_space,
    from_json,
    space_from_description,
    to_json,
    unflatten,
)

SPACES = [
    Box(-1.0, 2.0),
    Box(-5.0, 10.0, shape=(4,)),
    Box(np.array([0.0, 1.0]), np.array([1.0, 3.0])),
    Box(0, 7, shape=(3,), dtype=np.int64),
    Box(1e-5, 1.0, scale="log"),
    Box(1, 1024, dtype=int, scale="log"),
    Box(0.0, 1.0, shape=(2, 2), dtype=np.float32),
    Discrete(5),
    Discrete(3, start=-1),
    MultiDiscrete([2, 3, 4]),
    MultiBinary(6),
    MultiBinary((2, 3)),
    Tuple([Discrete(2), Box(0.0, 1.0, shape=(2,))]),
    Dict(op=Discrete(3), nested=Dict(rate=Box(1e-4, 1.0, scale="log"), bits=MultiBinary(2))),
]
each_space = pytest.mark.parametrize("space", SPACES, ids=repr)


@each_space
@given(seed=st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_samples_lie_in_the_space_and_repeat_for_a_seed(space: Space[Any], seed: int) -> None:
    space.seed(seed)
    first = [space.sample() for _ in range(5)]
    space.seed(seed)
    again = [space.sample() for _ in range(5)]
    assert all(x in space for x in first)
    assert [to_json(space, x) for x in first] == [to_json(space, x) for x in again]


@each_space
def test_flatten_and_json_round_trips_are_exact(space: Space[Any]) -> None:
    space.seed(3)
    for _ in range(20):
        x = space.sample()
        flat = flatten(space, x)
        assert flat.shape == (flatdim(space),)
        assert to_json(space, unflatten(space, flat)) == to_json(space, x)
        assert to_json(space, from_json(space, to_json(space, x))) == to_json(space, x)
        if not isinstance(space, (Dict, Tuple)):
            assert np.all(flat >= flatten_space(space).low)
            assert np.all(flat <= flatten_space(space).high)


@each_space
def test_description_gives_back_an_equal_space(space: Space[Any]) -> None:
    copy = space_from_description(describe(space))
    assert copy == space
    assert repr(copy) == repr(space)


def test_different_spaces_differ() -> None:
    for i, a in enumerate(SPACES):
        for b in SPACES[i + 1 :]:
            assert a != b


GYM = [
    gymnasium.spaces.Box(-1.0, 1.0, shape=(3,), dtype=np.float64),
    gymnasium.spaces.Discrete(4, start=2),
    gymnasium.spaces.MultiDiscrete([2, 5]),
    gymnasium.spaces.MultiBinary(4),
    gymnasium.spaces.Tuple([gymnasium.spaces.Discrete(3), gymnasium.spaces.MultiBinary(2)]),
    gymnasium.spaces.Dict(
        {"a": gymnasium.spaces.Discrete(3), "b": gymnasium.spaces.Box(0.0, 1.0, shape=(2,))}
    ),
]


@pytest.mark.parametrize("theirs", GYM, ids=repr)
def test_agrees_with_gymnasium(theirs: Any) -> None:
    ours = as_space(theirs)
    theirs.seed(0)
    ours.seed(0)
    assert flatdim(ours) == gymnasium.spaces.flatdim(theirs)
    for _ in range(10):
        x = theirs.sample()
        assert x in ours
        assert ours.sample() in theirs or ours.dtype != theirs.dtype
        theirs_flat: Any = gymnasium.spaces.flatten(theirs, x)
        assert np.array_equal(flatten(ours, x), theirs_flat)


def test_masked_sample_takes_only_allowed_choices() -> None:
    space = Discrete(4, seed=0, start=10)
    mask = np.array([0, 1, 0, 1], dtype=np.int8)
    assert {int(space.sample(mask)) for _ in range(50)} == {11, 13}


def test_contains_refuses_what_does_not_fit() -> None:
    assert 1.5 not in Discrete(3)
    assert [0.0, 0.0] not in Box(-1.0, 1.0, shape=(3,))
    assert [0.5] not in Box(0, 3, shape=(1,), dtype=int)
    assert [2] not in MultiBinary(1)
    assert {"a": 1} not in Dict(a=Discrete(2), b=Discrete(2))
    assert "x" not in Box(0.0, 1.0)


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: Box(0.0, float("nan")), "high"),
        (lambda: Box(float("-inf"), 1.0), "low"),
        (lambda: Box(1.0, 1.0), "low = 1.0"),
        (lambda: Box(2.0, 1.0), "low = 2.0"),
        (lambda: Box(0.0, 1.0, scale="log"), "log"),
        (lambda: Box(0.0, 1.0, shape=(0,)), "shape"),
        (lambda: Box([0.0, 1.0], [1.0, 2.0], shape=(3,)), "shape"),
        (lambda: Box("a", 1.0), "low"),
        (lambda: Discrete(0), "n:"),
        (lambda: MultiDiscrete([]), "nvec"),
        (lambda: MultiBinary(0), "n:"),
        (lambda: Dict({}), "spaces"),
        (lambda: Tuple([]), "spaces"),
        (lambda: Dict({"a": cast("Any", 3)}), "3 is not a space"),
        (lambda: as_space("box"), "'box'"),
    ],
)
def test_bad_input_is_named_in_one_line(make: Any, names: str) -> None:
    with pytest.raises(InvalidArgument, match=r".") as caught:
        make()
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)
