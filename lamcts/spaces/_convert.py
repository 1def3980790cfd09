"""Spaces from other libraries' spaces, and spaces and points as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.spaces._box import Box
from lamcts.spaces._composite import Dict, Tuple
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._space import Space

__all__ = ["as_space", "describe", "from_json", "space_from_description", "to_json"]


def as_space(obj: Any) -> Space[Any]:
    """Accept our spaces, and real gymnasium spaces by their class name and attributes.

    Raises:
        InvalidArgument: Not a space, or one that is not bounded and finite-dimensional.
    """
    if isinstance(obj, Space):
        return obj
    name = type(obj).__name__
    if name == "Box" and hasattr(obj, "low"):
        return Box(obj.low, obj.high, shape=tuple(obj.shape), dtype=obj.dtype)
    if name == "Discrete" and hasattr(obj, "n"):
        return Discrete(int(obj.n), start=int(getattr(obj, "start", 0)))
    if name == "MultiDiscrete" and hasattr(obj, "nvec"):
        return MultiDiscrete(obj.nvec, start=getattr(obj, "start", None))
    if name == "MultiBinary" and hasattr(obj, "n"):
        return MultiBinary(obj.n)
    if name == "Dict" and hasattr(obj, "spaces"):
        return Dict({key: as_space(space) for key, space in obj.spaces.items()})
    if name == "Tuple" and hasattr(obj, "spaces"):
        return Tuple([as_space(space) for space in obj.spaces])
    raise InvalidArgument(
        f"space: {obj!r} is not a space; use lamcts.spaces.Box, Discrete, MultiDiscrete, "
        "MultiBinary, Dict or Tuple"
    )


def to_json(space: Space[Any], x: Any) -> Any:
    """A point as JSON values; `from_json` gives back exactly the same point."""
    if isinstance(space, Dict):
        return {key: to_json(child, x[key]) for key, child in space.items()}
    if isinstance(space, Tuple):
        return [to_json(child, part) for child, part in zip(space.spaces, x, strict=True)]
    return np.asarray(x, dtype=space.dtype).tolist()


def from_json(space: Space[Any], data: Any) -> Any:
    """The point that `to_json` wrote.

    Raises:
        InvalidArgument: ``data`` is not a point of ``space``.
    """
    try:
        x = _from_json(space, data)
        valid = x in space
    except (KeyError, TypeError, ValueError):
        valid = False
    if not valid:
        raise InvalidArgument(f"x: {data!r} is not a point of {space!r}")
    return x


def _from_json(space: Space[Any], data: Any) -> Any:
    if isinstance(space, Dict):
        if set(data) != set(space.spaces):
            raise KeyError
        return {key: _from_json(child, data[key]) for key, child in space.items()}
    if isinstance(space, Tuple):
        return tuple(_from_json(c, part) for c, part in zip(space.spaces, data, strict=True))
    raw = np.asarray(data)
    assert space.dtype is not None
    if space.dtype.kind in "iu" and raw.dtype.kind == "f":
        raise ValueError("a float where an integer is expected")
    return raw.astype(space.dtype)[()]


def describe(space: Space[Any]) -> dict[str, Any]:
    """What defines a space, as JSON values: its fingerprint in a stored run."""
    kind = type(space).__name__
    if isinstance(space, Box):
        low, high = (_compact(bound.tolist()) for bound in (space.low, space.high))
        return {
            "type": kind,
            "low": low,
            "high": high,
            "shape": list(space.low.shape),
            "dtype": str(space.dtype),
            "scale": space.scale,
        }
    if isinstance(space, Discrete):
        return {"type": kind, "n": space.n, "start": space.start}
    if isinstance(space, MultiDiscrete):
        return {"type": kind, "nvec": space.nvec.tolist(), "start": space.start.tolist()}
    if isinstance(space, MultiBinary):
        return {"type": kind, "shape": list(space.shape or ())}
    if isinstance(space, Dict):
        return {"type": kind, "spaces": {key: describe(child) for key, child in space.items()}}
    if isinstance(space, Tuple):
        return {"type": kind, "spaces": [describe(child) for child in space.spaces]}
    raise InvalidArgument(f"space: cannot describe {space!r}")


def space_from_description(data: dict[str, Any]) -> Space[Any]:
    """The space that `describe` described."""
    kind = data["type"]
    if kind == "Box":
        return Box(
            data["low"],
            data["high"],
            shape=tuple(data["shape"]),
            dtype=data["dtype"],
            scale=data["scale"],
        )
    if kind == "Discrete":
        return Discrete(data["n"], start=data["start"])
    if kind == "MultiDiscrete":
        return MultiDiscrete(data["nvec"], start=data["start"])
    if kind == "MultiBinary":
        return MultiBinary(tuple(data["shape"]))
    if kind == "Dict":
        return Dict({k: space_from_description(v) for k, v in data["spaces"].items()})
    if kind == "Tuple":
        return Tuple([space_from_description(child) for child in data["spaces"]])
    raise InvalidArgument(f"type: unknown space {kind!r}")


def _compact(bound: Any) -> Any:
    """One number for a bound that is the same everywhere."""
    flat = np.asarray(bound)
    return flat.flat[0].item() if np.all(flat == flat.flat[0]) else bound
