"""What a run is, what came of it, and the file of JSON lines that keeps both."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from lamcts.errors import RunError
from lamcts.evaluator import Direction

__all__ = ["Record", "RecordFile", "Task", "read_records"]


@dataclass(frozen=True)
class Task:
    """All that a run needs, as JSON values: two equal tasks are the same run.

    Attributes:
        problem: A problem of a suite, or what `lamcts.problem.load_problem` takes.
        optimizer: One of ours (`lamcts.optimizers`) or a peer (`lamcts.benchmark.peers`).
        seed: The optimizer's seed.
        budget: Evaluations, failed ones included, infeasible ones not.
        instance: Which of a suite's problem's shifts (rotations, tables): 1, 2, ...
        problem_settings: Further settings the problem is built with.
        optimizer_settings: Settings the optimizer is built with.
        clock: Workers simulated by the training times of a table; 0: one trial after the other.
    """

    problem: str
    optimizer: str
    seed: int
    budget: int
    instance: int = 1
    problem_settings: Mapping[str, Any] = field(default_factory=dict)
    optimizer_settings: Mapping[str, Any] = field(default_factory=dict)
    clock: int = 0

    @property
    def key(self) -> str:
        """The task as canonical JSON, by which a finished run is known again."""
        return json.dumps(asdict(self), sort_keys=True, default=str)

    @property
    def label(self) -> str:
        """The problem's name for tables and figures: a file's is its stem."""
        name = Path(self.problem).stem if self.problem.endswith(".py") else self.problem
        return name if self.instance == 1 else f"{name} #{self.instance}"


@dataclass(frozen=True)
class Record:
    """What came of a task.

    Attributes:
        task: The task.
        direction: The problem's direction.
        optimum: The problem's best value, where known.
        dim: The problem's number of variables.
        trace: Every improvement: ``(evaluations so far, best value so far)``.
        tested: Beside each improvement the point's held-out figure, where a table has one.
        optimum_test: The best of these figures in the table.
        times: Beside each improvement the simulated time, in seconds.
        seconds: The simulated time in all.
        evaluations: Trials that count against the budget.
        failed: How many of these failed.
        cpu_seconds: CPU time of the optimizer, all that is not the objective's.
        cpu_ms: The same for one suggestion in the second half of the run, in milliseconds: what
            a suggestion costs once everything is imported and warm.
        peak_mb: Greatest resident memory of the process, in MiB; ``None`` where it can't be told.
        version: Whose optimizer it was: ``"optuna 5.0.0"``.
        error: Why there is no result, or why the run ended early, in one line.
    """

    task: Task
    direction: Direction = "minimize"
    optimum: float | None = None
    dim: int = 1
    trace: tuple[tuple[int, float], ...] = ()
    tested: tuple[float, ...] = ()
    optimum_test: float | None = None
    times: tuple[float, ...] = ()
    seconds: float = 0.0
    evaluations: int = 0
    failed: int = 0
    cpu_seconds: float = 0.0
    cpu_ms: float = 0.0
    peak_mb: float | None = None
    version: str = ""
    error: str | None = None

    def best_at(self, evaluations: int) -> float | None:
        """The best value after so many evaluations; ``None`` while there was none."""
        seen = [value for n, value in self.trace if n <= evaluations]
        return seen[-1] if seen else None

    def test_regret(self, evaluations: int) -> float:
        """How far the held-out figure of the best point after so many evaluations is from the best.

        Infinite before any, and where no table has such figures.
        """
        found = sum(n <= evaluations for n, _ in self.trace)
        if not found or not self.tested or self.optimum_test is None:
            return math.inf
        return abs(self.optimum_test - self.tested[found - 1])

    def regret_by(self, seconds: float) -> float:
        """How far the best value by this simulated time is from the optimum.

        Infinite before any value, and where the optimum is not known.
        """
        found = sum(time <= seconds for time in self.times)
        if not found or self.optimum is None:
            return math.inf
        return abs(self.optimum - self.trace[found - 1][1])

    @property
    def hit(self) -> float:
        """Evaluations until the best value there is was found; infinite if it was not."""
        if self.optimum is None:
            return math.inf
        reached = (n for n, value in self.trace if math.isclose(value, self.optimum, rel_tol=1e-12))
        return min(reached, default=math.inf)

    def to_json(self) -> str:
        """The record as one line."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, line: str) -> Record:
        """The record of a line.

        Raises:
            ValueError: The line is no record (``json.JSONDecodeError`` included).
        """
        try:
            data = json.loads(line)
            trace = tuple((int(n), float(value)) for n, value in data.pop("trace"))
            tested, times = (tuple(map(float, data.pop(n, ()))) for n in ("tested", "times"))
            task = Task(**data.pop("task"))
            return cls(task=task, trace=trace, tested=tested, times=times, **data)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a record: {error}") from error


class RecordFile:
    """A file that records are added to, one a line; what it already holds is read first.

    Attributes:
        path: The file; it and its folder are made when the first record is added.
        records: What it held when it was opened.

    Raises:
        RunError: The file cannot be read, or a line is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = read_records(path) if os.path.exists(path) else []
        self._is_whole = False

    def add(self, record: Record) -> None:
        """Add a line, and see it to the disk.

        Raises:
            RunError: The file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab+") as file:
                _lock(file)  # till it is closed: another comparison may add to it
                if not self._is_whole:  # cut off what a killed run may have left half written
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
                    self._is_whole = True
                file.write(record.to_json().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror}") from error


def _lock(file: IO[bytes]) -> None:
    """Wait for the file's lock, where the system and the file system have one."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def read_records(path: str | Path) -> list[Record]:
    """The records of a file; a last line that was cut short is left out.

    Raises:
        RunError: The file cannot be read, or another line is damaged.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: is not UTF-8 ({error}); move it away") from error
    records = []
    for number, line in enumerate(lines[:-1], start=1):  # after the last newline: torn, or empty
        try:
            records.append(Record.from_json(line))
        except ValueError as error:
            raise RunError(f"{path}: line {number} is damaged ({error}); delete it") from error
    return records
