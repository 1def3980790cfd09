"""A run as its file tells it, without the problem, and without disturbing who writes it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamcts.errors import InvalidArgument, LamctsError, RunError
from lamcts.history import CHARGED, Trial, TrialState
from lamcts.outcome import Outcome
from lamcts.spaces import Space, from_json, space_from_description
from lamcts.storage._events import Event, check
from lamcts.storage._log import RUN_FILE, read_events, repair_hint

__all__ = [
    "StoredRun",
    "apply",
    "as_path",
    "differences",
    "outcome_in",
    "read_run",
    "run_path",
    "stored_run",
    "stored_space",
]

_OUTCOME = ("state", "value", "metrics", "artifacts", "error", "seconds")


@dataclass(frozen=True)
class StoredRun:
    """A run read from its folder.

    Attributes:
        folder: Where it is.
        header: The ``start`` event: problem, fingerprint, optimizer, settings, seed, ...
        events: All events, the header first.
        space: The search space, built from its description.
        trials: Every trial; those in flight are running.
        budget: The budget, as last set.
        stop: The ``stop`` event when the run ended in an orderly way and was not resumed.
        size: Bytes of the run file that the events take.
    """

    folder: Path
    header: Event
    events: list[Event]
    space: Space[Any]
    trials: list[Trial]
    budget: int
    stop: Event | None
    size: int = 0

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do within the budget."""
        ended = self.stop is not None and self.stop["stopped"] in ("budget", "exhausted")
        return ended and all(trial.state.finished for trial in self.trials)

    @property
    def spent(self) -> int:
        """Trials that count in the budget; of free ones none, however many there are."""
        return sum(trial.state in CHARGED and not trial.known for trial in self.trials)

    @property
    def seconds(self) -> float:
        """Wall time of all sessions together; one that was killed lasted until its last event."""
        seconds, earlier, began = 0.0, 0.0, self.header["time"]
        for event in self.events:
            if event["event"] == "resume":
                earlier, began = seconds, event["time"]
            elif event["event"] == "stop":
                seconds = event["seconds"]
            else:
                seconds = earlier + event["time"] - began
        return float(seconds)


def read_run(folder: str | Path) -> StoredRun:
    """Read a run, whether it is finished, interrupted or being written.

    Args:
        folder: The run's folder, or its run file.

    Raises:
        RunError: There is no run, or its file is damaged; the message names the line.
    """
    path = run_path(folder)
    return stored_run(path, *read_events(path / RUN_FILE))


def run_path(folder: str | Path) -> Path:
    """The folder of a run, which may be given as its run file."""
    path = as_path(folder)
    path = path.parent if path.name == RUN_FILE else path
    if not (path / RUN_FILE).is_file():
        raise RunError(f"{folder}: there is no run here; `lamcts list` shows the runs")
    return path


def as_path(folder: object) -> Path:
    """What a user gave as a folder.

    Raises:
        InvalidArgument: It is no path.
    """
    if isinstance(folder, (str, os.PathLike)):
        return Path(folder)
    raise InvalidArgument(f"folder: {folder!r} is no path; give one, such as 'runs/first'")


def stored_run(folder: Path, events: list[Event], size: int = 0) -> StoredRun:
    """Check that events make up a run, and gather what they say."""
    file = folder / RUN_FILE
    if not events or events[0]["event"] != "start":
        has_header = any(event["event"] == "start" for event in events)
        raise RunError(
            f"{file}: holds no run (its first line is not a start); start a new one"
            + (f", or {repair_hint(folder)}" if has_header else "")
        )
    header = events[0]
    trials: list[Trial] = []
    line = 1
    try:
        space = stored_space(header)
        budget = header["budget"]
        for line, event in enumerate(events[1:], 2):  # noqa: B007 - the message names the line
            check(event)
            if event["event"] == "resume":
                budget = event["budget"]
            elif event["event"] == "start":
                raise ValueError("a second start")
            elif event["event"] != "stop":
                apply(event, trials, space)
    except (ValueError, LamctsError) as error:
        raise RunError(
            f"{file}, line {line}: does not fit the run ({error}); {repair_hint(folder)}"
        ) from error
    stop = events[-1] if events[-1]["event"] == "stop" else None
    return StoredRun(folder, header, events, space, trials, budget, stop, size)


def stored_space(header: Event) -> Space[Any]:
    """The search space of a run, whose header is checked.

    Raises:
        ValueError: A field of the header is missing, or none of a run.
        InvalidArgument: It describes no space, or an initial point is not in it.
    """
    check(header)
    space = space_from_description(header["fingerprint"]["space"])
    for x, _ in header["init"]:
        from_json(space, x)
    return space


def outcome_in(event: Event) -> Outcome:
    """The outcome that a ``tell`` event holds.

    Raises:
        ValueError: It holds none.
    """
    curve = {"curve": event["curve"]} if "curve" in event else {}
    outcome = Outcome.from_dict({**{name: event[name] for name in _OUTCOME}, **curve})
    if not outcome.state.finished:
        raise ValueError(f"told as {outcome.state}")
    number = isinstance(outcome.value, float) and math.isfinite(outcome.value)
    if (outcome.state is TrialState.COMPLETE) != number:
        raise ValueError(f"{outcome.state} with value {outcome.value!r}")
    return outcome


def differences(stored: Any, now: Any, where: str = "") -> Iterator[str]:
    """What differs between two JSON values, one line each: ``space.high: 10.0 -> 12.0``."""
    if isinstance(stored, dict) and isinstance(now, dict):
        for key in {**stored, **now}:
            path = f"{where}.{key}" if where else str(key)
            yield from differences(stored.get(key), now.get(key), path)
    elif isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for i, pair in enumerate(zip(stored, now, strict=True)):
            yield from differences(*pair, f"{where}[{i}]")
    elif stored != now and not (stored != stored and now != now):  # a NaN is no change
        yield f"{where}: {stored!r} in the run, {now!r} now"


def apply(event: Event, trials: list[Trial], space: Space[Any]) -> None:
    """Bring the list of trials up to date with an ``ask`` or a ``tell``.

    Raises:
        ValueError: It does not fit what came before.
        InvalidArgument: Its point is not in the space.
    """
    number = event["number"]
    again = number < len(trials)
    if again and trials[number].state.finished:
        raise ValueError(f"trial {number} is finished already")
    if not again and "x" not in event:
        raise ValueError(f"trial {number} was never asked for")
    if event["event"] == "tell":
        trials[number] = replace(trials[number], **vars(outcome_in(event)))
    elif again:
        trials[number] = replace(trials[number], attempt=event["attempt"])
    elif number == len(trials):
        trials.append(
            Trial(
                number,
                from_json(space, event["x"]),
                TrialState.RUNNING,
                cost=event["cost"],
                attempt=event["attempt"],
                info=event["info"],
            )
        )
    else:
        raise ValueError(f"trial {number} comes before trial {len(trials)}")
