"""Every method on every problem with every seed, each run in a process of its own."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamcts.benchmark.processes import run_in_processes
from lamcts.benchmark.run import Record, Task
from lamcts.errors import InvalidArgument, RunError
from lamcts.functions import FUNCTIONS

__all__ = ["compare", "plan", "read_records"]

#: The file of a comparison's folder that holds its records, one a line.
RECORDS = "records.jsonl"

Settings = Mapping[str, Mapping[str, Any]]


def compare(
    problems: Sequence[str],
    optimizers: Sequence[str],
    *,
    budget: int,
    seeds: int | Sequence[int] = 5,
    dim: int | None = None,
    jobs: int = 1,
    folder: str | Path | None = None,
    problem_settings: Settings | None = None,
    optimizer_settings: Settings | None = None,
    on_record: Callable[[Record, int, int], None] | None = None,
) -> list[Record]:
    """Run methods against each other.

    Every test function is shifted, by the same amount for every method and by another for every
    seed, so that a search that favours the centre gains nothing.

    Args:
        problems: Test functions (`lamcts.functions.FUNCTIONS`) or any problem references.
        optimizers: Names known to `lamcts.optimizers`.
        budget: Evaluations a run.
        seeds: The seeds, or how many: 0, 1, 2, ...
        dim: Number of coordinates of the test functions; each one's usual when ``None``.
        jobs: Processes at once.
        folder: Where to keep the records; runs that have a result there are not run again.
        problem_settings: Further settings, by the problem's name.
        optimizer_settings: Further settings, by the optimizer's name.
        on_record: Called after each run with its record, the runs done, and all runs.

    Returns:
        A record for every run, in the order seeds within methods within problems. A run that could
        not be finished has a record that says why.

    Raises:
        InvalidArgument: An empty list, or a number that makes no sense.
        UnknownName: A problem, optimizer or setting that is not known.
        RunError: The folder's records cannot be read or written.
    """
    tasks = plan(
        problems,
        optimizers,
        budget=budget,
        seeds=range(seeds) if isinstance(seeds, int) else seeds,
        dim=dim,
        problem_settings=problem_settings or {},
        optimizer_settings=optimizer_settings or {},
    )
    if jobs < 1:
        raise InvalidArgument(f"jobs: must be at least 1, got {jobs}")
    path = None if folder is None else Path(folder) / RECORDS
    kept = read_records(path) if path is not None and path.exists() else []
    finished = {record.task.key: record for record in kept if record.error is None}
    keys = {task.key for task in tasks}
    missing = [task for task in tasks if task.key not in finished]
    with contextlib.closing(run_in_processes(missing, jobs)) as results:
        for record in results:
            finished[record.task.key] = record
            if path is not None:
                _append(path, record)
            if on_record is not None:
                on_record(record, len(finished.keys() & keys), len(tasks))
    return [finished[task.key] for task in tasks]


def plan(
    problems: Sequence[str],
    optimizers: Sequence[str],
    *,
    budget: int,
    seeds: Sequence[int],
    dim: int | None,
    problem_settings: Settings,
    optimizer_settings: Settings,
) -> list[Task]:
    """The runs of a comparison. Problems and optimizers are tried out first: a slip shows here.

    Raises:
        InvalidArgument, UnknownName: As for `compare`.
    """
    from lamcts.optimizers import make_optimizer
    from lamcts.problem import load_problem

    if budget < 1:
        raise InvalidArgument(f"budget: must be at least 1, got {budget}")
    for name, given in (("problems", problems), ("optimizers", optimizers), ("seeds", seeds)):
        if not given:
            raise InvalidArgument(f"{name}: none given; give at least one")
        if len(set(given)) < len(given):
            raise InvalidArgument(f"{name}: {', '.join(map(str, given))}: one is given twice")

    tasks = []
    for problem in problems:
        settings = dict(problem_settings.get(problem, {}))
        is_function = problem.removesuffix("-v0") in FUNCTIONS
        if is_function and dim is not None:
            settings.setdefault("dim", dim)
        with load_problem(problem, **settings) as evaluator:
            for optimizer in optimizers:
                options = optimizer_settings.get(optimizer, {})
                make_optimizer(
                    optimizer, evaluator.space, direction=evaluator.direction, seed=0, **options
                )
        for optimizer in optimizers:
            options = dict(optimizer_settings.get(optimizer, {}))
            for seed in seeds:
                shift = {"shift_seed": _shift_seed(problem, seed)} if is_function else {}
                tasks.append(Task(problem, optimizer, seed, budget, {**shift, **settings}, options))
    return tasks


def read_records(path: str | Path) -> list[Record]:
    """The records of a file; a last line that was cut short is left out.

    Raises:
        RunError: The file cannot be read, or another line is damaged.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from error
    records = []
    for number, line in enumerate(lines[:-1], start=1):  # after the last newline: torn, or empty
        try:
            records.append(Record.from_json(line))
        except ValueError as error:
            raise RunError(f"{path}: line {number} is damaged ({error}); delete it") from error
    return records


def _append(path: Path, record: Record) -> None:
    """Add a line, after cutting off what a killed run may have left half written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab+") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(record.to_json().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from error


def _shift_seed(problem: str, seed: int) -> int:
    """The seed of a function's shift: it depends on nothing but the function and the run's seed."""
    digest = hashlib.blake2b(f"{problem}/{seed}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")
