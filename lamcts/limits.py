"""Points within the cheap constraints: the nearest, one on the way, one beside, a first one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.domain import Domain
    from lamcts.spaces import Codec

__all__ = ["beside", "first_within", "furthest", "nearest_within"]

#: Step of the differences that tell how an excess changes, in the unit cube.
STEP = 1e-4
#: The constraints are taken for linear and mended so often; cycles of one projection.
ROUNDS, CYCLES = 3, 60
#: A projection aims this far inside, in the unit cube, so that rounding leaves it there.
INSIDE = 1e-9
#: Halvings of the way to a point, and the share of the way that need not be known better.
HALVINGS, CLOSE = 20, 0.1
#: Random points tried for a first one within, changes of the one that exceeds least, and changes
#: that bring a discrete point within.
DRAWS, CHANGES, FEW = 2000, 5000, 100
#: Neighbours of known points tried, and levels of a variable beyond which some are drawn.
NEIGHBOURS, LEVELS = 10_000, 64


def furthest(
    domain: Domain,
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    allowed: Callable[[NDArray[np.float64]], bool],
    rng: np.random.Generator,
) -> NDArray[np.float64] | None:
    """An allowed point as far on the way from ``start`` to ``end`` (d,) as bisection finds one.

    Numbers move in a straight line, categories and choices of two change one after another, in
    random order. ``None`` if nothing on the way is allowed; ``start`` itself is not asked for.
    """
    codec = domain.codec
    widths = [v.width for v in codec.variables]
    jumps = np.repeat([v.kind == "categorical" or v.size == 2 for v in codec.variables], widths)
    turn = np.repeat(rng.random(codec.p), widths)

    def at(t: float) -> NDArray[np.float64]:
        z = np.where(jumps, np.where(turn <= t, end, start), start + t * (end - start))
        return np.asarray(domain.legal(z[None])[0])

    found, low, high = at(1.0), 0.0, 1.0
    if allowed(found):
        return found
    for _ in range(HALVINGS):
        t = 0.5 * (low + high)
        z = at(t)
        if allowed(z):
            found, low = z, t
        else:
            high = t
        if high - low < CLOSE * low:
            break
    return found if low > 0.0 else None


def nearest_within(
    domain: Domain, z: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """A point near ``z`` (d,) within the limits, where there are figures of the excess.

    Real coordinates move straight to the limits: the excesses are taken for linear about the
    point, three times at most, which is exact for linear constraints. If that does not do,
    discrete ones are changed at random, keeping what exceeds less.
    """
    excess = domain.excess(z)
    real = np.flatnonzero(domain.codec.is_real)
    for _ in range(ROUNDS if len(real) else 0):
        if excess is None or not np.isfinite(excess).all() or (excess <= 0.0).all():
            break
        away = np.where(z[real] + STEP > 1.0, -STEP, STEP)
        Z = np.repeat(z[None], len(real), axis=0)
        Z[np.arange(len(real)), real] += away
        J = (np.array([domain.excess(moved) for moved in Z]) - excess).T / away
        z = z.copy()
        z[real] = _project(z[real], np.nan_to_num(J, posinf=0.0, neginf=0.0), excess)
        excess = domain.excess(z)
    if excess is None or (excess <= 0.0).all() or domain.codec.is_real.all():
        return z
    discrete = np.array([v.kind != "real" for v in domain.codec.variables])
    return _descend(domain, z, discrete, np.ones(len(excess)), FEW, rng)


def _descend(
    domain: Domain,
    z: NDArray[np.float64],
    free: NDArray[np.bool_],
    scale: NDArray[np.float64],
    changes: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Change one of the free variables (p,) at a time, keeping what exceeds less, until within."""

    def total(z: NDArray[np.float64]) -> float:
        excess = domain.excess(z)
        assert excess is not None
        return float((np.maximum(excess, 0.0) / scale).sum())

    least = total(z)
    which = rng.choice(np.flatnonzero(free), size=changes)
    for j in which:
        if least == 0.0:
            break
        change = np.arange(len(free)) == j
        other = domain.legal(domain.mutate(z[None], change[None], rng))[0]
        excess = total(other)
        if excess < least or excess == least == np.inf:
            z, least = other, excess
    return z


def _project(
    x: NDArray[np.float64], J: NDArray[np.float64], excess: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The point of the unit cube nearest to ``x`` with ``excess + J (. - x) <= 0`` (Dykstra)."""
    lengths = np.linalg.norm(J, axis=1)
    A = J[lengths > 0.0] / lengths[lengths > 0.0, None]
    b = A @ x - excess[lengths > 0.0] / lengths[lengths > 0.0] - INSIDE
    owed = np.zeros((len(A) + 1, len(x)))
    y = x
    for _ in range(CYCLES):
        before = y
        for i, a in enumerate(A):
            y = y + owed[i]
            inside = y - max(float(a @ y) - b[i], 0.0) * a
            owed[i], y = y - inside, inside
        y = y + owed[-1]
        inside = np.clip(y, 0.0, 1.0)
        owed[-1], y = y - inside, inside
        if np.abs(y - before).max() < 1e-3 * INSIDE:
            break
    return y


def beside(
    domain: Domain, known: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64] | None:
    """The native vector (p,) of a point that differs from a known one (n, d) in little.

    In one discrete variable, or else in two: where the limits leave so little of a space that no
    random point is within them. ``None`` if none of those tried may be proposed.
    """
    codec = domain.codec
    V = codec.decode(known)
    for changed in (_changed_once, _changed_twice):
        starts = rng.permutation(len(V))
        near = (w for i in starts for w in changed(V[i], _changes(codec, V[i], rng), rng))
        for w in islice(near, NEIGHBOURS):
            if (found := domain.admit(codec.encode(w[None])[0])) is not None:
                return found
    return None


def _changes(codec: Codec, v: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 2) the discrete variables of a point (p,), each with every other level it may have."""
    changes = [np.empty((0, 2))]
    for j, variable in enumerate(codec.variables):
        if variable.size is not None:
            many = variable.size > LEVELS
            levels = rng.integers(variable.size, size=LEVELS) if many else np.arange(variable.size)
            others = levels[levels + variable.low != v[j]] + variable.low
            changes.append(np.column_stack([np.full(len(others), j), others]))
    return np.concatenate(changes)


def _changed_once(
    v: NDArray[np.float64], changes: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    for j, level in rng.permutation(changes):
        w = v.copy()
        w[int(j)] = level
        yield w


def _changed_twice(
    v: NDArray[np.float64], changes: NDArray[np.float64], rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    for w, (j, level) in zip(_changed_once(v, changes, rng), rng.permutation(changes), strict=True):
        w[int(j)] = level
        yield w


def first_within(domain: Domain, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """A point (d,) that may be proposed, when none is known; ``None`` if none was found.

    Random points are drawn; if all exceed a limit, the one that exceeds least is moved to the
    nearest within, and changed at random, keeping what does not make it worse.
    """
    Z = domain.codec.sample(rng, DRAWS)
    for z in Z:
        if domain.admit(z) is not None:
            return np.asarray(z)
    excesses = [domain.excess(z) for z in Z]
    over = np.maximum(np.array([e for e in excesses if e is not None]), 0.0)
    if not len(over):
        return None
    some = [column[np.isfinite(column) & (column > 0.0)] for column in over.T]
    scale = np.array([np.median(column) if len(column) else 1.0 for column in some])
    z = nearest_within(domain, Z[(over / scale).sum(axis=1).argmin()], rng)
    z = _descend(domain, z, np.ones(domain.codec.p, dtype=bool), scale, CHANGES, rng)
    return None if domain.admit(z) is None else z
