"""The front door: ``search``, ``resume``, ``minimize``, ``maximize``.

They gather what a run needs (evaluator, optimizer, executor, folder) and hand it to `Run`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lamcts import __version__, prepare
from lamcts._finding import refuse_while_importing
from lamcts.callbacks import Callback, checked
from lamcts.config import RunConfig, in_bytes
from lamcts.errors import InvalidArgument, LamctsError
from lamcts.prepare import Function, FunctionEvaluator, Problem
from lamcts.problem import as_evaluator, make_ready
from lamcts.result import Result, result_of
from lamcts.run import Run
from lamcts.spaces import Space
from lamcts.storage import RunFolder, as_path, default_folder, read_run

__all__ = ["maximize", "minimize", "resume", "search"]

_log = logging.getLogger(__name__)


def search(
    problem: Problem,
    *,
    budget: int,
    seed: int | None = None,
    optimizer: str = "lamcts",
    settings: Mapping[str, Any] | None = None,
    workers: int | None = None,
    executor: str = "local",
    ray_address: str | None = None,
    resources: Mapping[str, float] | None = None,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    trial_memory: int | str | None = None,
    constraints: str | Sequence[str] = (),
    max_failures: int | float | None = None,
    retries: int = 1,
    prune: str | None = None,
    callbacks: Iterable[Callback] = (),
    folder: str | Path | bool | None = None,
    deterministic: bool = False,
    init: Iterable[Any] = (),
    **more_settings: Any,
) -> Result:
    """Search for the best point of a problem.

    Args:
        problem: An evaluator, its class, or a reference to it (a file, a registered name, ...).
        budget: Trials in total. Lost trials are free, and so are infeasible ones, up to
            ``budget + 100`` of each.
        seed: A non-negative integer; drawn, and kept in the result, when ``None``.
        optimizer: Its name, one of `lamcts.list_optimizers`.
        settings: The optimizer's settings.
        workers: Trials evaluated at a time, by default 1; with more than one, each in a process
            of its own, which loads the problem by reference. On Ray by default as many as the
            cluster has room for.
        executor: Where: ``"local"``, on this machine, or ``"ray"``, on a Ray cluster.
        ray_address: The cluster's, ``"auto"`` on a machine that belongs to it; by default that
            in ``RAY_ADDRESS``, or else one of this machine alone is started.
        resources: What a trial needs on Ray, ``{"gpu": 1, "cpu": 4}``; by default one CPU.
        timeout: Seconds for the whole run; then running trials are dropped, if they are in
            workers.
        trial_timeout: Seconds for one evaluation; then it is ended with all it started. It is
            evaluated in a worker process for that, even when there is one worker.
        trial_memory: Bytes of resident memory, or ``"8GB"``: a trial that holds more is ended, with
            all it started, and has failed; in a worker process too. On Ray: ``resources``.
        constraints: Bounds on ``Evaluator.cost``: ``["flops<=600e6"]``. Points that break one are
            never proposed.
        max_failures: Stop the run when more than this many trials failed, or, for a fraction,
            when that share or more did. By default it stops when at least 10 trials have been
            evaluated (or the budget, if less) and every one failed.
        retries: How often a trial is evaluated again when its worker dies.
        prune: End trials early by what they report (`Evaluator.report`): ``"median"``, or
            ``"halving"``; with settings ``"halving:min_steps=4,reduction=2"`` (`lamcts.pruning`).
        callbacks: What watches the run.
        folder: Where to keep it, so that it can be resumed: a path (a taken one gets a suffix), or
            ``True`` for ``runs/<problem>/<time>-<seed>``. Nothing is written when ``None``.
        deterministic: Propose the same trials whatever the number of workers, up to 8, and
            whichever is faster.
        init: Points to evaluate first, or pairs ``(x, value)`` of points that are known; these come
            before all others and cost no budget (``(x, None)`` is evaluated). Those that break a
            constraint are left out.
        **more_settings: The optimizer's settings too, as keywords.

    Returns:
        What was found. After Ctrl-C too: the first lets running trials finish, the second drops
        them.

    Raises:
        InvalidArgument: An argument cannot be used.
        UnknownName: No such problem, optimizer, setting or cost.
        ProblemError: The problem cannot be loaded or prepared, or not by a worker.
        TooManyFailures: So many trials failed that the run was stopped.
        RunError: The folder cannot be written.

    >>> import lamcts
    >>> class Parabola(lamcts.Evaluator):
    ...     space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))
    ...     def evaluate(self, x):
    ...         return float(x @ x)
    >>> result = lamcts.search(Parabola, budget=20, seed=0, optimizer="random")
    >>> len(result.trials), result.stopped
    (20, 'budget')
    """
    refuse_while_importing("search")
    if not isinstance(settings, (Mapping, type(None))):
        raise InvalidArgument(f"settings: {settings!r} is no dict; give {{'cp': 0.2}}, say")
    config = RunConfig(
        budget=budget,
        optimizer=optimizer,
        settings={**(settings or {}), **more_settings},
        workers=workers,
        executor=executor,
        ray_address=ray_address,
        resources=resources or {},
        timeout=timeout,
        trial_timeout=trial_timeout,
        trial_memory=in_bytes(trial_memory),
        constraints=constraints,
        max_failures=max_failures,
        retries=retries,
        prune=prune,
        deterministic=deterministic,
    )
    watchers = checked(callbacks)
    with ExitStack() as stack:
        evaluator = as_evaluator(problem)
        if evaluator is not problem:
            stack.callback(evaluator.close)
        reference = prepare.reference(evaluator, config)
        proposer = prepare.optimizer(evaluator, config, seed)
        points = prepare.initial_points(init, evaluator, config)
        make_ready(evaluator)
        name = prepare.problem_name(evaluator, reference)
        pruner = prepare.pruner(evaluator, config)
        place = prepare.executor(evaluator, reference, config, pruner, config.budget)
        stack.callback(place.close)
        store = None
        if folder is not None and folder is not False:  # "" is refused: it would be lost
            path = default_folder(name, proposer.seed) if folder is True else as_path(folder)
            header = prepare.header(evaluator, reference, config, name, proposer.seed, points)
            store = RunFolder.create(path, header, prepare.source(reference))
            stack.callback(store.close)
        run = Run(
            evaluator,
            proposer,
            place,
            config,
            pruner=pruner,
            problem=name,
            init=points,
            store=store,
            callbacks=watchers,
        )
        try:
            return run.execute()
        except LamctsError:
            if store and not run.trials:  # no point within the constraints, say
                store.discard()
            raise


def resume(
    folder: str | Path,
    *,
    problem: Problem | Function | None = None,
    budget: int | None = None,
    workers: int | None = None,
    executor: str | None = None,
    ray_address: str | None = None,
    resources: Mapping[str, float] | None = None,
    timeout: float | None = None,
    trial_timeout: float | None = None,
    trial_memory: int | str | None = None,
    max_failures: int | float | None = None,
    callbacks: Iterable[Callback] = (),
) -> Result:
    """Go on with a run where it ended, however it ended.

    Trials that were in flight are evaluated again, at the same points, and then the run proposes
    what it would have proposed. A run that has spent its budget is not touched.

    Args:
        folder: The run's folder.
        problem: The problem, when the run cannot load it (it was defined in a notebook, or its
            file has moved). A class or a file gets the settings it had; of an evaluator those
            that differ are warned of. Of a run of `minimize` or `maximize`: the function.
        budget: A new total, no less than is spent.
        workers: Another number of workers.
        executor: Another place to evaluate in.
        ray_address: Another cluster.
        resources: Other needs of a trial.
        timeout: Seconds for this session; by default as the run was started.
        trial_timeout: Another time-out.
        trial_memory: Another limit of memory.
        max_failures: Another limit.
        callbacks: What watches the run.

    Raises:
        RunError: There is no run, it is open in another process, its file is damaged, or the
            problem is not the one the run was started with; the message says what differs.
        InvalidArgument: An argument cannot be used.
    """
    refuse_while_importing("search")
    watchers = checked(callbacks)
    stored = read_run(folder)
    if stored.finished and budget in (None, stored.budget):
        _log.warning("%s: finished, nothing to do; raise the budget to go on", stored.folder)
        return result_of(stored)
    with ExitStack() as stack:
        store = RunFolder.open(stored.folder)
        stack.callback(store.close)
        if store.size != stored.size:  # it went on until now
            stored = read_run(folder)
        started = prepare.stored_config(stored)
        config = started.with_changes(
            workers=workers,
            executor=executor,
            ray_address=ray_address,
            resources=resources,
            timeout=timeout,
            trial_timeout=trial_timeout,
            trial_memory=in_bytes(trial_memory),
            max_failures=max_failures,
        )
        total = config.with_changes(budget=stored.budget if budget is None else budget).budget
        evaluator = prepare.stored_problem(stored, problem)
        if evaluator is not problem:
            stack.callback(evaluator.close)
        prepare.check_unchanged(stored, evaluator)
        reference = prepare.reference(evaluator, config)
        proposer = prepare.optimizer(evaluator, config, stored.header["seed"])
        make_ready(evaluator)
        pruner = prepare.pruner(evaluator, config)
        place = prepare.executor(evaluator, reference, config, pruner, total - stored.spent)
        stack.callback(place.close)
        run = Run(
            evaluator,
            proposer,
            place,
            config,
            pruner=pruner,
            problem=stored.header["name"],
            init=prepare.stored_points(stored),
            store=store,
            callbacks=watchers,
            seconds=stored.seconds,
        )
        run.replay(stored)
        run.set_budget(total)
        if budget is not None and budget < run.spent:
            raise InvalidArgument(
                f"budget: {budget} is less than the {run.spent} that are spent; it is the run's "
                "total, not so many more"
            )
        store.append("resume", lamcts=__version__, budget=run.config.budget, workers=config.workers)
        return run.execute()


def minimize(
    function: Function,
    space: Space[Any],
    *,
    budget: int,
    seed: int | None = None,
    optimizer: str = "lamcts",
    noisy: bool = False,
    **settings: Any,
) -> Result:
    """Find where a function is smallest.

    Args:
        function: Takes a point of ``space``, returns a number.
        space: The search space.
        budget: How often the function may be called.
        seed: One seed, one run; drawn when ``None``.
        optimizer: One of `lamcts.optimizers.list_optimizers`.
        noisy: Whether two calls with a point may differ: then the best is by estimated mean.
        **settings: The optimizer's settings, and what else `search` takes.

    >>> import lamcts
    >>> box = lamcts.spaces.Box(-5.0, 5.0, shape=(2,))
    >>> result = lamcts.minimize(lambda x: float((x**2).sum()), box, budget=30, seed=0)
    >>> result.best.value < 1.0
    True
    """
    evaluator = FunctionEvaluator(function, space, "minimize", noisy=noisy)
    return search(evaluator, budget=budget, seed=seed, optimizer=optimizer, **settings)


def maximize(
    function: Function,
    space: Space[Any],
    *,
    budget: int,
    seed: int | None = None,
    optimizer: str = "lamcts",
    noisy: bool = False,
    **settings: Any,
) -> Result:
    """Find where a function is largest; the arguments are those of `minimize`."""
    evaluator = FunctionEvaluator(function, space, "maximize", noisy=noisy)
    return search(evaluator, budget=budget, seed=seed, optimizer=optimizer, **settings)
