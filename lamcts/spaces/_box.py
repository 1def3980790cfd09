"""Boxes: arrays of bounded real numbers or integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces._space import LARGEST_INTEGER, Leaf, as_numbers, as_shape

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Scale = Literal["linear", "log"]


class Box(Leaf[Any]):
    """Arrays of numbers, each between its own bounds (both included).

    As ``gymnasium.spaces.Box``, with three differences: bounds are finite, the default type is
    ``float64`` rather than ``float32``, and scalar bounds without a shape make a space of plain
    numbers (shape ``()``).

    Args:
        low: Smallest values: a number, or an array of the space's shape.
        high: Largest values, likewise; greater than ``low`` everywhere.
        shape: Shape of the elements; by default that of ``low`` and ``high``.
        dtype: ``float16``, ``float32``, ``float64``, or an integer type for integer numbers.
        seed: Seed of `sample`.
        scale: ``"log"`` searches and samples orders of magnitude evenly; needs ``low > 0``.

    Raises:
        InvalidArgument: For bounds that are not finite, in order, or of the type or the shape.

    >>> space = Box(1e-5, 1e-1, scale="log", seed=0)
    >>> space
    Box(1e-05, 0.1, (), float64, scale='log')
    >>> 0.003 in space, 0.0 in space
    (True, False)
    >>> Box(0, 5, shape=(3,), dtype=np.int64).contains([0, 5, 2])
    True
    """

    def __init__(
        self,
        low: ArrayLike,
        high: ArrayLike,
        shape: int | tuple[int, ...] | None = None,
        dtype: DTypeLike = np.float64,
        seed: int | None = None,
        scale: Scale = "linear",
    ) -> None:
        self.dtype = _number_type(dtype)
        lows, highs = _bound(low, "low", self.dtype), _bound(high, "high", self.dtype)
        if shape is None:
            shape = lows.shape or highs.shape
        self.shape = as_shape(shape, "shape")
        self.low = _spread(lows, "low", self.shape)
        self.high = _spread(highs, "high", self.shape)
        if scale not in ("linear", "log"):
            raise InvalidArgument(f"scale: {scale!r} is not known; give 'linear' or 'log'")
        self.scale: Scale = scale
        self._check_bounds()
        super().__init__(seed)

    @property
    def is_integer(self) -> bool:
        """Whether the numbers are integers."""
        return self.dtype.kind in "iu"

    def sample(self) -> Any:
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        rng = self.np_random
        if self.is_integer and self.scale == "linear":
            return self.element(rng.integers(self.low, self.high, endpoint=True, dtype=np.int64))
        if self.is_integer:  # a level's share reaches half-way to its neighbours
            low, high = low - 0.5, high + 0.5
        if self.scale == "log":
            x = np.exp(rng.uniform(np.log(low), np.log(high)))
        else:
            x = rng.uniform(low, high)
        if self.is_integer:
            x = np.rint(x)
        return self.element(np.clip(x, self.low, self.high))

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is an element.

        Arrays must be of a type that casts safely to the space's; numbers and lists of numbers
        only of its kind (no real number in a box of integers).
        """
        array = as_numbers(x)
        if array is None or array.shape != self.shape:
            return False
        if isinstance(x, np.ndarray):
            if not np.can_cast(array.dtype, self.dtype):
                return False
        elif self.is_integer and array.dtype.kind == "f":
            return False
        if not self.is_integer and array.dtype != self.dtype:
            with np.errstate(over="ignore"):  # 0.1 is an element of a float32 box from 0.1 on
                array = array.astype(self.dtype)
        return bool(((self.low <= array) & (array <= self.high)).all())

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self.low.ravel().astype(np.float64), self.high.ravel().astype(np.float64)

    def _check_bounds(self) -> None:
        low, high = self.low.astype(np.float64), self.high.astype(np.float64)
        with np.errstate(over="ignore"):
            endless = np.isinf(high - low)
        for wrong, message in (
            (low >= high, "high{at}: {high} is not above low{at} = {low}; give low < high"),
            (endless, "high{at}: {high} is too far above low{at} = {low}; give nearer bounds"),
            (
                (low <= 0) & (self.scale == "log"),
                "low{at}: {low} has no logarithm; give low > 0 or scale='linear'",
            ),
        ):
            if wrong.any():
                index = tuple(np.argwhere(wrong)[0].tolist())
                at = "[" + ",".join(map(str, index)) + "]" if index else ""
                raise InvalidArgument(
                    message.format(at=at, low=self.low[index].item(), high=self.high[index].item())
                )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Box)
            and (self.shape, self.dtype, self.scale) == (other.shape, other.dtype, other.scale)
            and bool(np.array_equal(self.low, other.low) and np.array_equal(self.high, other.high))
        )

    def __repr__(self) -> str:
        low, high = _short(self.low), _short(self.high)
        scale = ", scale='log'" if self.scale == "log" else ""
        return f"Box({low}, {high}, {self.shape}, {self.dtype}{scale})"


def _number_type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        result = np.dtype(dtype)
    except TypeError:
        result = np.dtype(object)
    if dtype is None or result.kind not in "iuf" or result.itemsize > 8:
        raise InvalidArgument(f"dtype: {dtype!r} cannot be searched; give np.float64 or np.int64")
    return result


def _bound(value: ArrayLike, field: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A bound as an array of ``dtype``: numbers, finite, exact for integers."""
    array = as_numbers(value)
    if array is None:
        raise InvalidArgument(f"{field}: {shown(value)} is not a number or an array of numbers")
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(dtype)
        if not np.isfinite(array).all():
            raise InvalidArgument(
                f"{field}: {shown(value)} is not finite in {dtype}; give finite bounds"
            )
        return array
    # comparisons with NaN are false, so it is refused here too
    limits = np.iinfo(dtype)
    smallest, largest = max(limits.min, -LARGEST_INTEGER), min(limits.max, LARGEST_INTEGER)
    if not ((array >= smallest) & (array <= largest) & (array == np.rint(array))).all():
        raise InvalidArgument(
            f"{field}: {shown(value)} does not fit {dtype}; "
            f"give integers from {smallest} to {largest}"
        )
    return array.astype(dtype)


def _spread(bound: NDArray[Any], field: str, shape: tuple[int, ...]) -> NDArray[Any]:
    if bound.shape not in ((), shape):
        raise InvalidArgument(
            f"{field}: has shape {bound.shape}, not {shape}; give one number or shape {shape}"
        )
    array = np.broadcast_to(bound, shape).copy()
    array.flags.writeable = False
    return array


def _short(bound: NDArray[Any]) -> str:
    """One number where all are equal, as Gymnasium prints bounds, and always one line."""
    first = bound.flat[0]
    return " ".join(str(first if (bound == first).all() else bound).split())
