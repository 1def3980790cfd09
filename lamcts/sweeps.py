"""One search a limit, from the tightest to the loosest: what is learned under one serves the next.

A point within a tight limit is within every looser one, so each search begins with the trials of
those before it, as results that are known and cost no budget.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from lamcts import __version__, prepare
from lamcts.api import resume, search
from lamcts.callbacks import Callback
from lamcts.config import RunConfig, in_bytes
from lamcts.constraints import Constraint, parse_constraint
from lamcts.errors import Infeasible, InvalidArgument, LamctsError, RunError
from lamcts.evaluator import Evaluator
from lamcts.history import TrialState
from lamcts.outcome import cost_of
from lamcts.problem import ProblemRef, as_evaluator
from lamcts.result import Result, result_of
from lamcts.spaces import as_space, from_json, to_json
from lamcts.storage import RUN_FILE, default_folder, list_runs, read_run, replace_file

__all__ = ["SWEEP_FILE", "Limit", "parse_sweep", "resume_sweep", "sweep"]

SWEEP_FILE = "sweep.json"

_TEXT = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|=)(.+)")
_STOPS = ("interrupted", "callback")


@dataclass(frozen=True)
class Limit:
    """One of a sweep's limits.

    Attributes:
        text: As a constraint: ``"macs<=150e6"``.
        constraint: What it says.
    """

    text: str
    constraint: Constraint

    @property
    def folder(self) -> str:
        """What its run's folder is called: ``"macs-150e6"``."""
        return re.sub(r"<=|>=", "-", self.text)


def parse_sweep(text: str) -> list[Limit]:
    """Read ``NAME=NUMBER,NUMBER,...``, the tightest limit first; ``=`` means ``<=``.

    Raises:
        InvalidArgument: It is not of this form, or a limit is there twice.

    >>> [limit.text for limit in parse_sweep("macs=600e6,150e6")]
    ['macs<=150e6', 'macs<=600e6']
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidArgument(
            f"sweep: {text!r} is not NAME=NUMBER,NUMBER; write for example macs=150e6,600e6"
        )
    name, relation, numbers = match.groups()
    relation = "<=" if relation == "=" else relation
    words = [f"{name}{relation}{number.strip()}" for number in numbers.split(",")]
    limits = [Limit(word, parse_constraint(word)) for word in words]
    bounds = [limit.constraint.bound for limit in limits]
    if len(set(bounds)) < len(bounds):
        raise InvalidArgument(f"sweep: {text!r} has a limit twice; give each once")
    return sorted(limits, key=lambda limit: limit.constraint.bound, reverse=relation == ">=")


def sweep(
    problem: prepare.Problem,
    limits: str,
    *,
    budget: int,
    seed: int | None = None,
    constraints: str | Sequence[str] = (),
    init: Iterable[Any] = (),
    folder: str | Path | bool | None = None,
    callbacks: Iterable[Callback] = (),
    **options: Any,
) -> dict[str, Result]:
    """Search under each of several limits, from the tightest to the loosest.

    Args:
        problem: As in `search`, as are the arguments that are not named here.
        limits: ``"macs=150e6,240e6,600e6"``, at most so much; ``"speed>=100,200"``, at least.
        budget: Trials under each limit, beside those that are known from tighter ones.
        seed: Of every search.
        constraints: Bounds that hold under every limit.
        init: As in `search`; each serves the limits that it is within.
        folder: Where to keep a run a limit, and what resuming needs; ``True`` makes up a name.
        callbacks: What watches every search.
        **options: What `search` takes.

    Returns:
        The results by limit, the tightest first; fewer after Ctrl-C.

    Raises:
        LamctsError: As `search`; `InvalidArgument` too for limits that cannot be read.
    """
    with ExitStack() as stack:
        evaluator = as_evaluator(problem)
        if evaluator is not problem:
            stack.callback(evaluator.close)
        config = _config(budget=budget, constraints=constraints, **options)
        texts = [limit.text for limit in parse_sweep(limits)]
        every = replace(config, constraints=(*config.constraints, *texts))
        proposer = prepare.optimizer(evaluator, every, seed)  # refuses what no search could use
        points = prepare.initial_points(init, evaluator, config)
        plan: dict[str, Any] = {
            "limits": limits,
            "seed": proposer.seed,
            "init": [[to_json(proposer.space, x), value] for x, value in points],
            "options": _options(config),
        }
        path = None
        if folder is not None and folder is not False:
            path = _create(evaluator, config, folder, plan)
        try:
            return _searches(evaluator, plan, path, {}, list(callbacks))
        except LamctsError:
            if path and not list_runs(path):  # no point within the tightest limit, say
                shutil.rmtree(path, ignore_errors=True)
            raise


def resume_sweep(
    folder: str | Path, *, callbacks: Iterable[Callback] = (), **changes: Any
) -> dict[str, Result]:
    """Go on with a sweep where it ended: finished searches are kept as they are.

    Args:
        folder: The sweep's folder.
        callbacks: What watches every search that goes on.
        **changes: What `lamcts.resume` takes (a greater budget for every limit, workers, ...).

    Raises:
        RunError: There is no sweep, its file is damaged, or a run of it cannot go on.
    """
    path = Path(folder)
    try:
        plan = json.loads((path / SWEEP_FILE).read_text(encoding="utf-8"))
        known = plan["problem"]
        parse_sweep(plan["limits"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path / SWEEP_FILE}: holds no sweep ({error})") from None
    if known is None:
        raise RunError(f"{path}: the problem was not loaded from a file, module or name")
    with ProblemRef(known["ref"], known["kwargs"]).build() as evaluator:
        given = {name: value for name, value in changes.items() if value is not None}
        if "trial_memory" in given:
            given["trial_memory"] = in_bytes(given["trial_memory"])
        return _searches(evaluator, plan, path, given, list(callbacks))


def _config(**options: Any) -> RunConfig:
    """What `search` makes of its options, of which those of no other name are the optimizer's."""
    names = {f.name for f in fields(RunConfig)} - {"window"}
    settings = {name: value for name, value in options.items() if name not in names}
    known = {name: v for name, v in options.items() if name in names and v is not None}
    known["settings"] = {**known.get("settings", {}), **settings}
    return RunConfig(**{**known, "trial_memory": in_bytes(known.get("trial_memory"))})


def _options(config: RunConfig) -> dict[str, Any]:
    """A configuration as `search` takes it."""
    return {name: value for name, value in config.to_json().items() if name != "window"}


def _searches(
    evaluator: Evaluator,
    plan: Mapping[str, Any],
    path: Path | None,
    changes: Mapping[str, Any],
    callbacks: list[Callback],
) -> dict[str, Result]:
    """The searches of a sweep, those that are there already and those that are not."""
    space = as_space(evaluator.space)
    known = [(from_json(space, x), value) for x, value in plan["init"]]
    options = _options(RunConfig(**plan["options"]).with_changes(**changes))
    results: dict[str, Result] = {}
    for limit in parse_sweep(plan["limits"]):
        within = [_within(evaluator, x, limit.constraint) for x, _ in known]
        run = None if path is None else path / limit.folder
        if run is not None and _is_begun(run):
            result = _resumed(run, evaluator, changes, callbacks)
        else:
            result = search(
                evaluator,
                seed=plan["seed"],
                init=[point for point, fits in zip(known, within, strict=True) if fits],
                folder=run,
                callbacks=callbacks,
                **{**options, "constraints": [*options["constraints"], limit.text]},
            )
        results[limit.text] = result
        if result.stopped in _STOPS:
            break
        # The result holds what was within; what was not may be within the next limit.
        known = [point for point, fits in zip(known, within, strict=True) if not fits]
        done = (trial for trial in result.trials if trial.state is TrialState.COMPLETE)
        known += [(trial.x, trial.value) for trial in done]
    return results


def _is_begun(run: Path) -> bool:
    """Whether a search has a first line; what one that was killed before it left is put aside."""
    file = run / RUN_FILE
    if file.is_file() and b"\n" in file.read_bytes():
        return True
    if run.is_dir():
        run.rename(run.with_name(f"{run.name}.not-begun-{time.strftime('%Y%m%d-%H%M%S')}"))
    return False


def _resumed(
    run: Path, evaluator: Evaluator, changes: Mapping[str, Any], callbacks: list[Callback]
) -> Result:
    stored = read_run(run)
    if stored.finished and changes.get("budget") in (None, stored.budget):
        return result_of(stored)
    return resume(run, problem=evaluator, callbacks=callbacks, **changes)


def _within(evaluator: Evaluator, x: Any, constraint: Constraint) -> bool:
    try:
        return constraint.holds(cost_of(evaluator, x))
    except Infeasible:
        return False


def _create(
    evaluator: Evaluator, config: RunConfig, folder: str | Path | bool, plan: dict[str, Any]
) -> Path:
    """Make the sweep's folder, with the file that resuming needs."""
    reference = prepare.reference(evaluator, config)
    name = prepare.problem_name(evaluator, reference)
    path = default_folder(name, plan["seed"]) if folder is True else Path(str(folder))
    problem = None if reference is None else {"ref": reference.ref, "kwargs": reference.kwargs}
    try:
        text = json.dumps({"lamcts": __version__, "problem": problem, **plan}, indent=2)
        path.mkdir(parents=True)
    except TypeError as error:
        raise InvalidArgument(f"settings: {error}; give plain values, or no folder") from None
    except OSError as error:
        raise RunError(f"{path}: cannot be made ({error.strerror})") from None
    replace_file(path / SWEEP_FILE, (text + "\n").encode())
    return path
