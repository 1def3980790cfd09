"""Points as text, for files and messages, and one to try things on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lamcts.errors import InvalidArgument
from lamcts.spaces import as_space, describe, from_json, space_from_description, to_json

__all__ = ["as_json", "from_text", "plain", "some_point"]


def as_json(space: Any, x: Any) -> str:
    """A point as a line of JSON."""
    return json.dumps(to_json(as_space(space), x))


def from_text(space: Any, text: str) -> Any:
    """The point of a line of JSON.

    Raises:
        InvalidArgument: It is no point of the space.
    """
    space = as_space(space)
    try:
        x = from_json(space, json.loads(text))
    except (ValueError, TypeError, LookupError) as error:
        raise InvalidArgument(f"{text!r} is no configuration as JSON: {error}") from None
    if x not in space:
        raise InvalidArgument(f"{text!r} is not in {space!r}")
    return x


def plain(x: Any) -> Any:
    """A point with Python's own numbers, which PyTorch's modules insist on; arrays stay.

    >>> plain({"width": np.int64(3)})
    {'width': 3}
    """
    if isinstance(x, Mapping):
        return {name: plain(part) for name, part in x.items()}
    if isinstance(x, tuple):
        return tuple(plain(part) for part in x)
    return x.item() if isinstance(x, np.generic) else x


def some_point(space: Any) -> Any:
    """A point of a space, always the same, drawn without touching the space's own generator."""
    copy = space_from_description(describe(as_space(space)))
    copy.seed(0)
    return copy.sample()
