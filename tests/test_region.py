"""Regions: every sample lies inside, and linear ones are sampled evenly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.boundary import BOUNDARIES, LinearBoundary, fit_boundary
from lamcts.domain import Domain
from lamcts.region import Region
from lamcts.spaces import Box, Codec, Dict, Discrete, MultiBinary, MultiDiscrete

MIXED = Dict(a=Box(0.0, 1.0, shape=(3,)), b=MultiBinary(4), c=Discrete(4), d=Box(0, 9, dtype=int))


@pytest.mark.parametrize("space", [Box(0.0, 1.0, shape=(6,)), MultiBinary(12), MIXED], ids=repr)
@pytest.mark.parametrize("kind", BOUNDARIES)
@pytest.mark.parametrize("good", [True, False])
def test_every_sample_lies_in_the_region(space: Any, kind: Any, good: bool) -> None:
    domain = Domain(Codec(space))
    rng = np.random.default_rng(0)
    Z = domain.codec.sample(rng, 200)
    path = []
    for _ in range(2):  # two boundaries deep
        y = -Z.sum(axis=1)
        boundary = fit_boundary(Z, y, kind=kind, labels="median", rng=rng, validate=False)
        assert boundary is not None
        path.append((boundary, good))
        region = Region(tuple(path))
        Z = Z[region.contains(Z)]
    samples = region.sample(200, Z, domain, rng)
    assert samples.shape == (200, domain.dim)
    assert region.contains(samples).all()
    assert np.array_equal(domain.legal(samples), samples)
    assert len(np.unique(samples, axis=0)) > 20


@given(st.integers(0, 10_000), st.integers(2, 8))
@settings(max_examples=25, deadline=None)
def test_trust_box_and_region_are_intersected(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(d)
    centre = rng.random(d)
    region = Region(((LinearBoundary(w, -float(w @ centre) + 1e-3), True),))
    low, high = np.clip(centre - 0.1, 0, 1), np.clip(centre + 0.1, 0, 1)
    domain = Domain(Codec(Box(0.0, 1.0, shape=(d,))))
    Z = region.sample(40, centre[None], domain, rng, low=low, high=high)
    assert region.contains(Z).all()
    assert np.all(Z >= low - 1e-12)
    assert np.all(Z <= high + 1e-12)


def test_hit_and_run_fills_a_triangle_evenly() -> None:
    region = Region(((LinearBoundary(np.array([-1.0, -1.0]), 1.0), True),))  # x + y < 1
    domain = Domain(Codec(Box(0.0, 1.0, shape=(2,))))
    seed = np.array([[0.01, 0.01]])
    Z = region.sample(4000, seed, domain, np.random.default_rng(0), steps=30)
    assert np.allclose(Z.mean(axis=0), 1.0 / 3.0, atol=0.02)  # the centroid
    assert np.allclose(Z.var(axis=0), 1.0 / 18.0, atol=0.005)


def test_no_seed_inside_is_reported_by_an_empty_sample() -> None:
    region = Region(((LinearBoundary(np.array([1.0, 0.0]), -0.5), True),))
    domain = Domain(Codec(Box(0.0, 1.0, shape=(2,))))
    assert len(region.sample(5, np.array([[0.1, 0.1]]), domain, np.random.default_rng(0))) == 0


@pytest.mark.parametrize("space", [MultiDiscrete([4] * 5), Box(0, 3, shape=(5,), dtype=int)])
def test_a_small_corner_of_a_discrete_space_is_sampled_evenly(space: Any) -> None:
    """Redraws alone would find one of its few points in a thousand tries."""
    domain, rng = Domain(Codec(space)), np.random.default_rng(0)
    everything = domain.codec.encode(domain.codec.enumerate())
    path: tuple[tuple[LinearBoundary, bool], ...] = ()
    inside = everything
    for depth in range(4):
        w = rng.standard_normal(domain.dim)
        at = float(np.quantile(inside @ w, 0.7))
        path = (*path, (LinearBoundary(w, -at), depth != 1))
        inside = everything[Region(path).contains(everything)]
    region = Region(path)
    assert len(inside) < 60
    Z = region.sample(3000, inside[:1], domain, rng, steps=12)
    assert region.contains(Z).all()
    points, counts = np.unique(Z, axis=0, return_counts=True)
    assert len(points) > 0.9 * len(inside)
    assert counts.max() < 3.0 * 3000 / len(inside)


def test_levels_stay_in_the_box_of_a_trust_region() -> None:
    domain, rng = Domain(Codec(Box(0, 9, shape=(3,), dtype=int))), np.random.default_rng(0)
    region = Region(((LinearBoundary(np.ones(3), -0.5), True),))
    start = np.full((1, 3), 0.55)
    Z = region.sample(200, start, domain, rng, low=np.full(3, 0.4), high=np.full(3, 0.8))
    levels = domain.codec.decode(Z)
    assert levels.min() == 4
    assert levels.max() == 7
