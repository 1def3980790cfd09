"""One event as one line of text: JSON, closed by a check sum, exact for every float."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lamcts.errors import RunError

__all__ = [
    "FORMAT",
    "Damaged",
    "Event",
    "UnknownFormat",
    "as_stored",
    "check",
    "decode",
    "encode",
    "seal",
    "whole",
]

#: Version of the run file's format, in every line as ``v``.
FORMAT = 1

Event = dict[str, Any]

#: What closes a line, over everything before it; lines of others' making need not have it.
_SEAL = ',"crc":"{:08x}"}}'
_SEALED = re.compile(rb',"crc":"([0-9a-f]{8})"\}\Z')
_SEAL_LENGTH = len(_SEAL.format(0))
#: What a float is marked by that JSON has no number for.
_MARK = b'"$float"'


class Damaged(ValueError):
    """A line that is no event: the message says why."""


class UnknownFormat(RunError):
    """A line of another version's format."""


def encode(value: Any) -> str:
    """JSON of ``value`` on one line. Floats round-trip exactly, those that JSON lacks too."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_scalar)
    except ValueError:
        return json.dumps(_mark(value), allow_nan=False, separators=(",", ":"), default=_scalar)


def as_stored(value: Any) -> Any:
    """What is read back of a value: lists for tuples, Python's numbers for NumPy's.

    Raises:
        TypeError: It cannot be stored.

    >>> as_stored((1.5, float("inf")))
    [1.5, inf]
    """
    return json.loads(encode(value), object_hook=_unmark)


def seal(event: Mapping[str, Any]) -> bytes:
    """An event as a line of the run file, without the line's end.

    >>> seal({"v": 1, "event": "stop"})
    b'{"v":1,"event":"stop","crc":"6a951381"}'
    """
    text = encode(event)[:-1]
    return (text + _SEAL.format(zlib.crc32(text.encode()))).encode()


def decode(line: bytes) -> Event:
    """The event in a line.

    Raises:
        Damaged: There is none, or a byte of it has changed.
        UnknownFormat: It is of another version.
    """
    closing = _SEALED.search(line[-_SEAL_LENGTH:])
    if closing and int(closing[1], 16) != zlib.crc32(line[:-_SEAL_LENGTH]):
        raise Damaged("not as it was written (its check sum is wrong)")
    try:
        # A hook is called for every object of a line; few lines hold a marked float.
        event = json.loads(line, object_hook=_unmark if _MARK in line else None)
        version = event["v"]
        if not isinstance(event["event"], str):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged("not an event of a run; the file was changed or damaged") from None
    if version != FORMAT:
        raise UnknownFormat(
            f"format {version} is not known here (this version reads {FORMAT}); upgrade lamcts"
        )
    return dict(event)


def whole(line: bytes) -> Iterator[bytes]:
    """The whole events within a line that is none itself: what is stray is left out."""
    text, end = line.decode("utf-8", "surrogateescape"), 0
    for start in re.finditer(r'\{"v":', text):
        if start.start() < end:
            continue
        try:
            _, stop = json.JSONDecoder().raw_decode(text, start.start())
            piece = text[start.start() : stop].encode("utf-8", "surrogateescape")
            decode(piece)
        except (ValueError, RecursionError, UnknownFormat):
            continue
        yield piece
        end = stop


def check(event: Event) -> None:
    """Check that an event has its fields, and that they can be what they should be.

    Raises:
        ValueError: Saying which is missing or what it is.
    """
    kind = event["event"]
    if kind == "ask" and "x" not in event:
        kind = "again"
    if kind not in _FIELDS:
        raise ValueError(f"unknown event {kind!r}")
    for name, fits in _FIELDS[kind].items():
        if name not in event:
            if name in _OPTIONAL:
                continue
            raise ValueError(f"no {name!r}")
        if not fits(event[name]):
            raise ValueError(f"{name} is {encode(event[name])[:60]}")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _are_figures(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_number, value.values()))


def _is(*kinds: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kinds)


def _is_curve(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(report, list)
        and len(report) == 2
        and _is_count(report[0])
        and _is_number(report[1])
        for report in value
    )


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_fingerprint(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("direction") in ("minimize", "maximize") and "space" in value


def _is_reference(value: object) -> bool:
    if not isinstance(value, dict):
        return value is None
    return isinstance(value.get("ref"), str) and isinstance(value.get("kwargs"), dict)


def _are_points(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(p, list) and len(p) == 2 for p in value)


_FIELDS: dict[str, dict[str, Callable[[object], bool]]] = {
    "start": {
        "problem": _is_reference,
        "kwargs": _is(dict),
        "name": _is(str),
        "fingerprint": _is_fingerprint,
        "seed": _is_count,
        "init": _are_points,
        "budget": _is_count,
        "optimizer": _is(str),
    },
    "ask": {
        "number": _is_count,
        "attempt": _is_count,
        "x": lambda value: True,  # the space will tell
        "cost": _are_figures,
        "info": _is(dict),
    },
    "again": {"number": _is_count, "attempt": _is_count},
    "tell": {
        "number": _is_count,
        "state": _is(str),
        "value": lambda value: value is None or _is_number(value),
        "metrics": _are_figures,
        "artifacts": _is(dict),
        "error": _is_text_or_none,
        "seconds": lambda value: value is None or _is_number(value),
        "curve": _is_curve,
    },
    "resume": {"budget": _is_count},
    "stop": {"stopped": _is(str), "test": _are_figures, "seconds": _is_number, "words": _is(str)},
}
for _fields in _FIELDS.values():
    _fields["time"] = _is_number
#: In a ``tell`` only where the evaluator reported on its way; in a ``start`` only where the
#: problem has no reference, which would hold its settings; in a ``stop`` only where the problem
#: has words of its own for the best point.
_OPTIONAL = ("curve", "kwargs", "words")


def _scalar(value: Any) -> Any:
    """NumPy scalars as Python's, which JSON knows."""
    if getattr(value, "shape", None) == ():
        return value.item()
    raise TypeError(f"{value!r} ({type(value).__name__}) cannot be stored as JSON")


def _mark(value: Any) -> Any:
    """The value with each float that JSON has no number for as ``{"$float": "nan"}``."""
    if getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(float(value))}
    if isinstance(value, dict):
        return {key: _mark(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_mark(item) for item in value]
    return value


def _unmark(value: dict[str, Any]) -> Any:
    marked = value.get("$float") if len(value) == 1 else None
    return float(marked) if isinstance(marked, str) else value
