"""Factors of covariances, those that rounding has spoilt among them."""

from __future__ import annotations

import numpy as np
import pytest

from lamcts.surrogate import linalg


def test_a_covariance_is_its_factor_squared() -> None:
    A = np.random.default_rng(0).standard_normal((6, 6))
    R = linalg.cholesky(A @ A.T)
    assert np.allclose(R.T @ R, A @ A.T)


@pytest.mark.parametrize("size", [1.0, 1e-12, 0.0])
def test_a_covariance_that_rounding_made_negative_is_factored_too(size: float) -> None:
    R = linalg.cholesky(-size * np.eye(3))
    assert np.isfinite(R).all()
    assert np.abs(R.T @ R).max() <= 20.0 * size + 1e-290


def test_what_is_not_finite_is_refused_not_tried_for_ever() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="K: holds values that are not finite"):
        linalg.cholesky(np.diag([-1.0, np.nan]))
