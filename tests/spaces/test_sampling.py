"""Fixed seeds, chi-square and exact counts: every level gets its share, the ends too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from lamcts.spaces import Box, Codec, Discrete, MultiBinary, MultiDiscrete, Space

DRAWS = 30_000


def from_codec(space: Space[Any]) -> NDArray[np.float64]:
    codec = Codec(space)
    return codec.decode(codec.sample(np.random.default_rng(5), DRAWS))[:, 0]


def from_space(space: Space[Any]) -> NDArray[np.float64]:
    space.seed(5)
    codec = Codec(space)
    return np.array([codec.to_vector(space.sample())[0] for _ in range(DRAWS // 5)])


both = pytest.mark.parametrize("draw", [from_codec, from_space])


@both
@pytest.mark.parametrize(
    "space",
    [
        Box(-3, 4, dtype=int),
        Box(250, 255, dtype=np.uint8),
        Discrete(7, start=3),
        MultiDiscrete([5, 2]),
        MultiBinary(3),
    ],
    ids=repr,
)
def test_levels_are_equally_likely(space: Space[Any], draw: Any) -> None:
    variable = Codec(space).variables[0]
    counts = np.bincount((draw(space) - variable.low).astype(int), minlength=variable.size or 0)
    assert len(counts) == variable.size
    assert stats.chisquare(counts).pvalue > 1e-3


@both
@pytest.mark.parametrize(("low", "high"), [(1, 16), (3, 40)])
def test_levels_on_a_log_scale_have_their_share(low: int, high: int, draw: Any) -> None:
    """Level k has the share of [k - 1/2, k + 1/2] in the logarithm, and none is out of reach."""
    drawn = draw(Box(low, high, dtype=int, scale="log")).astype(int)
    counts = np.bincount(drawn - low, minlength=high - low + 1)
    k = np.arange(low, high + 1)
    share = np.log((k + 0.5) / (k - 0.5)) / np.log((high + 0.5) / (low - 0.5))
    assert counts.min() > 0
    assert stats.chisquare(counts, share * len(drawn)).pvalue > 1e-3


@both
def test_reals_are_uniform_on_their_scale(draw: Any) -> None:
    assert stats.kstest(draw(Box(-2.0, 6.0)), stats.uniform(-2.0, 8.0).cdf).pvalue > 1e-3
    drawn = draw(Box(1e-6, 1e2, scale="log"))
    assert stats.kstest(np.log10(drawn), stats.uniform(-6.0, 8.0).cdf).pvalue > 1e-3


def test_a_level_owns_an_equal_interval_and_lies_in_its_middle() -> None:
    codec = Codec(Box(2, 5, dtype=int))
    assert codec.encode(np.array([[2.0], [5.0]])).ravel().tolist() == [0.125, 0.875]
    z = np.array([0.0, 0.2499, 0.2501, 0.4999, 0.5001, 0.7499, 0.7501, 1.0])
    assert codec.decode(z[:, None]).ravel().tolist() == [2, 2, 3, 3, 4, 4, 5, 5]


def test_positions_outside_the_cube_and_values_outside_the_bounds_are_clipped() -> None:
    codec = Codec(Box([0.0, 1.0], [1.0, 100.0], scale="linear"))
    assert codec.decode(np.array([[-3.0, 9.0]])).tolist() == [[0.0, 100.0]]
    assert codec.encode(np.array([[-3.0, 900.0]])).tolist() == [[0.0, 1.0]]
    log = Codec(Box(1e-3, 1e3, scale="log"))
    assert log.decode(np.array([[-1e9], [1e9]])).tolist() == [[1e-3], [1e3]]  # and no overflow
    assert log.encode(np.array([[-1.0], [1e9]])).tolist() == [[0.0], [1.0]]


def test_two_categories_are_one_column_and_more_are_one_hot() -> None:
    codec = Codec(MultiDiscrete([1, 2, 3, 3]))
    assert codec.dim == 8
    assert codec.kinds.tolist() == ["integer"] * 2 + ["categorical"] * 6
    Z = codec.encode(np.array([[0.0, 1.0, 2.0, 0.0]]))
    assert Z.tolist() == [[0.5, 0.75, 0, 0, 1, 1, 0, 0]]
    # the largest of a category's columns is the one chosen
    noisy = np.array([[0.1, 0.4, 0.2, 0.3, 0.1, 0.0, 0.1, 0.9]])
    assert codec.decode(noisy).tolist() == [[0.0, 0.0, 1.0, 2.0]]


def test_negative_zero_is_zero_to_keys() -> None:
    codec = Codec(Box(-1.0, 1.0))
    assert codec.key(np.array([-0.0])) == codec.key(np.array([0.0]))
    assert codec.key(np.array([1e-300])) != codec.key(np.array([0.0]))
