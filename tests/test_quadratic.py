"""The quadratic model and its lowest point, against what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from lamcts.benchmark.suites import find_case
from lamcts.optimizers import make_optimizer
from lamcts.spaces import Box
from lamcts.surrogate.quadratic import LOUD, NOISE, QuadraticModel
from lamcts.surrogate.trust_region import lowest_in_ball, lowest_in_ball_and_box

Array = NDArray[np.float64]


def random_quadratic(rng: np.random.Generator, d: int) -> tuple[Array, Array]:
    A = rng.standard_normal((d, d))
    return rng.standard_normal(d), A + A.T


def test_a_quadratic_is_recovered_from_as_many_points_as_coefficients() -> None:
    rng = np.random.default_rng(0)
    d = 4
    slope, hessian = random_quadratic(rng, d)
    S = rng.uniform(-1, 1, ((d + 1) * (d + 2) // 2 + 3, d))
    f = 5.0 + S @ slope + 0.5 * np.einsum("ij,jk,ik->i", S, hessian, S)
    model = QuadraticModel(S, f)
    assert model.noise == NOISE[0]
    assert np.allclose(model.scale * model.slope, slope, atol=1e-4)
    assert np.allclose(model.scale * model.hessian, hessian, atol=1e-3)
    s = rng.uniform(-1, 1, d)
    assert model.change(s) == pytest.approx(slope @ s + 0.5 * s @ hessian @ s, abs=1e-3)


def test_a_separable_quadratic_is_recovered_from_few_points_more_than_coefficients() -> None:
    rng = np.random.default_rng(7)
    d = 8
    slope, bends = rng.standard_normal(d), 10.0 ** rng.uniform(-2, 2, d)
    S = rng.uniform(-1, 1, (2 * d + 5, d))
    f = 5.0 + S @ slope + 0.5 * S**2 @ bends
    model = QuadraticModel(S, f, separable=True)
    assert np.allclose(model.scale * model.slope, slope, atol=1e-3)
    assert np.allclose(model.scale * model.hessian, np.diag(bends), atol=1e-3)
    assert model.variance(rng.uniform(-1, 1, (20, d))).max() < 1e-3  # nothing else is possible
    other = QuadraticModel(S, f)  # which has too few points for all pairs of variables
    assert not np.allclose(other.scale * other.hessian, np.diag(bends), atol=0.1)


def test_noise_is_noticed() -> None:
    rng = np.random.default_rng(1)
    S = rng.uniform(-1, 1, (60, 3))
    clean = (S**2).sum(axis=1)
    assert QuadraticModel(S, clean).noise == NOISE[0]
    assert QuadraticModel(S, clean + 0.3 * rng.standard_normal(60)).noise > NOISE[1]


def test_variance_vanishes_at_the_data_and_grows_away_from_them() -> None:
    rng = np.random.default_rng(2)
    S = rng.uniform(-1, 1, (8, 5))
    model = QuadraticModel(S, rng.standard_normal(8), noise=(1e-10,))
    assert model.variance(S).max() < 1e-3
    assert model.variance(3.0 * rng.standard_normal((5, 5))).min() > 1.0


def test_variances_with_pending_points_are_those_once_they_are_known() -> None:
    rng = np.random.default_rng(3)
    S, P, T = rng.uniform(-1, 1, (9, 3)), rng.uniform(-1, 1, (4, 3)), rng.uniform(-1, 1, (20, 3))
    model = QuadraticModel(S, rng.standard_normal(9), noise=(1e-3,))
    known = QuadraticModel(np.vstack([S, P]), rng.standard_normal(13), noise=(1e-3,))
    assert np.allclose(model.variance(T, P), known.variance(T), rtol=1e-3)
    assert np.allclose(model.variance(T, P[:0]), model.variance(T))


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_no_point_of_the_ball_is_lower(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    slope, hessian = random_quadratic(rng, d)
    s = lowest_in_ball(slope, hessian, 0.7)
    assert np.linalg.norm(s) <= 0.7 + 1e-9
    T = rng.standard_normal((200, d))
    T *= 0.7 * rng.random((200, 1)) ** (1 / d) / np.linalg.norm(T, axis=1)[:, None]
    others = T @ slope + 0.5 * np.einsum("ij,jk,ik->i", T, hessian, T)
    assert slope @ s + 0.5 * s @ hessian @ s <= others.min() + 1e-9


def test_the_hard_case_reaches_the_sphere() -> None:
    s = lowest_in_ball(np.array([0.0, 1.0]), np.diag([-2.0, 1.0]), 1.0)
    assert np.linalg.norm(s) == pytest.approx(1.0)
    assert s[1] == pytest.approx(-1.0 / 3.0, abs=1e-6)  # -slope / (1 + 2)


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_ball_and_box_are_kept_and_the_centre_is_beaten(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    slope, hessian = random_quadratic(rng, d)
    lower, upper = -rng.uniform(0.0, 0.6, d), rng.uniform(0.0, 0.6, d)
    s = lowest_in_ball_and_box(slope, hessian, 0.8, lower, upper)
    assert np.all(s >= lower - 1e-12)
    assert np.all(s <= upper + 1e-12)
    assert np.linalg.norm(s) <= 0.8 + 1e-9


def test_a_convex_quadratic_in_a_box_matches_scipy() -> None:
    rng = np.random.default_rng(5)
    A = rng.standard_normal((4, 4))
    hessian, slope = A @ A.T + np.eye(4), rng.standard_normal(4)
    lower, upper = np.full(4, -0.3), np.full(4, 0.3)
    s = lowest_in_ball_and_box(slope, hessian, 2.0, lower, upper)
    found = minimize(
        lambda x: slope @ x + 0.5 * x @ hessian @ x,
        np.zeros(4),
        bounds=list(zip(lower, upper, strict=True)),
    )
    assert slope @ s + 0.5 * s @ hessian @ s <= found.fun + 0.05 * abs(found.fun)


def rosenbrock(x: Array) -> float:
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))


def run(objective: Callable[[Any], float], d: int, budget: int, seed: int, q: int = 1) -> float:
    optimizer = make_optimizer("lamcts", Box(-3.0, 4.0, shape=(d,)), seed=seed)
    for _ in range(budget // q):
        for trial in optimizer.ask(q):
            optimizer.tell(trial, objective(trial.x))
    assert optimizer.best.value is not None
    return optimizer.best.value


@pytest.mark.parametrize("seed", range(3))
def test_a_smooth_valley_is_followed_to_its_end(seed: int) -> None:
    assert run(rosenbrock, 4, 300, seed) < 0.5  # random search: above 10


@pytest.mark.parametrize("seed", range(3))
def test_a_bowl_with_axes_of_a_million_to_one_is_nearly_done_after_five_points_an_axis(
    seed: int,
) -> None:
    d = 20
    scales, target = 10.0 ** np.linspace(0, 6, d), np.linspace(-2.0, 3.0, d)
    assert run(lambda x: float(scales @ (x - target) ** 2), d, 100, seed) < 1.0  # random: 1e7


def test_a_solver_does_not_wait_for_points_that_are_known() -> None:
    function = find_case("rotated-rastrigin").build(31, {"dim": 20})  # where it once did for ever
    optimizer = make_optimizer("lamcts", function.space, seed=100)
    for _ in range(220):
        [trial] = optimizer.ask()
        optimizer.tell(trial, function.evaluate(trial.x))
    assert not any(trial.info.get("fallback") for trial in optimizer.trials)


def test_batches_of_eight_lose_little_on_a_bowl() -> None:
    target = np.linspace(-2.0, 3.0, 10)
    worst = max(run(lambda x: float(((x - target) ** 2).sum()), 10, 240, s, q=8) for s in range(3))
    assert worst < 1e-2


def test_failures_at_the_start_and_later_are_survived() -> None:
    calls: list[int] = []

    def holes(x: Array) -> float:
        calls.append(1)
        return float("nan") if len(calls) < 4 or x[0] < -2.0 else float((x**2).sum())

    assert run(holes, 3, 120, 0) < 1e-3


def test_declared_noise_is_averaged_not_chased() -> None:
    target = np.linspace(-2.0, 3.0, 8)

    def distance(noisy: bool, seed: int) -> float:
        rng = np.random.default_rng(seed)
        optimizer = make_optimizer("lamcts", Box(-3.0, 4.0, shape=(8,)), seed=seed, noisy=noisy)
        for _ in range(150):
            [trial] = optimizer.ask()
            value = float(((trial.x - target) ** 2).sum())
            optimizer.tell(trial, value + 2.0 * float(rng.standard_normal()))
        return float(((optimizer.best.x - target) ** 2).sum())

    told = np.median([distance(True, seed) for seed in range(5)])
    assert told < 0.7 * np.median([distance(False, seed) for seed in range(5)])


def test_a_model_is_drowned_where_noise_is_more_than_it_changes() -> None:
    rng = np.random.default_rng(6)
    S = rng.uniform(-1, 1, (40, 3))
    bowl = (S**2).sum(axis=1)
    assert not QuadraticModel(S, bowl, LOUD).drowned()
    faint = QuadraticModel(S, 0.01 * bowl + rng.standard_normal(40), LOUD)
    assert faint.drowned()
    assert faint.noise_sd == pytest.approx(1.0, rel=0.3)
    assert np.abs(faint.means).max() < 1.0
