"""What an evaluator's methods may do: spoil their points, raise, wander, and harm no trial."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.errors import ProblemError


class Bowl(lamcts.Evaluator):
    space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

    def evaluate(self, x: Any) -> float:
        return float(x @ x)


def run(evaluator: lamcts.Evaluator, budget: int, **options: Any) -> lamcts.Result:
    return lamcts.search(evaluator, budget=budget, seed=0, optimizer="random", **options)


def test_an_evaluator_may_spoil_its_point() -> None:
    class Spoils(Bowl):
        def evaluate(self, x: Any) -> float:
            x *= 0
            return float(self.trial.number)

    result = run(Spoils(), 3)
    assert all(trial.x.any() for trial in result.trials)
    assert result.best.value == 0.0


def test_a_cost_that_raises_is_the_problems_fault() -> None:
    class Broken(Bowl):
        def cost(self, x: Any) -> dict[str, float]:
            raise KeyError("flops")

    with pytest.raises(ProblemError, match=r"cost\(x\) raised KeyError: 'flops'"):
        run(Broken(), 3)
    with pytest.raises(ProblemError, match=r"cost\(x\) raised"):
        run(Broken(), 3, constraints="flops<=3")


@pytest.mark.parametrize("hook", ["canonical", "canonical_many"])
@pytest.mark.parametrize("init", [[], [[0.5, 0.5]]])
def test_a_canonical_form_that_raises_is_the_problems_fault(hook: str, init: Any) -> None:
    def broken(self: Any, x: Any) -> Any:
        raise KeyError("form")

    kind = type("Broken", (Bowl,), {"canonical": broken, hook: broken})
    with pytest.raises(ProblemError, match=r"canonical(_many)?\(.\) raised KeyError: 'form'"):
        run(kind(), 3, init=init)


def test_costs_are_recorded() -> None:
    class Costly(Bowl):
        def cost(self, x: Any) -> dict[str, Any]:
            return {"flops": np.float32(x[0]), "params": 3}

    result = run(Costly(), 3)
    trial = result.trials[1]
    assert trial.cost == {"flops": float(np.float32(trial.x[0])), "params": 3.0}
    assert type(trial.cost["flops"]) is float


class Rounded(lamcts.Evaluator):
    """Its hooks change the point they are given."""

    space = lamcts.spaces.Box(-1.0, 1.0, shape=(3,))

    def cost(self, x: Any) -> dict[str, float]:
        x[:] = np.round(x, 1)
        return {"first": float(x[0])}

    def evaluate(self, x: Any) -> float:
        return float(x @ x)

    def test(self, x: Any) -> dict[str, float]:
        x[:] = 55.0
        return {"last": 1.0}


def test_hooks_that_change_their_point_change_no_trial() -> None:
    result = lamcts.search(Rounded, budget=8, seed=1)
    assert result.test == {"last": 1.0}
    for trial in result.trials:
        assert trial.value == float(trial.x @ trial.x)


def test_an_evaluator_may_change_the_folder_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()

    class Wanders(lamcts.Evaluator):
        space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

        def evaluate(self, x: Any) -> float:
            monkeypatch.chdir(tmp_path / "elsewhere")
            folders.append(self.trial.folder)
            return float(x @ x)

    folders: list[Path | None] = []
    lamcts.search(Wanders(), budget=5, seed=0, folder="runs/z")
    assert len(lamcts.load_result(tmp_path / "runs" / "z").trials) == 5
    trials = tmp_path / "runs" / "z" / "trials"
    assert folders == [trials / f"{number:06d}" for number in range(5)]


def test_a_cancellation_is_a_failed_trial() -> None:
    async def step() -> None:
        raise asyncio.CancelledError

    def function(x: Any) -> float:
        if x > 0.4:
            asyncio.run(step())
        return float(x)

    result = lamcts.minimize(function, lamcts.spaces.Box(0.0, 1.0), budget=10, seed=0)
    assert result.counts["failed"] >= 1
    assert result.counts["complete"] >= 1
