"""What a run is told to do: checked once, stored in the run's header, compared on resume."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from lamcts.errors import InvalidArgument, did_you_mean, shown
from lamcts.outcome import as_number
from lamcts.pruning import make_rule
from lamcts.settings import plain

__all__ = ["RunConfig", "in_bytes"]

#: Trials asked for ahead of the oldest untold one in deterministic mode, for up to as many workers.
_WINDOW = 8
_EXECUTORS = ("local", "ray")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d+)?) *([KMGT])?(I)?B?")
#: Settings that runs of earlier versions do not have in their header.
_LATER = {"executor", "ray_address", "resources", "prune", "trial_memory"}


@dataclass(frozen=True)
class RunConfig:
    """The settings of a run; see `lamcts.search` for what each means.

    Attributes:
        workers: ``None`` on Ray only: as many as there is room for.
        window: How many trials may be in flight in deterministic mode; 0 otherwise.

    Raises:
        InvalidArgument: A setting cannot be used.
    """

    budget: int
    optimizer: str = "lamcts"
    settings: Mapping[str, Any] = field(default_factory=dict)
    workers: int | None = None
    timeout: float | None = None
    trial_timeout: float | None = None
    constraints: str | Sequence[str] = ()
    max_failures: int | float | None = None
    retries: int = 1
    deterministic: bool = False
    window: int = 0
    executor: str = "local"
    ray_address: str | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    prune: str | None = None
    trial_memory: int | None = None

    def __post_init__(self) -> None:
        """Check every field, make it what a resumed run reads, and settle the window for good."""
        self._check_integer("budget", least=1)
        _check_executor(self.executor, self.ray_address, self.resources)
        if self.workers is None and self.executor == "local":
            object.__setattr__(self, "workers", 1)
        if self.workers is not None:
            self._check_integer("workers", least=1)
        self._check_integer("retries", least=0)
        for name in ("timeout", "trial_timeout"):
            object.__setattr__(self, name, _seconds(name, getattr(self, name)))
        object.__setattr__(self, "max_failures", _failures(self.max_failures))
        if self.trial_memory is not None:
            self._check_integer("trial_memory", least=1)
            if self.executor == "ray":
                raise InvalidArgument(
                    "trial_memory: on Ray give resources={'memory': BYTES} "
                    "(--resources memory=BYTES)"
                )
        if self.prune is not None:
            make_rule(self.prune)
        object.__setattr__(self, "settings", plain(dict(self.settings)))
        object.__setattr__(self, "constraints", _texts(self.constraints))
        object.__setattr__(self, "resources", dict(self.resources))
        if self.deterministic and not self.window:
            object.__setattr__(self, "window", max(_WINDOW, self.workers or 1))

    def _check_integer(self, name: str, *, least: int) -> None:
        """Check a field; NumPy's integers too become plain ones, which a header can hold."""
        value = getattr(self, name)
        is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not is_integer or value < least:
            raise InvalidArgument(f"{name}: must be an integer of at least {least}, got {value!r}")
        object.__setattr__(self, name, int(value))

    def with_changes(self, **changes: Any) -> RunConfig:
        """A copy in which each change that is not ``None`` holds."""
        given = {name: v for name, v in changes.items() if v is not None}
        if given.get("executor") == "local":
            given = {"ray_address": None, "resources": {}, **given}
        return replace(self, **given)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**asdict(self), "constraints": list(self.constraints)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunConfig:
        """The settings in a run's header, which holds other things too."""
        names = {f.name for f in fields(cls)} - (_LATER - data.keys())
        return cls(**{name: data[name] for name in names})


def _check_executor(name: object, address: object, resources: object) -> None:
    if name not in _EXECUTORS:
        raise InvalidArgument(f"executor: {name!r}; {did_you_mean(str(name), _EXECUTORS)}")
    if name != "ray" and (address is not None or resources):
        field = "resources" if resources else "ray_address"
        raise InvalidArgument(f"{field}: only Ray takes it; add executor='ray' (--executor ray)")
    if not isinstance(resources, Mapping):
        raise InvalidArgument(f"resources: {resources!r}; give a dict, {{'gpu': 1, 'cpu': 4}}")
    for resource, amount in resources.items():
        number = isinstance(amount, (int, float)) and not isinstance(amount, bool)
        if not number or not 0 <= amount < math.inf or (amount > 1 and amount % 1):
            raise InvalidArgument(
                f"resources[{resource!r}]: must be a whole number, or a fraction below 1, "
                f"got {amount!r}"
            )


def _texts(constraints: object) -> tuple[str, ...]:
    if isinstance(constraints, str):
        return (constraints,)
    if not isinstance(constraints, Iterable):
        raise InvalidArgument(f"constraints: {constraints!r}; give a list, ['flops<=600e6']")
    return tuple(constraints)


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    number = as_number(value)
    if number is None or not 0 < number < math.inf:
        raise InvalidArgument(f"{name}: must be a positive number of seconds, got {shown(value)}")
    return number


def in_bytes(size: int | str | None) -> int | None:
    """A size given as a number of bytes, or as a text.

    >>> in_bytes("1.5GB"), in_bytes("2 MiB")
    (1500000000, 2097152)

    Raises:
        InvalidArgument: It is no size.
    """
    if not isinstance(size, str):
        return size
    found = _SIZE.fullmatch(size.strip().upper())
    if found is None:
        raise InvalidArgument(f"trial_memory: {size!r} is no size; write 8GB or 500MB")
    number, prefix, binary = found.groups(default="")
    return int(float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix or " "))


def _failures(value: Any) -> int | float | None:
    number = as_number(value)
    is_count = isinstance(value, numbers.Integral) and number is not None and number >= 0
    is_fraction = number is not None and 0 < number < 1
    if value is not None and not is_count and not is_fraction:
        raise InvalidArgument(
            "max_failures: must be a count (0, 1, ...) or a fraction between 0 and 1, "
            f"got {shown(value)}"
        )
    return int(value) if is_count else number
