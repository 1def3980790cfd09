"""A run as its file tells it, without the problem, and without disturbing who writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lamcts.errors import LamctsError, RunError
from lamcts.history import Trial, TrialState
from lamcts.outcome import Outcome
from lamcts.spaces import Space, from_json, space_from_description
from lamcts.storage._log import RUN_FILE, Event, read_events

__all__ = ["StoredRun", "differences", "outcome_in", "read_run", "run_path", "stored_run"]

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
    """

    folder: Path
    header: Event
    events: list[Event]
    space: Space[Any]
    trials: list[Trial]
    budget: int
    stop: Event | None

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do within the budget."""
        return self.stop is not None and self.stop["stopped"] in ("budget", "exhausted")

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
    return stored_run(path, read_events(path / RUN_FILE)[0])


def run_path(folder: str | Path) -> Path:
    """The folder of a run, which may be given as its run file."""
    path = Path(folder)
    path = path.parent if path.name == RUN_FILE else path
    if not (path / RUN_FILE).is_file():
        raise RunError(f"{folder}: there is no run here; `lamcts list` shows the runs")
    return path


def stored_run(folder: Path, events: list[Event]) -> StoredRun:
    """Check that events make up a run, and gather what they say."""
    file = folder / RUN_FILE
    if not events or events[0]["event"] != "start":
        raise RunError(f"{file}: holds no run (its first line is not a start); start a new one")
    header = events[0]
    trials: list[Trial] = []
    numbered = enumerate(events, 1)
    line, _ = next(numbered)
    try:
        space = space_from_description(header["fingerprint"]["space"])
        budget = header["budget"]
        for line, event in numbered:  # noqa: B007 - the message below names the line
            if event["event"] == "resume":
                budget = event["budget"]
            elif event["event"] in ("ask", "tell"):
                _apply(event, trials, space)
            elif event["event"] != "stop":
                raise ValueError(f"unknown event {event['event']!r}")
    except (KeyError, TypeError, ValueError, IndexError, LamctsError) as error:
        raise RunError(f"{file}, line {line}: does not fit the run ({_why(error)})") from error
    stop = events[-1] if events[-1]["event"] == "stop" else None
    return StoredRun(folder, header, events, space, trials, budget, stop)


def outcome_in(event: Event) -> Outcome:
    """The outcome that a ``tell`` event holds.

    Raises:
        ValueError: It holds none.
    """
    outcome = Outcome.from_dict({name: event[name] for name in _OUTCOME})
    if not outcome.state.finished:
        raise ValueError(f"told as {outcome.state}")
    if (outcome.state is TrialState.COMPLETE) != isinstance(outcome.value, float):
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
    elif stored != now:
        yield f"{where}: {stored!r} in the run, {now!r} now"


def _apply(event: Event, trials: list[Trial], space: Space[Any]) -> None:
    """Bring the list of trials up to date with one event."""
    number = event["number"]
    again = number < len(trials)
    if number < 0 or (again and trials[number].state.finished):
        raise ValueError(f"trial {number} is finished already")
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


def _why(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else str(error)
