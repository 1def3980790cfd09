"""The problems of benchmarks/tuning.py: each trains, and scores a point the same every time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lamcts.problem import load_problem

FILE = Path(__file__).parents[2] / "benchmarks" / "tuning.py"


def names() -> list[str]:
    spec = importlib.util.spec_from_file_location("tuning", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.__all__)


@pytest.mark.parametrize("name", names())
def test_points_are_scored_by_what_was_trained(name: str) -> None:
    problem: Any = load_problem(f"{FILE}:{name}")
    problem.space.seed(0)
    points = [problem.space.sample() for _ in range(6)]
    values = [problem.evaluate(x) for x in points]
    assert values == [problem.evaluate(x) for x in points]
    assert len(set(values)) > 1
    assert all(0.0 <= value <= problem.worst for value in values)
