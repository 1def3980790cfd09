"""Watching a run: progress displays, loggers. A callback never changes what is proposed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lamcts.errors import InvalidArgument

if TYPE_CHECKING:
    from lamcts.history import Trial
    from lamcts.result import Result
    from lamcts.run import Run

__all__ = ["Callback", "Callbacks", "checked"]

_log = logging.getLogger(__name__)


class Callback:
    """Base class of what watches a run; override what you need.

    What a callback is shown is on the disk already. An exception it raises is logged, once for
    each callback, and the run goes on. `Run.stop` ends the run early.
    """

    def on_run_start(self, run: Run) -> None:
        """The run begins or is resumed; ``run.trials`` holds what is known already."""

    def on_ask(self, run: Run, trial: Trial) -> None:
        """A trial was proposed, or is evaluated again after its worker was lost."""

    def on_tell(self, run: Run, trial: Trial) -> None:
        """A trial was finished."""

    def on_run_end(self, run: Run, result: Result) -> None:
        """The run ended: its budget is spent, or it was interrupted."""


def checked(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """Those that a run was given: what has no hooks would be passed over in silence.

    Raises:
        InvalidArgument: They are no list of callbacks.
    """
    given = tuple(callbacks) if isinstance(callbacks, Iterable) else None
    if given is None or not all(isinstance(callback, Callback) for callback in given):
        raise InvalidArgument(f"callbacks: {callbacks!r}; give a list of lamcts.Callback objects")
    return given


class Callbacks:
    """Calls a hook of every callback, whatever they raise."""

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self._callbacks = tuple(callbacks)
        self._failed: set[int] = set()

    def notify(self, hook: str, *args: Any) -> None:
        """Call ``hook`` on each callback."""
        for i, callback in enumerate(self._callbacks):
            try:
                getattr(callback, hook)(*args)
            except Exception:
                if i not in self._failed:
                    self._failed.add(i)
                    name = type(callback).__name__
                    _log.exception("callback %s: %s raised; the run goes on", name, hook)
