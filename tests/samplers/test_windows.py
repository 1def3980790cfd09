"""Which of the local models is used: the one that has foretold best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from lamcts.samplers._windows import Windows

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
