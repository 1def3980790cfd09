"""Ctrl-C: the first finishes what is running, the second drops it."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]

_log = logging.getLogger(__name__)


class Interrupts:
    """Counts interrupts while a run goes on, instead of letting them tear a write.

    Only the second interrupt raises, and only within `waiting`, where nothing is half done; a
    third raises wherever it comes. Outside the main thread signals are left alone.

    Args:
        on_first: Called at the first interrupt.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        self._on_first = on_first
        self._count = 0
        self._waiting = False
        self._before: Any = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark a stretch that the second interrupt may break off with KeyboardInterrupt."""
        if self._count > 1:
            raise KeyboardInterrupt
        self._waiting = True
        try:
            yield
        finally:
            self._waiting = False

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count == 1:
            self._on_first()
            _log.warning("interrupted: finishing the running trials; Ctrl-C again drops them")
        elif self._waiting or self._count > 2:
            raise KeyboardInterrupt
