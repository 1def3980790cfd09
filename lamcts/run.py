"""The loop of a search: ask, store, evaluate, store, tell, call back; and its replay.

A trial is written to the run file before its evaluation starts, and its outcome is on the disk
before the optimizer hears of it, before callbacks, and before the next trial is asked for. What
the optimizer hears, and when, is a function of the file alone, so replaying a file brings a new
process to where the old one was, whenever that was killed:

- normally the optimizer hears of an outcome as soon as it is written: file order is its order;
- in deterministic mode it hears of outcomes by trial number, each only when that makes room for
  the next ask. So the order does not depend on which worker was faster, nor on how many there are.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lamcts.callbacks import Callback, Callbacks
from lamcts.config import RunConfig
from lamcts.errors import Infeasible, TooManyFailures
from lamcts.evaluator import Evaluator
from lamcts.executors import Executor, Task
from lamcts.failures import failing, first_failure
from lamcts.history import CHARGED, Trial, TrialState
from lamcts.interrupts import Interrupts
from lamcts.outcome import Outcome, cost_of, guarded, held_out, in_words, outcome_of
from lamcts.pruning import Pruner
from lamcts.result import Result, best_trial, trial_to_json
from lamcts.spaces import as_space, to_json
from lamcts.storage import Event, RunFolder, StoredRun, encode, outcome_in

if TYPE_CHECKING:
    from lamcts.optimizers import Optimizer

__all__ = ["Run"]

_TESTED = ("budget", "exhausted", "timeout", "callback")
_ANSWERS = (TrialState.COMPLETE, TrialState.INFEASIBLE)
#: The share of the workers' time that may be lost while they wait for this process.
_IDLE = 0.02
#: They cost no budget, up to the budget and `_FREE` more of each; then each costs one.
_UNCHARGED = (TrialState.INFEASIBLE, TrialState.LOST)
_FREE = 100

_log = logging.getLogger(__name__)


class Run:
    """A search under way; callbacks get it as their first argument.

    Attributes:
        evaluator: What is searched.
        optimizer: What proposes; ``optimizer.describe()`` gives facts for a display.
        config: The run's settings.
        problem: The problem's name.
        trials: Every trial so far, by number.
        counts: How many trials are in each state.
        best: The best complete trial so far.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        optimizer: Optimizer,
        executor: Executor,
        config: RunConfig,
        *,
        pruner: Pruner | None = None,
        problem: str,
        init: Sequence[tuple[Any, float | None]] = (),
        store: RunFolder | None = None,
        callbacks: Iterable[Callback] = (),
        seconds: float = 0.0,
    ) -> None:
        self.evaluator = evaluator
        self.optimizer = optimizer
        self.config = config
        self.problem = problem
        self.trials: list[Trial] = []
        self.counts: Counter[TrialState] = Counter()
        self.best: Trial | None = None
        self._space = as_space(evaluator.space)
        self._executor = executor
        self._pruner = pruner or Pruner(None, evaluator.direction)
        self._init = init
        self._store = store
        self._callbacks = Callbacks(callbacks)
        self._began = time.monotonic() - seconds
        self._executing = False  # what a replay does again is no news to callbacks
        self._exhausted = False
        self._stop: str | None = None
        self._open: set[int] = set()  # asked, and the optimizer has not heard what came of it
        self._written: dict[int, Outcome] = {}  # of these, on the disk already
        self._running = 0  # submitted to the executor
        self._losses: Counter[int] = Counter()
        self._answers: dict[str, Outcome] = {}
        self._keys: dict[int, str] = {}  # of the open trials
        self._known = 0  # trials that came with their value
        self._heard = 0  # in this session: evaluations, and the seconds these took
        self._evaluating = 0.0
        self._looping = 0.0  # and the seconds of this process's own, beside waiting

    # -- what callbacks may use ----------------------------------------------------------------

    @property
    def folder(self) -> Path | None:
        """The run's folder, when there is one."""
        return self._store.path if self._store else None

    @property
    def seconds(self) -> float:
        """Wall time, all sessions together."""
        return time.monotonic() - self._began

    @property
    def spent(self) -> int:
        """How much of the budget is used; lost and infeasible trials are free, within bounds."""
        free = self.config.budget + _FREE
        beyond = sum(max(0, self.counts[state] - free) for state in _UNCHARGED)
        return sum(self.counts[state] for state in CHARGED) - self._known + beyond

    @property
    def overhead(self) -> float:
        """Seconds that a trial of this session costs beside its evaluation: ask, store, tell."""
        return self._looping / max(1, self._heard)

    def stop(self, reason: str = "callback") -> None:
        """End the run early: running trials are finished, no more are asked for."""
        self._stop = self._stop or reason

    # -- the loop ------------------------------------------------------------------------------

    def execute(self) -> Result:
        """Go on until the budget is spent or something else ends the run.

        Raises:
            TooManyFailures: More trials failed than the run may have.
            RunWriteError: The run file cannot be written.
            ProblemError: The evaluator cannot be built in a worker, or its costs are no numbers.
        """
        self._executing = True
        self._write_best()
        self._callbacks.notify("on_run_start", self)
        with Interrupts(on_first=lambda: self.stop("interrupted")) as interrupts:
            stopped = self._loop(interrupts)
        self._record_unheard()
        if self._pruner.rule is not None and not any(trial.curve for trial in self.trials):
            _log.warning("prune: no trial reported a value (Evaluator.report): none can end early")
        self._best_of_noisy()
        figures: dict[str, float] = {}
        words = None
        try:
            if self.best is not None:
                words = in_words(self.evaluator, copy.deepcopy(self.best.x))
                if stopped in _TESTED:
                    figures = held_out(self.evaluator, copy.deepcopy(self.best.x))
        except KeyboardInterrupt:
            stopped = "interrupted"
            _log.warning("interrupted: the best point is not tested")
        result = self._result(stopped, figures, words)
        said = {} if words is None else {"words": words}
        self._write("stop", stopped=stopped, test=figures, seconds=result.seconds, **said)
        self._callbacks.notify("on_run_end", self, result)
        if stopped == "failures":
            raise TooManyFailures(first_failure(self.trials))
        return result

    def _loop(self, interrupts: Interrupts) -> str:
        """Ask, evaluate and tell. Returns why it ended."""
        timeout = self.config.timeout
        began = time.monotonic()
        deadline = None if timeout is None else began + timeout
        for number in sorted(self._open - self._written.keys()):
            self._again(number)  # was in flight when the last session ended
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                return "timeout"
            if failing(self.counts, self.config):
                return "failures"
            while self._stop is None and self._has_room():
                self._ask()
            if self._deliver():
                continue
            if self._stop:
                self._running = self._executor.withdraw()
            if not self._running:
                return self._stop or ("exhausted" if self._exhausted else "budget")
            self._looping += time.monotonic() - began
            try:
                with interrupts.waiting():
                    done = self._executor.wait(left)
            except KeyboardInterrupt:
                return "interrupted"
            began = time.monotonic()
            self._hear(done)

    def _has_room(self) -> bool:
        window = self.config.window or self._executor.slots + self._ahead()
        affordable = self.spent + len(self._open) < self.config.budget
        return affordable and not self._exhausted and len(self._open) < window

    def _ahead(self) -> int:
        """How many trials to have ready for the workers: one, where they would wait too long.

        A proposal made ahead knows one outcome less, so trials that take long are not.
        """
        waits = self._looping > _IDLE * self._evaluating
        return int(waits and self._heard > 0 and self._executor.slots > 1)

    def _ask(self) -> None:
        """Begin the next trial: an initial point while there are any, else a proposal."""
        number = len(self.trials)
        if number < len(self._init):
            x, value = self._init[number]
            source = "init" if value is None else "known"
            self._begin(self.optimizer.replay(number, x, {"source": source}))
        elif asked := self.optimizer.ask(1):
            self._begin(asked[0])
        else:
            self._exhausted = True

    def _begin(self, trial: Trial) -> None:
        with contextlib.suppress(Infeasible):
            trial = replace(trial, cost=cost_of(self.evaluator, copy.deepcopy(trial.x)))
        x = to_json(self._space, trial.x)
        self._add(trial, x)
        self._write("ask", number=trial.number, attempt=0, x=x, cost=trial.cost, info=trial.info)
        self._callbacks.notify("on_ask", self, trial)
        self._evaluate(trial)

    def _again(self, number: int, **why: str | None) -> None:
        """Evaluate a trial once more, at the same point."""
        trial = replace(self.trials[number], attempt=self.trials[number].attempt + 1)
        self.trials[number] = trial
        self._write("ask", number=number, attempt=trial.attempt, **why)
        self._callbacks.notify("on_ask", self, trial)
        self._evaluate(trial)

    def _evaluate(self, trial: Trial) -> None:
        """Submit a trial, unless its value was given or an equivalent point's outcome is known."""
        answer = self._answers.get(self._keys[trial.number])
        if trial.known:
            _, value = self._init[trial.number]
            answer = outcome_of(value, self.evaluator.direction)
        if answer is None:
            self._submit(trial)
        else:
            self._finish(trial.number, replace(answer, seconds=0.0))
            self._settle()

    def _submit(self, trial: Trial) -> None:
        folder = self._store.trial_folder(trial.number) if self._store else None
        data = to_json(self._space, trial.x)
        self._executor.submit(Task(trial.number, data, trial.attempt, folder))
        self._running += 1

    def _hear(self, done: Iterable[tuple[Task, Outcome]]) -> None:
        """Store outcomes; a trial whose worker died is evaluated again while it may be."""
        for task, outcome in done:
            self._running -= 1
            self._heard += 1
            self._evaluating += outcome.seconds or 0.0
            lost = outcome.state is TrialState.LOST
            if not lost or self._losses[task.number] >= self.config.retries:
                self._finish(task.number, outcome)
            elif self._stop is None:
                self._losses[task.number] += 1
                _log.warning("trial %d: %s; evaluating it again", task.number, outcome.error)
                self._again(task.number, lost=outcome.error)
        self._settle()

    def _finish(self, number: int, outcome: Outcome) -> None:
        self._write("tell", number=number, **outcome.to_dict())
        self._written[number] = outcome

    def _settle(self) -> None:
        """Unless order matters, let the optimizer hear all that is written, at once."""
        while not self.config.deterministic and self._deliver():
            pass

    def _deliver(self) -> bool:
        """Tell the optimizer one written outcome. Returns whether there was one to tell."""
        if self.config.deterministic:
            number = min(self._open, default=-1)
        else:
            number = next(iter(self._written), -1)  # in the file's order
        if number not in self._written:
            return False
        outcome = self._written.pop(number)
        self._open.remove(number)
        trial = replace(self.trials[number], **vars(outcome))
        self._pruner.told(number, outcome.curve, outcome.value)
        pruned = outcome.state is TrialState.PRUNED
        expected = self._pruner.expected(outcome.curve) if pruned else None
        self.optimizer.tell(trial, outcome.to_tell(expected))
        key = self._keys.pop(number)
        repeats = self.evaluator.noisy or self.config.settings.get("allow_repeats")
        if trial.state in _ANSWERS and not repeats:
            self._answers.setdefault(key, outcome)
        self._record(trial)
        return True

    def _record(self, trial: Trial) -> None:
        """Count a finished trial, and show it."""
        self.trials[trial.number] = trial
        self.counts[TrialState.RUNNING] -= 1
        self.counts[trial.state] += 1
        self._known += trial.known and trial.state in CHARGED
        self._note_best(trial)
        if self._executing:
            self._callbacks.notify("on_tell", self, trial)

    def _record_unheard(self) -> None:
        """At the end: what is written behind a trial that was dropped (deterministic mode).

        The optimizer does not hear of it, but when the run is resumed, in its order.
        """
        for number in sorted(self._written):
            self._record(replace(self.trials[number], **vars(self._written.pop(number))))

    def _note_best(self, trial: Trial) -> None:
        candidates = [trial] if self.best is None else [self.best, trial]
        self.best = best_trial(candidates, self.evaluator.direction)
        if self.best is trial and self._executing:
            self._write_best()

    def _best_of_noisy(self) -> None:
        """Until the end of a run the luckiest trial was shown; now that of the best mean."""
        if self.evaluator.noisy and self.best is not None:
            self.best = self._result("", {}).best
            self._write_best()

    # -- replay --------------------------------------------------------------------------------

    def replay(self, stored: StoredRun) -> None:
        """Bring the optimizer and the run to where a stored run's events leave them."""
        for event in stored.events:
            if event["event"] == "ask":
                self._replay_ask(event, stored.trials[event["number"]].x)
            elif event["event"] == "tell":
                self._written[event["number"]] = outcome_in(event)
                self._settle()
            elif event["event"] == "resume":
                self.set_budget(event["budget"])

    def set_budget(self, budget: int) -> None:
        """Change the budget; what is written is heard first, as at the end of a run."""
        if budget != self.config.budget:
            while self._deliver():
                pass
            self.config = replace(self.config, budget=budget)

    def _replay_ask(self, event: Event, x: Any) -> None:
        number = event["number"]
        if number < len(self.trials):
            self.trials[number] = replace(self.trials[number], attempt=event["attempt"])
            return
        # Deterministic mode: this trial was asked for once there was room, and no later.
        while not self._has_room() and self._deliver():
            pass
        x = self.optimizer.replay(number, x, event["info"]).x
        cost, attempt, info = event["cost"], event["attempt"], event["info"]
        self._add(Trial(number, x, cost=cost, attempt=attempt, info=info), event["x"])

    # -- parts ---------------------------------------------------------------------------------

    def _add(self, trial: Trial, x: Any) -> None:
        """Begin with a trial, whose point is ``x`` in JSON."""
        self.trials.append(trial)
        self._keys[trial.number] = self._key(trial, x)
        self._open.add(trial.number)
        # In deterministic mode what runs beside it, and how fast, must not matter.
        self._pruner.begin(trial.number, min(self._open) if self.config.deterministic else None)
        self.counts[TrialState.RUNNING] += 1

    def _key(self, trial: Trial, x: Any) -> str:
        """The same for equivalent points; what an optimizer proposes is canonical already."""
        if "source" in trial.info:
            with contextlib.suppress(Infeasible):
                canonical = guarded("canonical(x)", self.evaluator.canonical)
                x = to_json(self._space, canonical(copy.deepcopy(trial.x)))
        return encode(x)

    def _result(self, stopped: str, test: Mapping[str, float], words: str | None = None) -> Result:
        return Result(
            problem=self.problem,
            optimizer=self.config.optimizer,
            direction=self.evaluator.direction,
            noisy=self.evaluator.noisy,
            space=self._space,
            seed=self.optimizer.seed,
            budget=self.config.budget,
            trials=self.trials,
            stopped=stopped,
            seconds=self.seconds,
            test=test,
            folder=self.folder,
            words=words,
        )

    def _write(self, kind: str, **fields: Any) -> None:
        if self._store:
            self._store.append(kind, **fields)

    def _write_best(self) -> None:
        if self._store and self.best:
            self._store.write_best(trial_to_json(self._space, self.best))
