"""Real gymnasium as the oracle: what it holds, draws and flattens, ours does too."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces as gym

from lamcts import spaces as ours
from lamcts.errors import InvalidArgument
from lamcts.spaces import as_space

PAIRS: list[tuple[Any, Any]] = [
    (gym.Box(-1, 2, (3,)), ours.Box(-1, 2, (3,), np.float32)),
    (gym.Box(-1, 2, (), np.float64), ours.Box(-1, 2)),
    (
        gym.Box(np.array([0.0, 1.0]), np.array([1.0, 2.0]), dtype=np.float64),
        ours.Box([0.0, 1.0], [1.0, 2.0]),
    ),
    (gym.Box(0, 5, (2, 2), np.int64), ours.Box(0, 5, (2, 2), np.int64)),
    (gym.Box(0, 255, (2,), np.uint8), ours.Box(0, 255, (2,), np.uint8)),
    (gym.Discrete(3), ours.Discrete(3)),
    (gym.Discrete(3, start=-2), ours.Discrete(3, start=-2)),
    (gym.MultiDiscrete([2, 3]), ours.MultiDiscrete([2, 3])),
    (gym.MultiDiscrete([2, 3], start=[1, -1]), ours.MultiDiscrete([2, 3], start=[1, -1])),
    (gym.MultiDiscrete(np.array([[2, 3], [4, 5]])), ours.MultiDiscrete([[2, 3], [4, 5]])),
    (gym.MultiBinary(3), ours.MultiBinary(3)),
    (gym.MultiBinary((2, 3)), ours.MultiBinary((2, 3))),
    (
        gym.Dict({"b": gym.Discrete(2), "a": gym.MultiBinary(2)}),
        ours.Dict({"b": ours.Discrete(2), "a": ours.MultiBinary(2)}),
    ),
    (
        gym.Dict(b=gym.Discrete(2), a=gym.Tuple([gym.Discrete(4), gym.MultiBinary(2)])),
        ours.Dict(b=ours.Discrete(2), a=ours.Tuple([ours.Discrete(4), ours.MultiBinary(2)])),
    ),
]
each_pair = pytest.mark.parametrize(("theirs", "mine"), PAIRS, ids=lambda s: str(s)[:40])

#: What a user may pass as a point. Lists where gymnasium warns are left out of the comparison.
CANDIDATES: list[Any] = [
    *(0, 1, 2, -1, 3, True, np.int64(1), np.uint8(2), np.bool_(True), 1.0, np.float64(1.0)),
    *(np.array(1), np.array(1.0), np.array([1]), "a", None, {}, (), (1, 1)),
    *(np.array(v, t) for v in ([0, 1], [1, 2], [1, 9]) for t in (np.int8, np.int64, np.uint32)),
    *(np.array([1, 1, 1], t) for t in (np.int8, np.float16, np.float32, np.float64, bool)),
    *(np.array([v, 0.5, 0.5], np.float32) for v in (-1.0, 2.0, 2.001, np.nan, np.inf)),
    *(np.full((2, 2), v, np.int64) for v in (0, 5, 6)),
    *(np.full((2, 3), v, np.int8) for v in (0, 1, 2)),
    {"a": np.array([0, 1], np.int8), "b": 1},
    {"b": 1, "a": np.array([0, 1], np.int8)},
    {"a": np.array([0, 1], np.int8)},
    {"a": np.array([0, 1], np.int8), "b": 1, "c": 1},
    {"b": 0, "a": (3, np.array([0, 1], np.int8))},
    {"b": 0, "a": (3, np.array([0, 2], np.int8))},
    {"b": 0, "a": (3,)},
]


@each_pair
@pytest.mark.filterwarnings("ignore:.*Casting input x to numpy array")
def test_membership_is_the_same(theirs: Any, mine: Any) -> None:
    for x in CANDIDATES:
        if isinstance(theirs, gym.Box) and not isinstance(x, np.ndarray):
            continue  # see test_numbers_and_lists_belong_to_boxes_by_their_kind
        try:
            expected = x in theirs
        except ValueError:  # its MultiBinary stumbles over ragged tuples
            expected = False
        assert (x in mine) == expected, repr(x)


def test_numbers_and_lists_belong_to_boxes_by_their_kind() -> None:
    real, integer = ours.Box(0.0, 3.0), ours.Box(0, 3, dtype=np.int8)
    assert all(x in real for x in (0, 3, 0.5, np.float32(0.5), np.int64(2)))
    assert all(x in integer for x in (0, 3, np.int64(2), np.uint8(1)))
    assert not any(x in integer for x in (1.0, np.float64(1.0), 300, -1, 2**70))
    assert not any(x in real for x in (float("nan"), float("inf"), 1j, "1", None, [1.0], 3.01))
    assert [1, 2.5] in ours.Box(0, 3, (2,), np.float32)
    assert [1, 2.5] not in ours.Box(0, 3, (2,), np.int64)  # gymnasium would cut off the 0.5
    assert [[1], [1, 2]] not in ours.Box(0, 3, (2, 2))
    assert 0.1 in ours.Box(0.1, 1.0, dtype=np.float32)


@each_pair
def test_samples_are_theirs_in_type_and_shape(theirs: Any, mine: Any) -> None:
    theirs.seed(0)
    mine.seed(0)
    for _ in range(20):
        if mine.shape != ():  # theirs warns of plain numbers in a box of shape ()
            assert mine.sample() in theirs
        assert theirs.sample() in mine
    if not isinstance(mine, ours.Dict):
        x, y = mine.sample(), theirs.sample()
        assert (np.asarray(x).dtype, np.shape(x)) == (np.asarray(y).dtype, np.shape(y))
    assert (mine.shape, mine.dtype) == (theirs.shape, theirs.dtype)


@each_pair
def test_flat_forms_are_the_same(theirs: Any, mine: Any) -> None:
    theirs.seed(0)
    assert ours.flatdim(mine) == gym.flatdim(theirs)
    flat_box: Any = gym.flatten_space(theirs)
    box = ours.flatten_space(mine)
    assert (box.low.tolist(), box.high.tolist()) == (flat_box.low.tolist(), flat_box.high.tolist())
    assert box.dtype == flat_box.dtype
    for _ in range(10):
        x = theirs.sample()
        flat = ours.flatten(mine, x)
        expected: Any = gym.flatten(theirs, x)
        assert flat.dtype == expected.dtype
        assert np.array_equal(flat, expected)
        back = ours.unflatten(mine, flat)
        again: Any = gym.flatten(theirs, back)
        assert np.array_equal(again, expected)


@each_pair
def test_conversion_gives_the_equal_space_with_the_same_name(theirs: Any, mine: Any) -> None:
    assert as_space(theirs) == mine
    assert repr(as_space(theirs)) == " ".join(str(theirs).split())
    assert list(getattr(as_space(theirs), "spaces", ())) == list(getattr(mine, "spaces", ()))


@pytest.mark.parametrize(
    "one", ["Box", "Discrete", "MultiDiscrete", "MultiBinary", "Dict", "Tuple"]
)
def test_equality_is_as_theirs(one: str) -> None:
    of_type = [pair for pair in PAIRS if type(pair[0]).__name__ == one]
    for theirs, mine in of_type:
        for other, converted in PAIRS:
            assert (theirs == other) == (mine == converted), f"{theirs} {other}"


@pytest.mark.parametrize("mask", [[0, 1, 0], [1, 1, 0], [0, 0, 0]])
def test_masks_allow_what_theirs_allow(mask: list[int]) -> None:
    theirs, mine = gym.Discrete(3, seed=0, start=4), ours.Discrete(3, seed=0, start=4)
    array = np.array(mask, dtype=np.int8)
    drawn = {int(mine.sample(mask=array)) for _ in range(60)}
    assert drawn == {int(theirs.sample(mask=array)) for _ in range(60)}


def test_subclasses_and_order_of_keys_survive_conversion() -> None:
    class Angles(gym.Box):
        pass

    theirs = gym.Dict([("z", Angles(0, 1, (2,))), ("a", gym.Discrete(2))])
    mine = as_space(theirs)
    assert isinstance(mine, ours.Dict)
    assert list(mine.keys()) == ["z", "a"]
    assert mine["z"] == ours.Box(0, 1, (2,), np.float32)
    assert as_space(mine) is mine


@pytest.mark.parametrize(
    ("theirs", "field"),
    [
        (gym.Box(-np.inf, 1.0, (2,)), "low"),
        (gym.Box(0.0, np.inf, (2,)), "high"),
        (gym.Dict(a=gym.Box(0.0, np.inf, (2,))), "high"),
        (gym.Text(3), "space"),
        (gym.Sequence(gym.Discrete(3)), "space"),
        (gymnasium.Env, "space"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_field(theirs: Any, field: str) -> None:
    with pytest.raises(InvalidArgument, match=f"^{field}: .*; give"):
        as_space(theirs)


def test_neither_gymnasium_nor_scipy_is_imported() -> None:
    code = "import sys, lamcts.spaces; print({'gymnasium', 'scipy', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
