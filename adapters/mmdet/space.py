"""The joint space: a backbone with the neck, the head and the input size that it is used with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from lamcts.adapters.mmdet.detector import Detector, Kind, parse_size
from lamcts.adapters.mmdet.families import Family
from lamcts.adapters.mmdet.trunks import Trunk
from lamcts.errors import InvalidArgument
from lamcts.spaces import Dict, Discrete, Space, from_json

__all__ = ["DetectorSpace"]

_FORM = '{"backbone": NAME or {...}, "neck": 32, "depth": 2, "size": "128"}'


class DetectorSpace:
    """Detectors to choose from, and how points, JSON and names mean them.

    A point has the backbone's own point, and the place of each value among its options where
    there are several.

    Args:
        family: The backbones.
        necks: Channels of neck and head.
        depths: Convolutions in each tower of the head.
        sizes: Pixels that images are fitted into, as text.
        kind: Of detector.

    Raises:
        InvalidArgument: Options that are equal or none, or a size that is no size.
    """

    def __init__(
        self,
        family: Family,
        *,
        necks: tuple[int, ...],
        depths: tuple[int, ...],
        sizes: tuple[str, ...],
        kind: Kind,
    ) -> None:
        self.family, self.kind = family, kind
        self.options: dict[str, tuple[Any, ...]] = {
            "neck": _distinct("necks", necks),
            "depth": _distinct("depths", depths),
            "size": _distinct("sizes", tuple(map(str, sizes))),
        }
        self._sizes = {text: parse_size(text) for text in self.options["size"]}

    def make_space(self) -> Dict:
        """A fresh space."""
        parts: list[tuple[str, Space[Any]]] = [("backbone", self.family.space)]
        for name, values in self.options.items():
            if len(values) > 1:
                parts.append((name, Discrete(len(values))))
        return Dict(parts)

    def decode(self, x: Any) -> Detector:
        """The detector of a point, or the one that is given."""
        if isinstance(x, Detector):
            return x
        return self._detector(self.family.trunk(x["backbone"]), self._values(x))

    def canonical(self, x: Any) -> Any:
        """The point that stands for every point of the same detector."""
        return {**x, "backbone": self.family.canonical(x["backbone"])}

    def describe(self, x: Any) -> dict[str, Any]:
        """A point as the JSON that `parse` takes.

        Raises:
            InvalidArgument: It is a detector that is of no point.
        """
        if isinstance(x, Detector):
            raise InvalidArgument("arch: a published backbone is no point of the space; give one")
        return {"backbone": self.family.describe(x["backbone"]), **self._values(x)}

    def parse(self, text: str) -> Any:
        """What ``text`` means: a point, or a `Detector` whose backbone is of none.

        Raises:
            UnknownName: No backbone has this name.
            InvalidArgument: It is no detector of the space.
        """
        if not text.lstrip().startswith("{"):
            return self._of_words(text, {})
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidArgument(f"arch: not JSON ({error}); write {_FORM}") from None
        if given.keys() - {"backbone", *self.options} or "backbone" not in given:
            raise InvalidArgument(f"arch: {sorted(given)} are not the parts; write {_FORM}")
        with contextlib.suppress(ValueError, TypeError, KeyError, IndexError):
            return from_json(self.make_space(), given)
        backbone = given.pop("backbone")  # no point, so it is in words
        text = backbone if isinstance(backbone, str) else json.dumps(backbone)
        return self._of_words(text, given)

    def _of_words(self, backbone: str, given: Mapping[str, Any]) -> Any:
        """The point, or the detector, of a backbone and of values; by default the greatest."""
        values = {name: given.get(name, options[-1]) for name, options in self.options.items()}
        for name, value in values.items():
            if value not in self.options[name]:
                known = ", ".join(map(str, self.options[name]))
                raise InvalidArgument(
                    f"arch: {name} {value!r} is not to choose; use one of {known}"
                )
        found = self.family.parse(backbone)
        if isinstance(found, Trunk):
            return self._detector(found, values)
        several = {name: options for name, options in self.options.items() if len(options) > 1}
        places = {name: options.index(values[name]) for name, options in several.items()}
        return {"backbone": found, **places}

    def _detector(self, trunk: Trunk, values: Mapping[str, Any]) -> Detector:
        size = self._sizes[values["size"]]
        return Detector(trunk, values["neck"], values["depth"], size, self.kind)

    def _values(self, x: Mapping[str, Any]) -> dict[str, Any]:
        return {name: options[int(x.get(name, 0))] for name, options in self.options.items()}


def _distinct(setting: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) < len(values):
        raise InvalidArgument(f"{setting}: {values!r} are not different values; give 32,64 say")
    return values
