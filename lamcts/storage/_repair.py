"""Mend a run file that was damaged: keep every trial that is whole, and say what is lost.

The part before the first loss stays as it is, so a resumed run comes to the same state there.
What follows a loss is kept as results: how a later trial was proposed rests on trials that are
gone, so its ``info`` is dropped, and the optimizer learns from it as from any point it is given.
Trials keep their numbers; one whose point cannot be read is recorded as lost, which costs no
budget.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamcts.config import RunConfig
from lamcts.errors import LamctsError, RunError
from lamcts.history import Trial, TrialState
from lamcts.outcome import Outcome
from lamcts.spaces import Space, from_json
from lamcts.storage._events import FORMAT, Damaged, Event, UnknownFormat, check, decode, seal, whole
from lamcts.storage._log import HEADERLESS, RUN_FILE, RunLog, replace_file
from lamcts.storage._stored import apply, run_path, stored_run, stored_space

__all__ = ["Repair", "repair"]

_STRAY = b"\0 \t\r"  # what a file system leaves after a power cut; nobody's data
_LOST = "its point could not be read in the run file, which was damaged"


@dataclass(frozen=True)
class Repair:
    """What was done to a damaged run file.

    Attributes:
        folder: The run's folder.
        original: Where the damaged file is kept.
        kept: How many trials are kept with their outcome.
        open: Trials without an outcome, which a resumed run evaluates again.
        lost: Trials whose point cannot be read.
        dropped: Lines, by number, that are not in the mended file as they were, and why.
    """

    folder: Path
    original: Path
    kept: int
    open: list[int]
    lost: list[int]
    dropped: list[tuple[int, str]]


def repair(folder: str | Path) -> Repair | None:
    """Mend the file of a run, which must not be open; the damaged one is kept beside it.

    Returns:
        What was done; ``None`` when nothing had to be, and nothing was written.

    Raises:
        RunError: There is no run, it is open elsewhere, its header cannot be read, or it is of
            another version.
        RunWriteError: The mended file cannot be written; the old one is as it was.
    """
    path = run_path(folder)
    log = RunLog(path)  # holds the lock
    try:
        file = path / RUN_FILE
        data = file.read_bytes()
        mending = _mend(file, data)
        mended = b"".join(line + b"\n" for line in mending.lines)
        if mended == data:
            return None
        run = stored_run(path, [decode(line) for line in mending.lines])
        original = _keep(file, data)
        replace_file(file, mended)
    finally:
        log.close()
    finished = [trial.number for trial in run.trials if trial.state.finished]
    return Repair(
        folder=path,
        original=original,
        kept=len(finished) - len(mending.lost),
        open=[trial.number for trial in run.trials if not trial.state.finished],
        lost=mending.lost,
        dropped=sorted(mending.dropped),
    )


@dataclass(frozen=True)
class _Line:
    """A whole event that was found in the file, and the number of its line."""

    number: int
    text: bytes
    event: Event


@dataclass(frozen=True)
class _Unreadable:
    """What is no event, and whether one may have been lost with it."""

    number: int
    lossy: bool


class _Mending:
    """The mended file as it grows.

    Args:
        header: The ``start`` event.
        asks: The whole first ``ask`` of each trial, wherever it is in the damaged file.
    """

    def __init__(self, header: _Line, asks: dict[int, _Line], space: Space[Any]) -> None:
        self.lines = [header.text]
        self.trials: list[Trial] = []
        self.lost: list[int] = []
        self.dropped: list[tuple[int, str]] = []
        self._asks = asks
        self._space = space
        self._lossy = False  # something before this place is lost

    def skip(self, unreadable: _Unreadable) -> None:
        """Leave out what is no event."""
        self._drop(unreadable.number, "cannot be read" if unreadable.lossy else "stray bytes")
        self._lossy |= unreadable.lossy

    def add(self, line: _Line) -> None:
        """Take a line in, after the asks that it builds on."""
        kind, number = line.event["event"], line.event.get("number")
        if isinstance(number, int) and number in self._asks:
            self._reach(number, line)
            if self._asks[number] is line:
                return
        try:
            check(line.event)
            if kind == "start":
                raise ValueError("a second start")
            if kind in ("ask", "tell"):
                apply(line.event, self.trials, self._space)
        except (ValueError, LamctsError) as error:
            self._drop(line.number, f"does not fit the run ({error})")
            self._lossy |= line.text not in self.lines
        else:
            self.lines.append(line.text)

    def end(self) -> None:
        """A run that has lost something may not be finished any more: resuming it will tell."""
        while self._lossy and decode(self.lines[-1])["event"] == "stop":
            self.lines.pop()

    def _drop(self, number: int, why: str) -> None:
        self.dropped.append((number, why))

    def _reach(self, number: int, line: _Line) -> None:
        """Ask for all trials up to this one, those first that come later in the file."""
        while len(self.trials) <= number:
            found = self._asks.get(len(self.trials))
            if found is None:
                self._lose(self._asks[number].event)
                continue
            if found is not line:
                self._drop(found.number, "out of order, put in order")
                self._lossy = True
            text = found.text
            if self._lossy and found.event["info"]:
                source = found.event["info"].get("source", "repaired")
                text = _written(found.event, info={"source": source})
            apply(decode(text), self.trials, self._space)
            self.lines.append(text)

    def _lose(self, following: Event) -> None:
        """Record the next trial as lost, at the point of one that is not."""
        number = len(self.trials)
        self.lost.append(number)
        self._lossy = True
        told = Outcome(TrialState.LOST, error=_LOST).to_dict()
        unknown = {"number": number, "attempt": 0, "cost": {}, "info": {"source": "lost"}}
        common = {"v": FORMAT, "time": following["time"], "number": number}
        ask = _written(following, **unknown)
        for text in (ask, seal({**common, "event": "tell", **told})):
            apply(decode(text), self.trials, self._space)
            self.lines.append(text)


def _written(event: Event, **changes: Any) -> bytes:
    """A changed event as a line."""
    return seal({name: v for name, v in {**event, **changes}.items() if name != "crc"})


def _mend(file: Path, data: bytes) -> _Mending:
    """Build the mended file from what is whole in the damaged one.

    Raises:
        RunError: The header cannot be read, or a line is of another version.
    """
    found = list(_read(file, data))
    lines = [item for item in found if isinstance(item, _Line)]
    header = next((line for line in lines if line.event["event"] == "start"), None)
    try:
        if header is None:
            raise ValueError("no line is a start")
        space = stored_space(header.event)
        RunConfig.from_json(header.event)  # what a resumed run needs
    except (ValueError, KeyError, TypeError, LamctsError) as error:
        raise RunError(
            f"{file}: the header, its first line, is damaged ({error}), {HEADERLESS}"
        ) from None
    asks: dict[int, _Line] = {}
    for line in lines:
        if _asks_first(line.event, space) and line.event["number"] < len(lines):
            asks.setdefault(line.event["number"], line)
    mending = _Mending(header, asks, space)
    for item in found:
        if isinstance(item, _Unreadable):
            mending.skip(item)
        elif item is not header:
            mending.add(item)
    mending.end()
    return mending


def _read(file: Path, data: bytes) -> Iterator[_Line | _Unreadable]:
    """All that a run file holds, in order."""
    *texts, tail = data.split(b"\n")
    for number, text in enumerate([*texts, tail] if tail else texts, 1):
        try:
            yield _Line(number, text, decode(text))
        except UnknownFormat as error:
            raise RunError(f"{file}, line {number}: {error}") from None
        except Damaged:
            pieces = list(whole(text))
            rest = text
            for piece in pieces:
                rest = rest.replace(piece, b"", 1)
            yield _Unreadable(number, lossy=bool(rest.strip(_STRAY)))
            yield from (_Line(number, piece, decode(piece)) for piece in pieces)


def _asks_first(event: Event, space: Space[Any]) -> bool:
    """Whether a whole ``ask`` holds a point of the space."""
    try:
        check(event)
        from_json(space, event["x"])
    except (ValueError, KeyError, LamctsError):
        return False
    return bool(event["event"] == "ask")


def _keep(file: Path, data: bytes) -> Path:
    """Put the damaged file beside the mended one, under a name that is free."""
    stem = f"{file.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (stem if n == 1 else f"{stem}-{n}" for n in itertools.count(1))
    path = next(path for path in map(file.with_name, names) if not path.exists())
    replace_file(path, data)
    return path
