"""A trial as one row of a table: ``x[0]``, ``x.cell[2]``, ``metrics.loss``; and back to a point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lamcts.outcome import as_number
from lamcts.spaces import Codec, Space, from_json, to_json

__all__ = ["Columns", "flat"]


def flat(data: Any, name: str = "") -> dict[str, Any]:
    """Nested values by name.

    >>> flat({"x": [1, 2], "cost": {"flops": 3}})
    {'x[0]': 1, 'x[1]': 2, 'cost.flops': 3}
    """
    if isinstance(data, dict):
        parts = [(f"{name}.{key}" if name else str(key), value) for key, value in data.items()]
    elif isinstance(data, list):
        parts = [(f"{name}[{i}]", value) for i, value in enumerate(data)]
    else:
        return {name: data}
    return {key: item for part, value in parts for key, item in flat(value, part).items()}


class Columns:
    """The columns that a point of a space has in a table, each with its bounds.

    Args:
        space: The search space.
    """

    def __init__(self, space: Space[Any]) -> None:
        self._space = space
        codec = Codec(space)
        bounds = np.array([(variable.low, variable.high) for variable in codec.variables])
        self._lowest, highest = (to_json(space, codec.from_vector(v)) for v in bounds.T)
        ends = zip(flat(self._lowest, "x").items(), flat(highest, "x").values(), strict=True)
        self.bounds: dict[str, tuple[Any, Any]] = {name: (low, high) for (name, low), high in ends}

    def point(self, row: Mapping[str, Any]) -> Any:
        """The point in a row, which may have other columns too.

        Raises:
            ValueError: Naming the column that is missing, too many, or no number within its bounds.
        """
        for name in row:
            is_part = name == "x" or name.startswith(("x[", "x."))
            if is_part and name not in self.bounds:
                raise ValueError(f"column {name}: no part of this space")
        return from_json(self._space, _filled(self._lowest, self._numbers(row)))

    def _numbers(self, row: Mapping[str, Any]) -> Iterator[float | int]:
        for name, (low, high) in self.bounds.items():
            number = row.get(name)
            number = int(number) if isinstance(number, bool) else as_number(number)
            whole = isinstance(low, int)
            if number is None or not low <= number <= high or (whole and number % 1):
                kind = "an integer" if whole else "a number"
                what = "missing" if row.get(name) is None else f"{row[name]!r}"
                raise ValueError(f"column {name}: {what}; give {kind} from {low} to {high}")
            yield int(number) if whole else number


def _filled(template: Any, numbers: Iterator[float | int]) -> Any:
    """The template with other numbers, in the order of `flat`."""
    if isinstance(template, dict):
        return {key: _filled(part, numbers) for key, part in template.items()}
    if isinstance(template, list):
        return [_filled(part, numbers) for part in template]
    return next(numbers)
