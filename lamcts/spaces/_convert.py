"""Real gymnasium spaces, recognised by the names of their classes: gymnasium is not imported."""

from __future__ import annotations

from typing import Any

from lamcts.errors import InvalidArgument, shown
from lamcts.spaces._box import Box
from lamcts.spaces._composite import Dict, Tuple
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._space import Space


def as_space(obj: Any) -> Space[Any]:
    """``obj`` as a space of this package: itself, or the equal of a real gymnasium space.

    Args:
        obj: A space of `lamcts.spaces`, or a bounded space of gymnasium.

    Raises:
        InvalidArgument: When it is neither, or a gymnasium box is not bounded.

    >>> as_space(Discrete(3))
    Discrete(3)
    """
    if isinstance(obj, Space):
        return obj
    # subclasses too; names alone would take any class that happens to be called Tuple
    names = {c.__name__ for c in type(obj).__mro__ if c.__module__.split(".")[0] in _LIBRARIES}
    if "Box" in names:
        return Box(obj.low, obj.high, obj.shape, obj.dtype)
    if "Discrete" in names:
        return Discrete(obj.n, start=obj.start)
    if "MultiDiscrete" in names:
        return MultiDiscrete(obj.nvec, start=getattr(obj, "start", None))  # older ones have none
    if "MultiBinary" in names:
        return MultiBinary(obj.shape)
    if "Dict" in names:
        return Dict([(name, as_space(part)) for name, part in obj.spaces.items()])
    if "Tuple" in names:
        return Tuple([as_space(part) for part in obj.spaces])
    raise InvalidArgument(
        f"space: {shown(obj)} is not a space that can be searched; give a Box, Discrete, "
        "MultiDiscrete, MultiBinary, Dict or Tuple of lamcts.spaces or gymnasium.spaces"
    )


_LIBRARIES = ("gymnasium", "gym")
