"""The Gaussian process against scikit-learn, textbook formulas and finite differences."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from lamcts.errors import InvalidArgument
from lamcts.spaces import Box, Codec, Dict, Discrete
from lamcts.surrogate import GaussianProcess

Array = NDArray[np.float64]

#: Sizes of the one-hot groups that follow the numeric columns.
mixed_spaces = st.tuples(st.integers(0, 4), st.lists(st.integers(3, 4), max_size=3)).filter(
    lambda space: space[0] + len(space[1]) > 0
)


def one_hot_slices(n_numeric: int, sizes: list[int]) -> list[slice]:
    edges = n_numeric + np.cumsum([0, *sizes])
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edges)]


def draw(rng: np.random.Generator, n: int, n_numeric: int, sizes: list[int]) -> Array:
    levels = [np.eye(size)[rng.integers(size, size=n)] for size in sizes]
    return np.hstack([rng.random((n, n_numeric)), *levels])


def values(X: Array) -> Array:
    return np.asarray(np.sin(4.0 * X[:, 0]) + X @ np.linspace(-1.0, 1.0, X.shape[1]))


def random_theta(rng: np.random.Generator, n_lengths: int) -> Array:
    return np.concatenate([[0.3, math.log(1e-2)], rng.uniform(-1.5, 1.0, n_lengths)])


def mixed_kernel(theta: Array, n_numeric: int, groups: list[slice], a: Array, b: Array) -> float:
    lengths = np.exp(theta[2:])
    r = math.sqrt((((a - b)[:n_numeric] / lengths[:n_numeric]) ** 2).sum())
    exponent = sum(
        float((a[g] != b[g]).any()) / length
        for g, length in zip(groups, lengths[n_numeric:], strict=True)
    )
    matern = (1 + math.sqrt(5) * r + 5 * r * r / 3) * math.exp(-math.sqrt(5) * r)
    return math.exp(theta[0]) * matern * math.exp(-exponent)


def central_difference(f: Callable[[Array], float], x: Array, step: float = 1e-5) -> Array:
    return np.array([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))])


@pytest.mark.parametrize(("n", "d"), [(1, 1), (8, 1), (40, 3), (120, 20)])
def test_agrees_with_scikit_learn(n: int, d: int) -> None:
    rng = np.random.default_rng(n)
    X, Xs = rng.random((n, d)), rng.random((700, d))  # more than one block of candidates
    y = 100.0 + 7.0 * values(X)
    theta = random_theta(rng, d)
    lengths = np.exp(theta[2:]) * math.sqrt(d)
    theta[2:] = np.log(lengths)

    gp = GaussianProcess([]).condition(X, y, theta)
    shift, scale = (y.mean(), y.std()) if n > 1 else (y.mean(), 1.0)
    oracle = GaussianProcessRegressor(
        ConstantKernel(math.exp(theta[0])) * Matern(lengths, nu=2.5),
        alpha=math.exp(theta[1]),
        optimizer=None,
    ).fit(X, (y - shift) / scale)

    mean, sd = gp.predict(Xs)
    expected_mean, expected_sd = oracle.predict(Xs, return_std=True)
    np.testing.assert_allclose(mean, shift + scale * expected_mean, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(sd, scale * expected_sd, rtol=0, atol=1e-6 * scale)
    evidence, gradient = gp.log_marginal_likelihood(theta)
    expected, d_expected = oracle.log_marginal_likelihood(oracle.kernel_.theta, eval_gradient=True)
    assert evidence == pytest.approx(expected, rel=1e-9, abs=1e-6)
    np.testing.assert_allclose(np.delete(gradient, 1), d_expected, rtol=1e-6, atol=1e-6)


def test_mixed_posterior_is_the_textbook_one() -> None:
    rng = np.random.default_rng(3)
    sizes = [3, 5]
    groups = one_hot_slices(2, sizes)
    X, Xs = draw(rng, 25, 2, sizes), draw(rng, 9, 2, sizes)
    y = values(X)
    theta = random_theta(rng, 4)

    def covariance(A: Array, B: Array) -> Array:
        return np.array([[mixed_kernel(theta, 2, groups, a, b) for b in B] for a in A])

    K = covariance(X, X) + math.exp(theta[1]) * np.eye(25)
    k = covariance(Xs, X)
    z = (y - y.mean()) / y.std()
    mean = y.mean() + y.std() * k @ np.linalg.solve(K, z)
    variance = math.exp(theta[0]) - (k * np.linalg.solve(K, k.T).T).sum(axis=1)

    got_mean, got_sd = GaussianProcess(groups).condition(X, y, theta).predict(Xs)
    np.testing.assert_allclose(got_mean, mean, atol=1e-8)
    np.testing.assert_allclose(got_sd, y.std() * np.sqrt(variance), atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(space=mixed_spaces, n=st.integers(1, 25), seed=st.integers(0, 2**32 - 1))
def test_evidence_gradient(space: tuple[int, list[int]], n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = draw(rng, n, *space)
    theta = random_theta(rng, space[0] + len(space[1]))
    gp = GaussianProcess(one_hot_slices(*space)).condition(X, values(X), theta)
    numeric = central_difference(lambda t: gp.log_marginal_likelihood(t)[0], theta)
    np.testing.assert_allclose(gp.log_marginal_likelihood(theta)[1], numeric, rtol=1e-4, atol=1e-4)


def test_posterior_does_not_depend_on_the_labels_of_categories() -> None:
    rng = np.random.default_rng(5)
    groups = one_hot_slices(1, [4, 3])
    X, Xs = draw(rng, 30, 1, [4, 3]), draw(rng, 20, 1, [4, 3])
    y = values(X)
    relabelled = [0, 3, 1, 4, 2, 7, 5, 6]
    gp = GaussianProcess(groups).fit(X, y)
    other = GaussianProcess(groups).fit(X[:, relabelled], y)
    np.testing.assert_allclose(gp.theta, other.theta, atol=1e-6)
    for a, b in zip(gp.predict(Xs), other.predict(Xs[:, relabelled]), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_a_codec_says_which_columns_are_categorical() -> None:
    codec = Codec(Dict(rate=Box(0.0, 1.0), op=Discrete(4), flag=Discrete(2)))
    X = codec.sample(np.random.default_rng(0), 20)
    gp = GaussianProcess(codec).fit(X, values(X))
    assert len(gp.theta) == 2 + 3  # one length for each variable, whatever its columns


def test_length_scales_belong_to_columns() -> None:
    X = draw(np.random.default_rng(0), 10, 2, [3])
    theta = np.log([1.0, 1e-3, 0.2, 0.5, 4.0])
    gp = GaussianProcess([slice(2, 5)]).condition(X, values(X), theta)
    np.testing.assert_allclose(gp.length_scales, [0.2, 0.5, 2.0, 2.0, 2.0])


def test_fit_finds_the_columns_that_matter() -> None:
    rng = np.random.default_rng(1)
    X, Xs = rng.random((80, 6)), rng.random((200, 6))

    def f(X: Array) -> Array:
        return np.asarray(np.sin(6.0 * X[:, 2]) + 0.5 * X[:, 4] ** 2)

    gp = GaussianProcess([]).fit(X, f(X))
    lengths = gp.theta[2:]
    assert set(np.argsort(lengths)[:2]) == {2, 4}
    mean, sd = gp.predict(Xs)
    assert np.sqrt(np.mean((mean - f(Xs)) ** 2)) < 0.02
    assert np.mean(np.abs(mean - f(Xs)) < 3.0 * sd) > 0.95


def test_fit_learns_the_noise() -> None:
    rng = np.random.default_rng(2)
    X = rng.random((300, 1))
    y = np.sin(6.0 * X[:, 0]) + 0.3 * rng.standard_normal(300)
    gp = GaussianProcess([]).fit(X, y)
    assert math.exp(0.5 * gp.theta[1]) * y.std() == pytest.approx(0.3, rel=0.15)


def test_fit_is_a_maximum_and_a_warm_start_reaches_it() -> None:
    rng = np.random.default_rng(4)
    X = rng.random((60, 3))
    y = values(X)
    gp = GaussianProcess([]).fit(X, y, max_iter=200)
    warm = GaussianProcess([]).fit(X, y, theta0=gp.theta, max_iter=5)
    np.testing.assert_allclose(warm.theta, gp.theta, atol=0.05)
    few = GaussianProcess([]).fit(X, y, max_iter=1)
    assert gp.log_marginal_likelihood(gp.theta)[0] > gp.log_marginal_likelihood(few.theta)[0]


def test_theta_survives_json() -> None:
    rng = np.random.default_rng(6)
    X = rng.random((20, 2))
    gp = GaussianProcess([]).fit(X, values(X))
    theta = np.array(json.loads(json.dumps(gp.theta.tolist())))
    again = GaussianProcess([]).condition(X, values(X), theta)
    np.testing.assert_array_equal(again.predict(X), gp.predict(X))


AWKWARD = {
    "one point": ([[0.3, 0.7]], [2.0]),
    "one point at zero": ([[0.0, 0.0]], [0.0]),
    "constant": (np.linspace(0, 1, 24).reshape(12, 2), np.full(12, 0.1)),
    "constant and huge": (np.linspace(0, 1, 24).reshape(12, 2), np.full(12, -1e300)),
    "equal up to rounding": (np.linspace(0, 1, 4).reshape(2, 2), [1.0, np.nextafter(1.0, 2.0)]),
    "repeated point": (np.full((30, 2), 0.5), np.ones(30)),
    "repeated point, other values": (np.full((30, 2), 0.5), np.arange(30.0)),
    "ties": (np.linspace(0, 1, 40).reshape(20, 2), np.repeat([0.0, 1.0], 10)),
    "huge": (np.linspace(0, 1, 40).reshape(20, 2), np.linspace(-1e300, 1e300, 20)),
    "tiny": (np.linspace(0, 1, 40).reshape(20, 2), np.linspace(0, 1e-300, 20)),
    "far from zero": (np.linspace(0, 1, 40).reshape(20, 2), 1e9 + np.linspace(0, 1, 20)),
    "one outlier": (np.linspace(0, 1, 40).reshape(20, 2), np.append(np.zeros(19), 1e12)),
}


@pytest.mark.parametrize("case", AWKWARD)
def test_awkward_data_never_fail(case: str) -> None:
    X, y = (np.asarray(a, dtype=np.float64) for a in AWKWARD[case])
    gp = GaussianProcess([]).fit(X, y)
    gp.fit(X, y, theta0=gp.theta)
    Xs = np.vstack([X, np.random.default_rng(0).random((10, 2))])
    mean, sd = gp.predict(Xs)
    rng = np.random.default_rng(1)
    assert np.isfinite(gp.sample_paths(3, rng)(Xs)).all()
    assert np.isfinite(mean).all()
    assert np.isfinite(sd).all()
    assert (sd > 0).all()
    spread = max(np.ptp(y), 1e-9 * np.abs(y).max())
    assert (mean >= y.min() - spread).all()
    assert (mean <= y.max() + spread).all()


def test_next_to_no_noise_on_a_repeated_point_is_mended_by_jitter() -> None:
    X = np.vstack([np.full((10, 2), 0.5), np.random.default_rng(0).random((10, 2))])
    y = X.sum(axis=1)
    theta = np.array([0.0, -80.0, 0.0, 0.0])
    mean, sd = GaussianProcess([]).condition(X, y, theta).predict(X)
    np.testing.assert_allclose(mean, y, atol=1e-3)
    assert np.isfinite(sd).all()


def test_bad_input_is_named() -> None:
    gp = GaussianProcess([])
    with pytest.raises(InvalidArgument, match=r"\(3, 2\) and \(2,\)"):
        gp.fit(np.zeros((3, 2)), np.zeros(2))
    with pytest.raises(InvalidArgument, match="n >= 1"):
        gp.fit(np.zeros((0, 2)), np.zeros(0))
    with pytest.raises(InvalidArgument, match="not finite"):
        gp.fit(np.zeros((2, 2)), np.array([0.0, np.nan]))
    with pytest.raises(InvalidArgument, match=r"theta: .*4 finite numbers"):
        gp.condition(np.zeros((2, 2)), np.zeros(2), np.zeros(3))


@pytest.mark.parametrize(("n_numeric", "sizes"), [(2, []), (1, [3, 4]), (0, [3, 3, 3])])
def test_samples_have_the_moments_of_the_posterior(n_numeric: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(7)
    X, Xs = draw(rng, 12, n_numeric, sizes), draw(rng, 15, n_numeric, sizes)
    y = 20.0 + 5.0 * values(X)
    groups = one_hot_slices(n_numeric, sizes)
    theta = random_theta(rng, n_numeric + len(sizes))
    gp = GaussianProcess(groups).condition(X, y, theta)
    mean, sd = gp.predict(Xs)
    # paths drawn together share their frequencies, so they come in batches
    samples = np.vstack([gp.sample_paths(40, rng)(Xs) for _ in range(50)])
    assert samples.shape == (2000, 15)
    assert np.abs((samples.mean(axis=0) - mean) / sd).max() < 5.0 / math.sqrt(2000)
    np.testing.assert_allclose(samples.std(axis=0), sd, rtol=0.1)

    def kernel(A: Array, B: Array) -> Array:
        return np.array([[mixed_kernel(theta, n_numeric, groups, a, b) for b in B] for a in A])

    known = kernel(X, X) + math.exp(theta[1]) * np.eye(len(X))
    joint = kernel(Xs, Xs) - kernel(Xs, X) @ np.linalg.solve(known, kernel(X, Xs))
    np.testing.assert_allclose(np.cov(samples.T), y.var() * joint, atol=0.15 * sd.max() ** 2)


def test_paths_are_functions_that_pass_through_the_data() -> None:
    rng = np.random.default_rng(8)
    X = rng.random((15, 2))
    y = values(X)
    gp = GaussianProcess([]).condition(X, y, np.array([0.0, math.log(1e-8), -1.0, -1.0]))
    paths = gp.sample_paths(20, rng)
    assert np.abs(paths(X) - y).max() < 1e-2
    Xs = rng.random((30, 2))
    np.testing.assert_allclose(paths(Xs)[:, ::-1], paths(Xs[::-1]), atol=1e-9)


def test_same_seed_same_fit_and_samples() -> None:
    def run() -> list[Array]:
        rng = np.random.default_rng(9)
        X = draw(rng, 20, 2, [3])
        gp = GaussianProcess([slice(2, 5)]).fit(X, values(X))
        return [gp.theta, gp.sample_paths(2, rng)(X)]

    for a, b in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(a, b)
