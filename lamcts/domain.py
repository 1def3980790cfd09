"""What may be proposed: points of the space, in canonical form, legal, and not proposed before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from lamcts.errors import InvalidArgument, ProblemError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lamcts.spaces import Codec

__all__ = ["Domain", "Forms", "Limits"]

#: Finite spaces up to this size are enumerated to find the last points not yet proposed.
ENUMERABLE = 100_000
#: Canonical forms remembered: solvers look at the same neighbours again and again.
REMEMBERED = 50_000


@runtime_checkable
class Limits(Protocol):
    """A cheap predicate that can also say by how much a point breaks it."""

    def __call__(self, x: Any) -> bool:
        """Whether a point may be proposed."""

    def excess(self, x: Any) -> NDArray[np.float64]:
        """(k,) by how much the point exceeds each of k limits; not positive within."""


@runtime_checkable
class Forms(Protocol):
    """Canonical forms of points, which can also be had of many native vectors at once."""

    def __call__(self, x: Any) -> Any:
        """The point that stands for ``x`` and its equivalents."""

    def many(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, p) the native vectors of the forms of points with native vectors (n, p)."""


class Domain:
    """The candidates of a search: codec, canonical forms, cheap constraints, no repeats.

    Args:
        codec: The space's codec.
        feasible: Cheap predicate on a point of the space; ``None`` admits all.
        canonical: Maps a point to the one that stands for its equivalents; ``None``: itself. If it
            is a `Forms`, many points are mapped at once.
        allow_repeats: Whether a point may be proposed again.
        noisy: Whether values carry noise, for solvers to read.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        feasible: Callable[[Any], bool] | None = None,
        canonical: Callable[[Any], Any] | None = None,
        allow_repeats: bool = False,
        noisy: bool = False,
    ) -> None:
        self.codec = codec
        self.feasible = feasible
        self.canonical = canonical
        self.allow_repeats = allow_repeats
        self.noisy = noisy
        self._seen: set[bytes] = set()
        self._forms: dict[bytes, NDArray[np.float64]] = {}

    @property
    def dim(self) -> int:
        """Number of coordinates of the unit cube."""
        return int(self.codec.dim)

    @property
    def exhausted(self) -> bool:
        """Whether every point of a finite space has been proposed."""
        return not self.allow_repeats and len(self._seen) >= self.codec.n_points

    @property
    def enumerable(self) -> bool:
        """Whether `remaining` can find what is left."""
        return self.codec.n_points <= ENUMERABLE

    def legal(self, Z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, d) nearest representable points: snapped to levels, in canonical form."""
        if self.canonical is None:
            return self.codec.snap(Z)
        V = self.codec.decode(Z)
        if isinstance(self.canonical, Forms):
            return self.codec.encode(self.canonical.many(V))
        return self.codec.encode(np.array([self._canonical(v) for v in V]).reshape(V.shape))

    def admit(self, z: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The native vector (p,) of a candidate (d,), or ``None`` if it may not be proposed."""
        v = self.codec.decode(z[None])[0]
        if self.canonical is not None:
            v = self._canonical(v)
        return v if self._is_new(v) and self._is_feasible(v) else None

    def excess(self, z: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(k,) by how much a candidate (d,) breaks each constraint, where there are figures."""
        if not isinstance(self.feasible, Limits):
            return None
        return self.feasible.excess(self.codec.from_vector(self.codec.decode(z[None])[0]))

    def excesses(self, Z: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(n, k) the same of candidates (n, d), where the limits can tell of many at once."""
        many = getattr(self.feasible, "many", None)
        return None if many is None else many(self.codec.decode(Z))

    def mark(self, v: NDArray[np.float64]) -> None:
        """Remember that ``v`` (p,) has been proposed."""
        self._seen.add(self.codec.key(v))

    def remaining(self) -> Iterator[NDArray[np.float64]]:
        """Every point left of a finite space of at most `ENUMERABLE` points."""
        if self.enumerable:
            for v in self.codec.enumerate():
                v = v if self.canonical is None else self._canonical(v)
                if self._is_new(v) and self._is_feasible(v):
                    yield v

    def uniform(self, U: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, p) numbers in [0, 1), one a variable, to (n, d) points (Sobol points, mutations)."""
        Z = np.zeros((len(U), self.dim))
        rows = np.arange(len(U))
        for u, variable in zip(U.T, self.codec.variables, strict=True):
            first, width = variable.columns.start, variable.width
            if width == 1:
                Z[:, first] = u
            else:
                Z[rows, first + np.minimum((u * width).astype(int), width - 1)] = 1.0
        return self.codec.snap(Z)

    def mutate(
        self,
        parents: NDArray[np.float64],
        change: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        low: NDArray[np.float64] | None = None,
        high: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Redraw some variables of some points.

        Args:
            parents: (n, d) points of the unit cube.
            change: (n, p) which variables to redraw.
            rng: Source of randomness.
            low: (d,) or (n, d) lower end for one-column variables, 0 by default.
            high: (d,) or (n, d) upper end, 1 by default.

        Returns:
            (n, d) points: changed one-column variables uniform in ``[low, high]``, changed
            categoricals another category, the rest as the parent has it.
        """
        Z = parents.copy()
        low = np.broadcast_to(0.0 if low is None else low, Z.shape)
        high = np.broadcast_to(1.0 if high is None else high, Z.shape)
        for j, variable in enumerate(self.codec.variables):
            rows = np.flatnonzero(change[:, j])
            columns = variable.columns
            width = variable.width
            if width > 1:
                step = 1 + rng.integers(width - 1, size=len(rows))
                level = (Z[rows, columns].argmax(axis=1) + step) % width
                Z[rows, columns] = 0.0
                Z[rows, columns.start + level] = 1.0
            elif variable.size == 2:
                Z[rows, columns] = 1.0 - Z[rows, columns]  # the only other level
            else:
                a, b = low[rows, columns.start], high[rows, columns.start]
                Z[rows, columns.start] = a + rng.random(len(rows)) * (b - a)
        return Z

    def _canonical(self, v: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self.canonical is not None
        if isinstance(self.canonical, Forms):
            return np.asarray(self.canonical.many(v[None])[0])
        key = self.codec.key(v)
        if key not in self._forms:
            if len(self._forms) >= REMEMBERED:
                self._forms.clear()
            form = self.canonical(self.codec.from_vector(v))
            try:
                self._forms[key] = self.codec.to_vector(form)
            except InvalidArgument as error:
                raise ProblemError(f"canonical(x) gives no point of the space: {error}") from error
        return self._forms[key]

    def _is_new(self, v: NDArray[np.float64]) -> bool:
        return self.allow_repeats or self.codec.key(v) not in self._seen

    def _is_feasible(self, v: NDArray[np.float64]) -> bool:
        return self.feasible is None or bool(self.feasible(self.codec.from_vector(v)))
