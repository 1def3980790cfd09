"""Elements and spaces as JSON values, exactly: run files hold points and the space this way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces._box import Box
from lamcts.spaces._composite import Dict, Tuple, join, leaves, split
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._space import Space


def to_json(space: Space[Any], x: Any) -> Any:
    """``x``, an element of ``space``, as numbers, lists and dictionaries.

    Raises:
        InvalidArgument: When ``x`` is not in ``space``.

    >>> to_json(Dict(lr=Box(0.0, 1.0), ops=MultiBinary(2)), {"lr": 0.25, "ops": [0, 1]})
    {'lr': 0.25, 'ops': [0, 1]}
    """
    values = zip(leaves(space), split(space, x), strict=True)
    numbers = (np.asarray(value, dtype=leaf.dtype).tolist() for (_, leaf), value in values)
    return _listed(join(space, numbers))


def from_json(space: Space[Any], data: Any) -> Any:
    """The element of ``space`` that `to_json` made ``data`` of: equal to it bit for bit.

    Raises:
        InvalidArgument: When ``data`` is no element of ``space``, naming the part.

    >>> from_json(MultiBinary(2), [0, 1])
    array([0, 1], dtype=int8)
    """
    values = zip(leaves(space), split(space, data), strict=True)
    return join(space, (leaf.element(value) for (_, leaf), value in values))


def describe(space: Space[Any]) -> dict[str, Any]:
    """All that defines ``space``, as a JSON value; equal for equal spaces in the same order.

    >>> describe(Discrete(3))
    {'type': 'Discrete', 'n': 3, 'start': 0}
    """
    if isinstance(space, Box):
        return {
            "type": "Box",
            "low": _compact(space.low),
            "high": _compact(space.high),
            "shape": list(space.shape),
            "dtype": str(space.dtype),
            "scale": space.scale,
        }
    if isinstance(space, Discrete):
        return {"type": "Discrete", "n": space.n, "start": space.start}
    if isinstance(space, MultiDiscrete):
        return {
            "type": "MultiDiscrete",
            "nvec": space.nvec.tolist(),
            "start": space.start.tolist(),
        }
    if isinstance(space, MultiBinary):
        return {"type": "MultiBinary", "shape": list(space.shape)}
    if isinstance(space, Dict):  # the variables' order is part of a space; JSON objects have none
        parts = {name: describe(part) for name, part in space.items()}
        return {"type": "Dict", "order": list(parts), "spaces": parts}
    if isinstance(space, Tuple):
        return {"type": "Tuple", "spaces": [describe(part) for part in space]}
    raise InvalidArgument(f"space: {shown(space)} is of an unknown type; use lamcts.spaces")


def space_from_description(description: Mapping[str, Any]) -> Space[Any]:
    """The space that `describe` made ``description`` of.

    Raises:
        InvalidArgument: When it is no description of a space.

    >>> space_from_description({"type": "Discrete", "n": 3, "start": 0})
    Discrete(3)
    """
    try:
        fields = dict(description)
        space: Space[Any] = _MAKERS[fields.pop("type")](**fields)
        return space
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(
            f"space: {shown(description)} does not describe a space; give what `describe` returns"
        ) from error


def _make_dict(order: list[str], spaces: Mapping[str, Mapping[str, Any]]) -> Dict:
    return Dict([(name, space_from_description(spaces[name])) for name in order])


def _make_tuple(spaces: list[Mapping[str, Any]]) -> Tuple:
    return Tuple([space_from_description(part) for part in spaces])


_MAKERS: dict[str, Any] = {
    "Box": Box,
    "Discrete": Discrete,
    "MultiDiscrete": MultiDiscrete,
    "MultiBinary": lambda shape: MultiBinary(tuple(shape)),
    "Dict": _make_dict,
    "Tuple": _make_tuple,
}


def _listed(value: Any) -> Any:
    """``value`` with lists for tuples, as JSON will have it."""
    if isinstance(value, dict):
        return {name: _listed(part) for name, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, tuple) else value


def _compact(bound: np.ndarray[Any, Any]) -> Any:
    """A bound as one number where all are equal."""
    return bound.flat[0].item() if (bound == bound.flat[0]).all() else bound.tolist()
