"""Search spaces, with Gymnasium's names and meanings, and their way into the unit cube.

``Box(low, high)`` holds numbers, `Discrete`, `MultiDiscrete` and `MultiBinary` hold unordered
choices, `Dict` and `Tuple` hold other spaces. Gymnasium itself isn't needed; its spaces are
accepted by `as_space`.
"""

from __future__ import annotations

from lamcts.spaces._box import Box
from lamcts.spaces._codec import Codec, Variable
from lamcts.spaces._composite import Dict, Tuple
from lamcts.spaces._convert import as_space
from lamcts.spaces._discrete import Discrete, MultiBinary, MultiDiscrete
from lamcts.spaces._flatten import flatdim, flatten, flatten_space, unflatten
from lamcts.spaces._json import describe, from_json, space_from_description, to_json
from lamcts.spaces._space import Space

__all__ = [
    "Box",
    "Codec",
    "Dict",
    "Discrete",
    "MultiBinary",
    "MultiDiscrete",
    "Space",
    "Tuple",
    "Variable",
    "as_space",
    "describe",
    "flatdim",
    "flatten",
    "flatten_space",
    "from_json",
    "space_from_description",
    "to_json",
    "unflatten",
]
