"""Arrays that are appended to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Growing"]

T = TypeVar("T", bound=np.generic)


class Growing(Generic[T]):
    """Rows of an array whose capacity doubles when it is full: n appends cost O(n) in all.

    Args:
        rows: (n, ...) the first rows; never written to, they are copied by the first append.
    """

    def __init__(self, rows: NDArray[T]) -> None:
        self._array = rows
        self._n = len(rows)

    def __len__(self) -> int:
        return self._n

    @property
    def rows(self) -> NDArray[T]:
        """(n, ...) a view of the rows so far."""
        return self._array[: self._n]

    def append(self, row: NDArray[T] | float) -> None:
        """Add a row."""
        if self._n == len(self._array):
            shape = (max(self._n, 16), *self._array.shape[1:])
            self._array = np.concatenate([self._array, np.empty(shape, self._array.dtype)])
        self._array[self._n] = row
        self._n += 1
