"""Errors a user can act on: each message names what was wrong, the value, and the mend.

The command line prints them in one line, without a traceback, and exits with ``exit_code``.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path

__all__ = [
    "DependencyNotInstalled",
    "Infeasible",
    "InvalidArgument",
    "LamctsError",
    "ProblemError",
    "Pruned",
    "RunError",
    "TooManyFailures",
    "TrialTimeout",
    "UnknownName",
    "WorkerLost",
    "did_you_mean",
    "in_one_line",
    "shown",
]


class LamctsError(Exception):
    """Base class of every error raised on purpose by this package."""

    #: Exit status of the command line (2: the user's mistake, 1: the run failed).
    exit_code = 2


class InvalidArgument(LamctsError, ValueError):
    """A value that cannot be used: a bound, a shape, a budget, a setting."""


class UnknownName(LamctsError, LookupError):
    """A name that is not known: a problem, an optimizer, a setting."""


class ProblemError(LamctsError):
    """A problem that cannot be loaded, or an evaluator that breaks the contract."""


class RunError(LamctsError):
    """A run folder that cannot be written, read, locked or resumed."""


class DependencyNotInstalled(LamctsError, ImportError):
    """An optional library is missing; the message holds the ``pip install`` line."""


class TooManyFailures(LamctsError):
    """So many trials failed that the run was stopped; the message shows the first failure."""

    exit_code = 3


class Infeasible(LamctsError):
    """Raised by an evaluator: this point is not a valid configuration. It is no failure."""

    def __init__(self, reason: str = "infeasible") -> None:
        super().__init__(reason)


class Pruned(LamctsError):
    """Raised by ``Evaluator.report``: the trial need not go on. It is no failure.

    Args:
        reason: Why.
        expected: What it would have come to, for an optimizer to learn from; `None` if unknown.
    """

    def __init__(self, reason: str = "pruned", expected: float | None = None) -> None:
        super().__init__(reason)
        self.expected = expected


class TrialTimeout(LamctsError, TimeoutError):
    """A trial ran longer than the trial time-out and was ended."""

    exit_code = 1


class WorkerLost(LamctsError):
    """The process that evaluated a trial died."""

    exit_code = 1


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an "unknown name" message: the nearest known name, or all of them.

    >>> did_you_mean("akley", ["ackley", "levy"])
    "did you mean 'ackley'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "known: " + (", ".join(names) if names else "none")


def shown(value: object, length: int = 100) -> str:
    """``value`` in an error message: one line, not too long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a half-built object's may raise
        text = "something without a repr"
    return text if len(text) <= length else text[: length - 3] + "..."


def in_one_line(error: BaseException, file: str | None = None) -> str:
    """An error as ``NameError: name 'np' is not defined (my.py, line 3)``.

    Args:
        error: What was raised.
        file: The file to point into, when the error passed through it.
    """
    what = " ".join(traceback.format_exception_only(error)[-1].split())
    if isinstance(error, SyntaxError) and error.filename:
        return f"{what} ({Path(error.filename).name}, line {error.lineno})"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if frame.filename == file] or frames
    return f"{what} ({Path(inside[-1].filename).name}, line {inside[-1].lineno})"
