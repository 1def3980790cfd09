"""A latent action: a learned boundary that splits a region into a good and a bad side.

LA-MCTS (Wang, Fonseca, Tian 2020, section 3.1) clusters a node's samples by k-means on
``[x, f(x)]``, calls the cluster with the larger mean good, and extends the clusters to a boundary
by a support vector machine. LaNAS (Wang et al. 2021, section 3.1) regresses f on x and cuts at the
mean. Both are here, with three differences, each measured on the original code:

* coordinates and values are standardised before clustering, so that neither outvotes the other;
* a threshold on f may label instead of k-means, whose clusters carry no signal in high dimension;
* a boundary is kept only if it tells good from bad on samples it was not fitted to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BOUNDARIES", "LABELS", "Boundary", "BoundaryKind", "LabelKind", "fit_boundary", "label"]

BoundaryKind = Literal["svm-rbf", "svm-poly", "svm-linear", "ridge"]
LabelKind = Literal["kmeans", "median", "quantile"]

BOUNDARIES: tuple[BoundaryKind, ...] = ("svm-rbf", "svm-poly", "svm-linear", "ridge")
LABELS: tuple[LabelKind, ...] = ("kmeans", "median", "quantile")

#: Samples a boundary is fitted to at most: an SVM costs the square of it.
MAX_SAMPLES = 400
#: One-sided 5 % point of the normal distribution: held-out good must beat held-out bad by it.
SIGNIFICANCE = 1.645
FOLDS = 4
#: Points whose side is told at once.
BLOCK = 4096


class Boundary(ABC):
    """A scalar function of the unit cube whose sign is the side: positive is good.

    Attributes:
        normal: (d,) and `offset`: the half-space ``normal . z + offset > 0`` when the boundary is
            linear, else ``None``.
    """

    normal: NDArray[np.float64] | None = None
    offset: float = 0.0

    @abstractmethod
    def decision(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) signed distance-like values at ``Z`` (n, d)."""

    def good(self, Z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) whether each point lies on the good side."""
        return self.decision(Z) > 0.0


class LinearBoundary(Boundary):
    """The half-space ``normal . z + offset > 0``."""

    def __init__(self, normal: NDArray[np.float64], offset: float) -> None:
        self.normal = self._w = normal
        self.offset = offset

    def decision(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """``normal . z + offset``."""
        return np.asarray(Z @ self._w + self.offset)


class KernelBoundary(Boundary):
    """An SVM's decision function, evaluated in numpy: ``sum_i a_i k(z, s_i) + b``.

    Writing out scikit-learn's own formula saves most of the time of a search, which is spent
    asking small batches of points for their side.
    """

    def __init__(
        self,
        support: NDArray[np.float64],
        weights: NDArray[np.float64],
        intercept: float,
        kernel: str,
        gamma: float,
        scaler: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> None:
        self._S, self._a, self._b = support, weights, intercept
        self._kernel, self._gamma, self._scaler = kernel, gamma, scaler
        self._norms = (support**2).sum(axis=1)

    def decision(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """The SVM's decision values."""
        if len(Z) > BLOCK:  # no matrix of all points and all support vectors
            return np.concatenate(
                [self.decision(Z[i : i + BLOCK]) for i in range(0, len(Z), BLOCK)]
            )
        mean, scale = self._scaler
        X = (Z - mean) / scale
        K = X @ self._S.T
        if self._kernel == "rbf":
            K *= 2.0
            K -= self._norms
            K -= (X**2).sum(axis=1)[:, None]
            K = np.exp(self._gamma * K)
        else:  # scikit-learn's polynomial kernel of degree 3 with coef0 = 1
            K = (self._gamma * K + 1.0) ** 3
        return K @ self._a + self._b


class _Fit(Protocol):
    def __call__(
        self, Z: NDArray[np.float64], scores: NDArray[np.float64], good: NDArray[np.bool_]
    ) -> Boundary: ...


def label(
    Z: NDArray[np.float64],
    scores: NDArray[np.float64],
    kind: LabelKind,
    *,
    quantile: float = 0.5,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Call each sample of a node good or bad.

    Args:
        Z: (n, d) samples.
        scores: (n,) their values, larger is better.
        kind: ``kmeans`` on standardised ``[x, f(x)]`` (LA-MCTS, Alg. 1), or better than the
            ``median``, or the best ``quantile`` share.
        quantile: Share of the samples called good by ``quantile``.
        seed: Seed of k-means.

    Returns:
        (n,) labels; all equal when the samples cannot be told apart.
    """
    if np.ptp(scores) == 0.0:
        return np.ones(len(scores), dtype=bool)
    if kind != "kmeans":
        share = 0.5 if kind == "median" else quantile
        return np.asarray(scores > np.quantile(scores, 1.0 - share, method="lower"))

    from scipy.cluster.vq import ClusterError, kmeans2

    A = np.column_stack([Z, scores])
    spread = A.std(axis=0)
    A = (A - A.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    try:
        _, cluster = kmeans2(A, 2, minit="++", rng=np.random.default_rng(seed), missing="raise")
    except ClusterError:  # one cluster came out empty: nothing to tell apart
        return np.ones(len(scores), dtype=bool)
    first = np.asarray(cluster == 0)
    if first.all() or not first.any():
        return np.ones(len(scores), dtype=bool)
    return first if scores[first].mean() > scores[~first].mean() else ~first


def fit_boundary(
    Z: NDArray[np.float64],
    scores: NDArray[np.float64],
    *,
    kind: BoundaryKind = "svm-rbf",
    labels: LabelKind = "median",
    quantile: float = 0.5,
    rng: np.random.Generator,
    validate: bool = True,
) -> Boundary | None:
    """Learn a node's latent action.

    Args:
        Z: (n, d) the node's samples in the unit cube.
        scores: (n,) their values on a bounded scale, larger is better.
        kind: The boundary's form.
        labels: How samples are called good or bad; ``ridge`` needs no labels (LaNAS, eq. 1).
        quantile: Share called good by ``labels="quantile"``.
        rng: Source of randomness.
        validate: Refuse a boundary that does not generalise (cross-validated).

    Returns:
        The boundary, or ``None`` when no useful one was found.
    """
    if len(Z) > MAX_SAMPLES:
        chosen = np.sort(rng.choice(len(Z), MAX_SAMPLES, replace=False))
        Z, scores = Z[chosen], scores[chosen]
    good = label(Z, scores, labels, quantile=quantile, seed=int(rng.integers(2**31)))
    if good.all() or not good.any():
        return None
    fit: _Fit = _fit_ridge if kind == "ridge" else _SVM(kind)
    if validate and not _generalises(fit, Z, scores, good, rng):
        return None
    return fit(Z, scores, good)


def _generalises(
    fit: _Fit,
    Z: NDArray[np.float64],
    scores: NDArray[np.float64],
    good: NDArray[np.bool_],
    rng: np.random.Generator,
) -> bool:
    """Whether held-out samples on the good side are better, beyond chance (Welch's t)."""
    fold = rng.permutation(len(Z)) % FOLDS
    side = np.zeros(len(Z), dtype=bool)
    for k in range(FOLDS):
        held = fold == k
        if good[~held].all() or not good[~held].any():
            return False
        side[held] = fit(Z[~held], scores[~held], good[~held]).good(Z[held])
    a, b = scores[side], scores[~side]
    if min(len(a), len(b)) < 2:
        return False
    error = np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b))
    return bool(a.mean() - b.mean() > SIGNIFICANCE * error)


def _fit_ridge(
    Z: NDArray[np.float64], scores: NDArray[np.float64], good: NDArray[np.bool_]
) -> Boundary:
    """LaNAS: regress f on x, cut at the mean of f (section 3.1). Ridge keeps it well-posed."""
    mean, target = Z.mean(axis=0), scores - scores.mean()
    A = Z - mean
    strength = 0.1 * np.trace(A.T @ A) / A.shape[1] + 1e-9
    if len(A) < A.shape[1]:  # the dual form is smaller
        w = A.T @ np.linalg.solve(A @ A.T + strength * np.eye(len(A)), target)
    else:
        w = np.linalg.solve(A.T @ A + strength * np.eye(A.shape[1]), A.T @ target)
    return LinearBoundary(w, -float(w @ mean))


class _SVM:
    """Fits scikit-learn's SVC on standardised coordinates."""

    def __init__(self, kind: BoundaryKind) -> None:
        self.kernel = kind.removeprefix("svm-")

    def __call__(
        self, Z: NDArray[np.float64], scores: NDArray[np.float64], good: NDArray[np.bool_]
    ) -> Boundary:
        from sklearn.svm import SVC

        spread = Z.std(axis=0)
        mean, scale = Z.mean(axis=0), np.where(spread > 0.0, spread, 1.0)
        X = (Z - mean) / scale
        gamma = 1.0 / X.shape[1]
        # max_iter: scikit-learn sets no cap and a cubic kernel may never converge
        svm = SVC(kernel=self.kernel, gamma=gamma, coef0=1.0, max_iter=100_000)
        svm.fit(X, good)
        a, b = svm.dual_coef_[0], float(svm.intercept_[0])
        if self.kernel == "linear":
            w = (a @ svm.support_vectors_) / scale
            return LinearBoundary(w, b - float(w @ mean))
        return KernelBoundary(svm.support_vectors_, a, b, self.kernel, gamma, (mean, scale))
