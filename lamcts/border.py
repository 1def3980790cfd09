"""The border of the feasible set, learned from the trials that were and were not feasible.

A support vector machine with squared hinge loss of the nearest trials of both kinds, trained by
Newton's method (Chapelle 2007, "Training a support vector machine in the primal"). Its kernel is
linear with a little of a Gaussian: half-spaces are learned from few points, other shapes from
more. Its values are about 1 and -1 at the points next to the border, and 0 between them, so
demanding a positive value approaches the border from inside, at whatever scale is known.

A trial that failed (or took too long, or killed its worker) may have failed by chance, or because
such points cannot work: too large a model, too great a step. Failures count as infeasible once
they lie together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lamcts.surrogate import linalg

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.history import History

__all__ = ["Border", "border_near"]

#: Latest trials that are looked at, and points of either kind that the model is fitted to.
LATEST, NEAREST = 2000, 80
#: Latest trials by which failures are judged; the share of failures that is no chance in any case,
#: and standard errors that the share beside a failure is greater by, to be none.
JUDGED, MOSTLY, BEYOND_CHANCE = 200, 0.7, 2.0
#: Share of the Gaussian in the kernel, and the weight of a violated margin.
CURVED, COST = 0.1, 100.0
#: Steps of Newton's method of the fit, and of the way to the border.
FITS, PULLS = 10, 8
#: The least value of a point that is likely to be feasible, and that of a point pulled there.
LIKELY, PULLED = 0.5, 0.55


class Border:
    """Tells points that are likely feasible from points that are not.

    Args:
        inside: (n, d) feasible points.
        outside: (m, d) infeasible points; both n, m >= 1.
    """

    def __init__(self, inside: NDArray[np.float64], outside: NDArray[np.float64]) -> None:
        self._centre = inside[0]
        X = np.vstack([inside, outside]) - self._centre
        self._scale = float(np.sqrt(np.median((X**2).sum(axis=1)))) or 1.0
        X /= self._scale
        labels = np.repeat([1.0, -1.0], [len(inside), len(outside)])
        linear, curved = _kernels(X, X)
        K = linear + curved
        supports = np.arange(len(X))
        for _ in range(FITS):
            square = K[np.ix_(supports, supports)]
            square.flat[:: len(square) + 1] += 1.0 / COST
            self._weights = linalg.solve(linalg.cholesky(square), labels[supports])
            self._supports = X[supports]
            within = np.flatnonzero(labels * (K[:, supports] @ self._weights) < 1.0)
            if not len(within) or np.array_equal(within, supports):
                break
            supports = within

    def likely(self, Z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) whether the points ``Z`` (n, d) are likely to be feasible."""
        linear, curved = _kernels((Z - self._centre) / self._scale, self._supports)
        return np.asarray((linear + curved) @ self._weights >= LIKELY)

    def pull(self, z: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The point ``z`` (d,) moved straight across the border, if it is on the wrong side.

        Args:
            z: A point of the unit cube.
            free: (d,) which coordinates may move.
        """
        for _ in range(PULLS):
            s = (z - self._centre) / self._scale
            linear, curved = _kernels(s[None], self._supports)
            missing = PULLED - float((linear + curved)[0] @ self._weights)
            if missing <= PULLED - LIKELY:
                break
            pulls = curved[0] * self._weights
            flat = (1.0 - CURVED) * self._weights + pulls
            slope = free * (flat @ self._supports - pulls.sum() * s)
            steep = float(slope @ slope)
            if steep <= 0.0:
                break
            step = slope * (missing / steep)
            step *= min(1.0, 1.0 / float(np.linalg.norm(step)))
            z = np.clip(z + self._scale * step, 0.0, 1.0)
        return z


def border_near(history: History, z: NDArray[np.float64]) -> Border | None:
    """The border near a point (d,); ``None`` while no trial was infeasible, or none complete."""
    complete, infeasible = history.sides(LATEST)
    failed = history.failed(LATEST)
    since = len(history) - JUDGED
    Z = history.Z
    if lie_together(Z[failed[failed >= since]], Z[complete[complete >= since]]):
        infeasible = np.append(infeasible, failed)
    if not len(complete) or not len(infeasible):
        return None
    return Border(_nearest(Z[complete], z), _nearest(Z[infeasible], z))


def lie_together(failed: NDArray[np.float64], complete: NDArray[np.float64]) -> bool:
    """Whether failures (m, d) are beside failures more often than among all trials."""
    m, n = len(failed), len(failed) + len(complete)
    if m < 3 or n < 10:
        return False
    share = m / n
    if share > MOSTLY:
        return True
    Z = np.vstack([failed, complete])
    square = (Z**2).sum(axis=1)
    apart = square[:m, None] + square - 2.0 * failed @ Z.T
    apart[np.arange(m), np.arange(m)] = np.inf
    # of discrete points many are equally near, and then count together
    nearest = apart <= apart.min(axis=1, keepdims=True) + 1e-9 * (1.0 + square[:m, None])
    beside = float((nearest[:, :m].sum(axis=1) / nearest.sum(axis=1)).mean())
    return bool(beside > share + BEYOND_CHANCE * np.sqrt(share * (1.0 - share) / m))


def _nearest(Z: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """(<= NEAREST, d) the points of ``Z`` nearest to ``z``, the nearest first."""
    order = np.argsort(((Z - z) ** 2).sum(axis=1), kind="stable")
    return np.asarray(Z[order[:NEAREST]])


def _kernels(
    S: NDArray[np.float64], X: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, m) the linear and the Gaussian part of the kernel of ``S`` (n, d) and ``X`` (m, d)."""
    G = S @ X.T
    apart = (S**2).sum(axis=1)[:, None] + (X**2).sum(axis=1) - 2.0 * G
    return (1.0 - CURVED) * (1.0 + G), CURVED * np.exp(-0.5 * apart)
