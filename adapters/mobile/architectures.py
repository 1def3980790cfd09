"""Architectures from text: by name, or as JSON with the values that are meant."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lamcts.adapters.mobile.choices import Choices, Codes
from lamcts.adapters.mobile.families import COMPOUND, mobilenet_v2, mobilenet_v3_large
from lamcts.adapters.mobile.stages import Network
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean
from lamcts.spaces import from_json

__all__ = [
    "NETWORKS",
    "Values",
    "describe",
    "efficientnet_names",
    "ofa_names",
    "parse_architecture",
    "parse_row",
]

#: Published networks that are no points of a space here: they have a cost, and can be built.
NETWORKS: dict[str, Callable[[], Network]] = {
    "mobilenet_v2": mobilenet_v2,
    "mobilenet_v3_large": mobilenet_v3_large,
}

#: Values of architectures with a name, as in JSON.
Values = Mapping[str, Any]

_B0 = {
    "depths": (1, 2, 2, 3, 3, 4, 1),
    "kernels": (3, 3, 5, 3, 5, 5, 3),
    "expands": (1, 6, 6, 6, 6, 6, 6),
    "squeeze": (1,) * 7,
}

#: Once-for-All's own names.
_ALIASES = {"r": "resolution", "d": "depths", "ks": "kernels", "e": "expands"}


def efficientnet_names() -> dict[str, Values]:
    """EfficientNet-B0 to B7: the same choices at eight scales."""
    return {f"efficientnet_{scale.name}": {"model": scale.name, **_B0} for scale in COMPOUND}


def ofa_names() -> dict[str, Values]:
    """The greatest and the smallest network of Once-for-All's space."""
    most = {"depths": (4,) * 5, "kernels": (7,) * 20, "expands": (6,) * 20}
    least = {"depths": (2,) * 5, "kernels": (3,) * 20, "expands": (3,) * 20}
    return {
        "ofa_mbv3_max": {"resolution": 224, **most},
        "ofa_mbv3_min": {"resolution": 128, **least},
    }


def parse_architecture(
    text: str, choices: Choices, names: Mapping[str, Values]
) -> dict[str, Any] | Network:
    """The point that ``text`` means, in canonical form; or one of `NETWORKS`.

    Args:
        text: A name; JSON with ``resolution`` or ``model``, ``depths``, ``kernels``, ``expands``
            (and ``squeeze``), as lists or strings of digits, block by block or stage by stage; or
            a point of the space as JSON.
        choices: The choices.
        names: Values by name.

    Raises:
        UnknownName: No network has this name.
        InvalidArgument: The JSON describes no network of the space.
    """
    name = text.strip().lower()
    if name in NETWORKS:
        return NETWORKS[name]()
    if name in names:
        return _point(names[name], choices)
    form = json.dumps(_example(choices))
    if not name.startswith("{"):
        hint = did_you_mean(name, [*names, *NETWORKS])
        raise UnknownName(f"arch: {text!r} is no known name, nor JSON {form}; {hint}")
    try:
        data = {_ALIASES.get(key, key): value for key, value in json.loads(text).items()}
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"arch: not JSON ({error}); write {form}") from None
    if choices.family.scaled_by in data:
        return _point(data, choices)
    try:
        row = choices.row(from_json(choices.make_space(), data))
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise InvalidArgument(f"arch: {error}; write {form}") from None
    return choices.point(choices.canonical(row[None])[0])


def parse_row(row: Values, choices: Choices, names: Mapping[str, Values]) -> dict[str, Any]:
    """The point of a row of a table of networks.

    Args:
        row: Either ``arch``, as for `parse_architecture`; or the values by name (``resolution``
            or ``model``, ``depths``, ``kernels``, ``expands``, ``squeeze``); or those of each
            stage (``b0_e``, ``b0_k``, ``b0_l``, ``b0_se``, ``b1_e``, ...), as in Accel-NASBench.
        choices: The choices.
        names: Values by name.

    Raises:
        UnknownName: No network has this name.
        InvalidArgument: The row describes no network of the space.
    """
    if row.get("arch") is not None:
        found = parse_architecture(str(row["arch"]), choices, names)
        if isinstance(found, Network):
            raise InvalidArgument(f"arch: {row['arch']!r} is no network of this space")
        return found
    scaled_by, scales = choices.family.scaled_by, choices.family.scales
    values = {key: row[key] for key in ("depths", "kernels", "expands", "squeeze") if key in row}
    if "b0_e" in row:
        stages = range(len(choices.family.stages))
        letters = {"depths": "l", "kernels": "k", "expands": "e", "squeeze": "se"}
        values = {key: [row.get(f"b{s}_{w}") for s in stages] for key, w in letters.items()}
    scale = row.get(scaled_by, scales[0].name if len(scales) == 1 else None)
    if not values or scale is None:
        raise InvalidArgument(
            f"columns: give arch, or {scaled_by}, depths, kernels, expands"
            + (", squeeze" if "squeeze" in choices.kinds else "")
        )
    return _point({scaled_by: scale, **values}, choices)


def _point(data: Values, choices: Choices) -> dict[str, Any]:
    """The point of values; those of blocks beyond a stage's depth may be anything."""
    scaled_by = choices.family.scaled_by
    given = {"scale": data[scaled_by]} | {key: data[key] for key in data if key != scaled_by}
    row = np.zeros(len(choices.columns), dtype=np.int64)
    # Scale and depths first: they say which of the others count.
    for kind in ("scale", "depths", "kernels", "expands", "squeeze"):
        columns = choices.kinds.get(kind, [])
        if kind == "scale":
            values: Sequence[Any] = [*map(str, np.ravel(given[kind])), ""]
            _known(values[0], [scale.name for scale in choices.family.scales], scaled_by)
        elif columns:
            values = _values(given, kind, len(columns))
        used = choices.used(row[None])[0]
        for nth, column in enumerate(columns):
            if used[column]:
                options = choices.columns[column].options
                row[column] = _known(values[nth], options, f"{kind}[{nth}]")
    return choices.point(row)


def _values(given: Values, kind: str, count: int) -> Sequence[Any]:
    """So many values of a kind: a list, or a string of digits."""
    if kind not in given:
        raise InvalidArgument(f"arch: {kind} is missing; give {count} values")
    values = given[kind]
    values = [int(v) if v.isdigit() else v for v in values] if isinstance(values, str) else values
    if not isinstance(values, Sequence) or len(values) != count:
        raise InvalidArgument(f"arch: {kind} {values!r} is not of {count} values; give so many")
    return values


def _known(value: Any, options: Sequence[Any], field: str) -> int:
    """The index of a value among its options."""
    if value not in options:
        known = ", ".join(str(int(v)) if isinstance(v, bool) else str(v) for v in options)
        raise InvalidArgument(f"arch: {field} {value!r} is not to choose; use one of {known}")
    return list(options).index(value)


def _example(choices: Choices) -> dict[str, Any]:
    """The smallest network as JSON."""
    return describe(choices, np.zeros(len(choices.columns), dtype=np.int64))


def describe(choices: Choices, row: Codes) -> dict[str, Any]:
    """A row of codes (p,) as JSON; 0 for what is unused."""
    family = choices.family
    name = family.scales[int(choices.scale(row[None])[0])].name
    used = choices.used(row[None])[0]
    found: dict[str, Any] = {family.scaled_by: int(name) if name.isdigit() else name}
    for kind, columns in choices.kinds.items():
        if kind != "scale":
            found[kind] = [
                int(choices.columns[c].options[row[c]]) if used[c] else 0 for c in columns
            ]
    return found
