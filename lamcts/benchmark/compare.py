"""Every optimizer on every problem with every seed, each run in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamcts.benchmark.clock import check_clock
from lamcts.benchmark.peers import PEERS, check_peer, is_peer, kinds_of
from lamcts.benchmark.processes import run_in_processes
from lamcts.benchmark.records import Record, RecordFile, Task
from lamcts.benchmark.suites import Case, find_case
from lamcts.config import RunConfig
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean
from lamcts.problem import make_ready
from lamcts.problem import problem_settings as settings_of

__all__ = ["RECORDS", "compare", "plan"]

#: The file of a comparison's folder that holds its records, one a line.
RECORDS = "records.jsonl"

Settings = Mapping[str, Mapping[str, Any]]


def compare(
    problems: Sequence[str],
    optimizers: Sequence[str],
    *,
    budget: int,
    seeds: int | Sequence[int] = 5,
    instances: int = 1,
    dim: int | None = None,
    workers: int = 1,
    folder: str | Path | None = None,
    problem_settings: Settings | None = None,
    optimizer_settings: Settings | None = None,
    clock: int = 0,
    on_record: Callable[[Record, int, int], None] | None = None,
) -> list[Record]:
    """Run optimizers against each other.

    A suite's problem is shifted by its name and its instance's number, the same for every
    optimizer and every seed, so that a search that favours the centre gains nothing.

    Args:
        problems: Problems of a suite (`lamcts.benchmark.suites`), test functions
            (`lamcts.functions.FUNCTIONS`), or any problem references.
        optimizers: Ours (`lamcts.optimizers`) and peers (`lamcts.benchmark.peers`), by name; a
            peer of your own as ``"FILE.py:FUNCTION"``, a function of an
            `lamcts.benchmark.peers.Objective`.
        budget: Evaluations a run.
        seeds: The seeds, or how many: 0, 1, 2, ...
        instances: How many instances of each suite's problem: 1, 2, ...
        dim: Number of coordinates of the test functions; each one's usual when ``None``.
        workers: Processes at once.
        folder: Where to keep the records; runs that have a result there are not run again.
        problem_settings: Further settings, by the problem's name.
        optimizer_settings: Further settings, by the optimizer's name.
        clock: Workers simulated by the training times of the problems' tables; 0: one trial after
            the other. Ours only: peers ask for one at a time.
        on_record: Called after each run with its record, the runs done, and all runs.

    Returns:
        A record for every run, in the order seeds within optimizers within instances within
        problems. A run that could not be finished has a record that says why.

    Raises:
        InvalidArgument: An empty list, a number that makes no sense, or a peer that cannot search
            a problem's space.
        UnknownName: A problem, optimizer or setting that is not known.
        DependencyNotInstalled: A peer's or a problem's package is missing.
        ProblemError: A problem cannot be loaded or prepared.
        RunError: The folder's records cannot be read or written.
    """
    tasks = plan(
        problems,
        optimizers,
        budget=budget,
        seeds=range(seeds) if isinstance(seeds, int) else seeds,
        instances=instances,
        dim=dim,
        problem_settings=problem_settings or {},
        optimizer_settings=optimizer_settings or {},
        clock=clock,
    )
    _at_least_one("workers", workers)
    file = None if folder is None else RecordFile(Path(folder) / RECORDS)
    kept = [] if file is None else file.records
    finished = {record.task.key: record for record in kept if record.error is None}
    keys = {task.key for task in tasks}
    missing = [task for task in tasks if task.key not in finished]
    with contextlib.closing(run_in_processes(missing, workers)) as results:
        for record in results:
            finished[record.task.key] = record
            if file is not None:
                file.add(record)
            if on_record is not None:
                on_record(record, len(finished.keys() & keys), len(tasks))
    return [finished[task.key] for task in tasks]


def plan(
    problems: Sequence[str],
    optimizers: Sequence[str],
    *,
    budget: int,
    seeds: Sequence[int],
    instances: int,
    dim: int | None,
    problem_settings: Settings,
    optimizer_settings: Settings,
    clock: int = 0,
) -> list[Task]:
    """The runs of a comparison. Problems and optimizers are tried out first: a slip shows here.

    Raises:
        InvalidArgument, UnknownName, DependencyNotInstalled, ProblemError: As for `compare`.
    """
    _at_least_one("budget", budget)
    _at_least_one("instances", instances)
    for name, given in (("problems", problems), ("optimizers", optimizers), ("seeds", seeds)):
        if not given:
            raise InvalidArgument(f"{name}: none given; give at least one")
        if len(set(given)) < len(given):
            raise InvalidArgument(f"{name}: {', '.join(map(str, given))}: one is given twice")
    _all_run("problem_settings", problem_settings, problems)
    _all_run("optimizer_settings", optimizer_settings, optimizers)

    tasks = []
    for problem in problems:
        case = find_case(problem)
        settings = dict(problem_settings.get(problem, {}))
        if case.has_dim and dim is not None:
            settings.setdefault("dim", dim)
        options = {name: optimizer_settings.get(name, {}) for name in optimizers}
        _try_out(case, settings, options, clock)
        tasks += [
            Task(
                problem,
                name,
                seed,
                budget,
                number,
                settings,
                optimizer_settings.get(name, {}),
                clock,
            )
            for number in range(1, instances + 1 if case.drawn else 2)
            for name in optimizers
            for seed in seeds
        ]
    return tasks


def _try_out(case: Case, settings: Mapping[str, Any], optimizers: Settings, clock: int) -> None:
    """Build the problem, and each optimizer for it; then let it look for what it needs."""
    from lamcts import prepare
    from lamcts.optimizers import list_optimizers

    known = [*list_optimizers(), *PEERS]
    _check_whole(case, settings)
    with case.build(1, settings) as evaluator:
        if clock:
            check_clock(evaluator, case.name)
        for name, options in optimizers.items():
            if not is_peer(name) and name not in known:
                is_file = name.endswith(".py")
                mend = f"write {name}:FUNCTION" if is_file else did_you_mean(name, known)
                raise UnknownName(f"optimizers: {name!r} is not known; {mend}")
            if not is_peer(name):
                prepare.optimizer(evaluator, RunConfig(1, name, options), seed=0)
                continue
            if clock:
                raise InvalidArgument(f"--clock: {name} asks for one trial at a time; leave it out")
            check_peer(name, kinds_of(evaluator.space), case.name)
            if options:
                raise UnknownName(f"{next(iter(options))}: {name} takes no settings here")
        make_ready(evaluator)


def _check_whole(case: Case, settings: Mapping[str, Any]) -> None:
    """Refuse a problem without all the settings it needs; `load_problem` tells of ``--set``."""
    given = {*case.settings, *case.drawn, *settings}
    parameters = settings_of(case.reference).items()
    needed = [name for name, p in parameters if p.default is p.empty and name not in given]
    if needed:
        raise InvalidArgument(
            f"problems: {case.name!r} needs {', '.join(needed)}; name a file that says problem = "
            f"Mine({needed[0]}=...), or give problem_settings in Python"
        )


def _all_run(label: str, settings: Settings, names: Sequence[str]) -> None:
    """Refuse settings of what is not run: a slip in a name would leave them out."""
    for name in settings:
        if name not in names:
            raise UnknownName(f"{label}: {name!r} is not run; {did_you_mean(name, names)}")


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise InvalidArgument(f"{name}: must be at least 1, got {value}")
