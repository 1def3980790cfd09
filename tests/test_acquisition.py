"""Log expected improvement against its definition and its asymptote."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from lamcts.acquisition import log_expected_improvement


def test_agrees_with_the_closed_form() -> None:
    u = np.linspace(-4.0, 8.0, 101)
    sd, best = 0.7, 3.0
    expected = np.log(sd * (norm.pdf(u) + u * norm.cdf(u)))
    got = log_expected_improvement(best + sd * u, np.full_like(u, sd), best)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("u", [-3.0, -0.5, 0.0, 2.0])
def test_is_the_log_of_the_expected_improvement(u: float) -> None:
    mean, sd, best = 1.0 + 2.0 * u, 2.0, 1.0

    def integrand(f: float) -> float:
        return float((f - best) * norm.pdf(f, mean, sd))

    integral, _ = quad(integrand, best, mean + 12.0 * sd)
    got = log_expected_improvement(np.array([mean]), np.array([sd]), best)
    assert got[0] == pytest.approx(math.log(integral), rel=1e-6)


@pytest.mark.parametrize("u", [-40.0, -100.0, -299.0, -301.0, -1e4, -1e8, -1e20])
def test_follows_the_asymptote_in_the_tail(u: float) -> None:
    got = log_expected_improvement(np.array([u]), np.array([1.0]), 0.0)
    series = math.log1p(-3.0 / u**2 + 15.0 / u**4 - 105.0 / u**6)
    expected = -0.5 * u * u - 0.5 * math.log(2 * math.pi) - 2.0 * math.log(-u) + series
    assert got[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seam", [-1.0, -300.0])
def test_pieces_meet(seam: float) -> None:
    u = np.array([np.nextafter(seam, -np.inf), seam, np.nextafter(seam, np.inf)])
    out = log_expected_improvement(u, np.ones(3), 0.0)
    np.testing.assert_allclose(out, out[1], rtol=1e-9)


@given(u=st.floats(-500.0, 4.0), sd=st.floats(1e-3, 1e3), best=st.floats(-10.0, 10.0))
def test_more_doubt_is_worth_more(u: float, sd: float, best: float) -> None:
    mean = np.full(2, best + sd * u)
    less, more = log_expected_improvement(mean, np.array([sd, 1.01 * sd]), best)
    assert more > less


def test_a_better_mean_is_worth_more() -> None:
    u = np.linspace(-1000.0, 10.0, 2001)
    assert (np.diff(log_expected_improvement(u, np.ones_like(u), 0.0)) > 0).all()
