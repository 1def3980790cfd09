"""Real and integer intervals."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.errors import InvalidArgument
from lamcts.spaces._space import Space

__all__ = ["Box"]


class Box(Space[Any]):
    """A box of real numbers, or of integers when ``dtype`` is an integer type.

    Bounds must be finite, and ``low < high`` in every coordinate. Unlike Gymnasium's, the default
    type is float64: an optimizer needs the digits.

    Args:
        low: Lower bounds: a number, or an array of ``shape``.
        high: Upper bounds, inclusive.
        shape: Shape of a point; taken from the bounds when ``None``.
        dtype: ``np.float64`` by default.
        seed: Seed of `sample`.
        scale: ``"log"`` to search orders of magnitude evenly (bounds must be positive). Our one
            addition to Gymnasium.

    Raises:
        InvalidArgument: A bound is NaN, infinite, equal or reversed, or a shape does not fit.

    Example:
        >>> learning_rate = Box(1e-5, 1e-1, scale="log")
        >>> 3e-4 in learning_rate
        True
    """

    def __init__(
        self,
        low: ArrayLike,
        high: ArrayLike,
        shape: tuple[int, ...] | None = None,
        dtype: Any = np.float64,
        seed: int | None = None,
        *,
        scale: Literal["linear", "log"] = "linear",
    ) -> None:
        kind = np.dtype(dtype)
        if kind.kind not in "fiu":
            raise InvalidArgument(f"dtype: Box holds floats or integers, got {kind}")
        if scale not in ("linear", "log"):
            raise InvalidArgument(f"scale: must be 'linear' or 'log', got {scale!r}")
        if shape is None:
            shape = np.broadcast_shapes(np.shape(low), np.shape(high))
        shape = tuple(int(n) for n in shape)
        if 0 in shape:
            raise InvalidArgument(f"shape: a space needs at least one coordinate, got {shape}")
        super().__init__(shape, kind, seed)
        self.scale: Literal["linear", "log"] = scale
        self.low = self._bound("low", low)
        self.high = self._bound("high", high)
        if np.any(self.low >= self.high):
            worst = np.unravel_index(np.argmax(self.low >= self.high), shape) if shape else ()
            raise InvalidArgument(
                f"low, high: low must be below high, got low={self.low[worst]} and "
                f"high={self.high[worst]}" + (f" at {list(map(int, worst))}" if shape else "")
            )
        if scale == "log" and np.any(self.low <= 0):
            raise InvalidArgument(
                f"low: a log scale needs positive bounds, got {self.low.min()}; raise low"
            )

    def _bound(self, name: str, value: ArrayLike) -> NDArray[Any]:
        try:
            bound = np.broadcast_to(np.asarray(value, dtype=np.float64), self._shape or ())
        except (TypeError, ValueError) as error:
            raise InvalidArgument(
                f"{name}: expected numbers of shape {self._shape}, got {value!r}"
            ) from error
        if not np.isfinite(bound).all():
            raise InvalidArgument(f"{name}: bounds must be finite, got {value!r}")
        assert self.dtype is not None
        return bound.astype(self.dtype)

    @property
    def is_integer(self) -> bool:
        """Whether points are integers."""
        assert self.dtype is not None
        return self.dtype.kind in "iu"

    def sample(self) -> Any:
        """A random point, uniform on the box's scale."""
        u = self.np_random.random(self._shape)
        low, high = self.low.astype(float), self.high.astype(float)
        if self.is_integer:
            low, high = low - 0.5, high + 0.5
        if self.scale == "log":
            x = np.exp(np.log(low) + u * (np.log(high) - np.log(low)))
        else:
            x = low + u * (high - low)
        if self.is_integer:
            x = np.floor(x + 0.5)
        return np.clip(x, self.low, self.high).astype(self.dtype)[()]

    def contains(self, x: Any) -> bool:
        """Whether ``x`` has the right shape, a type that casts safely, and lies in the bounds."""
        try:
            point = np.asarray(x)
        except ValueError:
            return False
        if point.dtype.kind not in "fiu" or point.shape != self._shape:
            return False
        if self.is_integer and point.dtype.kind == "f":
            return False
        return bool(np.all(point >= self.low) and np.all(point <= self.high))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Box)
            and self._shape == other._shape
            and self.dtype == other.dtype
            and self.scale == other.scale
            and np.array_equal(self.low, other.low)
            and np.array_equal(self.high, other.high)
        )

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        def short(bound: NDArray[Any]) -> str:
            same = bound.size > 0 and np.all(bound == bound.flat[0])
            return str(bound.flat[0]) if same else str(bound).replace("\n", "")

        log = ", scale='log'" if self.scale == "log" else ""
        return f"Box({short(self.low)}, {short(self.high)}, {self._shape}, {self.dtype}{log})"
