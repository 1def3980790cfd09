"""Categories: one choice (`Discrete`), several (`MultiDiscrete`), switches (`MultiBinary`).

They are unordered: 1 is no nearer to 2 than to 9. Use an integer `Box` for ordered levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces._space import Leaf, T, as_integers, as_numbers, as_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class Categorical(Leaf[T]):
    """Arrays of categories: entry ``i`` is one of ``levels[i]`` integers from ``first[i]`` on."""

    def __init__(
        self,
        levels: NDArray[np.int64],
        first: NDArray[np.int64],
        dtype: type[np.integer[Any]],
        seed: int | None,
    ) -> None:
        self.shape, self.dtype = levels.shape, np.dtype(dtype)
        self.levels, self.first = levels, first
        super().__init__(seed)

    def sample(self) -> T:
        return self.element(self.first + self.np_random.integers(self.levels))

    def contains(self, x: Any) -> bool:
        array = as_numbers(x)
        if array is None or array.shape != self.shape or array.dtype.kind not in "iu":
            return False
        return bool(np.all((self.first <= array) & (array < self.first + self.levels)))

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        highest = self.levels.ravel().astype(np.float64) - 1.0
        return np.zeros_like(highest), highest

    def to_vector(self, x: T) -> NDArray[np.float64]:
        return (np.asarray(x, dtype=np.int64) - self.first).ravel().astype(np.float64)

    def from_vector(self, v: NDArray[np.float64]) -> T:
        return self.element(v.astype(np.int64).reshape(self.shape) + self.first)

    def __eq__(self, other: object) -> bool:
        return (
            type(other) is type(self)
            and isinstance(other, Categorical)
            and np.array_equal(self.levels, other.levels)
            and np.array_equal(self.first, other.first)
        )


class Discrete(Categorical[Any]):
    """One of ``n`` categories, the integers ``start, ..., start + n - 1``.

    Args:
        n: Number of categories, at least 1.
        seed: Seed of `sample`.
        start: The first integer.

    Raises:
        InvalidArgument: For an empty space or numbers that are not integers.

    >>> space = Discrete(3, start=5)
    >>> 5 in space, 8 in space, 5.0 in space
    (True, False, False)
    """

    def __init__(self, n: int, seed: int | None = None, start: int = 0) -> None:
        levels, first = as_integers(n, "n"), as_integers(start, "start")
        if levels.shape or levels < 1:
            raise InvalidArgument(f"n: {n!r} makes an empty space; give a positive integer")
        if first.shape:
            raise InvalidArgument(f"start: {start!r} is not one integer; give for example 0")
        self.n, self.start = int(levels), int(first)
        super().__init__(levels, first, np.int64, seed)

    def sample(self, mask: ArrayLike | None = None) -> Any:
        """Draw one element.

        Args:
            mask: (n,) 1 for each category that may be drawn, 0 for the others. When none may,
                ``start`` is returned, as in Gymnasium.
        """
        if mask is None:
            return super().sample()
        allowed = as_numbers(mask)
        if allowed is None or allowed.shape != (self.n,) or not np.isin(allowed, (0, 1)).all():
            raise InvalidArgument(
                f"mask: {shown(mask)} is not {self.n} zeros and ones, one a category"
            )
        choices = np.flatnonzero(allowed)
        return self.element(self.start + (self.np_random.choice(choices) if choices.size else 0))

    def contains(self, x: Any) -> bool:
        # like Gymnasium: Python's True is an integer, numpy's is not
        return super().contains(int(x) if isinstance(x, bool) else x)

    def __repr__(self) -> str:
        return f"Discrete({self.n}{f', start={self.start}' if self.start else ''})"


class MultiDiscrete(Categorical[Any]):
    """Arrays of categories: entry ``i`` is one of ``nvec[i]`` integers from ``start[i]`` on.

    Args:
        nvec: Number of categories of each entry, at least 1; its shape is the space's.
        seed: Seed of `sample`.
        start: The first integer of each entry; zeros by default.

    Raises:
        InvalidArgument: For an empty space, numbers that are not integers, or shapes that differ.

    >>> [1, 4] in MultiDiscrete([2, 5]), [2, 4] in MultiDiscrete([2, 5])
    (True, False)
    """

    def __init__(
        self, nvec: ArrayLike, seed: int | None = None, start: ArrayLike | None = None
    ) -> None:
        self.nvec = as_integers(nvec, "nvec")
        if not self.nvec.shape or not self.nvec.size or (self.nvec < 1).any():
            raise InvalidArgument(
                f"nvec: {shown(nvec)} makes an empty space; give positive integers, like [3, 3]"
            )
        self.start = as_integers(0 if start is None else start, "start")
        if start is None:
            self.start = np.zeros_like(self.nvec)
        if self.start.shape != self.nvec.shape:
            raise InvalidArgument(
                f"start: has shape {self.start.shape}, not {self.nvec.shape} as nvec has"
            )
        super().__init__(self.nvec, self.start, np.int64, seed)

    def __len__(self) -> int:
        return len(self.nvec)

    def __repr__(self) -> str:
        start = f", start={self.start}" if self.start.any() else ""
        return " ".join(f"MultiDiscrete({self.nvec}{start})".split())


class MultiBinary(Categorical[Any]):
    """Arrays of zeros and ones.

    Args:
        n: Length, or a shape.
        seed: Seed of `sample`.

    Raises:
        InvalidArgument: For an empty shape.

    >>> [0, 1, 1] in MultiBinary(3), MultiBinary((2, 2)).shape
    (True, (2, 2))
    """

    def __init__(self, n: int | tuple[int, ...], seed: int | None = None) -> None:
        shape = as_shape(n, "n")
        if not shape:
            raise InvalidArgument(f"n: {n!r} is no length; give a positive integer or a shape")
        self.n = n
        super().__init__(np.full(shape, 2), np.zeros(shape, np.int64), np.int8, seed)

    def contains(self, x: Any) -> bool:
        # like Gymnasium: zeros and ones of any type
        array = as_numbers(x)
        return (
            array is not None
            and array.shape == self.shape
            and bool(((array == 0) | (array == 1)).all())
        )

    def __repr__(self) -> str:
        return f"MultiBinary({self.shape[0] if len(self.shape) == 1 else self.shape})"
