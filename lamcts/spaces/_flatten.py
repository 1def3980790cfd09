"""Elements as flat arrays, as gymnasium lays them out: categories one-hot, the rest as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.spaces._box import Box
from lamcts.spaces._composite import join, leaves, split
from lamcts.spaces._discrete import Categorical, MultiBinary
from lamcts.spaces._space import Leaf, Space

if TYPE_CHECKING:
    from numpy.typing import NDArray


def flatdim(space: Space[Any]) -> int:
    """Length of the flat arrays of `flatten`.

    >>> from lamcts.spaces import Discrete, MultiBinary, Tuple
    >>> flatdim(Tuple([Discrete(3), MultiBinary(2)]))
    5
    """
    return sum(_width(leaf) for _, leaf in leaves(space))


def flatten(space: Space[Any], x: Any) -> NDArray[Any]:
    """``x``, an element of ``space``, as an array (flatdim,).

    Raises:
        InvalidArgument: When ``x`` is not in ``space``.

    >>> from lamcts.spaces import Discrete
    >>> flatten(Discrete(3), 1)
    array([0, 1, 0])
    """
    values = zip(leaves(space), split(space, x), strict=True)
    return np.concatenate([_flatten_leaf(leaf, value) for (_, leaf), value in values])


def unflatten(space: Space[Any], flat: NDArray[Any]) -> Any:
    """The element of ``space`` that `flatten` makes ``flat`` (flatdim,) of.

    Raises:
        InvalidArgument: For an array of another shape, or categories of which none is set.

    >>> from lamcts.spaces import Discrete
    >>> int(unflatten(Discrete(3, start=1), np.array([0, 0, 1])))
    3
    """
    flat = np.asarray(flat)
    if flat.shape != (flatdim(space),):
        raise InvalidArgument(f"flat: has shape {flat.shape}, not ({flatdim(space)},)")
    values, at = [], 0
    for _, leaf in leaves(space):
        values.append(_unflatten_leaf(leaf, flat[at : at + _width(leaf)]))
        at += _width(leaf)
    return join(space, iter(values))


def flatten_space(space: Space[Any]) -> Box:
    """The box of the arrays of `flatten`; on a log scale when every part of ``space`` is.

    >>> from lamcts.spaces import Discrete
    >>> flatten_space(Discrete(3))
    Box(0, 1, (3,), int64)
    """
    parts = [leaf for _, leaf in leaves(space)]
    bounds = [_flat_bounds(leaf) for leaf in parts]
    log = all(isinstance(leaf, Box) and leaf.scale == "log" for leaf in parts)
    return Box(
        np.concatenate([low for low, _ in bounds]),
        np.concatenate([high for _, high in bounds]),
        dtype=np.result_type(*(leaf.dtype for leaf in parts)),
        scale="log" if log else "linear",
    )


def _one_hot(leaf: Leaf[Any]) -> bool:
    return isinstance(leaf, Categorical) and not isinstance(leaf, MultiBinary)


def _width(leaf: Leaf[Any]) -> int:
    return int(leaf.levels.sum()) if isinstance(leaf, Categorical) and _one_hot(leaf) else leaf.size


def _flat_bounds(leaf: Leaf[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return (np.zeros(_width(leaf)), np.ones(_width(leaf))) if _one_hot(leaf) else leaf.bounds


def _starts(leaf: Categorical[Any]) -> NDArray[np.int64]:
    """Where each entry's categories begin in the flat array."""
    levels = leaf.levels.ravel()
    return np.cumsum(levels) - levels


def _flatten_leaf(leaf: Leaf[Any], x: Any) -> NDArray[Any]:
    if not isinstance(leaf, Categorical) or not _one_hot(leaf):
        return np.asarray(x, dtype=leaf.dtype).ravel()
    flat = np.zeros(_width(leaf), dtype=leaf.dtype)
    flat[_starts(leaf) + leaf.to_vector(x).astype(np.int64)] = 1
    return flat


def _unflatten_leaf(leaf: Leaf[Any], flat: NDArray[Any]) -> Any:
    if not isinstance(leaf, Categorical) or not _one_hot(leaf):
        return leaf.element(flat)
    entries = np.split(flat, _starts(leaf)[1:])
    if not all(entry.any() for entry in entries):
        raise InvalidArgument(f"flat: {flat} has no category set for {leaf!r}; set one to 1")
    return leaf.from_vector(np.array([entry.argmax() for entry in entries], dtype=np.float64))
