"""Cells from text: well-known ones by name, any other as JSON."""

from __future__ import annotations

import json
from typing import Any

from lamcts.adapters.nasbench101.cell import (
    CONV1X1,
    CONV3X3,
    INPUT,
    MAXPOOL3X3,
    OPS,
    OUTPUT,
    Cell,
    valid_cell,
)
from lamcts.adapters.nasbench101.space import decode
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = ["NAMED_CELLS", "parse_cell"]

#: Cells with a name. ``inception`` is the example of the official README, ``lanas-best`` the
#: optimum that LaNAS reports (the best mean test accuracy of the table), ``alphax-*`` AlphaX's
#: targets among the smaller cells and one of 7 vertices, ``resnet`` a residual block of two 3x3s.
NAMED_CELLS = {
    "inception": Cell.from_edges(
        [(0, 1), (0, 2), (0, 3), (0, 5), (1, 6), (2, 6), (3, 4), (4, 6), (5, 6)],
        [CONV1X1, CONV3X3, CONV3X3, CONV3X3, MAXPOOL3X3],
    ),
    "lanas-best": Cell.from_edges(
        [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 4), (2, 3), (3, 4), (4, 5)],
        [CONV3X3, CONV3X3, CONV3X3, CONV3X3],
    ),
    "alphax-7": Cell.from_edges(
        [(0, 1), (0, 2), (0, 5), (0, 6), (1, 5), (2, 3), (3, 4), (4, 5), (5, 6)],
        [CONV1X1, CONV3X3, MAXPOOL3X3, CONV3X3, CONV3X3],
    ),
    "alphax-5": Cell.from_edges(
        [(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (2, 3), (3, 4)],
        [CONV1X1, CONV3X3, CONV3X3],
    ),
    "alphax-4": Cell.from_edges([(0, 1), (0, 3), (1, 2), (2, 3)], [CONV3X3, CONV1X1]),
    "alphax-3": Cell.from_edges([(0, 1), (0, 2), (1, 2)], [CONV3X3]),
    "resnet": Cell.from_edges([(0, 1), (0, 3), (1, 2), (2, 3)], [CONV3X3, CONV3X3]),
}

_SHORT_OPS = {"conv3x3": CONV3X3, "conv1x1": CONV1X1, "maxpool": MAXPOOL3X3}
_FORM = '{"adjacency": [[0, 1, ...], ...], "ops": ["input", "conv3x3-bn-relu", ..., "output"]}'


def parse_cell(text: str) -> Cell:
    """The valid, pruned cell that ``text`` means, numbered as written.

    Args:
        text: A name of `NAMED_CELLS`; or JSON with ``adjacency`` (rows of 0 and 1, or the
            row-major digits as one string) and ``ops`` (``input`` and ``output`` may be left out;
            ``conv3x3``, ``conv1x1``, ``maxpool`` for short); or a point of the search space.

    Raises:
        UnknownName: No cell has this name.
        InvalidArgument: The JSON does not describe a cell of NASBench-101.

    >>> parse_cell('{"adjacency": "010001000", "ops": ["conv3x3"]}').edges
    ((0, 1), (1, 2))
    """
    name = text.strip().lower()
    if name in NAMED_CELLS:
        return NAMED_CELLS[name]
    if not name.startswith("{"):
        raise UnknownName(
            f"arch: {text!r} is no known name, nor JSON {_FORM}; {did_you_mean(name, NAMED_CELLS)}"
        )
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"arch: not JSON ({error}); write {_FORM}") from None
    if "edges" in data:
        return decode(data)
    try:
        return valid_cell(Cell.make(_rows(data["adjacency"]), _ops(data)))
    except (KeyError, TypeError) as error:
        raise InvalidArgument(f"arch: {error} is missing or malformed; write {_FORM}") from None


def _rows(adjacency: Any) -> Any:
    """Nested rows, also from a string of V x V digits."""
    if not isinstance(adjacency, str):
        return adjacency
    size = round(len(adjacency) ** 0.5)
    if size * size != len(adjacency):
        raise InvalidArgument(
            f"adjacency: {len(adjacency)} digits are not a square matrix; "
            "write all rows one after the other"
        )
    digits = [{"0": 0, "1": 1}.get(digit, digit) for digit in adjacency]
    return [digits[row * size : (row + 1) * size] for row in range(size)]


def _ops(data: dict[str, Any]) -> list[str]:
    """Official operation names, with the input and the output added where left out."""
    size = len(_rows(data["adjacency"]))
    ops = [_SHORT_OPS.get(op, op) for op in data["ops"]]
    if len(ops) == size - 2 and set(ops) <= set(OPS):
        return [INPUT, *ops, OUTPUT]
    return ops
