"""Cheap constraints: every proposal keeps within them, and the search gets to the optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.domain import Domain
from lamcts.errors import InvalidArgument
from lamcts.limits import first_within, furthest, nearest_within
from lamcts.optimizers import make_optimizer
from lamcts.spaces import Box, Codec, Dict, Discrete, MultiBinary, MultiDiscrete


class Total:
    """A limit on a point's sum, with figures."""

    def __init__(self, limit: float) -> None:
        self.limit = limit

    def __call__(self, x: Any) -> bool:
        return bool(self.excess(x)[0] <= 0.0)

    def excess(self, x: Any) -> Any:
        return np.array([float(np.sum(x)) - self.limit])


def domain(space: Any, limit: float) -> Domain:
    return Domain(Codec(space), feasible=Total(limit))


@pytest.mark.parametrize("z", [np.full(6, 0.9), np.array([1.0, 1.0, 0, 0, 0, 0.5])])
def test_the_nearest_within_a_linear_limit_is_exact(z: Any) -> None:
    """Against the projection of Held, Wolfe and Crowder: clip(z - t), where t makes the sum 1."""
    found = nearest_within(domain(Box(0.0, 1.0, shape=(6,)), 1.0), z, np.random.default_rng(0))
    low, high = 0.0, 1.0
    for _ in range(60):
        t = (low + high) / 2
        low, high = (t, high) if np.clip(z - t, 0, 1).sum() > 1.0 else (low, t)
    assert found == pytest.approx(np.clip(z - low, 0, 1), abs=1e-6)
    assert found.sum() <= 1.0


def test_bits_are_cleared_until_the_limit_holds() -> None:
    space = MultiBinary(30)
    z = Codec(space).encode(np.ones((1, 30)))[0]
    found = nearest_within(domain(space, 20), z, np.random.default_rng(0))
    assert Codec(space).decode(found[None]).sum() == 20


@pytest.mark.parametrize("space", [Box(0.0, 1.0, shape=(20,)), MultiBinary(200)])
def test_a_first_point_is_found_in_a_vanishing_part_of_the_space(space: Any) -> None:
    """A simplex of 20 dimensions is 1 / 20! of its cube."""
    here = domain(space, 1.0)
    z = first_within(here, np.random.default_rng(0))
    assert z is not None
    assert here.admit(z) is not None


def test_the_way_to_a_point_ends_at_the_limit() -> None:
    here = domain(Box(0.0, 1.0, shape=(4,)), 1.0)
    rng = np.random.default_rng(0)

    def allowed(z: Any) -> bool:
        return here.admit(z) is not None

    found = furthest(here, np.zeros(4), np.ones(4), allowed, rng)
    assert found is not None
    assert 0.9 <= found.sum() <= 1.0
    assert furthest(here, np.ones(4), np.full(4, 0.9), allowed, rng) is None


class Sphere(lamcts.Evaluator):
    """Least beyond the limit: on it, the best is ``dim * 0.1**2``."""

    def __init__(self, dim: int = 10) -> None:
        self.space = Box(0.0, 1.0, shape=(dim,))

    def cost(self, x: Any) -> dict[str, float]:
        return {"total": float(x.sum())}

    def evaluate(self, x: Any) -> float:
        assert x.sum() <= 1.0
        return float(((x - 0.2) ** 2).sum())


def test_a_search_reaches_an_optimum_on_the_limit() -> None:
    result = lamcts.search(Sphere(), budget=100, seed=0, constraints="total<=1")
    assert result.counts["complete"] == 100  # none hangs, ends early, or breaks the limit
    assert result.best.value == pytest.approx(10 * 0.1**2, abs=1e-3)
    assert not any(trial.info.get("fallback") for trial in result.trials[1:])


def test_a_slab_of_a_thousandth_of_the_volume() -> None:
    result = lamcts.search(Sphere(), budget=80, seed=0, constraints=["total<=1", "total>=0.995"])
    assert all(0.995 <= trial.cost["total"] <= 1.0 for trial in result.trials)
    assert result.best.value == pytest.approx(10 * 0.1**2, abs=2e-3)


@pytest.mark.parametrize(
    "name", ["lamcts", "quadratic", "turbo", "cmaes", "evolution", "random", "sobol"]
)
def test_every_optimizer_keeps_within(name: str) -> None:
    result = lamcts.search(Sphere(5), budget=25, seed=0, constraints="total<=1", optimizer=name)
    assert result.counts["complete"] == 25


def test_a_mixed_space_under_a_plain_predicate() -> None:
    """Without figures the way back is found by halving it."""
    space = Dict(x=Box(0.0, 1.0, shape=(4,)), op=Discrete(3), bits=MultiBinary(6))

    def feasible(x: Any) -> bool:
        return bool(x["x"].sum() + x["bits"].sum() <= 2.0 and x["op"] != 1)

    optimizer = make_optimizer("lamcts", space, feasible=feasible, seed=0, direction="maximize")
    for _ in range(60):
        (trial,) = optimizer.ask()
        assert feasible(trial.x)
        optimizer.tell(trial, float(2 * trial.x["x"].sum() + trial.x["bits"].sum()))
    assert optimizer.best.value == pytest.approx(4.0, abs=0.4)


class Few(lamcts.Evaluator):
    """So few points are within that no random one is."""

    def __init__(self, levels: int, least: int) -> None:
        self.space = MultiDiscrete([levels] * (6 if levels > 2 else 17))
        self.constraints = ("used<=2",) if least else ("used<=1",)
        self.constraints += (f"used>={least}",)

    def cost(self, x: Any) -> dict[str, float]:
        return {"used": float(np.count_nonzero(x))}

    def evaluate(self, x: Any) -> float:
        return float(np.sum(x))


@pytest.mark.parametrize("name", ["lamcts", "random"])
@pytest.mark.parametrize(("levels", "least", "points"), [(10, 0, 55), (2, 2, 136)])
def test_the_few_points_within_are_all_found(
    name: str, levels: int, least: int, points: int
) -> None:
    """At most one of six variables in use; exactly two of seventeen, where one change leads out."""
    problem = Few(levels, least)
    result = lamcts.search(problem, budget=200, seed=0, optimizer=name)
    assert result.stopped == "exhausted"
    assert result.counts["complete"] == points


def test_a_constraint_that_nothing_meets_is_an_error() -> None:
    with pytest.raises(InvalidArgument, match="no point that meets the constraints"):
        lamcts.search(Sphere(), budget=5, seed=0, constraints="total<=-1")
