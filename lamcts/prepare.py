"""The parts of a run, built from what the user gave or from what a run folder holds."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lamcts import __version__
from lamcts.config import RunConfig
from lamcts.constraints import Constraint, Feasibility, check_constraints, parse_constraint
from lamcts.errors import (
    Infeasible,
    InvalidArgument,
    LamctsError,
    ProblemError,
    RunError,
    in_one_line,
    shown,
)
from lamcts.evaluator import Direction, Evaluation, Evaluator, batched
from lamcts.executors import Executor, ProcessExecutor, RayExecutor, SerialExecutor
from lamcts.optimizers import Optimizer, make_optimizer
from lamcts.outcome import as_number, cost_of, guarded
from lamcts.problem import ProblemRef, as_evaluator, load_problem, reference_of
from lamcts.pruning import Pruner, make_rule
from lamcts.settings import all_parameters, as_declared, keyword_parameters, plain
from lamcts.spaces import Space, as_space, describe, from_json, to_json
from lamcts.storage import RUN_FILE, StoredRun, as_stored, differences

__all__ = ["Function", "FunctionEvaluator", "Problem"]

Problem = Evaluator | type[Evaluator] | ProblemRef | str | Path
Function = Callable[[Any], "float | Evaluation"]
Points = Sequence[tuple[Any, "float | None"]]

_log = logging.getLogger(__name__)


class FunctionEvaluator(Evaluator):
    """A plain function as an evaluator.

    Args:
        function: Takes a point, returns a number or an `Evaluation`.
        space: The search space.
        direction: ``"minimize"`` or ``"maximize"``.
        noisy: Whether two calls with a point may differ.
    """

    def __init__(
        self,
        function: Function,
        space: Space[Any],
        direction: Direction = "minimize",
        *,
        noisy: bool = False,
    ) -> None:
        if not callable(function):
            raise InvalidArgument(f"function: {function!r} cannot be called; give a function of x")
        self.function = function
        self.space = as_space(space)
        self.direction = direction
        self.noisy = noisy

    def evaluate(self, x: Any) -> float | Evaluation:
        """Call the function."""
        return self.function(x)


def reference(evaluator: Evaluator, config: RunConfig) -> ProblemRef | None:
    """How another process builds the evaluator; ``None`` when it cannot, and need not.

    Raises:
        ProblemError: It cannot, and a worker has to.
    """
    try:
        found = reference_of(evaluator)
        return ProblemRef(found.ref, as_stored(found.kwargs))
    except (ProblemError, TypeError) as error:
        if not _in_workers(config):
            return None
        what = str(error)
        if isinstance(evaluator, FunctionEvaluator):
            what = "a function cannot be sent to a worker; write an Evaluator in a file"
        elif isinstance(error, TypeError):
            what = f"{type(evaluator).__name__}: {error}; give its constructor plain values"
        raise ProblemError(
            f"workers: {what}; or use workers=1, and no trial_timeout or trial_memory"
        ) from error


def optimizer(evaluator: Evaluator, config: RunConfig, seed: int | None) -> Optimizer:
    """The optimizer, which respects the constraints and knows which points are equivalent."""
    constraints = _constraints(evaluator, config)
    check_constraints(constraints, evaluator)
    known = {
        "space": as_space(evaluator.space),
        "direction": evaluator.direction,
        "seed": seed,
        "feasible": Feasibility(constraints, evaluator) if constraints else None,
        "canonical": _canonical(evaluator),
        "noisy": evaluator.noisy,
    }
    for name in config.settings:
        if name in known:
            raise InvalidArgument(f"{name}: the problem says it; it is no setting of an optimizer")
    return make_optimizer(config.optimizer, **known, **config.settings)


class _Forms:
    """An evaluator's canonical forms, of single points and of many (a `lamcts.domain.Forms`)."""

    def __init__(self, one: Callable[[Any], Any], many: Callable[[Any], Any]) -> None:
        self._one, self.many = one, many

    def __call__(self, x: Any) -> Any:
        return self._one(x)


def _canonical(evaluator: Evaluator) -> Callable[[Any], Any] | None:
    """Its canonical forms; of many at once where that means the same as of one after another."""
    form = guarded("canonical(x)", evaluator.canonical)

    def one(x: Any) -> Any:
        try:
            return form(x)
        except Infeasible as reason:
            raise ProblemError(
                f"canonical(x) raised Infeasible ({reason}); return x, and raise it in evaluate"
            ) from reason

    many = batched(evaluator, "canonical")
    if many is not None:
        return _Forms(one, guarded("canonical_many(V)", many))
    overridden = type(evaluator).canonical is not Evaluator.canonical
    return one if overridden else None


def pruner(evaluator: Evaluator, config: RunConfig) -> Pruner:
    """What judges trials by their reports."""
    rule = None if config.prune is None else make_rule(config.prune)
    return Pruner(rule, evaluator.direction)


def executor(
    evaluator: Evaluator, ref: ProblemRef | None, config: RunConfig, pruner: Pruner, left: int
) -> Executor:
    """This process, unless several workers or a time-out ask for processes, or Ray is chosen.

    Args:
        evaluator: What is searched.
        ref: How a worker builds it.
        config: The run's settings.
        pruner: Judges trials by their reports.
        left: Trials of the budget that are not spent: more workers would have nothing to do.
    """
    judge = None if pruner.rule is None else pruner.judge
    if ref is None or not _in_workers(config):
        return SerialExecutor(evaluator, judge)
    workers = config.workers and min(config.workers, max(left, 1))
    if config.executor == "ray":
        return RayExecutor(
            ref,
            workers=workers,
            address=config.ray_address,
            resources=config.resources,
            trial_timeout=config.trial_timeout,
            judge=judge,
        )
    return ProcessExecutor(
        ref,
        workers=workers or 1,
        trial_timeout=config.trial_timeout,
        trial_memory=config.trial_memory,
        judge=judge,
    )


def initial_points(init: Iterable[Any], evaluator: Evaluator, config: RunConfig) -> Points:
    """The user's initial points, each with its value, or ``None`` when it is to be evaluated.

    Those that break a constraint are left out, with a warning: a run's best must not break one.
    Those with a value come first: a budget that does not reach to all of them must not lose one.

    Raises:
        InvalidArgument: They are no list, or one is neither a point of the space nor a pair of a
            point and its value.
    """
    if isinstance(init, (str, Mapping)) or not isinstance(init, Iterable):
        raise InvalidArgument(f"init: {init!r}; give a list of points, or of pairs (point, value)")
    space = as_space(evaluator.space)
    constraints = _constraints(evaluator, config)
    points: list[tuple[Any, float | None]] = []
    broken: list[str] = []
    for i, item in enumerate(init):
        is_pair = isinstance(item, (tuple, list)) and len(item) == 2
        x, value = item if is_pair and item not in space else (item, None)
        number = as_number(value)
        usable = value is None or (number is not None and math.isfinite(number))
        if x not in space or not usable:
            raise InvalidArgument(
                f"init[{i}]: {item!r} is no point of {space!r}, and no pair (point, finite value)"
            )
        as_stored = from_json(space, to_json(space, x))  # an array, where a list was given
        why = _broken(as_stored, constraints, evaluator)
        if why is None:
            points.append((x, number))
        else:
            broken.append(f"init[{i}], {shown(x)}: {why}")
    if broken:
        _log.warning(
            "init: left out what breaks a constraint, %d of %d points; the first is %s",
            len(broken),
            len(broken) + len(points),
            broken[0],
        )
    return sorted(points, key=lambda point: point[1] is None)


def _constraints(evaluator: Evaluator, config: RunConfig) -> list[Constraint]:
    """The problem's own and the run's."""
    return [parse_constraint(text) for text in (*evaluator.constraints, *config.constraints)]


def _broken(x: Any, constraints: Sequence[Constraint], evaluator: Evaluator) -> str | None:
    """Which of the constraints a point breaks, and by what figure; ``None`` if it breaks none."""
    if not constraints:
        return None
    try:
        cost = cost_of(evaluator, x)
    except Infeasible as reason:
        return f"it is infeasible ({reason})"
    for constraint in constraints:
        if not constraint.holds(cost):
            return f"{constraint.name} is {cost[constraint.name]:.12g}, not {constraint}"
    return None


def problem_name(evaluator: Evaluator, ref: ProblemRef | None) -> str:
    """What to call a problem: its registered id, its file, its function or its class."""
    if isinstance(evaluator, FunctionEvaluator):
        return str(getattr(evaluator.function, "__name__", "function"))
    file = source(ref)
    return evaluator.id or (type(evaluator).__name__ if file is None else file.stem)


def source(ref: ProblemRef | None) -> Path | None:
    """The file a problem was loaded from, when it was loaded by path."""
    before, _, after = ("", "", "") if ref is None else ref.ref.rpartition(":")
    file = before if before.endswith(".py") else after
    return Path(file) if file.endswith(".py") else None


def header(
    evaluator: Evaluator,
    ref: ProblemRef | None,
    config: RunConfig,
    name: str,
    seed: int,
    points: Points,
) -> dict[str, Any]:
    """The fields of a run's ``start`` event: all that resuming it needs."""
    space = as_space(evaluator.space)
    settings = _given(evaluator) if ref is None else None
    return {
        "lamcts": __version__,
        "problem": None if ref is None else {"ref": ref.ref, "kwargs": ref.kwargs},
        # of a problem without a reference, which is given again when the run is resumed
        **({} if settings is None else {"kwargs": settings}),
        "name": name,
        "fingerprint": _fingerprint(evaluator),
        "seed": seed,
        "init": [[to_json(space, x), value] for x, value in points],
        **config.to_json(),
    }


def stored_config(stored: StoredRun) -> RunConfig:
    """The settings a run was started with."""
    try:
        return RunConfig.from_json(stored.header)
    except (KeyError, TypeError, InvalidArgument) as error:
        file = stored.folder / RUN_FILE
        raise RunError(f"{file}, line 1: the header is damaged ({error})") from error


def stored_points(stored: StoredRun) -> Points:
    """The initial points a run was started with."""
    return [(from_json(stored.space, x), value) for x, value in stored.header["init"]]


def stored_problem(stored: StoredRun, given: Problem | Function | None) -> Evaluator:
    """The problem of a stored run: the one given now, or the one its header refers to.

    What has no settings of its own yet, a class or a file, gets those of the run; a function gets
    its space and direction.

    Raises:
        RunError: It cannot be loaded from the header.
    """
    known = stored.header["problem"]
    kwargs = stored.header.get("kwargs", {}) if known is None else known["kwargs"]
    if isinstance(given, (str, Path)):
        return load_problem(given, **kwargs)
    if isinstance(given, type) and kwargs:
        return _built(given, kwargs)
    if callable(given) and not isinstance(given, (type, Evaluator)):
        fingerprint = stored.header["fingerprint"]
        direction, noisy = fingerprint["direction"], fingerprint.get("noisy", False)
        return FunctionEvaluator(given, stored.space, direction, noisy=noisy)
    if given is not None:
        evaluator = as_evaluator(given)
        if known is not None or "kwargs" in stored.header:
            _check_settings(stored, evaluator, kwargs)
        return evaluator
    if known is None:
        raise RunError(
            f"{stored.folder}: the problem was not loaded from a file, module or name; "
            "resume it from Python: lamcts.resume(folder, problem=...)"
        )
    try:
        return load_problem(known["ref"], **kwargs)
    except ProblemError as error:
        raise RunError(
            f"{stored.folder}: {error}; if it has moved, resume it from Python: "
            "lamcts.resume(folder, problem=...)"
        ) from error


def check_unchanged(stored: StoredRun, evaluator: Evaluator) -> None:
    """Refuse to go on with another problem than the run was started with; say what differs.

    A problem's file may have been mended meanwhile, so other bytes only make a warning.

    Raises:
        RunError: The space, the direction or the problem's name is not the same.
    """
    changes = "; ".join(differences(stored.header["fingerprint"], _fingerprint(evaluator)))
    if changes:
        raise RunError(
            f"{stored.folder}: the problem has changed ({changes}); undo that, or start a new run"
        )
    known = stored.header["problem"]
    file = source(None if known is None else ProblemRef(known["ref"]))
    copy = stored.folder / "problem.py"
    if file and file.is_file() and copy.is_file() and file.read_bytes() != copy.read_bytes():
        _log.warning("%s has changed since the run was started (then: %s)", file, copy)


def _built(kind: type[Evaluator], kwargs: dict[str, Any]) -> Evaluator:
    """A class with the settings of a stored run."""
    try:
        evaluator = kind(**as_declared(kwargs, keyword_parameters(kind)))
    except LamctsError:
        raise
    except (Exception, SystemExit) as error:
        raise ProblemError(
            f"{kind.__name__} cannot be built with the run's settings: {in_one_line(error)}"
        ) from error
    return as_evaluator(evaluator)


def _check_settings(stored: StoredRun, evaluator: Evaluator, kwargs: dict[str, Any]) -> None:
    """Say which settings are not the run's: data may have moved, but a target must not."""
    now = _given(evaluator)
    if now is None:
        return
    parameters = all_parameters(type(evaluator)).items()
    usual = {name: plain(p.default) for name, p in parameters if p.default is not p.empty}
    changes = "; ".join(differences({**usual, **kwargs}, {**usual, **now}))
    if changes:
        _log.warning(
            "%s: the problem has other settings than when the run was started (%s); its values "
            "must compare with the earlier ones",
            stored.folder,
            changes,
        )


def _given(evaluator: Evaluator) -> dict[str, Any] | None:
    """The settings an evaluator was built with; ``None`` where one is no plain value."""
    positional, named = evaluator.init_args
    names = all_parameters(type(evaluator))
    try:
        given = as_stored(plain({**dict(zip(names, positional, strict=False)), **named}))
    except TypeError:
        return None
    settings: dict[str, Any] = given
    return settings


def _in_workers(config: RunConfig) -> bool:
    limited = config.trial_timeout is not None or config.trial_memory is not None
    return config.workers != 1 or limited or config.executor == "ray"


def _fingerprint(evaluator: Evaluator) -> dict[str, Any]:
    fingerprint = {
        "problem": evaluator.id or type(evaluator).__qualname__,
        "direction": evaluator.direction,
        "space": describe(as_space(evaluator.space)),
    }
    # left out when it is not: runs of versions that did not know it are the same problem
    return {**fingerprint, "noisy": True} if evaluator.noisy else fingerprint
