"""Functions of bits and permutations: OneMax, LeadingOnes, NK landscapes, MaxSAT and QAP.

The random ones are drawn from ``instance``: the same number is the same function everywhere.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.functions._base import Array, BenchmarkFunction, Optimum, check_size, total
from lamcts.spaces import MultiBinary, MultiDiscrete

__all__ = ["NK", "QAP", "LeadingOnes", "MaxSAT", "OneMax", "lehmer_to_permutation"]

#: The most bits, or objects to place, for which every point is tried to find the optimum.
_BRUTE_FORCE_BITS, _BRUTE_FORCE_PLACES = 16, 8

#: The most interactions a bit of a ring may have for its optimum to be computed.
_RING_K = 8


class OneMax(BenchmarkFunction):
    """The number of ones, to be maximised. Optimum ``dim`` at all ones."""

    direction = "maximize"

    def __init__(self, dim: int = 50) -> None:
        check_size("dim", dim, 1, "OneMax")
        self.dim = dim
        self.space = MultiBinary(dim)

    def _f(self, X: Array) -> Array:
        return total(X)

    def _find_optimum(self) -> Optimum:
        return Optimum(float(self.dim), np.ones((1, self.dim)))


class LeadingOnes(BenchmarkFunction):
    """The number of ones before the first zero, to be maximised. Optimum ``dim`` at all ones.

    Rudolph, "Convergence Properties of Evolutionary Algorithms" (1997).
    """

    direction = "maximize"

    def __init__(self, dim: int = 30) -> None:
        check_size("dim", dim, 1, "LeadingOnes")
        self.dim = dim
        self.space = MultiBinary(dim)

    def _f(self, X: Array) -> Array:
        return total(np.cumprod(X, axis=1))

    def _find_optimum(self) -> Optimum:
        return Optimum(float(self.dim), np.ones((1, self.dim)))


class NK(BenchmarkFunction):
    """Kauffman's rugged landscape, to be maximised: bits whose worth depends on ``k`` others.

    The mean over the bits of a random table entry in [0, 1) chosen by the bit and ``k`` other bits.
    Kauffman and Weinberger, "The NK model of rugged fitness landscapes" (1989). With random
    neighbours the optimum is found by trying every point up to 16 bits; beyond, it is unknown. On
    a ring it is computed for any number of bits, up to 8 neighbours.

    Args:
        dim: Number of bits (N).
        k: How many other bits each bit interacts with: 0 is smooth, ``dim - 1`` is noise.
        instance: Seed of the neighbours and tables.
        ring: Whether these are the next ``k`` bits on a ring; random ones otherwise.
    """

    direction = "maximize"

    def __init__(self, dim: int = 16, k: int = 4, instance: int = 0, ring: bool = False) -> None:
        check_size("dim", dim, 1, "NK")
        check_size("k", k, 0, "NK")
        if k >= dim:
            raise InvalidArgument(f"k: NK needs k < dim = {dim}, got {k}")
        rng = np.random.default_rng(instance)
        self.dim = dim
        self.space = MultiBinary(dim)
        self.ring = ring
        if ring:
            self._links = (np.arange(dim)[:, np.newaxis] + np.arange(k + 1)) % dim
        else:
            others = (rng.permutation(np.delete(np.arange(dim), i))[:k] for i in range(dim))
            self._links = np.array([[i, *rest] for i, rest in enumerate(others)])
        self._tables = rng.random((dim, 2 ** (k + 1)))

    def _f(self, X: Array) -> Array:
        powers = 2 ** np.arange(self._links.shape[1])
        entries = X.astype(np.int64)[:, self._links] @ powers
        return np.asarray(np.mean(self._tables[np.arange(self.dim), entries], axis=1))

    def _find_optimum(self) -> Optimum:
        if self.ring and self._links.shape[1] <= _RING_K + 1:
            point = _best_ring(self._tables)[np.newaxis]
            return Optimum(float(self._f(point)[0]), point)
        if self.dim > _BRUTE_FORCE_BITS:
            return Optimum(None, None)
        points = np.array(list(itertools.product((0.0, 1.0), repeat=self.dim)))
        values = self._f(points)
        return Optimum(float(values.max()), points[values == values.max()])


def _best_ring(tables: Array) -> Array:
    """The best bits (n,) of a ring with tables (n, 2^(k+1)), by dynamic programming.

    Entry ``e`` of table i is of bits i (its lowest) to i + k. A state is the k bits before the
    next; every state the ring may begin with is followed until the ring closes on it.
    """
    states = tables.shape[1] // 2
    entries = np.arange(2 * states).reshape(states, 2)  # those that lead to each state
    value = np.where(np.eye(states, dtype=bool), 0.0, -np.inf)  # by first state and state
    lowest = []
    for table in tables:
        reached = value[:, entries % states] + table[entries]
        lowest.append(reached.argmax(axis=2))
        value = reached.max(axis=2)
    first = state = int(np.argmax(np.diagonal(value)))
    bits = np.zeros(len(tables))
    for i in range(len(tables) - 1, -1, -1):
        bits[i] = lowest[i][first, state]
        state = (2 * state + int(bits[i])) % states
    return bits


class MaxSAT(BenchmarkFunction):
    """Unsatisfied clauses of a random 3-SAT formula with a planted solution. Optimum 0 there.

    Args:
        dim: Number of variables, at least 3.
        ratio: Clauses a variable; random formulas are hardest near 4.27.
        instance: Seed of the formula and its solution.
    """

    def __init__(self, dim: int = 50, ratio: float = 4.27, instance: int = 0) -> None:
        check_size("dim", dim, 3, "MaxSAT")
        if not (math.isfinite(ratio) and ratio > 0):
            raise InvalidArgument(f"ratio: MaxSAT needs a number > 0, got {ratio!r}")
        rng = np.random.default_rng(instance)
        clauses = max(1, round(ratio * dim))
        self.dim = dim
        self.space = MultiBinary(dim)
        self._solution = rng.integers(0, 2, dim)
        self._variables = np.array([rng.choice(dim, 3, replace=False) for _ in range(clauses)])
        # Of the 8 sign patterns of a clause, any of the 7 that the solution satisfies.
        pattern = rng.integers(1, 8, clauses)
        agrees = (pattern[:, np.newaxis] >> np.arange(3)) & 1
        self._wanted = agrees ^ (1 - self._solution[self._variables])

    def _f(self, X: Array) -> Array:
        satisfied = np.any(X[:, self._variables] == self._wanted, axis=2)
        return total(~satisfied)

    def _find_optimum(self) -> Optimum:
        return Optimum(0.0, self._solution[np.newaxis].astype(np.float64))


class QAP(BenchmarkFunction):
    """Quadratic assignment: place facilities so that the flows between them travel little.

    ``sum(flow[i, j] * distance[place[i], place[j]])`` over all pairs, the places on a line of
    grid rows with walking distances (Nugent et al., "An experimental comparison of techniques for
    the assignment of facilities to locations", 1968), the flows drawn at random.

    A permutation of n is written as its Lehmer code: coordinate i says which of the places still
    free, in order, facility i takes (n - i choices; the last facility has none left to make). Every
    vector is one permutation and every permutation one vector. The optimum is found by trying all
    up to 8 facilities; beyond, it is unknown.

    Args:
        dim: Number of facilities, at least 2; the space has ``dim - 1`` coordinates.
        instance: Seed of the flows.
    """

    def __init__(self, dim: int = 8, instance: int = 0) -> None:
        check_size("dim", dim, 2, "QAP")
        rng = np.random.default_rng(instance)
        self.dim = dim
        self.space = MultiDiscrete(np.arange(dim, 1, -1))
        flow = np.triu(rng.integers(0, 10, (dim, dim)), 1)
        self._flow = flow + flow.T
        rows = math.isqrt(dim)
        place = np.stack(np.divmod(np.arange(dim), math.ceil(dim / rows)), axis=1)
        self._distance = np.abs(place[:, np.newaxis] - place).sum(axis=2)

    def _f(self, X: Array) -> Array:
        place = lehmer_to_permutation(X)
        distance = self._distance[place[:, :, np.newaxis], place[:, np.newaxis, :]]
        return total((self._flow * distance).sum(axis=2))

    def _find_optimum(self) -> Optimum:
        if self.dim > _BRUTE_FORCE_PLACES:
            return Optimum(None, None)
        choices = [range(n) for n in range(self.dim, 1, -1)]
        points = np.array(list(itertools.product(*choices)), dtype=np.float64)
        values = self._f(points)
        return Optimum(float(values.min()), points[values == values.min()])


def lehmer_to_permutation(codes: Array) -> NDArray[np.int64]:
    """The permutations (n, d + 1) that Lehmer codes (n, d) stand for.

    >>> lehmer_to_permutation(np.array([[0, 0], [2, 1]]))
    array([[0, 1, 2],
           [2, 1, 0]])
    """
    count, length = codes.shape
    permutations = np.zeros((count, length + 1), dtype=np.int64)
    # From the last position to the first: a later entry that is not below this one moves up.
    for i in range(length - 1, -1, -1):
        permutations[:, i] = codes[:, i]
        permutations[:, i + 1 :] += permutations[:, i + 1 :] >= permutations[:, i : i + 1]
    return permutations
