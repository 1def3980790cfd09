"""The solver of discrete and mixed spaces, and its three arms."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lamcts
from lamcts.boundary import LinearBoundary
from lamcts.constraints import Feasibility, parse_constraint
from lamcts.domain import Domain
from lamcts.optimizers._baselines import SolverSearch
from lamcts.region import Region
from lamcts.samplers._base import LEAST_PATIENCE
from lamcts.samplers._discrete import MEMORY, DiscreteSampler
from lamcts.samplers._harmless import changes, harm
from lamcts.samplers._overlap import GRID, NOISES, NUMERIC_LENGTHS, Layout, OverlapModel
from lamcts.samplers._step import Step
from lamcts.spaces import Box, Codec, Dict, Discrete, MultiBinary, MultiDiscrete, to_json

MIXED = Dict(
    bits=MultiBinary(4),
    ops=MultiDiscrete([3, 5, 2]),
    one=Discrete(1),
    n=Box(1, 9, dtype=int),
    x=Box(-1.0, 1.0, shape=(2,)),
)
SPACES = [MIXED, MultiBinary(7), MultiDiscrete([3, 4]), Box(0, 9, shape=(3,), dtype=int)]
each_space = pytest.mark.parametrize("space", SPACES, ids=repr)


class DiscreteSearch(SolverSearch):
    solver = "discrete"


def run(opt: SolverSearch, f: Any, n: int) -> list[Any]:
    for _ in range(n):
        for trial in opt.ask():
            opt.tell(trial, f(trial.x))
    return [to_json(opt.space, t.x) for t in opt.trials]


def data(space: Any, n: int, seed: int = 0) -> tuple[Codec, Any, Any]:
    codec, rng = Codec(space), np.random.default_rng(seed)
    return codec, codec.sample(rng, n), rng.normal(size=n)


# -- model ---------------------------------------------------------------------------------------


def correlation(codec: Codec, theta: tuple[int, ...], stretch: Any, a: Any, b: Any) -> float:
    """The kernel as its docstring has it, variable by variable."""
    mismatches, square, n_unordered, n_numeric = 0, 0.0, 0, 0
    for v in codec.variables:
        if v.kind == "categorical" or v.size == 2:
            n_unordered += 1
            mismatches += not np.array_equal(a[v.columns], b[v.columns])
        elif v.size != 1:
            apart = float(a[v.columns.start] - b[v.columns.start]) * 2.0 ** stretch[n_numeric]
            square += apart**2
            n_numeric += 1
    k = np.exp(-mismatches / (GRID[0][theta[0]] * max(n_unordered, 1)))
    if n_numeric:
        s = np.sqrt(5.0 * square) / (NUMERIC_LENGTHS[theta[1]] * np.sqrt(n_numeric))
        k *= (1.0 + s + s * s / 3.0) * np.exp(-s)
    return float(k)


@each_space
@pytest.mark.parametrize("theta", [(4, 4, 1, 0), (6, 2, 2, 0)])
def test_the_posterior_is_the_textbooks(space: Any, theta: tuple[int, ...]) -> None:
    codec, Z, y = data(space, 12)
    new = codec.sample(np.random.default_rng(1), 5)
    layout = Layout(codec)
    stretch: Any = np.arange(len(layout.numeric)) - 1.0
    model = OverlapModel(layout, Z, y, theta, stretch)
    K = np.array([[correlation(codec, theta, stretch, a, b) for b in Z] for a in Z])
    K += NOISES[theta[2]] * np.eye(len(Z))
    k = np.array([[correlation(codec, theta, stretch, a, b) for b in Z] for a in new])
    z = (y - y.mean()) / y.std()
    solved = np.linalg.solve(K, z)
    variance = float(z @ solved) / len(z) * (1.0 - (k * np.linalg.solve(K, k.T).T).sum(axis=1))
    mean, sd = model.predict(new)
    np.testing.assert_allclose(mean, k @ solved, atol=1e-6)
    np.testing.assert_allclose(sd**2, np.maximum(variance, 0.0), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), length=st.integers(2, 8))
def test_all_single_changes_at_once(seed: int, length: int) -> None:
    codec, Z, y = data(MIXED, 15, seed)
    layout = Layout(codec)
    model = OverlapModel(layout, Z, y, (length, 4, 1, 1))
    at, means = model.single_changes(Z[3])
    assert at == pytest.approx(model.mean(Z[3:4])[0], abs=1e-6)
    changed = layout.change(Z[3], np.arange(len(means)))
    np.testing.assert_allclose(means, model.mean(changed), atol=1e-6)
    np.testing.assert_array_equal(changed, codec.snap(changed))  # they are points of the space
    differ = (codec.decode(changed) != codec.decode(Z[3:4])).sum(axis=1)
    assert sorted(set(differ)) == [0, 1]


def test_likelihood_finds_long_lengths_for_a_sum_and_the_warp_for_outliers() -> None:
    codec, Z, _ = data(MultiBinary(20), 60)
    ones = codec.decode(Z).sum(axis=1)
    layout = Layout(codec)
    linear = OverlapModel(layout, Z, ones).improve(8)
    rugged = OverlapModel(layout, Z, np.random.default_rng(0).normal(size=60)).improve(8)
    assert linear.theta[0] > rugged.theta[0]
    assert linear.theta[3] == 0
    assert OverlapModel(layout, Z, -np.exp(ones)).improve(8).theta[3] == 1


def test_numbers_that_do_not_matter_are_shrunk_and_alike_ones_left_alone() -> None:
    codec, Z, _ = data(Dict(c=Discrete(3), x=Box(0.0, 1.0, shape=(6,))), 60)
    layout = Layout(codec)
    x = Z[:, layout.numeric]
    two = OverlapModel(layout, Z, np.sin(6.0 * x[:, 0]) + x[:, 1] ** 2).improve(8)
    before = two._evidence
    stretch = two.attend(range(6)).attend(range(6)).stretch
    assert two._evidence > before
    assert stretch[2:].max() < stretch[:2].min()
    noise = np.random.default_rng(0).normal(size=60)
    assert not OverlapModel(layout, Z, noise).improve(8).attend(range(6)).stretch.any()


def test_a_supposed_point_is_certain_and_moves_nothing() -> None:
    codec, Z, y = data(MIXED, 15)
    model = OverlapModel(Layout(codec), Z, y)
    new = codec.sample(np.random.default_rng(5), 3)
    before, sd_before = model.predict(new)
    after, sd_after = model.suppose(new[:1]).predict(new)
    np.testing.assert_allclose(after, before, atol=1e-3)
    assert sd_after[0] < 0.1 * sd_before[0]


@pytest.mark.parametrize("y", [np.zeros(9), np.arange(9) * 1e300, np.r_[np.zeros(8), -1e-300]])
def test_any_finite_values(y: Any) -> None:
    codec, Z, _ = data(MIXED, 9)
    mean, sd = OverlapModel(Layout(codec), Z, y).improve(3).predict(Z)
    assert np.isfinite(mean).all()
    assert (sd > 0.0).all()


# -- harmless changes ----------------------------------------------------------------------------


def test_variables_that_matter_are_told_from_those_that_do_not() -> None:
    rng = np.random.default_rng(0)
    V = rng.integers(0, 2, (120, 20)).astype(float)
    V[-1] = 1.0
    y = V[:, :3].all(axis=1).astype(float)
    best, h = harm(V, y)
    assert y[best] == 1.0
    assert h[:3].min() > 0.4 > h[3:].max()
    assert h[3:].mean() < 0.15
    sets = changes(h, 200, rng)
    assert sets.any(axis=1).all()
    assert sets[:, :3].mean() < 0.6 * sets[:, 3:].mean()


# -- steps ---------------------------------------------------------------------------------------


def test_steps_converge_on_an_ellipsoid() -> None:
    rng, steps = np.random.default_rng(0), Step(4)
    scales = np.array([1.0, 3.0, 10.0, 30.0])
    x = np.full(4, 0.3)
    for _ in range(1500):
        step = steps.draw(1, rng)[0]
        success = bool(np.sum((scales * (x + step)) ** 2) < np.sum((scales * x) ** 2))
        steps.tell(step, success)
        x = x + step if success else x
    assert np.sum((scales * x) ** 2) < 1e-12


# -- the sampler ---------------------------------------------------------------------------------


def test_a_sum_of_60_bits_is_solved_in_150_trials() -> None:
    target = np.random.default_rng(0).integers(0, 2, 60)
    opt = DiscreteSearch(MultiBinary(60), seed=0)
    run(opt, lambda x: float((x != target).sum()), 150)
    assert opt.best.value == 0.0


def test_levels_that_were_never_seen_are_not_tried_in_order() -> None:
    tried = []
    for seed in range(6):
        opt = DiscreteSearch(Discrete(200), seed=seed)
        run(opt, lambda x: 1.0, 60)
        tried += [int(t.x) for t in opt.trials]
    assert 85 < np.mean(tried) < 115  # 60 of the lowest levels would be near 60
    assert len({x for x in tried if x < 20}) < 20 or len({x for x in tried if x >= 180}) > 15


def test_leading_ones_far_beyond_mutation() -> None:
    opt = DiscreteSearch(MultiBinary(40), seed=0, direction="maximize")
    run(opt, lambda x: float(np.cumprod(x).sum()), 250)
    assert opt.best.value is not None
    assert opt.best.value >= 20  # the (1+1)-EA is at 13


def test_mixed_variables_are_solved_to_the_last_digits() -> None:
    def f(x: Any) -> float:
        wrong = (x["bits"] != [1, 0, 1, 1]).sum() + (x["ops"] != [2, 4, 0]).sum()
        return float(wrong + abs(x["n"] - 4) + ((x["x"] - 0.3) ** 2).sum())

    opt = DiscreteSearch(MIXED, seed=0)
    run(opt, f, 250)
    assert opt.best.value is not None
    assert opt.best.value < 1e-8


@each_space
def test_a_replayed_run_goes_on_as_the_first(space: Any) -> None:
    def f(x: Any) -> float:
        return float(np.sin(3.0 * codec.to_vector(x)).sum())

    codec = Codec(space)
    whole = DiscreteSearch(space, seed=3)
    expected = run(whole, f, 60)
    resumed = DiscreteSearch(space, seed=3)
    for trial in whole.trials[: len(expected) * 2 // 3]:
        info = json.loads(json.dumps(dict(trial.info)))  # as a run file keeps it
        resumed.tell(resumed.replay(trial.number, trial.x, info), trial.value or 0.0)
    assert run(resumed, f, 60)[: len(expected)] == expected


@each_space
def test_batches_failures_and_no_repeats(space: Any) -> None:
    opt = DiscreteSearch(space, seed=0)
    codec = Codec(space)
    for _ in range(12):
        for i, trial in enumerate(reversed(opt.ask(6))):
            y = float(codec.to_vector(trial.x).sum())
            opt.tell(trial, y if i % 3 else ValueError("broken"))
    keys = [codec.key(codec.to_vector(t.x)) for t in opt.trials]
    assert len(set(keys)) == len(keys) == min(72, codec.n_points)


class Packing(lamcts.Evaluator):
    """Things worth a little more, and heavier, than each other."""

    space = MultiBinary(12)
    direction = "maximize"
    weights = np.arange(12.0) + 3.0

    def evaluate(self, x: Any) -> float:
        return float(x @ (self.weights + np.sqrt(self.weights)))

    def cost(self, x: Any) -> dict[str, float]:
        return {"weight": float(x @ self.weights)}

    def cost_many(self, V: Any) -> dict[str, Any]:
        return {"weight": V @ self.weights}


def test_the_model_proposes_nothing_beyond_limits_that_tell_of_many() -> None:
    problem = Packing()
    feasible = Feasibility([parse_constraint("weight<=35")], problem)
    opt = DiscreteSearch(problem.space, direction="maximize", seed=0, feasible=feasible)
    within = []
    for number in range(60):
        proposal = opt._propose(opt._rng(1, number)) if number else None
        if proposal is not None and proposal.info.get("arm") == "model":
            excesses = opt.domain.excesses(proposal.Z)
            assert excesses is not None
            within.append(bool((excesses <= 0.0).all()))
        for trial in opt.ask():
            opt.tell(trial, problem.evaluate(trial.x))
    assert len(within) > 10
    assert all(within)


def test_a_search_that_stalled_begins_anew_where_it_is_put() -> None:
    space = MultiDiscrete([4] * 5)
    codec, Z, y = data(space, 60)
    half = LinearBoundary(np.eye(codec.dim)[0], -0.5)  # the first variable is at its level 0
    region = Region(((half, True),))
    inside = region.contains(Z)
    solver = DiscreteSampler(Domain(codec), region, Z[inside], y[inside], restart=True)
    assert len(solver.y) == 0
    rng = np.random.default_rng(0)
    for _ in range(LEAST_PATIENCE + 1):
        assert not solver.done
        z = solver.ask(np.empty((0, codec.dim)), rng).Z[0]
        assert region.contains(z[None]).all()
        solver.tell(z, 0.0, {})
    assert not solver.done  # the first value was better than none
    solver.tell(z, 0.0, {})
    assert solver.done


def test_a_small_space_is_enumerated_and_then_ends() -> None:
    opt = DiscreteSearch(MultiDiscrete([3, 3, 3]), seed=0)
    assert len(run(opt, lambda x: float(x.sum()), 40)) == 27
    assert opt.ask() == []


def test_memory_is_bounded() -> None:
    opt = DiscreteSearch(MultiBinary(12), seed=0)
    opt.ask()
    Z = opt.domain.codec.sample(np.random.default_rng(0), 5000)
    assert opt._sampler is not None
    sampler = DiscreteSampler(opt.domain, opt._sampler.region, Z, Z.sum(axis=1))
    assert len(sampler.y) <= 2 * MEMORY
    assert sampler.y.max() == Z.sum(axis=1).max()
    assert not sampler.done
