"""The base class of all spaces."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import numpy as np

__all__ = ["Space"]

T = TypeVar("T")


class Space(Generic[T]):
    """A set of points, with Gymnasium's interface.

    Args:
        shape: Shape of a point, or ``None`` for composite spaces.
        dtype: NumPy type of a point, or ``None`` for composite spaces.
        seed: Seed of `sample`.
    """

    def __init__(
        self,
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
        seed: int | None = None,
    ) -> None:
        self._shape = shape
        self.dtype: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)
        self._seed = seed
        self._rng: np.random.Generator | None = None

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of a point; ``None`` for composite spaces."""
        return self._shape

    @property
    def np_random(self) -> np.random.Generator:
        """The generator behind `sample`, made on first use."""
        if self._rng is None:
            self._rng = np.random.default_rng(self._seed)
        return self._rng

    def seed(self, seed: int | None = None) -> int | list[int]:
        """Start `sample` anew. Returns the seed used."""
        used = int(np.random.SeedSequence(seed).generate_state(1)[0]) if seed is None else seed
        self._rng = np.random.default_rng(used)
        return used

    def sample(self) -> T:
        """A uniformly random point."""
        raise NotImplementedError

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a point of this space."""
        raise NotImplementedError

    def __contains__(self, x: Any) -> bool:
        return self.contains(x)

    def __eq__(self, other: object) -> bool:
        raise NotImplementedError

    def __hash__(self) -> int:
        return hash(repr(self))
