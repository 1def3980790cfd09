"""From a solver's candidates to one trial: within the limits, new, and likely to be feasible.

In this order: the solver's first candidate, one of the first few pulled back to where it may be
proposed, the other candidates, a random point; pulling comes after all candidates where it would
not leave what the solver meant. Candidates that the border learned from infeasible trials
(`lamcts.border`) puts on the wrong side are pulled back or passed over too, but for a share of
trials that explore.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lamcts.border import Border, border_near
from lamcts.errors import InvalidArgument
from lamcts.limits import beside, first_within, furthest, nearest_within

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.domain import Domain
    from lamcts.history import History

__all__ = ["Choice", "choose"]

#: Share of trials for which the learned border is not asked.
EXPLORE = 0.05
#: Candidates pulled back before a random point is taken.
PULLED = 4
#: A candidate is pulled towards the best of so many trials near it, of this many latest ones.
NEAR, LATEST = 10, 2000
#: Random points tried, anywhere and then on the way from known points to others.
DRAWS, WALKS = 200, 20


class Choice(NamedTuple):
    """A point to propose.

    Attributes:
        v: (p,) its native vector.
        row: The candidate it is or comes from; ``None`` for a random point.
        pulled: Whether the candidate was pulled back.
    """

    v: NDArray[np.float64]
    row: int | None
    pulled: bool = False


def choose(
    domain: Domain,
    history: History,
    Z: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    ranked: bool = True,
) -> Choice | None:
    """The point to propose; ``None`` when nothing is left, or nothing was found in a large space.

    Args:
        domain: What may be proposed.
        history: The trials so far.
        Z: (m, d) candidates.
        rng: Source of randomness.
        ranked: Whether the first candidate is better than the others.

    Raises:
        InvalidArgument: No point that meets the constraints is known, and none was found.
    """
    anchor = _anchor(history, Z[0]) if len(Z) else None
    explores = rng.random() < EXPLORE
    border = None if anchor is None or explores else border_near(history, anchor)
    likely = np.ones(len(Z), dtype=bool) if border is None else border.likely(Z)
    bounded = domain.feasible is not None or border is not None

    def as_they_are(rows: range) -> Choice | None:
        for row in rows:
            if likely[row] and (v := domain.admit(Z[row])) is not None:
                return Choice(v, row)
        return None

    def pulled_back(rows: range) -> Choice | None:
        for row in rows if bounded else ():
            if (v := _pull(domain, history, border, Z[row], rng)) is not None:
                return Choice(v, row, pulled=True)
        return None

    m = len(Z)
    # a real point is moved a little, and stays what the solver meant; a category is another one
    real = domain.codec.is_real
    near = real.all() or (real.any() and domain.feasible is not None and likely[:1].all())
    first = min(m, 1) if ranked and bounded and near else m
    choice = as_they_are(range(first)) or pulled_back(range(min(m, PULLED)))
    if choice := choice or as_they_are(range(first, m)):
        return choice
    v = _anywhere(domain, history, border, rng)
    return None if v is None else Choice(v, None)


def _pull(
    domain: Domain,
    history: History,
    border: Border | None,
    z: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64] | None:
    """The native vector of a candidate (d,) moved to where it may be proposed, if it can be."""
    anchor = _anchor(history, z)
    if anchor is None:
        return None

    def allowed(z: NDArray[np.float64]) -> bool:
        fits = border is None or bool(border.likely(z[None])[0])
        return fits and domain.admit(z) is not None

    if border is not None:
        z = border.pull(z, domain.codec.is_real)
    found = furthest(domain, anchor, nearest_within(domain, z, rng), allowed, rng)
    return None if found is None else domain.admit(found)


def _anchor(history: History, z: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """(d,) the best of the complete trials nearest to a point; any trial while none is."""
    rows, _ = history.sides(LATEST)
    if not len(rows):
        return history.Z[-1] if len(history) else None
    apart = ((history.Z[rows] - z) ** 2).sum(axis=1)
    near = rows[np.argsort(apart, kind="stable")[:NEAR]]
    return np.asarray(history.Z[near[history.y[near].argmax()]])


def _anywhere(
    domain: Domain, history: History, border: Border | None, rng: np.random.Generator
) -> NDArray[np.float64] | None:
    """A random point, likely to be feasible if one of a few is; any left, or beside a known one."""
    if not domain.exhausted:
        Z = domain.codec.sample(rng, DRAWS)
        if border is not None:
            Z = Z[np.argsort(~border.likely(Z), kind="stable")]
        for z in Z:
            if (v := domain.admit(z)) is not None:
                return v
        if domain.feasible is not None:
            found = _walk(domain, history, rng) if len(history) else first_within(domain, rng)
            if found is not None:
                return domain.admit(found)
    left = next(domain.remaining(), None)
    if left is not None or (len(history) and (domain.enumerable or domain.exhausted)):
        return left
    if not len(history):
        raise InvalidArgument(
            "constraint: no point that meets the constraints was found; "
            "loosen one, or begin with a point that does (init)"
        )
    return beside(domain, history.Z[-LATEST:], rng)


def _walk(domain: Domain, history: History, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """A point (d,) a random share of the way from a known point to the limits."""

    def allowed(z: NDArray[np.float64]) -> bool:
        return domain.admit(z) is not None

    known = history.Z[-LATEST:]
    found = None
    for _ in range(WALKS):
        start = known[rng.integers(len(known))] if found is None else found
        end = furthest(domain, start, domain.codec.sample(rng, 1)[0], allowed, rng)
        if end is None:
            continue
        some = domain.legal((start + rng.random() * (end - start))[None])[0]
        found = some if allowed(some) else end
    return found
