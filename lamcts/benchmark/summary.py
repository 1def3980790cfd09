"""Figures that sum up a comparison: medians, quartiles and means; ranks and regrets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lamcts.benchmark.run import Record

__all__ = ["Score", "Summary", "best_at", "default_checkpoints", "reference", "score", "summarise"]


@dataclass(frozen=True)
class Summary:
    """One method on one problem after so many evaluations, over its seeds.

    Attributes:
        problem: The problem's label.
        optimizer: The method.
        evaluations: The checkpoint.
        runs: Runs that had a value by then.
        median: Median of the best values so far, in the problem's own sign; so the others.
        lower: First quartile.
        upper: Third quartile.
        mean: Mean.
    """

    problem: str
    optimizer: str
    evaluations: int
    runs: int
    median: float
    lower: float
    upper: float
    mean: float


@dataclass(frozen=True)
class Score:
    """One method over all problems and seeds.

    Attributes:
        optimizer: The method.
        runs: Its runs that gave a result.
        mean_rank: Mean over (problem, seed) of its place among the methods, 1 the best; ties
            share their places, a run without a result is last.
        regret: Mean over (problem, seed) of its final distance from the optimum as a fraction of
            the greatest among the methods: 0 the optimum, 1 the worst.
        cpu_ms: CPU milliseconds an evaluation, in the optimizer alone.
        peak_mb: Greatest memory of a run, in MiB; ``None`` where it can't be told.
    """

    optimizer: str
    runs: int
    mean_rank: float
    regret: float
    cpu_ms: float
    peak_mb: float | None


def best_at(record: Record, evaluations: int) -> float | None:
    """The best value after so many evaluations; ``None`` while there was none."""
    seen = [value for n, value in record.trace if n <= evaluations]
    return seen[-1] if seen else None


def default_checkpoints(records: Iterable[Record]) -> list[int]:
    """A tenth, a quarter, half and all of the largest budget."""
    budget = max(record.task.budget for record in records)
    return sorted({max(1, round(budget * part)) for part in (0.1, 0.25, 0.5, 1.0)})


def summarise(records: Sequence[Record], checkpoints: Sequence[int] | None = None) -> list[Summary]:
    """Best values so far at the checkpoints, for each problem and method in order of appearance.

    Args:
        records: Runs; those without a result are left out.
        checkpoints: Numbers of evaluations; `default_checkpoints` when ``None``.
    """
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.task.label, record.task.optimizer), []).append(record)
    summaries = []
    for (problem, optimizer), group in groups.items():
        for n in default_checkpoints(records) if checkpoints is None else checkpoints:
            values = [value for r in group if (value := best_at(r, n)) is not None]
            if values:
                lower, median, upper = np.percentile(values, (25, 50, 75)).tolist()
                mean = float(np.mean(values))
                summaries.append(
                    Summary(problem, optimizer, n, len(values), median, lower, upper, mean)
                )
    return summaries


def reference(records: Iterable[Record]) -> float | None:
    """What regret is measured from: the optimum of a problem's records, else the best value found.

    ``None`` when there is no result at all.
    """
    results = [record for record in records if record.trace]
    if not results:
        return None
    if results[0].optimum is not None:
        return results[0].optimum
    final = [record.trace[-1][1] for record in results]
    return max(final) if results[0].direction == "maximize" else min(final)


def score(records: Sequence[Record]) -> list[Score]:
    """Every method over all problems and seeds, the best mean rank first."""
    from scipy.stats import rankdata

    optimizers = list(dict.fromkeys(record.task.optimizer for record in records))
    regrets = _final_regrets(records, optimizers)
    ranks = rankdata(regrets, axis=1)
    worst = np.max(regrets, axis=1, where=np.isfinite(regrets), initial=0.0, keepdims=True)
    relative = np.where(worst > 0, np.minimum(regrets, worst) / np.where(worst > 0, worst, 1), 0.0)
    relative[~np.isfinite(regrets)] = 1.0

    scores = []
    for column, optimizer in enumerate(optimizers):
        done = [r for r in records if r.task.optimizer == optimizer and r.error is None]
        evaluations = sum(r.evaluations for r in done)
        peaks = [r.peak_mb for r in done if r.peak_mb is not None]
        scores.append(
            Score(
                optimizer,
                runs=len(done),
                mean_rank=float(ranks[:, column].mean()),
                regret=float(relative[:, column].mean()),
                cpu_ms=1000 * sum(r.cpu_seconds for r in done) / max(1, evaluations),
                peak_mb=max(peaks, default=None),
            )
        )
    return sorted(scores, key=lambda s: s.mean_rank)


def _final_regrets(records: Sequence[Record], optimizers: Sequence[str]) -> NDArray[np.float64]:
    """Distances from the optimum, a row for each (problem, seed); infinite without a result."""
    by_problem: dict[str, list[Record]] = {}
    for record in records:
        by_problem.setdefault(record.task.label, []).append(record)
    rows: dict[tuple[str, int], NDArray[np.float64]] = {}
    for label, group in by_problem.items():
        origin = reference(group)
        for record in group:
            row = rows.setdefault((label, record.task.seed), np.full(len(optimizers), np.inf))
            if record.trace and origin is not None:
                row[optimizers.index(record.task.optimizer)] = abs(record.trace[-1][1] - origin)
    return np.stack(list(rows.values()))
