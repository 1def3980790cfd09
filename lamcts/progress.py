"""Showing people how a run goes: a live panel on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING, TextIO

from lamcts.callbacks import Callback
from lamcts.history import TrialState

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live
    from typing_extensions import Self

    from lamcts.history import Trial
    from lamcts.result import Result
    from lamcts.run import Run

__all__ = ["Progress", "duration", "facts", "progress_line"]

#: States worth mentioning when there are any: the complete ones are the rule.
_TROUBLES = (TrialState.FAILED, TrialState.TIMEOUT, TrialState.LOST, TrialState.INFEASIBLE)


class Progress(Callback):
    """A callback that shows a run's progress; use it as a context manager.

    Args:
        seconds: Between two lines where there is no terminal.
        stream: Where to write; standard error when ``None``.
    """

    def __init__(self, *, seconds: float = 5.0, stream: TextIO | None = None) -> None:
        self._pause = seconds
        self._stream = stream
        self._live: Live | None = None
        self._run: Run | None = None
        self._began = 0.0  # of this session, and what was spent before it
        self._spent_before = 0
        self._next = 0.0

    def __enter__(self) -> Self:
        """Nothing is shown before the run starts."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Give the terminal back, however the run ended."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def on_run_start(self, run: Run) -> None:
        """Begin to show the run."""
        self._run = run
        self._began = time.monotonic()
        self._spent_before = run.spent
        self._next = self._began + self._pause
        console = self._console()
        if console.is_terminal and not console.is_dumb_terminal:
            from rich.live import Live

            # Asked again at each refresh, so that the clock moves while a long trial runs.
            self._live = Live(
                console=console, get_renderable=self._panel, refresh_per_second=4, transient=True
            )
            self._live.start()

    def on_tell(self, run: Run, trial: Trial) -> None:
        """Show the trial's outcome, on a terminal at the next refresh."""
        if self._live is None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause
            try:
                print(self.line(), file=self._stream or sys.stderr, flush=True)
            except OSError:  # who read it has left: the run goes on unwatched
                self._next = math.inf

    def on_run_end(self, run: Run, result: Result) -> None:
        """Take the display away; the result is the caller's to print."""
        self.__exit__()

    def line(self) -> str:
        """Where the run stands, in one line."""
        assert self._run is not None  # on_run_start comes first
        elapsed = time.monotonic() - self._began
        return progress_line(self._run, self._run.spent - self._spent_before, elapsed)

    def _console(self) -> Console:
        from rich.console import Console

        class Lasting(Console):
            """Falls silent where its reader has left; rich's own ends the program."""

            def on_broken_pipe(self) -> None:
                self.quiet = True

        return Lasting(file=self._stream, stderr=self._stream is None, highlight=False)

    def _panel(self) -> RenderableType:
        """A bar, and the line under it."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        assert self._run is not None
        bar = ProgressBar(total=self._run.config.budget, completed=self._run.spent, width=60)
        panel = Table.grid()
        panel.add_row(bar)
        panel.add_row(Text(self.line()))
        return panel


def progress_line(run: Run, done: int, elapsed: float) -> str:
    """Best so far, trials, speed, time left, troubles, and where the optimizer searches.

    Args:
        run: The run.
        done: Trials of the budget spent in this session.
        elapsed: Seconds of this session.
    """
    budget = run.config.budget
    parts = [f"{run.spent}/{budget} trials"]
    best = run.best
    parts.append("best -" if best is None else f"best {best.value:.6g} (trial {best.number})")
    if done and elapsed > 0:
        rate = done / elapsed
        left = max(0, budget - run.spent) / rate
        if run.config.timeout is not None:
            left = min(left, max(0.0, run.config.timeout - elapsed))
        parts += [f"{rate:.3g} trials/s", f"{duration(left)} left"]
    parts += [f"{run.counts[state]} {state}" for state in _TROUBLES if run.counts[state]]
    parts += facts(run)
    return "  ".join(parts)


def facts(run: Run) -> list[str]:
    """What the optimizer says of itself: ``depth 3``, ``leaf +-+``."""
    return [
        f"{name} {value}"
        for name, value in run.optimizer.describe().items()
        if value not in ("", None)
    ]


def duration(seconds: float) -> str:
    """Seconds for people: ``0.4 s``, ``12 s``, ``2 min 5 s``, ``3 h 4 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
