"""Latent actions: labels, boundaries, and the refusal of useless ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.svm import SVC

from lamcts.boundary import BOUNDARIES, LABELS, fit_boundary, label


def two_hills(n: int, d: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    Z = np.random.default_rng(seed).random((n, d))
    return Z, -((Z - 0.3) ** 2).sum(axis=1)


@pytest.mark.parametrize("kind", BOUNDARIES)
@pytest.mark.parametrize("labels", LABELS)
def test_good_side_is_better_on_fresh_points(kind: Any, labels: Any) -> None:
    Z, y = two_hills(200, 5, 0)
    boundary = fit_boundary(Z, y, kind=kind, labels=labels, rng=np.random.default_rng(0))
    assert boundary is not None
    fresh, value = two_hills(2000, 5, 1)
    side = boundary.good(fresh)
    assert value[side].mean() > value[~side].mean()


@pytest.mark.parametrize("kind", ["svm-rbf", "svm-poly", "svm-linear"])
def test_decision_is_scikit_learns(kind: Any) -> None:
    Z, y = two_hills(120, 4, 2)
    rng = np.random.default_rng(0)
    boundary = fit_boundary(Z, y, kind=kind, labels="median", rng=rng, validate=False)
    X = (Z - Z.mean(axis=0)) / Z.std(axis=0)
    svm = SVC(kernel=kind.removeprefix("svm-"), gamma=0.25, coef0=1.0).fit(X, label(Z, y, "median"))
    fresh = np.random.default_rng(3).random((50, 4))
    expected = svm.decision_function((fresh - Z.mean(axis=0)) / Z.std(axis=0))
    assert boundary is not None
    assert np.allclose(boundary.decision(fresh), expected, atol=1e-8)


def test_noise_is_refused_and_signal_is_not() -> None:
    refused = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        Z, noise = rng.random((60, 10)), rng.random(60)
        refused += fit_boundary(Z, noise, labels="median", rng=rng) is None
    assert refused >= 32  # a one-sided 5 % test, loosened for correlated folds
    Z, y = two_hills(60, 3, 0)
    assert fit_boundary(Z, y, labels="median", rng=np.random.default_rng(0)) is not None


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize(
    "y",
    [np.zeros(30), np.repeat([0.0, 1.0], 15), np.r_[np.zeros(29), 1.0], np.full(30, 1e300)],
    ids=["constant", "two-valued", "one outlier", "huge"],
)
def test_degenerate_values_never_crash(labels: Any, y: np.ndarray) -> None:
    Z = np.random.default_rng(0).random((30, 3))
    fit_boundary(Z, y, labels=labels, rng=np.random.default_rng(0))
    duplicates = np.repeat(Z[:1], 30, axis=0)
    assert fit_boundary(duplicates, y, labels=labels, rng=np.random.default_rng(0)) is None


def test_median_label_is_half_and_quantile_its_share() -> None:
    Z, y = two_hills(100, 3, 0)
    assert label(Z, y, "median").sum() == pytest.approx(50, abs=1)
    best = label(Z, y, "quantile", quantile=0.2)
    assert best.sum() == pytest.approx(20, abs=1)
    assert y[best].min() > y[~best].max()
