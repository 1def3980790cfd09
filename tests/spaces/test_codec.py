"""The codec: exact both ways, unbiased, unordered where there is no order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from lamcts.errors import InvalidArgument
from lamcts.spaces import (
    Box,
    Codec,
    Dict,
    Discrete,
    MultiBinary,
    MultiDiscrete,
    Space,
    Tuple,
    to_json,
)

SPACES = [
    Box(-5.0, 10.0, shape=(4,)),
    Box(1e-6, 1e3, scale="log"),
    Box(-3, 12, shape=(2,), dtype=int),
    Box(1, 1000, dtype=int, scale="log"),
    Box(0.0, 1.0, shape=(3,), dtype=np.float32),
    MultiBinary(5),
    MultiDiscrete([1, 2, 5]),
    Tuple([Discrete(3, start=7), Dict(a=Box(0.0, 1.0), b=MultiBinary((2, 2)))]),
]
each_space = pytest.mark.parametrize("space", SPACES, ids=repr)


@each_space
def test_points_survive_the_native_vector_exactly(space: Space[Any]) -> None:
    codec = Codec(space)
    space.seed(0)
    for _ in range(50):
        x = space.sample()
        back = codec.from_vector(codec.to_vector(x))
        assert back in space
        assert to_json(space, back) == to_json(space, x)


@each_space
def test_unit_cube_round_trip(space: Space[Any]) -> None:
    codec = Codec(space)
    Z = codec.sample(np.random.default_rng(1), 200)
    V = codec.decode(Z)
    assert Z.shape == (200, codec.dim)
    assert np.all((Z >= 0) & (Z <= 1))
    again = codec.decode(codec.encode(V))
    discrete = np.array([v.kind != "real" for v in codec.variables])
    assert np.array_equal(again[:, discrete], V[:, discrete])
    spread = np.array([v.high - v.low for v in codec.variables])
    assert np.all(np.abs(again - V) <= 4e-16 * (spread + np.abs(V)) * 4)


@pytest.mark.parametrize("space", [Box(0, 4, dtype=int), Discrete(5), MultiDiscrete([5])], ids=repr)
def test_levels_are_equally_likely_edges_too(space: Space[Any]) -> None:
    codec = Codec(space)
    levels = codec.decode(codec.sample(np.random.default_rng(0), 20_000))[:, 0]
    counts = np.bincount(levels.astype(int), minlength=5)
    assert stats.chisquare(counts).pvalue > 1e-3


def test_log_integers_reach_every_level_and_favour_small_ones() -> None:
    codec = Codec(Box(1, 16, dtype=int, scale="log"))
    levels = codec.decode(codec.sample(np.random.default_rng(0), 5_000))[:, 0]
    assert set(levels) == set(range(1, 17))
    assert np.mean(levels <= 4) > 0.5


def test_categories_are_one_hot_and_pairwise_equally_far() -> None:
    codec = Codec(Discrete(4))
    Z = codec.encode(np.arange(4.0)[:, None])
    assert Z.tolist() == np.eye(4).tolist()
    assert codec.kinds.tolist() == ["categorical"] * 4


def test_variables_are_named_after_their_place() -> None:
    space = Dict(depth=Box(1, 3, dtype=int), cell=Dict(ops=MultiDiscrete([3, 3])))
    assert [v.name for v in Codec(space).variables] == ["depth", "cell.ops[0]", "cell.ops[1]"]
    assert [v.name for v in Codec(Box(0.0, 1.0, shape=(2,))).variables] == ["x[0]", "x[1]"]
    assert [v.name for v in Codec(Discrete(3)).variables] == ["x"]


def test_enumeration_lists_every_point_once() -> None:
    codec = Codec(Tuple([Discrete(3), MultiBinary(2), Box(-1, 1, dtype=int)]))
    V = codec.enumerate()
    assert len(V) == codec.n_points == 36
    assert len({codec.key(v) for v in V}) == 36
    with pytest.raises(InvalidArgument, match="too many"):
        Codec(Box(0.0, 1.0)).enumerate()


def test_a_point_outside_the_space_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="is not in Box"):
        Codec(Box(0.0, 1.0, shape=(2,))).to_vector([0.5, 1.5])
