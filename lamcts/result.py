"""What a run found."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.errors import DependencyNotInstalled, LamctsError
from lamcts.history import Trial, TrialState
from lamcts.incumbent import estimate
from lamcts.spaces import Codec, Space, to_json
from lamcts.storage import StoredRun, read_run

if TYPE_CHECKING:
    import pandas

    from lamcts.evaluator import Direction

__all__ = ["Result", "best_trial", "load_result", "result_of", "trial_to_json"]

#: What stands before the lines of an exception group in a traceback; a name without a message.
_MARGIN, _BARE = "  | ", re.compile(r"[\w.]+:")


@dataclass(frozen=True, repr=False)
class Result:
    """What a run found.

    Attributes:
        problem: The problem's name.
        optimizer: The optimizer's name.
        direction: ``"minimize"`` or ``"maximize"``.
        space: The search space.
        seed: The seed, also when none was given.
        budget: The run's total of trials.
        trials: Every trial, by number; after an interrupt some may be running.
        stopped: Why it ended: ``"budget"``, ``"timeout"``, ``"exhausted"`` (no point was
            left, or none was found in a large space), ``"interrupted"``, ``"callback"``,
            ``"failures"``; ``"running"`` for a run read while it goes on, or that was killed.
        seconds: Wall time of the run, all sessions together.
        test: The evaluator's held-out figures of the best point.
        folder: The run's folder, when there is one.
        noisy: Whether two evaluations of a point may differ: then `best` has the best estimated
            mean, not the luckiest value.
        words: The best point as ``Evaluator.render`` puts it, where a problem has words of its own
            and the run has come to an end.
    """

    problem: str
    optimizer: str
    direction: Direction
    space: Space[Any]
    seed: int
    budget: int
    trials: list[Trial]
    stopped: str
    seconds: float
    test: Mapping[str, float] = field(default_factory=dict)
    folder: Path | None = None
    noisy: bool = False
    words: str | None = None

    @property
    def best(self) -> Trial:
        """The best complete trial, the first of equals; of noisy ones, by estimated mean.

        Raises:
            LamctsError: No trial has completed; the message shows the first error.
        """
        best, _ = self._found
        if best is None:
            errors = [t for t in self.trials if t.error]
            message = f"best: no trial has completed ({len(errors)} did not succeed)"
            if errors:
                message += f"; first error, trial {errors[0].number}: {reason(errors[0])}"
            raise LamctsError(message)
        return best

    @property
    def estimate(self) -> float | None:
        """The estimated noise-free value of `best`; ``None`` when values have no noise."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Trial | None, float | None]:
        """The best trial, and the estimated mean it was chosen by."""
        best = best_trial(self.trials, self.direction)
        if best is None or not self.noisy:
            return best, None
        sign = 1.0 if self.direction == "maximize" else -1.0
        codec = Codec(self.space)
        done = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        Z = codec.encode(np.array([codec.to_vector(trial.x) for trial in done]))
        means = estimate(Z, np.array([sign * (trial.value or 0.0) for trial in done]), codec)
        row = int(np.nanargmax(means))
        return done[row], sign * float(means[row])

    @property
    def counts(self) -> dict[str, int]:
        """How many trials are in each state; every state has an entry."""
        counts = Counter(trial.state for trial in self.trials)
        return {state.value: counts[state] for state in TrialState}

    @property
    def known(self) -> int:
        """How many trials were given with their value (``init``): they cost no budget."""
        return sum(trial.known for trial in self.trials if trial.state.finished)

    @property
    def tally(self) -> str:
        """The trials but the known ones in words, by state: ``10 complete, 1 failed``."""
        counts = Counter(trial.state for trial in self.trials if not trial.known)
        return ", ".join(f"{counts[state]} {state}" for state in TrialState if counts[state])

    def to_json(self) -> dict[str, Any]:
        """The result as one object of JSON values, as ``lamcts run --json`` prints it."""
        best, mean = self._found
        keys = ("number", "value", "x", "metrics", "cost")
        shown = best and trial_to_json(self.space, best)
        estimated = {} if mean is None else {"estimate": mean}
        return {
            "run": None if self.folder is None else str(self.folder),
            "problem": self.problem,
            "optimizer": self.optimizer,
            "seed": self.seed,
            "budget": self.budget,
            "trials": self.counts,
            "best": shown and {**{key: shown[key] for key in keys}, **estimated},
            "test": _figures(self.test),
            "stopped": self.stopped,
            "seconds": round(self.seconds, 3),
        }

    def trials_to_json(self) -> list[dict[str, Any]]:
        """Every trial as JSON values, as ``lamcts export`` lists them."""
        return [trial_to_json(self.space, trial) for trial in self.trials]

    def to_dataframe(self) -> pandas.DataFrame:
        """The trials as a table, one a row: the point's variables, metrics and costs as columns.

        A variable named as another column is (``value``) stands there as ``x.value``.

        Raises:
            DependencyNotInstalled: pandas is missing.
        """
        try:
            import pandas
        except ImportError as error:
            raise DependencyNotInstalled(
                'to_dataframe: pandas is not installed; run: pip install "lamcts[pandas]"'
            ) from error
        codec = Codec(self.space)
        names = [_column(variable.name) for variable in codec.variables]
        rows = []
        for trial in self.trials:
            rows.append(
                {
                    "number": trial.number,
                    "state": trial.state.value,
                    "value": trial.value,
                    **dict(zip(names, codec.to_vector(trial.x), strict=True)),
                    **{f"metrics.{name}": v for name, v in trial.metrics.items()},
                    **{f"cost.{name}": v for name, v in trial.cost.items()},
                    "seconds": trial.seconds,
                    "error": trial.error,
                }
            )
        return pandas.DataFrame(rows)

    def __repr__(self) -> str:
        best, _ = self._found
        shown = "none" if best is None else f"{best.value:.6g}"
        done = sum(trial.state.finished for trial in self.trials) - self.known
        return (
            f"<Result {self.problem!r} {self.optimizer}: {done}/{self.budget} trials, "
            f"best={shown}, seed={self.seed}, stopped={self.stopped}>"
        )

    def _repr_html_(self) -> str:
        """A small table, for notebooks."""
        best, mean = self._found
        rows = {
            "problem": self.problem,
            "optimizer": self.optimizer,
            "best value": "none" if best is None else f"{best.value:.6g}",
            **({} if mean is None else {"estimated mean": f"{mean:.6g}"}),
            "best x": "none" if best is None else str(best.x),
            "trials": self.tally,
            "seed": self.seed,
            "stopped": self.stopped,
        }
        cells = (
            f"<tr><th>{name}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in rows.items()
        )
        return f"<table>{''.join(cells)}</table>"


def load_result(folder: str | Path) -> Result:
    """Read the result of a run from its folder, finished or not, without its problem.

    Raises:
        RunError: There is no run, or its file is damaged.
    """
    return result_of(read_run(folder))


def result_of(run: StoredRun) -> Result:
    """The result of a stored run."""
    header, stop = run.header, run.stop or {"stopped": "running", "test": {}}
    return Result(
        problem=header["name"],
        optimizer=header["optimizer"],
        direction=header["fingerprint"]["direction"],
        space=run.space,
        seed=header["seed"],
        budget=run.budget,
        trials=run.trials,
        stopped=stop["stopped"],
        seconds=run.seconds,
        test=stop["test"],
        folder=run.folder,
        noisy=header["fingerprint"].get("noisy", False),
        words=stop.get("words"),
    )


def best_trial(trials: list[Trial], direction: Direction) -> Trial | None:
    """The best complete trial, the first of equals, or ``None``."""
    sign = 1.0 if direction == "minimize" else -1.0
    complete = (trial for trial in trials if trial.state is TrialState.COMPLETE)
    return min(complete, key=lambda trial: sign * (trial.value or 0.0), default=None)


def trial_to_json(space: Space[Any], trial: Trial) -> dict[str, Any]:
    """A trial as JSON values; figures JSON has no number for are text (``"nan"``).

    In a curve they are null: its columns in a table hold numbers alone.
    """
    curve = [[step, value if math.isfinite(value) else None] for step, value in trial.curve]
    return {
        "number": trial.number,
        "state": trial.state.value,
        "x": to_json(space, trial.x),
        "value": trial.value,
        "metrics": _figures(trial.metrics),
        "cost": _figures(trial.cost),
        "artifacts": dict(trial.artifacts),
        "error": trial.error,
        "seconds": trial.seconds,
        "attempt": trial.attempt,
        **({"curve": curve} if curve else {}),
    }


def reason(trial: Trial) -> str:
    """Why a trial did not complete, in one line: of a traceback what was raised, and its message.

    A message of several lines has its first, and dots for the others.
    """
    texts = (trial.error or "").splitlines()
    lines = [line for text in texts if (line := text.removeprefix(_MARGIN)).strip()]
    frames = [i for i, line in enumerate(lines) if line.startswith('  File "')]
    after = range(frames[-1] + 1 if frames else 0, len(lines))
    first = next((i for i in after if not lines[i][0].isspace()), len(lines) - 1)
    what, *more = [line.strip() for line in lines[first:]] or [str(trial.state)]
    if more and _BARE.fullmatch(what):  # its message begins on the next line
        what = f"{what} {more.pop(0)}"
    return f"{what} ..." if more else what


def _column(variable: str) -> str:
    """The column of a variable in a table of trials."""
    taken = variable in ("number", "state", "value", "seconds", "error")
    return f"x.{variable}" if taken or variable.startswith(("metrics.", "cost.")) else variable


def _figures(figures: Mapping[str, float]) -> dict[str, Any]:
    return {
        str(name): figure if math.isfinite(figure) else str(figure)
        for name, figure in figures.items()
    }
