"""The optimum of NK landscapes on a ring, against all points."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.functions.discrete import NK


@given(dim=st.integers(1, 9), k=st.integers(0, 8), instance=st.integers(0, 1000))
def test_the_computed_optimum_is_the_best_of_all_points(dim: int, k: int, instance: int) -> None:
    function = NK(dim, min(k, dim - 1), instance, ring=True)
    points = np.array(list(itertools.product((0.0, 1.0), repeat=dim)))
    assert function.optimum_value == pytest.approx(function.f(points).max(), abs=1e-12)
    assert function.optimum_points is not None
    assert function.f(function.optimum_points)[0] == function.optimum_value


def test_bits_that_are_no_neighbours_add_up() -> None:
    """f(a) + f(b) = f(0) + f(a and b), unless some table has both bits."""
    function = NK(20, 3, 1, ring=True)
    bits = np.eye(20)

    def adds_up(i: int, j: int) -> bool:
        neither, one, other, both = function.f([0 * bits[0], bits[i], bits[j], bits[i] + bits[j]])
        return bool(np.isclose(neither + both, one + other, rtol=0, atol=1e-12))

    assert [j for j in range(20) if j != 5 and not adds_up(5, j)] == [2, 3, 4, 6, 7, 8]


def test_large_rings_have_an_optimum_and_random_links_have_not() -> None:
    large = NK(100, 4, ring=True)
    assert large.optimum_value is not None
    X = np.random.default_rng(0).integers(0, 2, (2000, 100)).astype(float)
    assert large.optimum_value > large.f(X).max()
    assert NK(100, 4).optimum_value is None
    assert NK(20, 9, ring=True).optimum_value is None
