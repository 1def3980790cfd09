"""The optimizers that NAS papers compare with: their laws, and what they find."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lamcts.errors import InvalidArgument
from lamcts.optimizers import Optimizer, make_optimizer
from lamcts.optimizers._bananas import _Ensemble
from lamcts.optimizers._local import LocalSearch
from lamcts.optimizers._regularized import RegularizedEvolution
from lamcts.optimizers._reinforce import REINFORCE
from lamcts.spaces import MultiDiscrete

SPACE = MultiDiscrete([4] * 6)
NAMES = ["regularized-evolution", "local-search", "bananas", "reinforce"]
TARGET = np.array([1, 3, 0, 2, 2, 1])


def matches(x: Any) -> float:
    return float((x == TARGET).sum())


def search(optimizer: Optimizer, n: int, f: Any = matches) -> Optimizer:
    for _ in range(n):
        for trial in optimizer.ask():
            optimizer.tell(trial, f(trial.x))
    return optimizer


def test_a_tournament_of_any_size_takes_the_best_for_parent() -> None:
    def points(tournament: int) -> list[Any]:
        optimizer = RegularizedEvolution(SPACE, population=5, tournament=tournament, seed=0)
        return [trial.x.tolist() for trial in search(optimizer, 12).trials]

    assert points(10**9) == points(10**6)  # neither draws so many


@pytest.mark.parametrize("name", NAMES)
def test_beats_random_points(name: str) -> None:
    def found(name: str) -> float:
        return float(
            np.mean(
                [
                    search(
                        make_optimizer(name, SPACE, direction="maximize", seed=s), 120
                    ).best.value
                    for s in range(5)
                ]
            )
        )

    assert found(name) > found("random") + 0.5


@pytest.mark.parametrize("name", NAMES)
def test_an_exhausted_space_ends_the_search(name: str) -> None:
    space = MultiDiscrete([3, 3, 3])
    optimizer = make_optimizer(name, space, seed=0, canonical=lambda x: np.sort(x))
    search(optimizer, 60, lambda x: float(x.sum()))
    seen = {tuple(int(i) for i in trial.x) for trial in optimizer.trials}
    assert seen == set(itertools.combinations_with_replacement(range(3), 3))
    assert len(optimizer.trials) == len(seen), "no two proposals may be equivalent"


def test_the_oldest_member_dies_however_good() -> None:
    optimizer = make_optimizer("regularized-evolution", SPACE, seed=0, population=8, tournament=3)
    assert isinstance(optimizer, RegularizedEvolution)
    search(optimizer, 30, lambda x: float(len(optimizer.history)))  # the first is the best
    assert optimizer.best.number == 0
    assert optimizer.alive == list(range(22, 30))


def test_a_child_differs_from_a_living_member_in_one_variable() -> None:
    optimizer = make_optimizer("regularized-evolution", SPACE, seed=1, population=8, tournament=3)
    assert isinstance(optimizer, RegularizedEvolution)
    search(optimizer, 8)
    for _ in range(20):
        alive = np.array([optimizer.trials[number].x for number in optimizer.alive])
        [trial] = optimizer.ask()
        assert (alive != trial.x).sum(axis=1).min() == 1
        optimizer.tell(trial, matches(trial.x))


def test_local_search_climbs_to_the_first_better_neighbour_and_restarts() -> None:
    optimizer = make_optimizer("local-search", SPACE, direction="maximize", seed=0)
    assert isinstance(optimizer, LocalSearch)
    climb: list[tuple[Any, float]] = []
    while optimizer.describe()["restarts"] == 0:
        [trial] = optimizer.ask()
        if optimizer.describe()["restarts"]:
            break
        at, value = climb[-1] if climb else (trial.x, -np.inf)
        assert not climb or (trial.x != at).sum() == 1
        optimizer.tell(trial, matches(trial.x))
        if matches(trial.x) > value:
            climb.append((trial.x, matches(trial.x)))
    assert climb[-1][1] == 6.0  # each variable can be mended by itself


def test_local_search_goes_on_from_known_values() -> None:
    """A restart beside a known better point moves there without evaluating it again."""
    space = MultiDiscrete([9])
    optimizer = make_optimizer("local-search", space, direction="maximize", seed=0)
    search(optimizer, 9, lambda x: float(x[0]))
    assert optimizer.best.value == 8.0
    assert optimizer.ask() == []


def test_reinforce_comes_to_prefer_what_does_well() -> None:
    optimizer = make_optimizer(
        "reinforce", SPACE, direction="maximize", seed=0, allow_repeats=True, entropy=0.0
    )
    assert isinstance(optimizer, REINFORCE)
    np.testing.assert_allclose(optimizer.policy, 0.25)
    search(optimizer, 200)
    np.testing.assert_allclose(optimizer.policy.sum(axis=1), 1.0)
    assert (optimizer.policy.argmax(axis=1) == TARGET).sum() >= 5


def test_the_gradients_of_the_networks_are_those_of_their_error() -> None:
    rng = np.random.default_rng(0)
    Z, y = rng.random((12, 5)), rng.random(12)
    networks = _Ensemble(Z, y, rng)
    target = (y - y.mean()) / y.std()

    def error() -> float:
        return float(0.5 * ((networks.predict(Z) - target) ** 2).mean(axis=1).sum())

    weights = [*networks._W, *networks._b]
    for w, gradient in zip(weights, networks._gradients(Z, target), strict=True):
        at = tuple(rng.integers(n) for n in w.shape)
        kept, step = w[at], 1e-6
        w[at] = kept + step
        above = error()
        w[at] = kept - step
        below = error()
        w[at] = kept
        assert gradient[at] == pytest.approx((above - below) / (2 * step), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("regularized-evolution", {"population": 0}),
        ("regularized-evolution", {"tournament": 0}),
        ("reinforce", {"rate": 0.0}),
        ("reinforce", {"entropy": -1.0}),
    ],
)
def test_impossible_settings_are_refused(name: str, setting: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=next(iter(setting))):
        make_optimizer(name, SPACE, **setting)
