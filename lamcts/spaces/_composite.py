"""Spaces made of spaces, and the walk over their leaves that everything else is built on."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces._space import Leaf, Space, T


class Composite(Space[T]):
    """A fixed number of parts, each with its own space."""

    @property
    @abstractmethod
    def parts(self) -> Sequence[Space[Any]]:
        """The spaces of the parts, in order."""

    @abstractmethod
    def names(self, name: str) -> Sequence[str]:
        """What the parts are called when the whole is called ``name`` (empty at the root)."""

    @abstractmethod
    def split(self, x: Any) -> Sequence[Any] | None:
        """The parts of ``x`` in order, or ``None`` when it isn't made of such parts."""

    @abstractmethod
    def join(self, parts: Iterable[Any]) -> T:
        """The element made of ``parts``, given in order."""

    def seed(self, seed: int | None = None) -> int:
        used = super().seed(seed)
        for part in self.parts:
            part.seed(int(self.np_random.integers(2**62)))
        return used

    def sample(self) -> T:
        return self.join(part.sample() for part in self.parts)

    def contains(self, x: Any) -> bool:
        values = self.split(x)
        return values is not None and all(
            part.contains(value) for part, value in zip(self.parts, values, strict=True)
        )

    def __len__(self) -> int:
        return len(self.parts)


class Dict(Composite[dict[str, Any]]):
    """Dictionaries with one value of each named space.

    Args:
        spaces: Names and spaces: a dictionary (taken in sorted order, as Gymnasium does), or
            pairs (taken as they come).
        seed: Seed of `sample`, for all parts.
        **spaces_kwargs: More names and spaces, taken as they come.

    Raises:
        InvalidArgument: When there is no space, a name is no string or a value is no space.

    >>> from lamcts.spaces import Box, Discrete
    >>> space = Dict(lr=Box(1e-4, 1.0, scale="log"), layers=Discrete(4, start=1))
    >>> {"lr": 0.01, "layers": 2} in space
    True
    >>> space["layers"]
    Discrete(4, start=1)
    """

    def __init__(
        self,
        spaces: Mapping[str, Space[Any]] | Iterable[tuple[str, Space[Any]]] | None = None,
        seed: int | None = None,
        **spaces_kwargs: Space[Any],
    ) -> None:
        if isinstance(spaces, Mapping) and not isinstance(spaces, OrderedDict):
            spaces = sorted(spaces.items(), key=lambda item: str(item[0]))
        self.spaces: dict[str, Space[Any]] = dict(spaces or ())
        for name in self.spaces.keys() & spaces_kwargs.keys():
            raise InvalidArgument(f"spaces: {name!r} is given twice; give each name once")
        self.spaces.update(spaces_kwargs)
        for name, space in self.spaces.items():
            if not isinstance(name, str) or not name:
                raise InvalidArgument(f"spaces: {name!r} is not a name; give a non-empty string")
            _check_space(space, f"spaces[{name!r}]")
        if not self.spaces:
            raise InvalidArgument("spaces: {} makes an empty space; give at least one name")
        super().__init__(seed)

    @property
    def parts(self) -> Sequence[Space[Any]]:
        return tuple(self.spaces.values())

    def names(self, name: str) -> Sequence[str]:
        return [f"{name}.{key}" if name else key for key in self.spaces]

    def split(self, x: Any) -> Sequence[Any] | None:
        if not isinstance(x, Mapping) or x.keys() != self.spaces.keys():
            return None
        return [x[key] for key in self.spaces]

    def join(self, parts: Iterable[Any]) -> dict[str, Any]:
        return dict(zip(self.spaces, parts, strict=True))

    def __getitem__(self, name: str) -> Space[Any]:
        return self.spaces[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.spaces)

    def keys(self) -> KeysView[str]:
        """The names, in order."""
        return self.spaces.keys()

    def values(self) -> ValuesView[Space[Any]]:
        """The spaces, in order."""
        return self.spaces.values()

    def items(self) -> ItemsView[str, Space[Any]]:
        """The names and spaces, in order."""
        return self.spaces.items()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dict) and self.spaces == other.spaces

    def __repr__(self) -> str:
        return f"Dict({', '.join(f'{name!r}: {space!r}' for name, space in self.items())})"


class Tuple(Composite[tuple[Any, ...]]):
    """Tuples with one value of each space, in order.

    Args:
        spaces: The spaces.
        seed: Seed of `sample`, for all parts.

    Raises:
        InvalidArgument: When there is no space, or a part is no space.

    >>> from lamcts.spaces import Box, Discrete
    >>> (0.5, 1) in Tuple([Box(0.0, 1.0), Discrete(2)])
    True
    """

    def __init__(self, spaces: Iterable[Space[Any]], seed: int | None = None) -> None:
        self.spaces = tuple(spaces)
        for i, space in enumerate(self.spaces):
            _check_space(space, f"spaces[{i}]")
        if not self.spaces:
            raise InvalidArgument("spaces: [] makes an empty space; give at least one space")
        super().__init__(seed)

    @property
    def parts(self) -> Sequence[Space[Any]]:
        return self.spaces

    def names(self, name: str) -> Sequence[str]:
        return [f"{name or 'x'}[{i}]" for i in range(len(self.spaces))]

    def split(self, x: Any) -> Sequence[Any] | None:
        listed = isinstance(x, tuple | list) or (isinstance(x, np.ndarray) and x.ndim > 0)
        return list(x) if listed and len(x) == len(self.spaces) else None

    def join(self, parts: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def __getitem__(self, index: int) -> Space[Any]:
        return self.spaces[index]

    def __iter__(self) -> Iterator[Space[Any]]:
        return iter(self.spaces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tuple) and self.spaces == other.spaces

    def __repr__(self) -> str:
        return f"Tuple({', '.join(map(repr, self.spaces))})"


def leaves(space: Space[Any], name: str = "") -> Iterator[tuple[str, Leaf[Any]]]:
    """Every leaf of ``space`` in order, with its name: ``x`` at the root, ``a.b``, ``a[1]``."""
    if isinstance(space, Composite):
        for part_name, part in zip(space.names(name), space.parts, strict=True):
            yield from leaves(part, part_name)
    elif isinstance(space, Leaf):
        yield name or "x", space
    else:
        raise InvalidArgument(f"space: {shown(space)} is of an unknown type; use lamcts.spaces")


def split(space: Space[Any], x: Any, name: str = "") -> Iterator[Any]:
    """The values of ``x`` at the leaves of ``space``, in order; checks that ``x`` is an element.

    Raises:
        InvalidArgument: Naming the part that is not in its space.
    """
    values = space.split(x) if isinstance(space, Composite) else None
    if isinstance(space, Composite) and values is not None:
        for part_name, part, value in zip(space.names(name), space.parts, values, strict=True):
            yield from split(part, value, part_name)
    elif isinstance(space, Leaf) and space.contains(x):
        yield x
    else:
        raise InvalidArgument(f"{name or 'x'}: {shown(x)} is not in {shown(space)}; {_mend(space)}")


def join(space: Space[Any], values: Iterator[Any]) -> Any:
    """The element of ``space`` whose leaves have the next of ``values``, in order."""
    if isinstance(space, Composite):
        return space.join([join(part, values) for part in space.parts])
    return next(values)


def _mend(space: Space[Any]) -> str:
    if isinstance(space, Dict):
        return f"give a dictionary with exactly the keys {', '.join(space.keys())}"
    if isinstance(space, Composite):
        return f"give {len(space)} values, one for each space"
    return f"give {space.dtype} of shape {space.shape} within the bounds"


def _check_space(space: object, field: str) -> None:
    if not isinstance(space, Space):
        raise InvalidArgument(
            f"{field}: {shown(space)} is not a space; wrap it: lamcts.spaces.as_space"
        )
