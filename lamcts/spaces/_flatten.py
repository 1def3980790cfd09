"""Gymnasium's flattening: one float vector a point, choices as one-hot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument
from lamcts.spaces._box import Box
from lamcts.spaces._composite import Dict, Tuple
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._space import Space

__all__ = ["flatdim", "flatten", "flatten_space", "unflatten"]


def flatdim(space: Space[Any]) -> int:
    """Length of a flattened point.

    >>> flatdim(Tuple([Discrete(3), Box(0.0, 1.0, shape=(2,))]))
    5
    """
    if isinstance(space, Discrete):
        return space.n
    if isinstance(space, MultiDiscrete):
        return int(space.nvec.sum())
    if isinstance(space, (Dict, Tuple)):
        return sum(flatdim(child) for child in space._children())
    assert space.shape is not None
    return int(np.prod(space.shape))


def flatten(space: Space[Any], x: Any) -> NDArray[Any]:
    """A point as a vector of `flatdim` numbers.

    >>> flatten(Discrete(3), 1).tolist()
    [0, 1, 0]
    """
    if isinstance(space, Discrete):
        return _one_hot(int(x) - space.start, space.n)
    if isinstance(space, MultiDiscrete):
        levels = (np.asarray(x) - space.start).ravel()
        parts = [_one_hot(int(k), int(n)) for k, n in zip(levels, space.nvec.ravel(), strict=True)]
        return np.concatenate(parts)
    if isinstance(space, (Dict, Tuple)):
        values = [x[key] for key in space.spaces] if isinstance(space, Dict) else list(x)
        children = space._children()
        return np.concatenate([flatten(c, v) for c, v in zip(children, values, strict=True)])
    return np.asarray(x, dtype=space.dtype).ravel()


def unflatten(space: Space[Any], flat: NDArray[Any]) -> Any:
    """The point of a flattened vector: the inverse of `flatten`."""
    flat = np.asarray(flat)
    if isinstance(space, Discrete):
        return np.int64(space.start + np.argmax(flat))
    if isinstance(space, MultiDiscrete):
        ends = np.cumsum(space.nvec.ravel())
        levels = [int(np.argmax(part)) for part in np.split(flat, ends[:-1])]
        return (np.array(levels).reshape(space.nvec.shape) + space.start).astype(np.int64)
    if isinstance(space, (Dict, Tuple)):
        children = space._children()
        parts = np.split(flat, np.cumsum([flatdim(child) for child in children])[:-1])
        values = [unflatten(c, part) for c, part in zip(children, parts, strict=True)]
        return (
            dict(zip(space.spaces, values, strict=True))
            if isinstance(space, Dict)
            else tuple(values)
        )
    return flat.reshape(space.shape).astype(space.dtype)[()]


def flatten_space(space: Space[Any]) -> Box:
    """The box that flattened points lie in."""
    if isinstance(space, Box):
        return Box(
            space.low.ravel(),
            space.high.ravel(),
            shape=(int(space.low.size),),
            dtype=space.dtype,
            scale=space.scale,
        )
    if isinstance(space, (Discrete, MultiDiscrete, MultiBinary)):
        return Box(0, 1, shape=(flatdim(space),), dtype=space.dtype)
    if isinstance(space, (Dict, Tuple)):
        boxes = [flatten_space(child) for child in space._children()]
        dtype = np.result_type(*[box.low for box in boxes])
        return Box(
            np.concatenate([box.low for box in boxes]),
            np.concatenate([box.high for box in boxes]),
            dtype=dtype,
        )
    raise InvalidArgument(f"space: cannot flatten {space!r}")


def _one_hot(k: int, n: int) -> NDArray[np.int64]:
    vector = np.zeros(n, dtype=np.int64)
    vector[k] = 1
    return vector
