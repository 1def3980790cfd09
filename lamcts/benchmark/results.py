"""The records of a comparison as one array: how far from the optimum each run was, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lamcts.benchmark.records import Record, Task
from lamcts.errors import InvalidArgument

__all__ = ["PRECISION", "TARGETS", "Results", "Spread", "quartiles"]

#: COCO's targets: distances from the optimum, evenly spread in the logarithm from 100 to 1e-8.
#: Hansen et al., "COCO: Performance Assessment" (2016), https://arxiv.org/abs/1605.03560
TARGETS: NDArray[np.float64] = 10.0 ** np.linspace(2, -8, 51)

#: Nearer to the optimum than the last target, all are equal: there rounding decides.
PRECISION = 1e-8


@dataclass(frozen=True)
class Spread:
    """What the seeds of one optimizer on one problem had after so many evaluations.

    A distance from the optimum where that is known, else the best value, from good to bad. Seeds
    without a value count as infinitely bad.
    """

    lower: float
    median: float
    upper: float


class Results:
    """Runs side by side: every problem has every optimizer with every seed.

    Args:
        records: What `compare` returned. A run that is missing or has no value is infinitely far
            from the optimum.

    Attributes:
        problems: Labels of the problems; each instance is a problem of its own.
        optimizers: Names, in the order of the records.
        seeds: The seeds.
        budget: The greatest budget.
        records: The records, by problem, optimizer and seed.
        reference: What distances are measured from, by problem: the optimum, or the best value of
            all these runs where it is not known; ``None`` without any value.

    Raises:
        InvalidArgument: There are no records.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        if not records:
            raise InvalidArgument("records: none given; there is nothing to compare")
        self._labels = _labels(record.task for record in records)
        self.problems = list(dict.fromkeys(map(self._label, records)))
        self.optimizers = list(dict.fromkeys(r.task.optimizer for r in records))
        self.seeds = sorted({r.task.seed for r in records})
        self.budget = max(r.task.budget for r in records)
        self._by_problem: dict[str, list[Record]] = {problem: [] for problem in self.problems}
        for record in records:
            self._by_problem[self._label(record)].append(record)
        self.records = {(self._label(r), r.task.optimizer, r.task.seed): r for r in records}
        self.reference = {problem: self._reference(problem) for problem in self.problems}

    def runs(self, problem: str, optimizer: str) -> list[Record]:
        """The records of one optimizer on one problem, by seed; those there are."""
        keys = ((problem, optimizer, seed) for seed in self.seeds)
        return [self.records[key] for key in keys if key in self.records]

    def knows_optimum(self, problem: str) -> bool:
        """Whether a problem's optimum is known."""
        return any(r.optimum is not None for r in self._by_problem[problem])

    def distances(self, evaluations: int) -> NDArray[np.float64]:
        """(problems, optimizers, seeds) distances from the optimum after so many evaluations."""
        found = np.full((len(self.problems), len(self.optimizers), len(self.seeds)), np.inf)
        for (problem, optimizer, seed), record in self.records.items():
            place = self.problems.index(problem), self.optimizers.index(optimizer)
            at = self.curve(record, [evaluations])[0]
            found[(*place, self.seeds.index(seed))] = at
        return found

    def curve(self, record: Record, evaluations: ArrayLike) -> NDArray[np.float64]:
        """Distances (n,) of one run after each of the numbers (n,); infinite before any value."""
        origin = self.reference[self._label(record)]
        if not record.trace or origin is None:
            return np.full(np.shape(evaluations), np.inf)
        steps, values = np.array(record.trace).T
        sign = -1.0 if record.direction == "maximize" else 1.0
        distances = np.concatenate([[np.inf], np.maximum(sign * (values - origin), 0.0)])
        at: NDArray[np.float64] = distances[np.searchsorted(steps, evaluations, side="right")]
        return at

    def spread(self, problem: str, optimizer: str, evaluations: int) -> Spread:
        """Median and quartiles over the seeds; a method that failed on a seed pays for it."""
        runs = self.runs(problem, optimizer)
        distances = [float(self.curve(run, [evaluations])[0]) for run in runs]
        distances += [np.inf] * (len(self.seeds) - len(runs))
        lower, median, upper = quartiles(distances)
        origin = self.reference[problem]
        if self.knows_optimum(problem) or origin is None:
            return Spread(lower, median, upper)
        is_max = any(r.direction == "maximize" for r in self._by_problem[problem])
        sign = -1.0 if is_max else 1.0
        return Spread(*(origin + sign * distance for distance in (lower, median, upper)))

    def runtimes(self, optimizer: str) -> NDArray[np.float64]:
        """Evaluations per dimension until each target was reached: COCO's runtimes.

        Returns:
            Sorted, one number for each target of each seed on each problem with a known optimum;
            infinite where the target was not reached. Empty without such a problem.
        """
        found = []
        for problem in filter(self.knows_optimum, self.problems):
            runs = self.runs(problem, optimizer)
            found += [self._runtimes(run) for run in runs]
            found += [np.full(len(TARGETS), np.inf)] * (len(self.seeds) - len(runs))
        return np.sort(np.concatenate(found)) if found else np.empty(0)

    def _runtimes(self, record: Record) -> NDArray[np.float64]:
        steps = np.array([n for n, _ in record.trace], dtype=np.float64)
        falling = self.curve(record, steps)
        first = np.searchsorted(-falling, -TARGETS)  # the first distance at or below the target
        return np.append(steps / record.dim, np.inf)[first]

    def _label(self, record: Record) -> str:
        return self._labels[record.task.problem, record.task.instance]

    def _reference(self, problem: str) -> float | None:
        records = self._by_problem[problem]
        known = [r.optimum for r in records if r.optimum is not None]
        if known:
            return known[0]
        ran = [r for r in records if r.trace]  # what died knows no direction
        if not ran:
            return None
        final = [r.trace[-1][1] for r in ran]
        return max(final) if ran[0].direction == "maximize" else min(final)


def _labels(tasks: Iterable[Task]) -> dict[tuple[str, int], str]:
    """A label for each problem's instance; that of files with the same name is the whole path."""
    labels = {(task.problem, task.instance): task.label for task in tasks}
    alike = Counter(labels.values())
    for (problem, instance), label in labels.items():
        if alike[label] > 1:
            labels[problem, instance] = problem if instance == 1 else f"{problem} #{instance}"
    return labels


def quartiles(values: ArrayLike) -> tuple[float, float, float]:
    """First quartile, median and third quartile, linear between values; some may be infinite.

    >>> quartiles([1.0, 2.0, 3.0, 4.0, float("inf")])
    (2.0, 3.0, 4.0)
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    found = []
    for part in (0.25, 0.5, 0.75):
        place = part * (len(ordered) - 1)
        low, high = ordered[int(place)], ordered[int(np.ceil(place))]
        # numpy's percentile has inf - inf = nan here
        found.append(float(low if low == high else low + (high - low) * (place % 1)))
    return found[0], found[1], found[2]
