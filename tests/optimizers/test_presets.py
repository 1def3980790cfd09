"""The papers' presets: what they set, what their tree then is, and what the documentation says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.boundary import KernelBoundary, LinearBoundary
from lamcts.optimizers import PAPER_SETTINGS, make_optimizer, optimizer_settings
from lamcts.optimizers._lamcts import LAMCTS
from lamcts.optimizers._presets import LAMCTS_PAPER
from lamcts.spaces import Box, MultiBinary, MultiDiscrete, to_json

SPACE = Box(-5.0, 10.0, shape=(3,))
DOC = Path(__file__).parents[2] / "docs" / "optimizer.md"


def search(name: str, n: int, **settings: Any) -> LAMCTS:
    optimizer = make_optimizer(name, SPACE, seed=0, **settings)
    assert isinstance(optimizer, LAMCTS)
    for _ in range(n):
        [trial] = optimizer.ask()
        optimizer.tell(trial, float(((trial.x - 1.3) ** 2).sum()))
    return optimizer


def points(optimizer: LAMCTS) -> list[Any]:
    return [to_json(SPACE, trial.x) for trial in optimizer.trials]


@pytest.mark.parametrize("function", PAPER_SETTINGS)
def test_settings_of_a_function_reach_the_tree(function: str) -> None:
    expected = {**LAMCTS_PAPER, **PAPER_SETTINGS[function]}
    optimizer = make_optimizer("lamcts-paper", SPACE, **PAPER_SETTINGS[function])
    assert isinstance(optimizer, LAMCTS)
    assert (optimizer.n_init, optimizer.sampler) == (expected["n_init"], expected["sampler"])
    config = optimizer.tree.config
    for key in ("leaf_size", "cp", "ucb", "boundary", "labels", "validate"):
        assert getattr(config, key) == expected[key]


def test_the_table_in_the_documentation_is_the_one_in_the_code() -> None:
    lines = DOC.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|") for line in lines if line.startswith("| `--set")]
    documented = {row[2].strip().strip("`"): row[1].strip().strip("`") for row in rows}
    assert documented == {
        function: " ".join(f"--set {key}={value}" for key, value in settings.items())
        for function, settings in PAPER_SETTINGS.items()
    }


def test_the_tree_stands_before_the_first_leaf_is_selected() -> None:
    optimizer = search("lamcts-paper", 40)
    optimizer.tree.complete()
    assert optimizer.describe()["leaves"] >= 2
    optimizer.ask()
    assert optimizer.describe()["leaf"] != ""  # not the whole space
    assert isinstance(optimizer.tree.root.boundary, KernelBoundary)


def test_lanas_has_31_nodes_at_most_and_linear_boundaries() -> None:
    optimizer = search("lanas", 400)
    optimizer.tree.complete()
    leaves = optimizer.tree.leaves()
    assert 8 < len(leaves) <= 16
    assert all(isinstance(b, LinearBoundary) for leaf in leaves for b, _ in leaf.region.path)
    assert all(leaf.region.contains(optimizer.history.Z[leaf.rows]).all() for leaf in leaves)


def test_proposals_of_the_paper_lie_in_the_leaf() -> None:
    optimizer = search("lamcts-paper", 40)
    for _ in range(15):
        [trial] = optimizer.ask()
        assert optimizer._leaf is not None
        assert optimizer._leaf.region.contains(optimizer.history.Z[[trial.number]]).all()
        optimizer.tell(trial, float(((trial.x - 1.3) ** 2).sum()))


@pytest.mark.parametrize("space", [MultiDiscrete([5] * 12), MultiBinary(200)], ids=repr)
def test_proposals_of_lanas_meet_every_constraint_of_the_path(space: Any) -> None:
    """Of spaces that no table holds; the released code asks for one constraint of them."""
    optimizer = make_optimizer("lanas", space, direction="maximize", seed=0)
    assert isinstance(optimizer, LAMCTS)
    rng = np.random.default_rng(0)
    w = rng.standard_normal(optimizer.domain.codec.p)
    depths = []
    for _ in range(150):
        [trial] = optimizer.ask()
        if trial.number >= optimizer.n_init:
            assert "fallback" not in trial.info
            leaf = optimizer._leaf
            assert leaf is not None
            assert leaf.region.contains(optimizer.history.Z[[trial.number]]).all()
            depths.append(leaf.depth)
        optimizer.tell(trial, float(w @ optimizer.history.codec.to_vector(trial.x)))
    assert max(depths) >= 3
    values = optimizer.history.y
    assert values[100:].mean() > values[:20].mean() + values[:20].std()


@pytest.mark.parametrize("name", ["lamcts-paper", "lanas"])
def test_a_run_is_replayed_past_the_first_design(name: str) -> None:
    whole = search(name, 70)
    resumed = make_optimizer(name, SPACE, seed=0)
    assert isinstance(resumed, LAMCTS)
    for trial in whole.trials[:55]:
        stored = json.loads(json.dumps(dict(trial.info)))
        resumed.tell(resumed.replay(trial.number, trial.x, stored), trial.value or 0.0)
    for _ in range(15):
        [trial] = resumed.ask()
        resumed.tell(trial, float(((trial.x - 1.3) ** 2).sum()))
    assert points(resumed) == points(whole)


def test_settings_given_go_before_the_preset() -> None:
    assert optimizer_settings("lamcts-paper")["n_init"].default == 40
    assert search("lamcts-paper", 3, n_init=2).n_init == 2
