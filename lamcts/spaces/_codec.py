"""The codec: from a user's point to the unit cube and back.

A point has three forms. The user's ``x``; the native vector ``v`` (p,), one number a variable, exact
both ways; and ``z`` (d,) in the unit cube, which is what models and boundaries see.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.spaces._box import Box
from lamcts.spaces._composite import Dict, Tuple
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._space import Space

__all__ = ["Codec", "Variable"]

ENUMERATION_LIMIT = 1_000_000


@dataclass(frozen=True)
class Variable:
    """One number of a point.

    Attributes:
        name: Its place in the space: ``x[3]``, ``depth``, ``cell.ops[2]``.
        kind: ``real``, ``integer`` (ordered levels) or ``categorical``. A variable of two levels
            is ``integer``: two levels have no order to get wrong.
        size: Number of levels; ``None`` for reals.
        low: Smallest native value.
        high: Largest native value.
        log: Whether the unit coordinate is logarithmic.
        columns: Its columns in the unit cube: one, or one a category.
    """

    name: str
    kind: Literal["real", "integer", "categorical"]
    size: int | None
    low: float
    high: float
    log: bool
    columns: slice


class Codec:
    """Translates points of a space to vectors of the unit cube and back.

    A real becomes ``(v - low) / (high - low)``, or the same of the logarithms. Level k of an
    integer with n levels becomes ``(k + 1/2) / n``, so that every level owns an equal share of
    [0, 1] and none is cut in half at the edges. A category becomes one-hot, never ordered.

    Args:
        space: Any space of `lamcts.spaces`.

    Example:
        >>> from lamcts.spaces import Box, Dict, Discrete
        >>> codec = Codec(Dict(rate=Box(1e-4, 1.0, scale="log"), op=Discrete(3)))
        >>> v = codec.to_vector({"rate": 1e-2, "op": 2})
        >>> codec.encode(v[None]).round(3).tolist()
        [[0.5, 0.0, 0.0, 1.0]]
    """

    def __init__(self, space: Space[Any]) -> None:
        self.space = space
        self._leaves = list(_leaves(space, ""))
        self.variables = tuple(_variables(self._leaves))
        self.p = len(self.variables)
        self.dim = self.variables[-1].columns.stop
        kinds = [v.kind for v in self.variables for _ in range(_width(v))]
        self.kinds = np.array(kinds)
        self.is_real = self.kinds == "real"
        sizes = [np.inf if v.size is None else float(v.size) for v in self.variables]
        self.n_points = float(np.prod(sizes))

        single = [j for j, v in enumerate(self.variables) if _width(v) == 1]
        self._single = np.array(single, dtype=int)
        chosen = [self.variables[j] for j in single]
        self._column = np.array([v.columns.start for v in chosen], dtype=int)
        self._round = np.array([v.kind != "real" for v in chosen], dtype=bool)
        self._log = np.array([v.log for v in chosen], dtype=bool)
        self._v_low = np.array([v.low for v in chosen])
        self._v_high = np.array([v.high for v in chosen])
        edge = np.where(self._round, 0.5, 0.0)  # a level owns half a unit on either side
        low, high = self._v_low - edge, self._v_high + edge
        self._low = np.log(low, out=low.copy(), where=self._log)
        self._span = np.log(high, out=high.copy(), where=self._log) - self._low
        self._one_hot = [(j, v) for j, v in enumerate(self.variables) if _width(v) > 1]

    def to_vector(self, x: Any) -> NDArray[np.float64]:
        """(p,) native vector of a point.

        Raises:
            InvalidArgument: ``x`` is not a point of the space.
        """
        if x not in self.space:
            raise InvalidArgument(f"x: {x!r} is not a point of {self.space!r}")
        parts = []
        for path, leaf in self._leaves:
            part = x
            for key in path.keys:
                part = part[key]
            v = np.asarray(part, dtype=np.float64).ravel()
            if isinstance(leaf, (Discrete, MultiDiscrete)):
                v = v - np.asarray(leaf.start).ravel()
            parts.append(v)
        return np.concatenate(parts)

    def from_vector(self, v: NDArray[np.float64]) -> Any:
        """The point of a native vector (p,)."""
        start = 0
        built: dict[tuple[Any, ...], Any] = {}
        for path, leaf in self._leaves:
            assert leaf.shape is not None and leaf.dtype is not None
            size = int(np.prod(leaf.shape))
            part = np.asarray(v[start : start + size]).reshape(leaf.shape)
            if isinstance(leaf, (Discrete, MultiDiscrete)):
                part = part + leaf.start
            built[path.keys] = part.astype(leaf.dtype)[()]
            start += size
        return _assemble(self.space, (), built)

    def encode(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, p) native vectors to (n, d) points of the unit cube."""
        V = np.asarray(V, dtype=np.float64)
        Z = np.zeros((len(V), self.dim))
        A = V[:, self._single]
        if self._log.any():
            # the middle of a level's share, on the logarithmic scale too
            half = np.where(self._round, 0.5, 0.0)[self._log]
            B = A[:, self._log]
            A[:, self._log] = (np.log(B - half) + np.log(B + half)) / 2.0
        Z[:, self._column] = np.clip((A - self._low) / self._span, 0.0, 1.0)
        rows = np.arange(len(V))
        for j, variable in self._one_hot:
            Z[rows, variable.columns.start + V[:, j].astype(int)] = 1.0
        return Z

    def decode(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) points of the unit cube to (n, p) native vectors, each the nearest level."""
        Z = np.asarray(Z, dtype=np.float64)
        V = np.empty((len(Z), self.p))
        A = self._low + Z[:, self._column] * self._span
        A[:, self._log] = np.exp(A[:, self._log])
        A[:, self._round] = np.floor(A[:, self._round] + 0.5)
        V[:, self._single] = np.clip(A, self._v_low, self._v_high)
        for j, variable in self._one_hot:
            V[:, j] = Z[:, variable.columns].argmax(axis=1)
        return V

    def snap(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) the nearest representable points of the unit cube."""
        return self.encode(self.decode(Z))

    def sample(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """(n, d) random points, uniform over levels and over the scale of reals."""
        Z = rng.random((n, self.dim))
        return self.snap(Z)

    def key(self, v: NDArray[np.float64]) -> bytes:
        """A hashable name of a native vector: equal for equal points."""
        return np.asarray(v + 0.0, dtype=np.float64).tobytes()  # + 0.0: no negative zero

    def enumerate(self) -> NDArray[np.float64]:
        """(n_points, p) all points of a finite space, in lexicographic order.

        Raises:
            InvalidArgument: There are more than a million, or infinitely many.
        """
        if self.n_points > ENUMERATION_LIMIT:
            raise InvalidArgument(f"space: {self.n_points:g} points are too many to enumerate")
        levels = [np.arange(v.low, v.high + 1) for v in self.variables]
        return np.array(list(itertools.product(*levels)), dtype=np.float64)


@dataclass(frozen=True)
class _Path:
    keys: tuple[Any, ...]
    name: str


def _leaves(
    space: Space[Any], name: str, keys: tuple[Any, ...] = ()
) -> Iterator[tuple[_Path, Space[Any]]]:
    if isinstance(space, Dict):
        for key, child in space.items():
            yield from _leaves(child, f"{name}.{key}" if name else key, (*keys, key))
    elif isinstance(space, Tuple):
        for i, child in enumerate(space.spaces):
            yield from _leaves(child, f"{name or 'x'}[{i}]", (*keys, i))
    elif isinstance(space, (Box, Discrete, MultiDiscrete, MultiBinary)):
        yield _Path(keys, name or "x"), space
    else:
        raise InvalidArgument(f"space: cannot encode {space!r}")


def _assemble(space: Space[Any], keys: tuple[Any, ...], built: dict[tuple[Any, ...], Any]) -> Any:
    if isinstance(space, Dict):
        return {key: _assemble(child, (*keys, key), built) for key, child in space.items()}
    if isinstance(space, Tuple):
        return tuple(_assemble(c, (*keys, i), built) for i, c in enumerate(space.spaces))
    return built[keys]


def _variables(leaves: list[tuple[_Path, Space[Any]]]) -> Iterator[Variable]:
    column = 0
    for path, leaf in leaves:
        assert leaf.shape is not None
        names = [
            path.name + "".join(f"[{k}]" for k in index) for index in np.ndindex(*leaf.shape)
        ]
        if isinstance(leaf, Box):
            kind: Literal["real", "integer"] = "integer" if leaf.is_integer else "real"
            bounds = zip(leaf.low.ravel().tolist(), leaf.high.ravel().tolist(), strict=True)
            for name, (low, high) in zip(names, bounds, strict=True):
                size = int(high - low + 1) if leaf.is_integer else None
                columns = slice(column, column + 1)
                yield Variable(
                    name, kind, size, float(low), float(high), leaf.scale == "log", columns
                )
                column += 1
            continue
        sizes = leaf.nvec.ravel().tolist() if isinstance(leaf, MultiDiscrete) else None
        for i, name in enumerate(names):
            size = sizes[i] if sizes else leaf.n if isinstance(leaf, Discrete) else 2
            width = size if size > 2 else 1
            yield Variable(
                name,
                "categorical" if size > 2 else "integer",
                size,
                0.0,
                float(size - 1),
                False,
                slice(column, column + width),
            )
            column += width


def _width(variable: Variable) -> int:
    return int(variable.columns.stop - variable.columns.start)
