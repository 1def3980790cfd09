"""The lowest point of a quadratic in a ball: in many dimensions as good as in few."""

from __future__ import annotations

import numpy as np
import pytest

from lamcts.surrogate import trust_region
from lamcts.surrogate.trust_region import lowest_in_ball


@pytest.mark.parametrize("kind", ["convex", "indefinite", "low rank", "slope alone"])
@pytest.mark.parametrize("radius", [0.01, 1.0, 30.0])
def test_a_krylov_space_finds_what_the_eigenvectors_find(
    kind: str, radius: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    d = 60
    A = rng.standard_normal((d if kind != "low rank" else 10, d))
    signs = rng.standard_normal(len(A)) if kind != "convex" else np.ones(len(A))
    hessian = (A.T * signs) @ A / d + 0.1 * np.eye(d)
    if kind == "slope alone":
        hessian[:] = 0.0
    slope = rng.standard_normal(d)

    def value(s: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
        return float(slope @ s + 0.5 * s @ hessian @ s)

    exact = value(lowest_in_ball(slope, hessian, radius))
    monkeypatch.setattr(trust_region, "LARGE", trust_region.KRYLOV)
    found = lowest_in_ball(slope, hessian, radius)
    assert np.linalg.norm(found) <= radius * (1.0 + 1e-9)
    assert value(found) <= exact + 1e-3 * abs(exact)


def test_without_a_slope_it_follows_the_worst_curvature(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_region, "LARGE", 2)
    hessian = np.diag([1.0, 2.0, -3.0])
    assert np.allclose(abs(lowest_in_ball(np.zeros(3), hessian, 2.0)), [0.0, 0.0, 2.0])
