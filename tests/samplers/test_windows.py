"""Which of the local models is used: the one that has foretold best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lamcts import make_optimizer
from lamcts.samplers._windows import Windows
from lamcts.spaces import Box

Array = NDArray[np.float64]
D, RADIUS = 5, 0.1


def play(
    objective: Callable[[Array], Array], spread: float, begin: int = 25, end: int = 80
) -> Windows:
    """Points around a centre, each foretold by the models of those before it."""
    rng, windows = np.random.default_rng(0), Windows(D)
    Z = 0.5 + spread * rng.standard_normal((end, D))
    y = objective(Z)
    for k in range(begin, len(Z)):
        centre = Z[:k][y[:k].argmax()]
        distances = np.linalg.norm(Z[:k] - centre, axis=1) / RADIUS
        models = windows.fit(Z[:k], y[:k], centre, distances, RADIUS)
        assert models.chosen is models.models[windows.favourite]
        info = models.record((Z[k] - centre) / RADIUS)
        windows.note(info)
        windows.tell(float(y[k]), info)
    return windows


def test_many_points_are_used_where_the_objective_is_a_quadratic() -> None:
    A = np.random.default_rng(1).standard_normal((D, D))
    assert play(lambda Z: -np.einsum("ij,jk,ik->i", Z, A @ A.T, Z), 0.3).favourite > 0


def test_few_points_are_used_while_nothing_speaks_for_more() -> None:
    assert Windows(D).favourite == 0


def test_a_separable_model_is_used_where_variables_act_apart() -> None:
    scales = 10.0 ** np.arange(D)
    # with more points the others know all of it too
    windows = play(lambda Z: -(scales * (Z - 0.3) ** 2).sum(axis=1), 0.3, begin=12, end=19)
    assert windows.favourite == 3


def test_a_separable_model_is_used_only_where_it_is_clearly_better() -> None:
    windows = Windows(D)
    for _ in range(20):
        windows.tell(1.0, {"guess": [2.0, 2.1, 2.1, 1.8]})
    assert windows.favourite == 0


@pytest.mark.parametrize("window", range(4))
def test_the_window_that_foretells_best_is_used(window: int) -> None:
    windows = Windows(D)
    guess = [2.0, 2.0, 2.0, 2.0]
    guess[window] = 1.1
    for _ in range(5):
        windows.tell(1.0, {"guess": guess})
    assert windows.favourite == window


@pytest.mark.parametrize("info", [{"pulled": True}, {"fallback": True}, {}])
def test_what_was_not_foretold_or_has_no_value_is_not_held_against_a_model(
    info: dict[str, bool],
) -> None:
    windows = Windows(D)
    windows.tell(1.0 if info else float("nan"), {"guess": [9.0, 1.0, 1.0, 1.0], **info})
    assert windows.favourite == 0


def test_runs_with_fewer_models_are_still_replayed() -> None:
    windows = Windows(D)
    windows.note({"noise": [1.0, 1.0, 1.0]})
    windows.tell(1.0, {"guess": [9.0, 1.0, 1.0]})
    assert windows.favourite == 0


def oscillating(Z: Array) -> Array:
    """BBOB's f10: an ellipsoid, turned, whose coordinates oscillate (Hansen et al. 2009)."""
    d = Z.shape[1]
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((d, d)))[0]
    X = (10.0 * Z - 4.0) @ turn
    logs = np.log(np.abs(X) + 1e-300)
    fast, slow = np.where(X > 0, 10.0, 5.5), np.where(X > 0, 7.9, 3.1)
    X = np.sign(X) * np.exp(logs + 0.049 * (np.sin(fast * logs) + np.sin(slow * logs)))
    return np.asarray((X**2) @ 10.0 ** (6.0 * np.arange(d) / (d - 1)))


def third_noises(dim: int, *, noisy: bool = False) -> tuple[float, float]:
    """Shares of noise of the second and the third model where values are all but noise."""
    rng, windows = np.random.default_rng(0), Windows(dim, noisy=noisy)
    Z, y = rng.random((600, dim)), rng.standard_normal(600)
    distances = np.linalg.norm(Z - Z[0], axis=1) / RADIUS
    _, second, third, _ = windows.fit(Z, y, Z[0], distances, RADIUS).models
    return second.noise, third.noise


@pytest.mark.parametrize("dim", [2, 3, 6])
def test_in_few_dimensions_the_third_model_all_but_passes_through_its_points(dim: int) -> None:
    second, third = third_noises(dim)
    assert third <= 1e-3 < second
    assert third_noises(dim, noisy=True)[1] > 1e-3


def test_in_more_dimensions_its_share_of_noise_is_free() -> None:
    assert third_noises(7)[1] > 1e-3


def test_it_is_worth_it_where_values_oscillate(monkeypatch: pytest.MonkeyPatch) -> None:
    def distances() -> list[float]:
        found = []
        for seed in range(8):
            optimizer = make_optimizer("quadratic", Box(0.0, 1.0, shape=(3,)), seed=seed)
            for _ in range(100):
                [trial] = optimizer.ask()
                optimizer.tell(trial, float(oscillating(np.asarray(trial.x)[None])[0]))
            assert optimizer.best.value is not None
            found.append(optimizer.best.value)
        return found

    interpolating = np.median(distances())
    monkeypatch.setattr("lamcts.samplers._windows.EXACT", None)
    assert interpolating < 0.5 * np.median(distances())
