"""Formulas against scipy, values worked out by hand, and the literature."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize, rosen

from lamcts.functions import make_function
from lamcts.functions.discrete import NK, QAP, MaxSAT, lehmer_to_permutation


def test_rosenbrock_is_scipys() -> None:
    X = np.random.default_rng(0).uniform(-5, 10, (20, 7))
    np.testing.assert_allclose(make_function("rosenbrock", dim=7).f(X), [rosen(x) for x in X])


@pytest.mark.parametrize(
    ("name", "point", "value"),
    [
        ("sphere", [1, 2, 3], 14.0),
        ("ellipsoid", [1, 1, 1], 1 + 1e3 + 1e6),
        # ripples all 1, so only the radius term is left
        ("ackley", [1, 1], 20 * (1 - math.exp(-0.2))),
        ("rastrigin", [0.5, 1.0], 20.25 + 1.0),
        ("griewank", [math.pi, 0], 2 + math.pi**2 / 4000),
        # w = (0.5, 1.5): sin^2(pi/2) + 1/4 (1 + 10 sin^2(pi/2 + 1)) + 1/4 (1 + sin^2(3 pi))
        ("levy", [-1, 3], 1 + 0.25 * (1 + 10 * math.cos(1) ** 2) + 0.25),
        ("schwefel", [0, 0], 2 * 418.9828872724337),
        ("michalewicz", [math.pi / 2, math.pi / 2], -(math.sin(math.pi / 4) ** 20) - 1),
        ("styblinski-tang", [1, -2], 0.5 * (1 - 16 + 5 + 16 - 64 - 10)),
        ("schaffer-f7", [3, 4], 5 * (1 + math.sin(50 * 5**0.2) ** 2) ** 2),
        ("dixon-price", [2, 3], 1 + 2 * (2 * 9 - 2) ** 2),
        ("powell", [3, -1, 0, 1], 215.0),  # the classical starting point
        ("zakharov", [1, 2], 5 + 2.5**2 + 2.5**4),
        ("branin", [0, 0], 36 + 10 * (1 - 1 / (8 * math.pi)) + 10),
    ],
)
def test_values_worked_out_by_hand(name: str, point: list[float], value: float) -> None:
    function = make_function(name, dim=len(point))
    assert function.f([point])[0] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("dim", "value"), [(2, -1.8013034), (5, -4.6876582), (10, -9.6601517)])
def test_michalewicz_optima_are_the_published_ones(dim: int, value: float) -> None:
    assert make_function("michalewicz", dim=dim).optimum_value == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize(
    ("name", "dim", "value"),
    [
        ("branin", 2, 0.397887),
        ("hartmann6", 6, -3.32237),
        ("styblinski-tang", 10, -391.6617),
        ("schwefel", 5, 0.0),
    ],
)
def test_descent_from_near_the_place_ends_at_the_published_value(
    name: str, dim: int, value: float
) -> None:
    function = make_function(name, dim=dim)
    assert function.optimum_points is not None
    start = function.optimum_points[0] * 0.99 + 1e-3
    found = minimize(lambda x: function.f(x[np.newaxis])[0], start, tol=1e-12)
    assert found.fun == pytest.approx(value, abs=1e-4)
    assert found.fun >= (function.optimum_value or 0.0) - 1e-9


def test_the_levy_function_is_the_standard_one() -> None:
    # In the form released with LA-MCTS the first coordinate only sees a sine: (5, 1, 1) is a
    # second optimum there.
    assert make_function("levy", dim=3).f([[5, 1, 1]])[0] > 0.5


@pytest.mark.parametrize("name", ["schwefel", "michalewicz"])
def test_outside_its_box_a_function_does_not_fall_below_its_optimum(name: str) -> None:
    function = make_function(name, dim=3)
    width = function.codec.variables[0].high
    X = np.random.default_rng(0).uniform(-5 * width, 5 * width, (2000, 3))
    assert np.all(function.f(X) >= (function.optimum_value or 0.0))


def test_bits_counted_by_hand() -> None:
    X = [[1, 1, 0, 1], [0, 1, 1, 1], [1, 1, 1, 1]]
    assert make_function("onemax", dim=4).f(X).tolist() == [3, 3, 4]
    assert make_function("leading-ones", dim=4).f(X).tolist() == [2, 0, 4]


def test_nk_without_neighbours_is_solved_bit_by_bit() -> None:
    function = NK(dim=12, k=0, instance=3)
    assert function.optimum_points is not None
    for i in range(12):
        flipped = function.optimum_points[0].copy()
        flipped[i] = 1 - flipped[i]
        assert function.f([flipped])[0] < (function.optimum_value or 0.0)


def test_nk_changes_only_the_bits_that_are_linked() -> None:
    function = NK(dim=10, k=2, instance=1)
    x = np.zeros(10)
    y = x.copy()
    y[4] = 1
    linked = [i for i in range(10) if 4 in function._links[i]]
    assert all(len(set(row)) == 3 for row in function._links.tolist())
    change = 10 * (function.f([y])[0] - function.f([x])[0])
    parts = 0.0
    for i in linked:
        entry = int(sum(2**j for j, bit in enumerate(function._links[i]) if bit == 4))
        parts += function._tables[i, entry] - function._tables[i, 0]
    assert change == pytest.approx(parts)


def test_nk_is_unknown_where_it_cannot_be_tried_out() -> None:
    assert make_function("nk", dim=30).optimum_value is None
    with pytest.raises(ValueError, match="k: NK needs k < dim"):
        make_function("nk", dim=3, k=3)


@pytest.mark.parametrize("function", [NK(8, 3), QAP(5), MaxSAT(9, 3.0)], ids=lambda f: f.__class__)
def test_the_optimum_is_the_best_of_all_points(function: NK | QAP | MaxSAT) -> None:
    values = function.f(function.codec.enumerate())
    best = values.max() if function.direction == "maximize" else values.min()
    assert function.optimum_value == pytest.approx(best, abs=1e-12)


def test_instances_are_the_same_for_the_same_number() -> None:
    for kind in (NK, QAP, MaxSAT):
        X = kind(8).codec.decode(kind(8).codec.sample(np.random.default_rng(0), 30))
        assert np.array_equal(kind(8, instance=1).f(X), kind(8, instance=1).f(X))
        assert not np.array_equal(kind(8, instance=1).f(X), kind(8, instance=2).f(X))


def test_maxsat_counts_unsatisfied_clauses() -> None:
    function = MaxSAT(dim=7, ratio=4.0, instance=5)
    x = np.array([0, 1, 1, 0, 1, 0, 0])
    by_hand = 0
    for variables, wanted in zip(function._variables, function._wanted, strict=True):
        by_hand += not any(x[v] == w for v, w in zip(variables, wanted, strict=True))
    assert function.f([x])[0] == by_hand
    assert by_hand > 0


def test_lehmer_codes_are_all_permutations_once() -> None:
    codes = np.array(list(itertools.product(range(4), range(3), range(2))))
    rows = lehmer_to_permutation(codes)
    assert {tuple(row) for row in rows.tolist()} == set(itertools.permutations(range(4)))


def test_qap_is_the_sum_over_all_pairs() -> None:
    function = QAP(dim=6, instance=2)
    place = lehmer_to_permutation(np.array([[3, 4, 0, 1, 1]]))[0]
    total = sum(
        function._flow[i, j] * function._distance[place[i], place[j]]
        for i in range(6)
        for j in range(6)
    )
    assert function.f([[3, 4, 0, 1, 1]])[0] == total
    assert function._distance[0, 5] == 3  # two rows of three: one down, two along
