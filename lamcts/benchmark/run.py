"""One run of a comparison: an optimizer, a problem, a seed."""

from __future__ import annotations

import contextlib
import logging
import traceback
import warnings
from collections.abc import Iterator

import lamcts
from lamcts.benchmark.clock import check_clock, run_asynchronously
from lamcts.benchmark.meter import BudgetSpent, Meter, peak_mb
from lamcts.benchmark.peers import PEERS, Objective, is_peer, load_peer, version_of
from lamcts.benchmark.records import Record, Task
from lamcts.benchmark.suites import find_case
from lamcts.config import RunConfig
from lamcts.errors import LamctsError, in_one_line
from lamcts.problem import make_ready
from lamcts.spaces import Codec, as_space

__all__ = ["run_task"]


def run_task(task: Task) -> Record:
    """Run a task in this process.

    A failing evaluation counts and the run goes on. A problem or an optimizer that raises ends
    the run: the record says why, and keeps what was found until then.
    """
    try:
        with find_case(task.problem).build(task.instance, task.problem_settings) as evaluator:
            make_ready(evaluator)
            meter = Meter(evaluator, task.budget)
            error = _search(task, meter)
            return _record(task, meter, error)
    except Exception as reason:
        return Record(task, error=_in_one_line(reason))


def _search(task: Task, meter: Meter) -> str | None:
    """Spend the budget. Returns what ended the run before that, if an error did."""
    try:
        if is_peer(task.optimizer):
            with _in_silence():
                load_peer(task.optimizer)(Objective(meter, task.seed))
        else:
            _ask_and_tell(task, meter)
    except BudgetSpent:
        pass
    except Exception as error:
        if is_peer(task.optimizer) and task.optimizer not in PEERS:  # a user's own: say where
            frames = traceback.extract_tb(error.__traceback__)  # this function's, then the method's
            return in_one_line(error, frames[:2][-1].filename)
        return _in_one_line(error)
    return None


def _ask_and_tell(task: Task, meter: Meter) -> None:
    """Our optimizers: ask for one trial, evaluate it, tell."""
    from lamcts import prepare

    config = RunConfig(task.budget, task.optimizer, task.optimizer_settings)
    optimizer = prepare.optimizer(meter.evaluator, config, task.seed)
    if task.clock:
        run_asynchronously(optimizer, meter, check_clock(meter.evaluator, task.problem), task.clock)
        return
    while trials := optimizer.ask(1):  # none, when a finite space is exhausted
        outcome = meter.evaluate(trials[0].x)
        optimizer.tell(trials[0], outcome.to_tell())


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """What a peer warns of and logs is no business of the table's reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)


def _record(task: Task, meter: Meter, error: str | None) -> Record:
    evaluator = meter.evaluator
    name = task.optimizer
    if error is None and not meter.trace:
        error = f"no trial completed: {meter.first_error}"
    return Record(
        task,
        direction=evaluator.direction,
        optimum=getattr(evaluator, "optimum_value", None),
        dim=Codec(as_space(evaluator.space)).p,
        trace=tuple(meter.trace),
        tested=tuple(meter.tested),
        times=tuple(meter.times) if task.clock else (),
        seconds=meter.clock,
        optimum_test=getattr(evaluator, "optimum_test", None),
        evaluations=meter.evaluations,
        failed=meter.failed,
        cpu_seconds=meter.cpu_seconds,
        cpu_ms=meter.cpu_ms,
        peak_mb=peak_mb(),
        version=version_of(name) if is_peer(name) else f"lamcts {lamcts.__version__}",
        error=error,
    )


def _in_one_line(error: Exception) -> str:
    text = str(error) if isinstance(error, LamctsError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())
