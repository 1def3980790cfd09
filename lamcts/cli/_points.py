"""Points to begin with, from a file: ``lamcts run --init``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lamcts.errors import InvalidArgument, LamctsError
from lamcts.evaluator import Evaluator
from lamcts.spaces import as_space, from_json

__all__ = ["read_points"]


def read_points(file: Path, evaluator: Evaluator) -> list[Any]:
    """The points of a file, with their values where it has them; failed trials are left out.

    Raises:
        InvalidArgument: The file cannot be read, or an entry is no point; it is named.
    """
    space = as_space(evaluator.space)
    points: list[Any] = []
    for number, entry in enumerate(_entries(file), 1):
        try:
            if entry.get("state", "complete") == "complete":
                x, value = from_json(space, entry["x"]), entry.get("value")
                points.append(x if value is None else (x, value))
        except (ValueError, TypeError, KeyError, AttributeError, LamctsError) as error:
            why = "it has no x" if isinstance(error, KeyError) else str(error)
            raise InvalidArgument(f"--init: entry {number} of {str(file)!r}: {why}") from None
    return points


def _entries(file: Path) -> list[Any]:
    """The objects of a JSON list, or of JSON lines."""
    try:
        text = file.read_text(encoding="utf-8")
        if text.lstrip().startswith("["):
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except OSError as error:
        raise InvalidArgument(f"--init: {str(file)!r} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InvalidArgument(f"--init: {str(file)!r} is not JSON: {error}") from None
