"""Unordered choices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.errors import InvalidArgument
from lamcts.spaces._space import Space

__all__ = ["Discrete", "MultiBinary", "MultiDiscrete"]


def _is_integer(x: Any) -> bool:
    return (
        isinstance(x, (int, np.integer)) and not isinstance(x, bool)
    ) or (isinstance(x, np.ndarray) and x.shape == () and x.dtype.kind in "iu")


class Discrete(Space[np.int64]):
    """One of ``n`` unordered choices: ``start, ..., start + n - 1``.

    For ordered integers use ``Box(low, high, dtype=int)``.

    Example:
        >>> 2 in Discrete(3), 3 in Discrete(3)
        (True, False)
    """

    def __init__(self, n: int, seed: int | None = None, start: int = 0) -> None:
        if not _is_integer(n) or n < 1:
            raise InvalidArgument(f"n: Discrete needs at least one choice, got {n!r}")
        if not _is_integer(start):
            raise InvalidArgument(f"start: must be an integer, got {start!r}")
        super().__init__((), np.int64, seed)
        self.n, self.start = int(n), int(start)

    def sample(self, mask: NDArray[np.int8] | None = None) -> np.int64:
        """A random choice, among those whose entry of ``mask`` (n,) is not 0."""
        if mask is None:
            return np.int64(self.start + self.np_random.integers(self.n))
        allowed = np.flatnonzero(mask)
        if len(mask) != self.n:
            raise InvalidArgument(f"mask: expected {self.n} entries, got {len(mask)}")
        if not len(allowed):
            return np.int64(self.start)  # as Gymnasium does
        return np.int64(self.start + self.np_random.choice(allowed))

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an integer among the choices."""
        return _is_integer(x) and self.start <= int(x) < self.start + self.n

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Discrete) and (self.n, self.start) == (other.n, other.start)

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        return f"Discrete({self.n}, start={self.start})" if self.start else f"Discrete({self.n})"


class MultiDiscrete(Space[NDArray[np.int64]]):
    """An array of unordered choices, ``nvec`` of them a place.

    Example:
        >>> [0, 2] in MultiDiscrete([2, 3])
        True
    """

    def __init__(
        self, nvec: ArrayLike, seed: int | None = None, start: ArrayLike | None = None
    ) -> None:
        sizes = np.asarray(nvec)
        if sizes.dtype.kind not in "iu" or sizes.size == 0 or np.any(sizes < 1):
            raise InvalidArgument(f"nvec: needs positive integers, at least one, got {nvec!r}")
        super().__init__(sizes.shape, np.int64, seed)
        self.nvec = sizes.astype(np.int64)
        self.start = np.broadcast_to(np.asarray(0 if start is None else start), sizes.shape).astype(
            np.int64
        )

    def sample(self) -> NDArray[np.int64]:
        """Random choices."""
        return np.asarray(self.start + self.np_random.integers(self.nvec), dtype=np.int64)

    def contains(self, x: Any) -> bool:
        """Whether ``x`` holds integers of the right shape, each among its choices."""
        point = np.asarray(x)
        return bool(
            point.dtype.kind in "iu"
            and point.shape == self._shape
            and np.all(point >= self.start)
            and np.all(point < self.start + self.nvec)
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, MultiDiscrete)
            and np.array_equal(self.nvec, other.nvec)
            and np.array_equal(self.start, other.start)
        )

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        start = f", start={self.start.tolist()}" if self.start.any() else ""
        return f"MultiDiscrete({self.nvec.tolist()}{start})"


class MultiBinary(Space[NDArray[np.int8]]):
    """An array of bits.

    Example:
        >>> [0, 1, 1] in MultiBinary(3)
        True
    """

    def __init__(self, n: int | tuple[int, ...], seed: int | None = None) -> None:
        shape = tuple(int(k) for k in np.atleast_1d(np.asarray(n)))
        if not shape or min(shape) < 1:
            raise InvalidArgument(f"n: MultiBinary needs at least one bit, got {n!r}")
        super().__init__(shape, np.int8, seed)
        self.n = shape[0] if len(shape) == 1 else shape

    def sample(self) -> NDArray[np.int8]:
        """Random bits."""
        return self.np_random.integers(2, size=self._shape, dtype=np.int8)

    def contains(self, x: Any) -> bool:
        """Whether ``x`` holds zeros and ones of the right shape."""
        point = np.asarray(x)
        return bool(
            point.dtype.kind in "iub"
            and point.shape == self._shape
            and np.all((point == 0) | (point == 1))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MultiBinary) and self._shape == other._shape

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        return f"MultiBinary({self.n})"
