"""What a run is told to do: checked once, stored in the run's header, compared on resume."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from lamcts.errors import InvalidArgument
from lamcts.settings import plain

__all__ = ["RunConfig"]

#: Trials asked for ahead of the oldest untold one in deterministic mode, for up to as many workers.
_WINDOW = 8


@dataclass(frozen=True)
class RunConfig:
    """The settings of a run; see `lamcts.search` for what each means.

    Attributes:
        window: How many trials may be in flight in deterministic mode; 0 otherwise.

    Raises:
        InvalidArgument: A setting cannot be used.
    """

    budget: int
    optimizer: str = "lamcts"
    settings: Mapping[str, Any] = field(default_factory=dict)
    workers: int = 1
    timeout: float | None = None
    trial_timeout: float | None = None
    constraints: tuple[str, ...] = ()
    max_failures: int | float | None = None
    retries: int = 1
    deterministic: bool = False
    window: int = 0

    def __post_init__(self) -> None:
        """Check every field, make it what a resumed run reads, and settle the window for good."""
        _check_integer("budget", self.budget, least=1)
        _check_integer("workers", self.workers, least=1)
        _check_integer("retries", self.retries, least=0)
        for name in ("timeout", "trial_timeout"):
            _check_seconds(name, getattr(self, name))
        _check_failures(self.max_failures)
        object.__setattr__(self, "settings", plain(dict(self.settings)))
        object.__setattr__(self, "constraints", tuple(self.constraints))
        if self.deterministic and not self.window:
            object.__setattr__(self, "window", max(_WINDOW, self.workers))

    def with_changes(self, **changes: Any) -> RunConfig:
        """A copy in which each change that is not ``None`` holds."""
        return replace(self, **{name: v for name, v in changes.items() if v is not None})

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**asdict(self), "constraints": list(self.constraints)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunConfig:
        """The settings in a run's header, which holds other things too."""
        return cls(**{f.name: data[f.name] for f in fields(cls)})


def _check_integer(name: str, value: object, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidArgument(f"{name}: must be an integer of at least {least}, got {value!r}")


def _check_seconds(name: str, value: object) -> None:
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 < float(value) < math.inf:  # type: ignore[arg-type]
        raise InvalidArgument(f"{name}: must be a positive number of seconds, got {value!r}")


def _check_failures(value: object) -> None:
    is_fraction = isinstance(value, float) and 0 < value < 1
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if value is not None and not is_fraction and not is_count:
        raise InvalidArgument(
            "max_failures: must be a count (0, 1, ...) or a fraction between 0 and 1, "
            f"got {value!r}"
        )
