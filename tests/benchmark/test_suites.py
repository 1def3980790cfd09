"""Suites: what is in them, and instances that depend on nothing but name and number."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lamcts.benchmark.suites import SUITES, Case, choose, find_case
from lamcts.errors import UnknownName
from lamcts.functions._base import BenchmarkFunction

OURS = [case for name, cases in SUITES.items() if name not in ("bbob", "nas") for case in cases]


def build(case: Case, instance: int, **settings: object) -> BenchmarkFunction:
    function = case.build(instance, settings)
    assert isinstance(function, BenchmarkFunction)
    return function


def test_names_are_unique() -> None:
    names = [case.name for cases in SUITES.values() for case in cases]
    assert len(set(names)) == len(names)
    assert len(SUITES["bbob"]) == 24


@pytest.mark.parametrize("case", OURS, ids=lambda case: case.name)
def test_instances_differ_and_each_is_the_same_again(case: Case) -> None:
    one, again, two = (build(case, number) for number in (1, 1, 2))
    assert one.optimum_value is not None, "suites hold problems whose optimum is known"
    X = one.codec.decode(one.codec.sample(np.random.default_rng(0), 20))
    np.testing.assert_array_equal(one.f(X), again.f(X))
    assert np.any(one.f(X) != two.f(X))


@pytest.mark.parametrize("case", SUITES["synthetic"], ids=lambda case: case.name)
def test_optima_are_not_in_the_centre_nor_on_the_edge(case: Case) -> None:
    function = build(case, 1)
    assert function.optimum_points is not None
    z = function.codec.encode(function.optimum_points[:1])[0]
    assert np.all((z > 0.01) & (z < 0.99))
    assert np.abs(z - 0.5).mean() > 0.05


def test_rotated_means_turned_about_the_optimum() -> None:
    """The ellipsoid is separable; turned, no two coordinates can be optimised apart."""
    for name, is_separable in (("ellipsoid", True), ("rotated-ellipsoid", False)):
        function = build(find_case(name), 1, dim=4)
        assert function.optimum_points is not None
        at = function.optimum_points[0]
        a, b = np.eye(4)[:2] * 0.1
        one, other, both = function.f([at + a, at + b, at + a + b])
        assert math.isclose(one + other, both, rel_tol=1e-6) is is_separable


def test_other_functions_files_and_versions_are_found_too() -> None:
    assert find_case("branin").drawn == ("shift_seed",)
    assert find_case("levy-v0").build(1, {"dim": 3}).space.shape == (3,)
    assert find_case("problems/mine.py") == Case("problems/mine.py", "problems/mine.py")


def test_a_suite_is_chosen_whole_or_in_part() -> None:
    assert choose(["mixed", "discrete"])[:2] == ["mixed-ackley", "onemax"]
    assert choose(["bbob"], ["f1", "bbob-f8"]) == ["bbob-f1", "bbob-f8"]
    assert choose(["synthetic", "rotated"], ["levy"]) == ["levy", "rotated-levy"]
    assert choose(["synthetic", "bbob"], ["f7"]) == ["bbob-f7"]
    assert choose(["mixed"], ["ackley", "mixed-ackley"]) == ["mixed-ackley"]


@pytest.mark.parametrize(
    ("suites", "names", "message"),
    [
        (["bob"], [], "suite: 'bob' is not known; did you mean 'bbob'"),
        (["bbob"], ["f25"], "functions: 'f25' is not in bbob; did you mean 'f"),
        (["discrete"], ["ackley"], "functions: 'ackley' is not in discrete; known: "),
    ],
)
def test_slips_are_told(suites: list[str], names: list[str], message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        choose(suites, names)
