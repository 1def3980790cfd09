"""Spaces made of spaces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.spaces._space import Space

__all__ = ["Dict", "Tuple"]


def _require_space(name: object, space: object) -> Space[Any]:
    if not isinstance(space, Space):
        raise InvalidArgument(f"{name}: expected a space, got {space!r}")
    return space


class _Composite(Space[Any]):
    """Shared by `Dict` and `Tuple`: children are seeded from one seed."""

    def _children(self) -> list[Space[Any]]:
        raise NotImplementedError

    def seed(self, seed: int | None = None) -> list[int]:
        """Seed every child, each with a seed of its own drawn from ``seed``."""
        words = np.random.SeedSequence(seed).generate_state(len(self._children()))
        for child, word in zip(self._children(), words, strict=True):
            child.seed(int(word))
        return [int(word) for word in words]


class Dict(_Composite):
    """Named spaces; a point is a dictionary with the same keys.

    Example:
        >>> from lamcts.spaces import Box, Discrete
        >>> space = Dict(depth=Discrete(3), width=Box(8, 64, dtype=int))
        >>> {"depth": 0, "width": 16} in space
        True
    """

    def __init__(
        self,
        spaces: Mapping[str, Space[Any]] | None = None,
        seed: int | None = None,
        **named: Space[Any],
    ) -> None:
        super().__init__()
        self.spaces = {
            str(key): _require_space(key, space)
            for key, space in {**(spaces or {}), **named}.items()
        }
        if not self.spaces:
            raise InvalidArgument("spaces: Dict needs at least one space, got none")
        if seed is not None:
            self.seed(seed)

    def _children(self) -> list[Space[Any]]:
        return list(self.spaces.values())

    def sample(self) -> dict[str, Any]:
        """A random point of each space."""
        return {key: space.sample() for key, space in self.spaces.items()}

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a mapping with exactly these keys and valid values."""
        return (
            isinstance(x, Mapping)
            and x.keys() == self.spaces.keys()
            and all(x[key] in space for key, space in self.spaces.items())
        )

    def __getitem__(self, key: str) -> Space[Any]:
        return self.spaces[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spaces)

    def __len__(self) -> int:
        return len(self.spaces)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self.spaces.keys()

    def items(self) -> Iterable[tuple[str, Space[Any]]]:
        """Names and spaces."""
        return self.spaces.items()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dict) and self.spaces == other.spaces

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        return f"Dict({', '.join(f'{key!r}: {space}' for key, space in self.spaces.items())})"


class Tuple(_Composite):
    """Spaces in a row; a point is a tuple.

    Example:
        >>> from lamcts.spaces import Box, Discrete
        >>> (1, 0.5) in Tuple([Discrete(2), Box(0.0, 1.0)])
        True
    """

    def __init__(self, spaces: Iterable[Space[Any]], seed: int | None = None) -> None:
        super().__init__()
        self.spaces = tuple(_require_space(i, space) for i, space in enumerate(spaces))
        if not self.spaces:
            raise InvalidArgument("spaces: Tuple needs at least one space, got none")
        if seed is not None:
            self.seed(seed)

    def _children(self) -> list[Space[Any]]:
        return list(self.spaces)

    def sample(self) -> tuple[Any, ...]:
        """A random point of each space."""
        return tuple(space.sample() for space in self.spaces)

    def contains(self, x: Any) -> bool:
        """Whether ``x`` is a tuple (or list) of valid values."""
        return (
            isinstance(x, (tuple, list))
            and len(x) == len(self.spaces)
            and all(part in space for part, space in zip(x, self.spaces, strict=True))
        )

    def __getitem__(self, index: int) -> Space[Any]:
        return self.spaces[index]

    def __len__(self) -> int:
        return len(self.spaces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tuple) and self.spaces == other.spaces

    __hash__ = Space.__hash__

    def __repr__(self) -> str:
        return f"Tuple({', '.join(map(str, self.spaces))})"
