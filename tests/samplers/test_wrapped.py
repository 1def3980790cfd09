"""Any ask/tell optimizer as a leaf solver."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

import lamcts.samplers
from lamcts.optimizers import Optimizer, make_optimizer
from lamcts.samplers import register_sampler, wrap_ask_tell
from lamcts.samplers._base import LEAST_PATIENCE
from lamcts.spaces import Box

BOX = Box(-3.0, 5.0, shape=(4,))


class Walk:
    """A (1+1) evolution strategy that counts what it was told."""

    made: ClassVar[list[Walk]] = []

    def __init__(self, dim: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.best, self.value = np.full(dim, 0.5), np.inf
        self.told: list[float] = []
        self.made.append(self)

    def ask(self) -> NDArray[np.float64]:
        return self.best + 0.05 * self.rng.standard_normal(len(self.best))

    def tell(self, x: NDArray[np.float64], y: float) -> None:
        self.told.append(y)
        if y < self.value:
            self.best, self.value = x, y


@pytest.fixture(autouse=True)
def walk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lamcts.samplers, "_SAMPLERS", dict(lamcts.samplers._SAMPLERS))
    monkeypatch.setattr(Walk, "made", [])
    register_sampler("walk", wrap_ask_tell(Walk))


def make() -> Optimizer:
    return make_optimizer("lamcts", BOX, seed=3, sampler="walk", n_init=5)


def bowl(x: Any) -> float:
    return float((x**2).sum())


def test_it_proposes_and_is_told_every_value_to_minimise() -> None:
    optimizer = make()
    values = []
    for _ in range(200):
        [trial] = optimizer.ask()
        values.append(bowl(trial.x))
        optimizer.tell(trial, values[-1])
    assert len(Walk.made) < 5
    assert sorted(Walk.made[0].told) == pytest.approx(sorted(values[: len(Walk.made[0].told)]))
    assert optimizer.best.value is not None
    assert optimizer.best.value < 0.1 < min(values[:5])


def test_a_replayed_run_goes_on_as_the_uninterrupted_one() -> None:
    first, second = make(), make()
    for _ in range(40):
        [trial] = first.ask()
        first.tell(trial, bowl(trial.x))
    for trial in first.trials[:25]:
        again = second.replay(trial.number, trial.x, trial.info)
        assert trial.value is not None
        second.tell(again, trial.value)
    for _ in range(15):
        [trial] = second.ask()
        second.tell(trial, bowl(trial.x))
    assert [list(t.x) for t in second.trials] == [list(t.x) for t in first.trials]


def test_another_leaf_is_selected_when_it_finds_nothing_more() -> None:
    optimizer = make()
    for _ in range(5 + LEAST_PATIENCE + 1):
        [trial] = optimizer.ask()
        optimizer.tell(trial, bowl(trial.x) if trial.number < 5 else 1e6)
    assert len(Walk.made) == 1
    optimizer.ask()
    assert len(Walk.made) == 2
    assert len(Walk.made[1].told) > 5  # the samples of its leaf


def test_another_leaf_is_selected_when_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Walk, "should_stop", lambda self: len(self.told) >= 15, raising=False)
    optimizer = make()
    for _ in range(30):
        [trial] = optimizer.ask()
        optimizer.tell(trial, bowl(trial.x))
    assert len(Walk.made[0].told) == 15
    assert len(Walk.made) > 1


def test_failed_trials_are_not_told() -> None:
    optimizer = make()
    for number in range(30):
        [trial] = optimizer.ask()
        optimizer.tell(trial, float("nan") if number % 3 == 0 else bowl(trial.x))
    [inner] = Walk.made
    assert len(inner.told) == 20
    assert np.isfinite(inner.told).all()
