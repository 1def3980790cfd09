"""The tree: a function of its samples, grown only where it is walked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lamcts.boundary import fit_boundary
from lamcts.history import History, TrialState
from lamcts.spaces import Box, Codec, MultiDiscrete
from lamcts.tree import LEAST_POINTS, Tree, TreeConfig

NONE = np.empty((0, 2))


def history_of(n: int) -> History:
    """Random points in the plane; the nearer to the origin, the better."""
    history = History(Codec(Box(-1.0, 1.0, shape=(2,))), maximize=False)
    for v in np.random.default_rng(0).uniform(-1.0, 1.0, (n, 2)):
        number = history.add(v, {})
        history.finish(number, TrialState.COMPLETE, float(v @ v), {})
    return history


def shape(tree: Tree) -> list[Any]:
    """Where the leaves are, and what is in them."""
    tree.complete()
    return [
        ("".join("-+"[good] for _, good in leaf.region.path), leaf.rows, round(leaf.value, 9))
        for leaf in tree.leaves()
    ]


@pytest.mark.parametrize("n", [25, 60, 173, 400])
def test_the_tree_does_not_depend_on_when_it_was_looked_at(n: int) -> None:
    history = history_of(n)
    often, once = (Tree(history, TreeConfig(labels="median"), seed=1) for _ in range(2))
    for row in range(n):
        often.insert(row)
        once.insert(row)
        often.select(NONE)
        if row % 7 == 0:
            often.complete()
    assert once.select(NONE).region.path == () or n > 20
    assert shape(often) == shape(once)
    assert len(shape(once)) > 1
    assert sorted(row for _, rows, _ in shape(once) for row in rows) == list(range(n))


def test_every_leaf_holds_the_samples_of_its_region() -> None:
    history = history_of(300)
    tree = Tree(history, TreeConfig(labels="median"), seed=0)
    for row in range(300):
        tree.insert(row)
    tree.complete()
    for leaf in tree.leaves():
        assert np.flatnonzero(leaf.region.contains(history.Z)).tolist() == leaf.rows


def test_samples_cost_no_model_and_a_walk_those_of_its_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fits = 0

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal fits
        fits += 1
        return fit_boundary(*args, **options)

    monkeypatch.setattr("lamcts.tree.fit_boundary", counted)
    tree = Tree(history_of(1000), TreeConfig(labels="median", validate=False), seed=0)
    for row in range(1000):
        tree.insert(row)
    assert fits == 0
    leaf = tree.select(NONE)
    assert leaf.depth > 2
    walked = fits
    assert walked <= 2 * (leaf.depth + 1)
    tree.select(NONE)
    assert fits == walked
    tree.complete()
    assert fits > 2 * walked


@pytest.mark.parametrize("validate", [True, False])
def test_regions_of_a_finite_space_keep_enough_points(validate: bool) -> None:
    history = History(Codec(MultiDiscrete([5] * 6)), maximize=False)
    everything = np.array(list(history.codec.enumerate()))
    rng = np.random.default_rng(0)
    for v in everything[rng.choice(len(everything), 400, replace=False)]:
        number = history.add(v, {})
        history.finish(number, TrialState.COMPLETE, float((v == 0).sum() + 0.1 * v[0]), {})
    tree = Tree(history, TreeConfig(labels="median", validate=validate), seed=0)
    for row in range(400):
        tree.insert(row)
    tree.complete()
    Z = history.codec.encode(everything)
    sizes = [int(leaf.region.contains(Z).sum()) for leaf in tree.leaves()]
    assert sum(sizes) == 5**6
    assert len(sizes) > 1
    # The sizes are estimated, to within a fifth here; the papers' trees have no such rule.
    assert (min(sizes) > 0.8 * LEAST_POINTS) == validate
