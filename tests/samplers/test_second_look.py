"""Where the first descent ends in one small valley of many, CMA-ES looks again, while it gains."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamcts import make_optimizer
from lamcts.domain import Domain
from lamcts.functions import make_function
from lamcts.optimizers import Optimizer
from lamcts.optimizers._lamcts import LAMCTS
from lamcts.region import Region
from lamcts.samplers._quadratic import PACE, WITHIN_VALLEY, QuadraticSampler
from lamcts.samplers._second_look import GENERATIONS, LEAST, Ruggedness, SecondLook
from lamcts.spaces import Box, Codec

D = 10


def run(name: str, budget: int = 400, seed: int = 0, q: int = 1, **options: Any) -> Optimizer:
    function = make_function(name, dim=D, shift_seed=1, rotate_seed=options.pop("rotated", None))
    optimizer = make_optimizer("lamcts", function.space, seed=seed, **options)
    while len(optimizer.history) < budget:
        for trial in reversed(optimizer.ask(q)):
            optimizer.tell(trial, function.evaluate(trial.x))
    return optimizer


def numbers(optimizer: Optimizer) -> list[int]:
    """The trials of the second look: CMA-ES has no radius and makes no moves."""
    return [trial.number for trial in optimizer.trials[1:] if "move" not in trial.info]


@pytest.mark.parametrize(
    ("shrinkage", "descent", "below", "together", "rugged"),
    [
        (0.3**3, 10.0, 0.5, False, False),  # smooth
        (0.3, 10.0, 0.5, False, False),  # a kink that leads on
        (0.3, 10.0, 0.2, False, True),  # one that does not
        (0.9, 10.0, 0.5, False, True),
        (0.9, 1000.0, 0.5, False, False),  # valleys too shallow to matter
        (0.9, 10.0, 1.8, False, False),  # the descent went on below them
        (0.9, 10.0, 1.8, True, True),  # which it does more by several at a time
        (0.9, 10.0, 5.0, True, False),
    ],
)
def test_errors_that_do_not_shrink_are_small_valleys(
    shrinkage: float, descent: float, below: float, together: bool, rugged: bool
) -> None:
    ruggedness = Ruggedness()
    for k, resolution in enumerate((0.2, 0.06, 0.018)):
        for _ in range(LEAST):
            ruggedness.tell(np.array([1.0, 1.1, 1.2]) * shrinkage**k, resolution)
    assert ruggedness.rugged(descent, below, together=together) == rugged


def test_few_errors_tell_nothing() -> None:
    ruggedness = Ruggedness()
    for resolution in (0.2, 0.06):
        for _ in range(LEAST - 1):
            ruggedness.tell(np.ones(3), resolution)
    assert not ruggedness.rugged(1.0, 0.0)


def generations(values: list[float]) -> SecondLook:
    """A look whose generations had these medians, from a best point of value 0."""
    domain = Domain(Codec(Box(0.0, 1.0, shape=(D,))))
    look = SecondLook(domain, Region(), np.full((1, D), 0.5), np.zeros(1))
    rng = np.random.default_rng(0)
    for value in values:
        for _ in range(look._engine.population):
            proposal = look.ask(np.empty((0, D)), rng)
            look.tell(proposal.Z[0], value, {"raw": []})
    return look


def test_a_look_goes_on_while_its_generations_come_nearer() -> None:
    nearer: list[float] = [-(0.9**k) for k in range(3 * GENERATIONS)]
    assert not generations(nearer).hopeless(0.0)
    assert not generations([k - 1.0 for k in range(2 * GENERATIONS)]).hopeless(10.0)  # past it


def test_a_look_that_comes_no_nearer_is_given_up() -> None:
    assert not generations([-1.0] * (2 * GENERATIONS - 1)).hopeless(0.0)
    assert generations([-1.0] * 2 * GENERATIONS).hopeless(0.0)
    slowly: list[float] = [-(0.99**k) for k in range(2 * GENERATIONS)]
    look = generations(slowly)
    assert look.hopeless(0.0)
    look.polishes = True  # learning a shape takes long
    assert not look.hopeless(0.0)


def test_a_look_among_failures_is_given_up() -> None:
    assert generations([np.nan] * (GENERATIONS + 1)).hopeless(0.0)
    assert not generations([np.nan] * GENERATIONS).hopeless(0.0)


@pytest.mark.parametrize(
    ("reach", "best", "over"), [(0.01, -1.0, True), (0.2, -1.0, False), (0.01, 1.0, False)]
)
def test_a_look_that_shrinks_to_where_it_began_is_over(
    reach: float, best: float, over: bool
) -> None:
    """Unless it found better there: in BBOB's f22 looks spent hundreds of trials on coming back."""
    look = generations([])
    rng = np.random.default_rng(1)
    for k in range(look._engine.population):
        z = 0.5 + rng.uniform(-reach, reach, D)
        assert not look.hopeless(0.0)
        look.tell(z, best if k == 0 else -1.0, {"raw": []})
    assert look.hopeless(0.0) is over
    look.polishes = True
    assert not look.hopeless(0.0)


@pytest.mark.parametrize("name", ["sphere", "rosenbrock", "ackley", "zakharov", "dixon-price"])
def test_there_is_none_where_one_valley_is_all(name: str) -> None:
    assert numbers(run(name)) == []


def test_there_is_one_after_the_first_descent_into_a_small_valley() -> None:
    optimizer = run("schaffer-f7", rotated=1)
    look = numbers(optimizer)
    assert look
    assert look == list(range(look[0], look[-1] + 1))
    assert optimizer.trials[look[0] - 1].info["resolution"] < 0.01


def test_it_begins_earlier_where_a_resolution_lingers() -> None:
    optimizer = run("schaffer-f7", 200, seed=1, rotated=1)
    before = optimizer.trials[numbers(optimizer)[0] - 1].info
    assert WITHIN_VALLEY < before["resolution"] < 0.01


def test_the_descent_goes_on_after_a_look_in_vain() -> None:
    optimizer = run("rastrigin", seed=2)
    look = numbers(optimizer)
    assert 0 < len(look) < 250
    before, after = (optimizer.trials[k].info for k in (look[0] - 1, look[-1] + 1))
    assert after["resolution"] <= before["resolution"]
    assert after["move"] in ("step", "spread")


def test_the_resting_descent_is_told_what_it_asked_for() -> None:
    function = make_function("schaffer-f7", dim=D, shift_seed=1, rotate_seed=1)
    optimizer = LAMCTS(function.space, seed=0)
    while optimizer._resting is None:
        trials = optimizer.ask(8)
        for trial in trials:
            optimizer.tell(trial, function.evaluate(trial.x))
    descent = [trial for trial in optimizer.trials if trial.number < numbers(optimizer)[0]]
    assert descent[-1].number >= trials[0].number  # it began within a batch
    assert len(optimizer._resting.y) == len(descent)


def test_there_is_none_where_values_are_said_to_carry_noise() -> None:
    assert numbers(run("rastrigin", rotated=1, noisy=True, budget=300)) == []


@pytest.mark.parametrize("q", [1, 8])
def test_a_run_with_a_look_is_repeated_by_replaying_it(q: int) -> None:
    first = run("schaffer-f7", rotated=1, budget=320, q=q)
    second = make_optimizer("lamcts", first.space, seed=0)
    trials = first.trials
    for k in range(0, len(trials), q):
        batch = [second.replay(t.number, t.x, t.info) for t in trials[k : k + q]]
        for told, trial in zip(reversed(batch), reversed(trials[k : k + q]), strict=True):
            assert trial.value is not None
            second.tell(told, trial.value)
    assert numbers(first)
    for one, other in zip(first.ask(q), second.ask(q), strict=True):
        assert np.array_equal(one.x, other.x)


def best(optimizer: Optimizer) -> float:
    value = optimizer.best.value
    assert value is not None
    return value


@pytest.mark.parametrize("q", [1, 8])
def test_it_sees_over_small_valleys(q: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds = range(5)
    with_look = [best(run("schaffer-f7", 600, seed, q, rotated=1)) for seed in seeds]
    monkeypatch.setattr(Ruggedness, "rugged", lambda *_, **__: False)
    without = [best(run("schaffer-f7", 600, seed, q, rotated=1)) for seed in seeds]
    print(with_look, without)
    assert np.median(with_look) < 0.6 * np.median(without)


@pytest.mark.parametrize(
    ("gains", "lingers"),
    [
        ([0.0, 1.0, 2.0], True),
        ([0.0, 1.0, 1.6], True),
        ([0.0, 1.0, 1.4], False),
        ([0.0, 0.0, 0.0], True),
    ],
)
def test_a_descent_lingers_whose_gains_do_not_fall_off(gains: list[float], lingers: bool) -> None:
    """A first value, and what two spans of evaluations came to."""
    span = PACE * 2
    y = np.repeat(gains, [1, span, span])
    Z = np.random.default_rng(0).random((len(y), 2))
    domain = Domain(Codec(Box(0.0, 1.0, shape=(2,))))
    assert QuadraticSampler(domain, Region(), Z, y).lingers is lingers
    assert not QuadraticSampler(domain, Region(), Z[1:], y[1:]).lingers  # too early to tell


def bent(x: NDArray[np.float64]) -> float:
    """As BBOB's f2: ill-conditioned, and a quadratic near no point."""
    log = np.log(np.abs(x - 0.3) + 1e-300)
    left, right = (0.049 * (np.sin(c * log) + np.sin(k * log)) for c, k in ((5.5, 3.1), (10, 7.9)))
    z = np.exp(log + np.where(x > 0.3, right, left))
    return float(10.0 ** np.linspace(0.0, 6.0, len(z)) @ z**2)


@pytest.mark.slow
def test_a_descent_that_lingers_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(seed: int) -> float:
        optimizer = LAMCTS(Box(-5.0, 5.0, shape=(5,)), seed=seed)
        for _ in range(1600):
            [trial] = optimizer.ask()
            optimizer.tell(trial, bent(trial.x))
        return best(optimizer)

    with_look = [found(seed) for seed in range(3)]
    monkeypatch.setattr(QuadraticSampler, "lingers", False)
    without = [found(seed) for seed in range(3)]
    print(with_look, without)
    assert np.median(with_look) < 0.1 * np.median(without)
