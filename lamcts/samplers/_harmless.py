"""Which variables can be changed without harm: a noisy-or over what was seen.

Relative to the best point, an earlier one is a set of changed variables and its outcome: harmed or
not. If variable i does harm with chance ``h_i`` on its own, a set S does with
``1 - prod_{i in S} (1 - h_i)`` (Pearl 1988). Where most variables do not matter yet (plateaus, long
chains of conditions), those that do can then be kept while the rest are redrawn together, which
tests many variables with one evaluation, as group testing does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["changes", "harm"]

Array = NDArray[np.float64]

#: Best points that are looked at.
MAX_POINTS = 256
#: Most distinct best values that are thresholds of their own.
TOP_LEVELS = 8
#: Steps of expectation maximisation at each threshold; weight of the prior, in observations.
STEPS, STRENGTH = 12, 4.0
#: Variables that begin to matter from one threshold to the next, as a guess.
NEW = 1.5
#: Chance, to aim at, that a proposed set of changes does no harm.
SAFE = 0.3


def harm(V: Array, y: Array) -> tuple[int, Array]:
    """The best point's row, and the chance (p,) that changing each of its variables does harm.

    Harm is falling below a threshold. It is learned for a low threshold first, which many points
    reach; each is the prior of the next, up to the best value.

    Args:
        V: (n, p) native vectors.
        y: (n,) values, to be maximised; the latest of the best counts as the best.
    """
    best = len(y) - 1 - int(y[::-1].argmax())
    rows = np.argsort(-y, kind="stable")[:MAX_POINTS]
    y, changed = y[rows], (V[rows] != V[best]).astype(np.float64)
    p = V.shape[1]
    ranks = 2 ** np.arange(int(np.log2(len(y))) + 1) - 1
    h = np.full(p, 0.5)
    for threshold in np.union1d(y[ranks], np.unique(y)[-TOP_LEVELS:]):
        h += (1.0 - h) * min(0.5, NEW / p)
        h = _learn(h, changed, y < threshold)
    return best, h


def _learn(prior: Array, changed: Array, harmed: NDArray[np.bool_]) -> Array:
    """Chances (p,) after the outcomes: expectation maximisation of a noisy-or with a prior."""
    bad = changed[harmed]
    weight = STRENGTH + changed.sum(axis=0)
    h = prior
    for _ in range(STEPS):
        explained = -np.expm1(bad @ np.log1p(-h))
        h = (STRENGTH * prior + h * ((1.0 / np.maximum(explained, 1e-9)) @ bad)) / weight
        h = np.clip(h, 1e-6, 0.98)
    return h


def changes(h: Array, m: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(m, p) sets of variables to change: random halves, cut where harm gets likely.

    Each set holds at least one variable.
    """
    out = np.zeros((m, len(h)), dtype=bool)
    log_safe = np.log1p(-h)
    for row in out:
        order = rng.permutation(len(h))[: rng.binomial(len(h), 0.5) + 1]
        room = np.log(SAFE)
        for i in order:
            if log_safe[i] >= room:
                room -= log_safe[i]
                row[i] = True
        row[order[h[order].argmin()]] = True
    return out
