"""The one place where points of a space become vectors of the unit cube, and back.

A point has three forms:

====  ======================  ===============================================================
form  shape                   what it is
====  ======================  ===============================================================
x     the user's              an element of the space
v     (p,) "native vector"    one number a variable: a real, an integer, or a category's index
z     (d,) in the unit cube   what optimizers move in; a category of more than two is one-hot
====  ======================  ===============================================================

x and v correspond exactly. Every z is some v (decode), and every v has one z (encode).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.spaces._box import Box
from lamcts.spaces._composite import join, leaves, split
from lamcts.spaces._convert import as_space
from lamcts.spaces._space import Leaf, Space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Kind = Literal["real", "integer", "categorical"]

#: `Codec.enumerate` lists the points of spaces up to this size.
LARGEST_ENUMERATION = 1_000_000

#: Each category is a column of the unit cube: a variable of more is refused, not run out of memory.
LARGEST_CATEGORICAL = 100_000


@dataclass(frozen=True)
class Variable:
    """One number of a point.

    Attributes:
        name: ``"x"``, ``"x[3]"``, ``"depth"``, ``"cell.ops[2]"``.
        kind: ``"real"``, ``"integer"`` (ordered levels; also a choice of two), ``"categorical"``.
        size: Number of levels; ``None`` for a real.
        low: Smallest native value.
        high: Largest native value.
        log: Whether the variable is searched on a log scale.
        columns: Its columns in the unit cube.

    >>> from lamcts.spaces import Box, Codec
    >>> Codec(Box(0.0, 2.0, shape=(3,))).variables[1].name
    'x[1]'
    """

    name: str
    kind: Kind
    size: int | None
    low: float
    high: float
    log: bool
    columns: slice

    @property
    def width(self) -> int:
        """Number of its columns: one, or one a category."""
        return int(self.columns.stop - self.columns.start)


class Codec:
    """Turns points of a space into vectors of the unit cube, and back.

    A real lies at its place between its bounds (in the logarithm on a log scale). Level ``k`` of
    an integer of ``size`` levels is the k-th of ``size`` equal intervals and lies at its middle,
    so the levels at the ends are drawn as often as the others; on a log scale the intervals
    divide ``[low - 1/2, high + 1/2]`` in the logarithm.

    Attributes:
        space: The space.
        variables: The p variables, in order.
        p: Length of native vectors.
        dim: Number d of columns of the unit cube.
        kinds: (d,) kind of each column's variable.
        is_real: (d,) whether a column is a real variable's.
        n_points: Number of points; ``inf`` with a real variable.

    >>> from lamcts.spaces import Box, Dict, Discrete
    >>> codec = Codec(Dict(lr=Box(1e-4, 1.0, scale="log"), op=Discrete(3)))
    >>> v = codec.to_vector({"lr": 0.01, "op": 2})
    >>> v
    array([0.01, 2.  ])
    >>> codec.encode(v[None])
    array([[0.5, 0. , 0. , 1. ]])
    """

    def __init__(self, space: Space[Any]) -> None:
        self.space = as_space(space)
        self._leaves = [leaf for _, leaf in leaves(self.space)]
        self.variables = tuple(_variables(self.space))
        names = [variable.name for variable in self.variables]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InvalidArgument(f"space: two variables are named {twice!r}; rename a key")
        self.p = len(self.variables)
        self.dim = self.variables[-1].columns.stop
        widths = [v.width for v in self.variables]
        self.kinds = np.repeat([v.kind for v in self.variables], widths)
        self.is_real = self.kinds == "real"
        with np.errstate(over="ignore"):
            self.n_points = float(np.prod([float(v.size or np.inf) for v in self.variables]))
        self._lay_out()

    def _lay_out(self) -> None:
        """Tables for whole batches: edges, scales, roundings and columns of the p variables."""
        variables = self.variables
        self._low = np.array([v.low for v in variables])
        self._high = np.array([v.high for v in variables])
        self._levels = np.flatnonzero([v.size is not None for v in variables])
        self._log = np.flatnonzero([v.log for v in variables])
        half = np.array([0.0 if v.size is None else 0.5 for v in variables])
        self._edge = self._low - half
        self._width = self._high + half - self._edge
        top = np.log(self._high[self._log] + half[self._log])
        self._edge[self._log] = np.log(self._edge[self._log])
        self._width[self._log] = top - self._edge[self._log]

        dtypes = np.repeat([s.dtype.name for s in self._leaves], [s.size for s in self._leaves])
        self._narrow = [
            (np.flatnonzero(dtypes == dtype), dtype)
            for dtype in ("float16", "float32")
            if dtype in dtypes
        ]

        first = np.array([v.columns.start for v in variables])
        one_hot = np.array([v.kind == "categorical" for v in variables])
        self._plain, self._one_hot = np.flatnonzero(~one_hot), np.flatnonzero(one_hot)
        self._plain_columns, self._one_hot_first = first[~one_hot], first[one_hot]
        self._groups: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        sizes = np.array([v.size or 0 for v in variables])
        for size in np.unique(sizes[one_hot]):
            group = np.flatnonzero(one_hot & (sizes == size))
            self._groups.append((group, first[group][:, None] + np.arange(size)))

    # -- x and v ---------------------------------------------------------------------------------

    def to_vector(self, x: Any) -> NDArray[np.float64]:
        """(p,) native vector of a point.

        Raises:
            InvalidArgument: When ``x`` is not in the space, naming the part.
        """
        values = zip(self._leaves, split(self.space, x), strict=True)
        return np.concatenate([leaf.to_vector(value) for leaf, value in values])

    def from_vector(self, v: NDArray[np.float64]) -> Any:
        """The point of a native vector (p,)."""
        return join(self.space, self._values(v))

    def _values(self, v: NDArray[np.float64]) -> Iterator[Any]:
        at = 0
        for leaf in self._leaves:
            yield leaf.from_vector(v[at : at + leaf.size])
            at += leaf.size

    def key(self, v: NDArray[np.float64]) -> bytes:
        """Equal for equal native vectors (p,), and only for them."""
        return (np.asarray(v, dtype=np.float64) + 0.0).tobytes()  # + 0.0: -0.0 equals 0.0

    # -- v and z ---------------------------------------------------------------------------------

    def encode(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) positions in the unit cube of native vectors (n, p); clipped to the bounds."""
        V = np.minimum(np.maximum(V, self._low), self._high)  # faster than `clip` for one row
        U: NDArray[np.float64] = V.copy()
        U[:, self._log] = np.log(V[:, self._log])
        U = (U - self._edge) / self._width
        if not self._one_hot.size:
            return U
        Z = np.zeros((len(V), self.dim))
        Z[:, self._plain_columns] = U[:, self._plain]
        chosen = self._one_hot_first + V[:, self._one_hot].astype(np.intp)
        Z[np.arange(len(V))[:, None], chosen] = 1.0
        return Z

    def decode(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, p) native vectors nearest to positions (n, d): clipped, snapped to levels.

        ``decode(encode(V))`` is ``V``: exactly for integers and categories and for ``float16``
        and ``float32``, to within two ulps of the range for ``float64``.
        """
        Z = np.asarray(Z, dtype=np.float64)
        if not self._one_hot.size:
            return self._from_unit(Z)
        U = np.zeros((len(Z), self.p))
        U[:, self._plain] = Z[:, self._plain_columns]
        V = self._from_unit(U)
        for group, columns in self._groups:
            V[:, group] = np.take(Z, columns, axis=1).argmax(axis=2)
        return V

    def snap(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) positions of the points nearest to positions (n, d)."""
        return self.encode(self.decode(Z))

    def _from_unit(self, U: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, p) native vectors from one number in [0, 1] a variable (n, p)."""
        V: NDArray[np.float64] = self._edge + np.clip(U, 0.0, 1.0) * self._width
        V[:, self._log] = np.exp(V[:, self._log])
        V[:, self._levels] = np.rint(V[:, self._levels])
        for columns, dtype in self._narrow:
            V[:, columns] = V[:, columns].astype(dtype)
        np.clip(V, self._low, self._high, out=V)
        # the ends are the bounds exactly, whatever the logarithm's rounding
        np.copyto(V, self._low, where=U <= 0.0)
        np.copyto(V, self._high, where=U >= 1.0)
        return V

    # -- many points -----------------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """(n, d) positions of points drawn uniformly (on a log scale: in the logarithm)."""
        return self.encode(self._from_unit(rng.random((n, self.p))))

    def enumerate(self) -> NDArray[np.float64]:
        """(n_points, p) native vectors of all points, the last variable changing fastest.

        Raises:
            InvalidArgument: With more than 1,000,000 points.
        """
        if self.n_points > LARGEST_ENUMERATION:
            raise InvalidArgument(
                f"space: {self.n_points:g} points are too many to enumerate; "
                f"the limit is {LARGEST_ENUMERATION}"
            )
        sizes = np.array([v.size for v in self.variables], dtype=np.int64)
        strides = np.cumprod(sizes[::-1])[::-1] // sizes
        levels = np.arange(int(self.n_points))[:, None] // strides % sizes
        points: NDArray[np.float64] = levels + self._low
        return points

    def __repr__(self) -> str:
        return f"Codec({self.space!r})"


def _variables(space: Space[Any]) -> Iterator[Variable]:
    column = 0
    for name, leaf in leaves(space):
        real = isinstance(leaf, Box) and not leaf.is_integer
        log = isinstance(leaf, Box) and leaf.scale == "log"
        lows, highs = (bound.tolist() for bound in leaf.bounds)
        for index, low, high in zip(_indices(leaf), lows, highs, strict=True):
            size = None if real else int(high - low) + 1
            kind: Kind = "real" if size is None else "integer"
            width = 1
            if size is not None and size > 2 and not isinstance(leaf, Box):
                kind, width = "categorical", size
            if width > LARGEST_CATEGORICAL:
                raise InvalidArgument(
                    f"{name + index}: {size} unordered categories are too many; give at most "
                    f"{LARGEST_CATEGORICAL}, or an integer Box if they have an order"
                )
            yield Variable(name + index, kind, size, low, high, log, slice(column, column + width))
            column += width


def _indices(leaf: Leaf[Any]) -> list[str]:
    """What follows a leaf's name for each of its numbers: nothing, ``[3]``, ``[0,2]``."""
    if not leaf.shape:
        return [""]
    return ["[" + ",".join(map(str, index)) + "]" for index in np.ndindex(leaf.shape)]
