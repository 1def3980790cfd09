"""What the unit cube means: log levels, categories without order, names of the variables."""

from __future__ import annotations

import numpy as np

from lamcts.spaces import Box, Codec, Dict, Discrete, MultiDiscrete


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
