"""The problem itself: real training, deterministic, costs of the target, texts, the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.adapters.nasnet_cifar import NAMED_GENOTYPES, NASNetCIFAR
from lamcts.errors import LamctsError
from lamcts.evaluator import TrialContext
from lamcts.problem import load_problem

ROOT = Path(__file__).parents[3]
PROBLEM_FILE = ROOT / "problems" / "nasnet_cifar.py"


@pytest.fixture(scope="module")
def quick() -> NASNetCIFAR:
    """Two cells of two nodes and four channels: about a second."""
    pytest.importorskip("torch")
    return NASNetCIFAR(encoding="darts", nodes=2, proxy_channels=4, proxy_cells=2, epochs=3)


@pytest.fixture(scope="module")
def point(quick: NASNetCIFAR) -> Any:
    """Separable convolutions only."""
    return quick.encoding.canonical([3, 3, 3, 3, 0, 1, 0, 1] * 2)


def test_cells_are_trained_to_well_above_chance_and_say_how_it_goes(
    quick: NASNetCIFAR, point: Any
) -> None:
    curve: list[tuple[int, float]] = []
    quick.trial = TrialContext(report=lambda step, value: curve.append((step, value)))
    found = quick.evaluate(point)
    quick.trial = TrialContext()
    assert found.value > 0.3  # chance is 0.1
    assert found.value == found.metrics["validation_accuracy"]
    assert [step for step, _ in curve] == [1, 2, 3]
    assert curve[-1][1] == found.value
    assert quick.evaluate(point) == found
    assert 0.3 < quick.test(point)["test_accuracy"] <= 1.0


def test_points_of_one_network_have_one_value(quick: NASNetCIFAR) -> None:
    x = np.array([3, 2, 2, 3, 0, 1, 0, 1] * 2)
    other = np.array([2, 3, 2, 3, 1, 0, 0, 1] * 2)
    assert np.array_equal(quick.canonical(x), quick.canonical(other))
    assert quick.evaluate(x) == quick.evaluate(other)


def test_costs_are_those_of_the_target(quick: NASNetCIFAR, point: Any) -> None:
    problem = NASNetCIFAR(channels=36, cells=20)
    cost = problem.cost(problem.parse("lanet"))
    assert cost == {"params": 3_222_982, "macs": 496_010_880, "flops": 496_010_880}
    small = NASNetCIFAR(encoding="darts", nodes=2, channels=4, cells=3)
    built = small.build(point)
    assert small.cost(point)["params"] == sum(p.numel() for p in built.parameters())


def test_constraints_hold_for_every_trial() -> None:
    pytest.importorskip("torch")
    problem = NASNetCIFAR(encoding="darts", nodes=1, proxy_channels=4, proxy_cells=1, epochs=1)
    free = [problem.cost(x)["params"] for x in (problem.space.sample() for _ in range(20))]
    limit = int(np.median(free))
    result = lamcts.search(
        problem, budget=4, seed=0, constraints=[f"params<={limit}"], optimizer="random"
    )
    assert len(result.trials) == 4
    assert max(problem.cost(trial.x)["params"] for trial in result.trials) <= limit


def test_texts_name_points_and_points_are_written_in_words() -> None:
    problem = NASNetCIFAR()
    x = problem.parse("lanet")
    assert problem.decode(x) == NAMED_GENOTYPES["lanet"]
    assert problem.render(x).splitlines()[1] == "  2 = skip_connect(0) + skip_connect(1)"
    assert np.array_equal(problem.parse(json.dumps(problem.decode(x).to_json())), x)
    with pytest.raises(LamctsError, match="choose another encoding"):
        problem.parse("darts-v2")


def test_what_is_trained_and_what_is_counted_is_said_in_one_line() -> None:
    notice = NASNetCIFAR(channels=32).notice
    assert notice is not None
    assert "handwritten digits" in notice
    assert "3 cells of 8 channels" in notice
    assert "20 cells of 32 channels" in notice
    assert "\n" not in notice


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"encoding": "dart"}, "encoding: 'dart' is not known; did you mean 'darts'"),
        ({"skeleton": "imagnet"}, "skeleton: .* did you mean 'imagenet'"),
        ({"nodes": 0}, "nodes: 0"),
        ({"cells": 0}, "cells: 0"),
        ({"proxy_channels": 0}, "channels: 0"),
        ({"epochs": 0}, "epochs: 0"),
        ({"device": "gpu"}, "device: 'gpu'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(LamctsError, match=message):
        NASNetCIFAR(**settings)


def test_the_file_and_the_names_are_the_same_problem() -> None:
    for reference in (PROBLEM_FILE, "nasnet_cifar", "nasnet_cifar-v0"):
        assert isinstance(load_problem(reference, epochs=2), NASNetCIFAR)


def test_costs_need_no_heavy_library() -> None:
    program = (
        "import sys; from lamcts.adapters.nasnet_cifar import NASNetCIFAR; p = NASNetCIFAR(); "
        "x = p.canonical(p.parse('lanet')); p.cost(x); p.render(x); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'sklearn', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
