"""The best of noisy trials: by estimated mean, the same after reading a run back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.cli._summary import print_summary
from lamcts.functions import make_function
from lamcts.incumbent import estimate
from lamcts.optimizers import make_optimizer
from lamcts.result import load_result
from lamcts.spaces import Box, Codec, Discrete
from lamcts.storage import RUN_FILE


def noisy(seed: int) -> Any:
    return make_function("sphere", dim=5, noise=1.0, shift_seed=seed, noise_seed=seed)


def test_the_recommended_trial_is_truly_better_than_the_luckiest() -> None:
    """On CMA-ES's trials, which lie around the optimum; `lamcts` reads the noise by itself."""
    recommended, luckiest = [], []
    for seed in range(12):
        function = noisy(seed)
        result = lamcts.search(function, budget=120, seed=seed, optimizer="cmaes")
        highest = min(result.trials, key=lambda trial: trial.value or 0.0)
        recommended.append(function.f(result.best.x[None])[0])
        luckiest.append(function.f(highest.x[None])[0])
    assert np.median(recommended) < 0.8 * np.median(luckiest)
    assert np.sum(np.less(recommended, luckiest)) > 2 * np.sum(np.greater(recommended, luckiest))


def test_repeats_of_a_point_count_as_data_on_it() -> None:
    """Two arms: one great value cannot beat ten good ones around a greater mean."""
    codec = Codec(Discrete(2))
    rng = np.random.default_rng(0)
    Z = codec.encode(np.repeat([[0.0], [1.0]], [3, 30], axis=0))
    y = np.concatenate([[3.0, -3.0, -3.0], 1.0 + 0.1 * rng.standard_normal(30)])
    means = estimate(Z, y, codec)
    assert int(np.nanargmax(means)) >= 3
    assert means[5] == pytest.approx(1.0, abs=0.2)
    assert means[5] == pytest.approx(means[6])


def test_estimates_are_nearer_to_the_truth_than_the_values() -> None:
    rng = np.random.default_rng(0)
    Z = np.clip(0.5 + 0.2 * rng.standard_normal((300, 4)), 0.0, 1.0)
    truth = -((Z - 0.4) ** 2).sum(axis=1)
    y = truth + 0.1 * rng.standard_normal(300)
    means = estimate(Z, y, Codec(Box(0.0, 1.0, shape=(4,))))
    compared = ~np.isnan(means)
    assert compared.sum() == 20
    errors = np.abs(means - truth)[compared], np.abs(y - truth)[compared]
    assert np.mean(errors[0]) < 0.3 * np.mean(errors[1])


def test_missing_values_and_few_trials_will_do() -> None:
    codec = Codec(Box(0.0, 1.0, shape=(2,)))
    Z = np.array([[0.1, 0.1], [0.2, 0.2], [0.2, 0.2]])
    means = estimate(Z, np.array([np.nan, 2.0, 2.0]), codec)
    assert np.isnan(means[0])
    assert means[1:].tolist() == [2.0, 2.0]
    assert np.isnan(estimate(Z, np.full(3, np.nan), codec)).all()


def test_the_optimizer_says_the_same_as_the_result() -> None:
    function = noisy(0)
    optimizer = make_optimizer("random", function.space, seed=0, noisy=True)
    assert optimizer.domain.noisy
    assert optimizer.domain.allow_repeats
    for trial in optimizer.ask(60):
        optimizer.tell(trial, function.observe(trial.x, trial.number))
    result = lamcts.search(function, budget=60, seed=0, optimizer="random")
    assert optimizer.best.number == result.best.number


def test_a_stored_run_knows_that_it_was_noisy(tmp_path: Path) -> None:
    result = lamcts.search(noisy(1), budget=40, seed=1, folder=tmp_path / "run")
    loaded = load_result(tmp_path / "run")
    assert loaded.noisy
    assert loaded.estimate == pytest.approx(result.estimate)
    assert loaded.best.number == result.best.number
    best = json.loads((tmp_path / "run" / "best.json").read_text(encoding="utf-8"))
    assert best["number"] == result.best.number
    assert result.to_json()["best"]["estimate"] == result.estimate
    assert "estimated mean" in result._repr_html_()


class Plain(lamcts.Evaluator):
    space = Box(0.0, 1.0, shape=(2,))

    def evaluate(self, x: Any) -> float:
        return float(x.sum())


def test_the_command_line_says_that_the_best_is_an_estimate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = lamcts.search(noisy(2), budget=15, seed=2, optimizer="random")
    print_summary(result)
    line = next(row for row in capsys.readouterr().out.splitlines() if row.startswith("best "))
    assert f"estimated mean {result.estimate:.6g} (trial {result.best.number}, observed" in line


def test_without_noise_nothing_is_written_or_estimated(tmp_path: Path) -> None:
    """So runs of versions that did not know of noise open, and can be resumed."""
    result = lamcts.search(Plain, budget=5, seed=0, folder=tmp_path / "run")
    header = json.loads((tmp_path / "run" / RUN_FILE).read_text(encoding="utf-8").splitlines()[0])
    assert "noisy" not in header["fingerprint"]
    assert result.estimate is None
    assert result.best.value == min(trial.value or 9.0 for trial in result.trials)
    assert "estimate" not in result.to_json()["best"]
    lamcts.resume(tmp_path / "run", problem=Plain, budget=6)


def test_a_repeated_point_is_evaluated_again() -> None:
    calls = []

    class Choice(lamcts.Evaluator):
        space = Discrete(2)
        noisy = True

        def evaluate(self, x: Any) -> float:
            calls.append(x)
            return float(x)

    result = lamcts.search(Choice(), budget=12, seed=0, optimizer="random")
    assert len(calls) == len(result.trials) == 12
    assert result.stopped == "budget"


def test_a_function_can_be_noisy() -> None:
    rng = np.random.default_rng(0)
    result = lamcts.minimize(
        lambda x: float(x @ x + rng.standard_normal()),
        Box(-1.0, 1.0, shape=(2,)),
        budget=20,
        seed=0,
        noisy=True,
    )
    assert result.noisy
    assert result.estimate is not None
