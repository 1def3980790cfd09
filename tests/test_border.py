"""The learned border: which points are likely feasible, and the way back to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import lamcts
from lamcts.border import LIKELY, Border, lie_together

FREE = np.ones(10, dtype=bool)


def half_space(Z: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(Z.sum(axis=1) < 5.0)


def ball(Z: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(((Z - 0.5) ** 2).sum(axis=1) > 0.2)


@pytest.mark.parametrize(("feasible", "dim", "share"), [(half_space, 10, 0.9), (ball, 3, 0.9)])
def test_sides_of_a_border_are_told_apart(feasible: Any, dim: int, share: float) -> None:
    rng = np.random.default_rng(0)
    Z = rng.random((200, dim))
    border = Border(Z[feasible(Z)][:64], Z[~feasible(Z)][:64])
    new = rng.random((1000, dim))
    inside = feasible(new)
    assert border.likely(new)[~inside].mean() < 1.0 - share  # few slip through ...
    assert border.likely(new)[inside].mean() > 0.5  # ... and most of what is feasible may pass


def test_what_it_was_fitted_to_is_on_its_side() -> None:
    Z = np.random.default_rng(1).random((100, 10))
    inside = half_space(Z)
    border = Border(Z[inside], Z[~inside])
    assert border.likely(Z[inside]).mean() > 0.9
    assert not border.likely(Z[~inside]).any()


def test_a_point_beyond_a_half_space_is_pulled_straight_back() -> None:
    Z = np.random.default_rng(2).random((100, 10))
    inside = half_space(Z)
    border = Border(Z[inside], Z[~inside])
    beyond = np.full(10, 0.7)
    pulled = border.pull(beyond, FREE)
    assert border.likely(pulled[None])[0]
    move = pulled - beyond
    normal = -np.ones(10) / np.sqrt(10)
    assert move @ normal / np.linalg.norm(move) > 0.9
    assert np.linalg.norm(move) < 1.0  # the border is 0.63 away


def test_a_point_inside_and_fixed_coordinates_stay() -> None:
    Z = np.random.default_rng(3).random((100, 10))
    inside = half_space(Z)
    border = Border(Z[inside], Z[~inside])
    deep = np.full(10, 0.2)
    assert np.array_equal(border.pull(deep, FREE), deep)
    some = np.arange(10) < 5
    assert np.array_equal(border.pull(np.full(10, 0.7), some)[~some], np.full(5, 0.7))


def test_one_point_of_each_kind_and_equal_points_will_do() -> None:
    a, b = np.full((1, 10), 0.4), np.full((1, 10), 0.6)
    border = Border(a, b)
    assert border.likely(np.vstack([a, b])).tolist() == [True, False]
    assert 0.0 < LIKELY < 1.0
    assert Border(a, a).likely(a).shape == (1,)


class HalfSpace(lamcts.Evaluator):
    """A sphere whose optimum lies beyond the border, which only trials tell."""

    space = lamcts.spaces.Box(0.0, 1.0, shape=(8,))

    def evaluate(self, x: Any) -> float:
        if x.sum() > 3.5:
            raise lamcts.Infeasible("too much")
        return float(((x - 0.6) ** 2).sum())


class Category(lamcts.Evaluator):
    """Half of the categories of the first variable are infeasible."""

    space = lamcts.spaces.Dict(
        op=lamcts.spaces.Discrete(4), x=lamcts.spaces.Box(0.0, 1.0, shape=(5,))
    )

    def evaluate(self, x: Any) -> float:
        if x["op"] in (1, 2):
            raise lamcts.Infeasible("no such op")
        return float(((x["x"] - 0.6) ** 2).sum())


@pytest.mark.parametrize(("problem", "most"), [(HalfSpace, 0.4), (Category, 0.15)])
def test_a_search_learns_to_keep_away(problem: type[lamcts.Evaluator], most: float) -> None:
    results = [lamcts.search(problem, budget=80, seed=seed) for seed in range(3)]
    shares = [r.counts["infeasible"] / len(r.trials) for r in results]
    assert np.median(shares) < most
    if problem is HalfSpace:  # the optimum on the border is 8 (1.3 / 8)**2
        assert np.median([r.best.value or 0.0 for r in results]) < 0.22


def test_the_same_seed_is_the_same_run_and_a_resumed_one_too(tmp_path: Any) -> None:
    whole = lamcts.search(HalfSpace, budget=40, seed=3)
    lamcts.search(HalfSpace, budget=25, seed=3, folder=tmp_path / "run")
    resumed = lamcts.resume(tmp_path / "run", problem=HalfSpace, budget=40)
    # an infeasible trial is free up to budget + 100: both runs spend 40 complete ones
    assert [t.x.tolist() for t in resumed.trials] == [t.x.tolist() for t in whole.trials]
    assert [t.state for t in resumed.trials] == [t.state for t in whole.trials]


def test_where_nothing_can_be_learned_the_search_goes_on() -> None:
    class Hashed(HalfSpace):
        def evaluate(self, x: Any) -> float:
            if int(1e6 * x[0]) % 2:
                raise lamcts.Infeasible("odd")
            return float(((x - 0.6) ** 2).sum())

    result = lamcts.search(Hashed(), budget=60, seed=0)
    assert result.counts["complete"] == 60
    assert (result.best.value or 1.0) < 0.1


class TooLarge(lamcts.Evaluator):
    """The optimum is at the border of what fits into memory."""

    space = lamcts.spaces.Box(0.0, 1.0, shape=(3,))

    def evaluate(self, x: Any) -> float:
        if x.sum() > 1.2:
            raise MemoryError
        return float(((x - (0.9, 0.6, 0.3)) ** 2).sum())


def test_failures_that_lie_together_are_avoided() -> None:
    results = [
        lamcts.search(TooLarge, budget=100, seed=seed, max_failures=100) for seed in range(5)
    ]
    assert np.median([r.counts["failed"] for r in results]) < 50  # 78 when nothing is learned
    assert np.median([r.best.value or 1.0 for r in results]) < 0.13  # the optimum is 0.12


def bits_near_a_best(rng: np.random.Generator) -> NDArray[np.float64]:
    """Many of these are equally near to each other."""
    return (rng.random((60, 20)) < 0.1).astype(float)


@pytest.mark.parametrize("draw", [lambda rng: rng.random((60, 4)), bits_near_a_best])
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_failures_by_chance_are_not_learned_from(draw: Any, share: float) -> None:
    rng = np.random.default_rng(0)
    wrongly = 0
    for _ in range(200):
        Z, by_chance = draw(rng), rng.random(60) < share
        wrongly += lie_together(Z[by_chance], Z[~by_chance])
    assert wrongly < 25


def test_failures_of_a_region_are_known_by_their_neighbours() -> None:
    rng = np.random.default_rng(0)
    together = 0
    for _ in range(200):
        Z = rng.random((60, 4))
        region = Z[:, 0] + Z[:, 1] > 1.1
        together += lie_together(Z[region], Z[~region])
    assert together > 180
    Z = rng.random((60, 4))
    assert not lie_together(Z[:2], Z[2:])  # too few to judge
    assert lie_together(Z[:50], Z[50:60])  # so many fail by no chance
