"""What every space shares: a generator, membership, equality.

A space is a *leaf* (its elements are one number or one array) or a *composite* of spaces.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from lamcts.errors import InvalidArgument, shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

T = TypeVar("T")

#: Largest magnitude of an integer. Above it a level's position in the unit interval, a float64,
#: no longer tells it from its neighbours on a log scale.
LARGEST_INTEGER = 2**40


class Space(ABC, Generic[T]):
    """A set of points that can be sampled and tested for membership.

    Attributes:
        shape: Shape of the elements; ``None`` for `Dict` and `Tuple`.
        dtype: Type of the elements' numbers; ``None`` for `Dict` and `Tuple`.

    >>> from lamcts.spaces import Box, Space
    >>> isinstance(Box(0.0, 1.0), Space)
    True
    """

    shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None

    def __init__(self, seed: int | None = None) -> None:
        self._np_random: np.random.Generator | None = None
        if seed is not None:
            self.seed(seed)

    @property
    def np_random(self) -> np.random.Generator:
        """The generator `sample` draws from, seeded from the system's entropy unless `seed` was."""
        if self._np_random is None:
            self.seed()
        assert self._np_random is not None
        return self._np_random

    def seed(self, seed: int | None = None) -> int:
        """Restart the generator.

        Args:
            seed: A non-negative integer; ``None`` draws one.

        Returns:
            The seed in use, so that an unseeded run can be repeated too. (Gymnasium's composites
            return one seed for each part; here one number seeds them all.)
        """
        if seed is not None and (not hasattr(seed, "__index__") or seed < 0):
            raise InvalidArgument(f"seed: {seed!r} is not a non-negative integer; give one or None")
        sequence = np.random.SeedSequence(None if seed is None else operator.index(seed))
        self._np_random = np.random.Generator(np.random.PCG64(sequence))
        return int(sequence.entropy)  # type: ignore[arg-type]

    @abstractmethod
    def sample(self) -> T:
        """Draw one element, uniformly (of a log `Box`: uniformly in the logarithm)."""

    @abstractmethod
    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an element; also written ``x in space``."""

    def __contains__(self, x: Any) -> bool:
        return self.contains(x)


class Leaf(Space[T]):
    """A space whose elements are one array of numbers, or one number when ``shape`` is ``()``."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """How many numbers an element has."""
        return math.prod(self.shape)

    def element(self, numbers: Any) -> T:
        """``numbers``, which are those of an element, as this space's own type of element."""
        array: Any = np.array(numbers, dtype=self.dtype).reshape(self.shape)
        return array if self.shape else array[()]  # type: ignore[no-any-return]

    @property
    @abstractmethod
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(size,) smallest and (size,) largest native numbers of `to_vector`."""

    def to_vector(self, x: T) -> NDArray[np.float64]:
        """(size,) native numbers of an element: its values, or the indices of its categories."""
        return np.asarray(x, dtype=self.dtype).ravel().astype(np.float64)

    def from_vector(self, v: NDArray[np.float64]) -> T:
        """The element with native numbers ``v`` (size,)."""
        return self.element(v)


def as_shape(value: Any, field: str) -> tuple[int, ...]:
    """``value``, an integer or integers, as a shape without zeros."""
    try:
        shape = tuple(map(operator.index, value if isinstance(value, Iterable) else (value,)))
    except TypeError:
        raise InvalidArgument(
            f"{field}: {shown(value)} is not a shape; give positive integers, like (3, 2)"
        ) from None
    if any(length < 1 for length in shape):
        raise InvalidArgument(
            f"{field}: {shown(value)} makes an empty space; give positive integers, like (3, 2)"
        )
    return shape


def as_numbers(x: Any) -> NDArray[Any] | None:
    """``x`` as an array of booleans, integers or reals; ``None`` if it is no such thing."""
    try:
        array = np.asarray(x)
    except ValueError:  # ragged nesting
        return None
    return array if array.dtype.kind in "biuf" else None


def as_integers(value: Any, field: str) -> NDArray[np.int64]:
    """``value``, an integer or a nesting of integers, as an array."""
    array = as_numbers(value)
    if array is None or array.dtype.kind not in "iu":
        raise InvalidArgument(f"{field}: {shown(value)} is not an integer or integers")
    if np.any((array < -LARGEST_INTEGER) | (array > LARGEST_INTEGER)):
        raise InvalidArgument(f"{field}: {shown(value)} is too large; stay within ±2**40")
    return array.astype(np.int64)
