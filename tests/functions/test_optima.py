"""Every function's optimum: its value at its place, and nothing below it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.errors import InvalidArgument, UnknownName
from lamcts.functions import FUNCTIONS, make_function
from lamcts.functions._base import BenchmarkFunction

#: Small instances, for which every optimum is known.
SMALL = {"nk": 10, "qap": 6, "mixed-ackley": 12, "branin": 2, "hartmann6": 6}
ALL = [(name, SMALL.get(name, 8)) for name in FUNCTIONS]


def small(name: str) -> BenchmarkFunction:
    return make_function(name, dim=SMALL.get(name, 8))


@pytest.mark.parametrize(("name", "dim"), ALL)
def test_the_optimum_has_its_value_at_its_place(name: str, dim: int) -> None:
    function = make_function(name, dim=dim)
    points = function.optimum_points
    assert points is not None
    assert len(points) >= 1
    assert function.optimum_value is not None
    np.testing.assert_allclose(function.f(points), function.optimum_value, rtol=0, atol=1e-9)
    for point in points[:3]:
        x = function.codec.from_vector(point)
        assert x in function.space
        assert function.evaluate(x) == pytest.approx(function.optimum_value, rel=0, abs=1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_nothing_is_better_than_the_optimum(name: str, seed: int) -> None:
    function = small(name)
    rng = np.random.default_rng(seed)
    X = function.codec.decode(function.codec.sample(rng, 50))
    assert function.optimum_points is not None
    low = [v.low for v in function.codec.variables]
    high = [v.high for v in function.codec.variables]
    if all(v.kind == "real" for v in function.codec.variables):
        # Near the optimum too, where a wrong optimum would show.
        step = rng.normal(size=X.shape) * 10.0 ** rng.uniform(-8, 0, (50, 1))
        X = np.vstack([X, np.clip(function.optimum_points[0] + step, low, high)])
    sign = 1.0 if function.direction == "minimize" else -1.0
    assert function.optimum_value is not None
    assert np.all(sign * (function.f(X) - function.optimum_value) >= -1e-9)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_many_points_at_once_are_the_same_as_one_by_one(name: str) -> None:
    function = small(name)
    X = function.codec.decode(function.codec.sample(np.random.default_rng(0), 5))
    one_by_one = [function.evaluate(function.codec.from_vector(v)) for v in X]
    np.testing.assert_allclose(function.f(X), one_by_one, rtol=1e-12)
    assert function.f(X).shape == (5,)
    assert function.f(X).dtype == np.float64


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_usual_size_is_there_without_asking(name: str) -> None:
    function = make_function(name)
    assert math.isfinite(function.evaluate(function.space.sample()))


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dim", [0, -1, 2.5, True])
def test_a_size_that_makes_no_sense_is_refused(name: str, dim: int) -> None:
    with pytest.raises(InvalidArgument, match="dim: "):
        make_function(name, dim=dim)


@pytest.mark.parametrize(("name", "dim"), [("branin", 3), ("hartmann6", 5), ("powell", 6)])
def test_functions_of_fixed_size_name_it(name: str, dim: int) -> None:
    with pytest.raises(InvalidArgument, match=f"got {dim}"):
        make_function(name, dim=dim)


def test_bounds_that_leave_the_optimum_out_leave_it_unknown() -> None:
    assert make_function("ackley", dim=3, low=1.0, high=2.0).optimum_value is None
    assert make_function("ackley", dim=3, low=-5.0, high=10.0).optimum_value == 0.0


@pytest.mark.parametrize("name", ["schwefel", "michalewicz"])
def test_an_optimum_that_a_wider_box_does_not_keep_is_unknown_there(name: str) -> None:
    usual = make_function(name, dim=2)
    side = 4.0 * usual.codec.variables[0].high
    wide = make_function(name, dim=2, low=-side, high=side)
    lowest = float(wide.f(np.random.default_rng(0).uniform(-side, side, (20_000, 2))).min())
    assert usual.optimum_value is not None
    assert lowest < usual.optimum_value
    assert wide.optimum_value is None


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'ackley'"):
        make_function("akley")
    with pytest.raises(UnknownName, match="did you mean 'high'"):
        make_function("ackley", hihg=3)


def test_points_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"expected shape \(n, 3\)"):
        make_function("sphere", dim=3).f(np.zeros(3))
