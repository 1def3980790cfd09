"""The laws of the wrappers."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.errors import InvalidArgument
from lamcts.evaluator import TrialContext
from lamcts.functions import FUNCTIONS, make_function
from lamcts.functions._base import BenchmarkFunction
from lamcts.functions.wrappers import (
    Discretised,
    Embedded,
    Noisy,
    Permuted,
    Rotated,
    Shifted,
    Wrapper,
)

SMALL = {"nk": 8, "qap": 6, "mixed-ackley": 8, "branin": 2, "hartmann6": 6}
REAL = [
    n
    for n in FUNCTIONS
    if n not in ("nk", "qap", "mixed-ackley", "onemax", "leading-ones", "maxsat")
]
SEEDS = st.integers(0, 2**31)


def small(name: str) -> BenchmarkFunction:
    return make_function(name, dim=SMALL.get(name, 4))


def points(function: BenchmarkFunction, n: int = 20) -> np.ndarray:
    return function.codec.decode(function.codec.sample(np.random.default_rng(0), n))


def check_optimum(function: BenchmarkFunction) -> None:
    """The value is at its places, these are in the space, and no random point is better."""
    assert function.optimum_value is not None
    assert function.optimum_points is not None
    for point in function.optimum_points[:3]:
        assert function.codec.from_vector(point) in function.space
    at_optimum = function.f(function.optimum_points)
    np.testing.assert_allclose(at_optimum, function.optimum_value, rtol=0, atol=1e-8)
    sign = 1.0 if function.direction == "minimize" else -1.0
    assert np.all(sign * (function.f(points(function)) - function.optimum_value) >= -1e-8)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_shifted_keeps_the_optimum_inside_with_its_value(name: str, seed: int) -> None:
    inner = small(name)
    shifted = Shifted(inner, seed)
    check_optimum(shifted)
    X = points(inner)
    np.testing.assert_allclose(shifted.inward(shifted.outward(X)), X, atol=1e-9)
    np.testing.assert_allclose(shifted.f(shifted.outward(X)), inner.f(X), rtol=1e-5, atol=1e-8)


@given(seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_shifted_stays_clear_of_the_bounds(seed: int) -> None:
    place = Shifted(make_function("schwefel", dim=6), seed).optimum_points
    assert place is not None
    assert np.all(np.abs(place) <= 0.8 * 500 + 1e-9)


def test_shifted_spreads_the_optimum_over_the_middle_of_the_box() -> None:
    ackley = make_function("ackley", dim=500)
    place = Shifted(ackley, 0).optimum_points
    assert place is not None
    part = place[0] / 32.768
    assert np.all(np.abs(part) <= 0.8)
    assert np.quantile(part, [0.25, 0.5, 0.75]) == pytest.approx([-0.4, 0.0, 0.4], abs=0.1)


def test_shifted_keeps_a_function_that_ends_at_its_box_near() -> None:
    assert np.all(np.abs(Shifted(make_function("schwefel", dim=50), 0).shift) <= 250.0)
    again = Shifted(Shifted(make_function("schwefel", dim=50), 0), 1)
    assert np.all(np.abs(again.shift) <= 250.0)


def test_shifted_moves_every_real_coordinate_and_turns_bits() -> None:
    assert np.all(Shifted(make_function("ackley", dim=20), 1).shift != 0)
    turned = Shifted(make_function("onemax", dim=40), 1).optimum_points
    assert turned is not None
    assert 5 < turned[0].sum() < 35


@pytest.mark.parametrize("name", REAL)
@given(seed=SEEDS)
@settings(max_examples=10, deadline=None)
def test_rotated_keeps_norms_and_the_optimum(name: str, seed: int) -> None:
    inner = small(name)
    rotated = Rotated(inner, seed)
    X = points(inner)
    before = np.linalg.norm(X - rotated.centre, axis=1)
    after = np.linalg.norm(rotated.inward(X) - rotated.centre, axis=1)
    np.testing.assert_allclose(after, before, rtol=1e-12)
    np.testing.assert_allclose(rotated.outward(rotated.inward(X)), X, rtol=1e-9, atol=1e-9)
    check_optimum(rotated)


def test_rotated_turns_the_axes() -> None:
    inner = make_function("ellipsoid", dim=5)
    X = points(inner)
    assert not np.allclose(Rotated(inner, 0).f(X), inner.f(X), rtol=1e-3)
    # A sphere looks the same from everywhere.
    sphere = make_function("sphere", dim=5)
    np.testing.assert_allclose(Rotated(sphere, 0).f(X), sphere.f(X), rtol=1e-12)


def test_noise_follows_seed_trial_and_point_only() -> None:
    noisy = Noisy(make_function("sphere", dim=3), sd=0.5, seed=1)
    x, y = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0])
    first = noisy.evaluate(x)
    noisy.evaluate(y)
    assert noisy.evaluate(x) == first
    assert noisy.evaluate(-0.0 * x + x) == first
    assert pickle.loads(pickle.dumps(noisy)).evaluate(x) == first
    assert noisy.evaluate(y) - 10.0 != first - 5.0
    assert Noisy(noisy.inner, sd=0.5, seed=2).evaluate(x) != first
    noisy.trial = TrialContext(number=7)
    assert noisy.evaluate(x) != first


def test_noise_has_the_deviation_asked_for() -> None:
    noisy = Noisy(make_function("sphere", dim=3), sd=0.5)
    seen = [noisy.observe(np.zeros(3), number) for number in range(2000)]
    assert np.mean(seen) == pytest.approx(0.0, abs=0.05)
    assert np.std(seen) == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(noisy.f(np.zeros((2, 3))), [0.0, 0.0])
    check_optimum(noisy)


def test_noise_reaches_through_other_wrappers() -> None:
    noisy = Noisy(make_function("sphere", dim=3), sd=0.5)
    seen = Embedded(Shifted(noisy, 1), 5)
    x = np.zeros(5)
    assert seen.evaluate(x) != seen.f([x])[0]


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("levels", [2, 7, 101])
def test_discretised_is_idempotent(name: str, levels: int) -> None:
    inner = small(name)
    grid = Discretised(inner, levels)
    once = grid.inward(grid.outward(points(inner)))
    np.testing.assert_array_equal(grid.inward(grid.outward(once)), once)
    low, high = [v.low for v in inner.codec.variables], [v.high for v in inner.codec.variables]
    np.testing.assert_allclose(grid.inward(np.zeros((1, len(low))))[0], low)
    np.testing.assert_allclose(grid.inward(np.full((1, len(low)), levels - 1.0))[0], high)
    assert grid.codec.n_points == float(levels) ** len(low)


def test_discretised_knows_its_optimum_only_on_the_grid() -> None:
    on_grid = Discretised(make_function("ackley", dim=3), 11)
    assert on_grid.optimum_points is not None
    np.testing.assert_array_equal(on_grid.optimum_points, [[5, 5, 5]])
    check_optimum(on_grid)
    assert Discretised(make_function("ackley", dim=3), 10).optimum_value is None
    check_optimum(Shifted(on_grid, 4))


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n != "mixed-ackley"])
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_permuted_is_a_bijection(name: str, seed: int) -> None:
    inner = small(name)
    permuted = Permuted(inner, seed)
    assert sorted(permuted.positions) == list(range(inner.codec.p))
    X = points(inner)
    assert all(permuted.codec.from_vector(v) in permuted.space for v in permuted.outward(X))
    np.testing.assert_array_equal(permuted.inward(permuted.outward(X)), X)
    np.testing.assert_allclose(permuted.f(permuted.outward(X)), inner.f(X), rtol=1e-12)
    check_optimum(permuted)


@pytest.mark.parametrize("name", ["branin", "levy", "onemax", "qap"])
def test_embedded_ignores_its_dummies(name: str) -> None:
    inner = small(name)
    embedded = Embedded(inner, 15, seed=3)
    assert embedded.codec.p == 15
    X, other = points(embedded), points(embedded)[::-1].copy()
    other[:, embedded.positions] = X[:, embedded.positions]
    assert not np.array_equal(X, other)
    np.testing.assert_array_equal(embedded.f(X), embedded.f(other))
    np.testing.assert_allclose(embedded.f(X), inner.f(X[:, embedded.positions]), rtol=1e-12)
    check_optimum(embedded)


@given(seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_all_at_once_still_has_its_optimum(seed: int) -> None:
    function = make_function(
        "rastrigin",
        dim=4,
        rotate_seed=seed,
        levels=101,
        shift_seed=seed,
        embed_dim=9,
        permute_seed=seed,
        noise=0.3,
    )
    check_optimum(function)
    assert isinstance(function, Wrapper)
    assert function.codec.p == 9
    again = pickle.loads(pickle.dumps(function))
    x = function.codec.from_vector(points(function)[0])
    assert again.evaluate(x) == function.evaluate(x)


def test_the_direction_is_kept() -> None:
    function = make_function("leading-ones", dim=6, shift_seed=1, permute_seed=2)
    assert function.direction == "maximize"
    check_optimum(function)


def test_an_unknown_optimum_stays_unknown() -> None:
    assert make_function("nk", dim=20, shift_seed=1, permute_seed=1).optimum_points is None


def test_what_cannot_be_wrapped_is_refused() -> None:
    bits = make_function("onemax", dim=4)
    with pytest.raises(InvalidArgument, match="only real coordinates can be rotated"):
        Rotated(bits)
    with pytest.raises(InvalidArgument, match="only a real box"):
        Discretised(bits, 3)
    with pytest.raises(InvalidArgument, match="levels: "):
        make_function("ackley", levels=1)
    with pytest.raises(InvalidArgument, match="dim: Embedded needs a whole number >= 4"):
        make_function("onemax", dim=4, embed_dim=3)
    with pytest.raises(InvalidArgument, match="sd: "):
        make_function("ackley", noise=-1.0)
    with pytest.raises(InvalidArgument, match="cannot rearrange"):
        Permuted(make_function("mixed-ackley"))
    with pytest.raises(InvalidArgument, match="not a BenchmarkFunction"):
        Shifted("ackley")  # type: ignore[arg-type]
