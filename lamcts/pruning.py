"""Ending trials early by their learning curves.

An evaluator reports how it stands, ``self.report(step, value)``, and a rule compares it with the
trials that came to the same step:

- ``median`` ends one whose best value so far is worse than the median of theirs [1];
- ``halving`` lets the best third of those that came to a rung go on; each rung has three times
  the steps of the one before [2].

What a pruned trial would have come to is estimated from the completed ones, so that the optimizer
learns from it too.

[1] Golovin et al. 2017, Google Vizier, section 3.2.1, where a value is compared with the means of
completed trials up to its step. Here with the values at the step, of all that came to it: means of
curves that fall are far above them and end nothing, and so at most half are ended at a step.
[2] Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning (ASHA), in the form that
stops instead of pausing (Syne Tune): a rung that fewer than three trials reached ends nothing.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lamcts.errors import InvalidArgument, UnknownName, did_you_mean
from lamcts.evaluator import Direction

__all__ = ["Curve", "MedianRule", "Pruner", "Rule", "SuccessiveHalving", "make_rule"]

#: The values reported so far, each with its step; steps ascend.
Curve = Sequence[tuple[int, float]]

#: Completed trials from which a pruned one's value is estimated, at least; the latest, at most.
_ENOUGH, _MANY = 3, 500


class Rule(Protocol):
    """When to end a trial; values are to be maximised."""

    def mark(self, before: int, step: int) -> int | None:
        """Where a trial that goes from one step to the next is compared, if it is."""

    def stops(self, values: Sequence[float], others: Sequence[float]) -> bool:
        """Whether a trial that reported ``values`` ends, given the others' at the same mark."""


@dataclass(frozen=True)
class MedianRule:
    """End what is worse than the median.

    Args:
        min_steps: The first step at which a trial may end.
        min_trials: How many others must have come to a step before one is ended there.
    """

    min_steps: int = 1
    min_trials: int = 5

    def mark(self, before: int, step: int) -> int | None:
        """Every step."""
        return step if step >= self.min_steps else None

    def stops(self, values: Sequence[float], others: Sequence[float]) -> bool:
        """Whether the best value is below the median."""
        return len(others) >= self.min_trials and max(values) < statistics.median(others)


@dataclass(frozen=True)
class SuccessiveHalving:
    """Let the best ``1 / reduction`` of each rung go on.

    Args:
        min_steps: The first rung.
        reduction: How many times as many steps each further rung has; at least 2.
    """

    min_steps: int = 1
    reduction: int = 3

    def mark(self, before: int, step: int) -> int | None:
        """The highest rung passed."""
        if step < self.min_steps:
            return None
        rung = self.min_steps
        while rung * self.reduction <= step:
            rung *= self.reduction
        return rung if rung > before else None

    def stops(self, values: Sequence[float], others: Sequence[float]) -> bool:
        """Whether as many are better as may go on."""
        going_on = (len(others) + 1) // self.reduction
        return going_on > 0 and sum(other > values[-1] for other in others) >= going_on


_RULES: dict[str, type[MedianRule] | type[SuccessiveHalving]] = {
    "median": MedianRule,
    "halving": SuccessiveHalving,
}


def make_rule(text: str) -> Rule:
    """The rule that a text describes.

    Raises:
        UnknownName: No such rule, or it has no such setting.
        InvalidArgument: A setting is no whole number, or too small.

    >>> make_rule("halving:min_steps=4,reduction=2")
    SuccessiveHalving(min_steps=4, reduction=2)
    """
    if not isinstance(text, str):  # in a run file that was edited
        raise InvalidArgument(f"prune: {text!r} is no text; use one of {', '.join(_RULES)}")
    name, _, settings = text.partition(":")
    if name not in _RULES:
        raise UnknownName(f"prune: {name!r} is no rule; {did_you_mean(name, _RULES)}")
    rule = _RULES[name]()
    given = {}
    for part in filter(None, settings.split(",")):
        key, _, number = (piece.strip() for piece in part.partition("="))
        if key not in vars(rule):
            raise UnknownName(f"prune: {key!r} is no setting; {did_you_mean(key, vars(rule))}")
        least = 2 if key == "reduction" else 1
        if not number.isdecimal() or int(number) < least:
            raise InvalidArgument(
                f"prune: {key} must be a whole number of at least {least}, got {number!r}"
            )
        given[key] = int(number)
    return _RULES[name](**given)


class Pruner:
    """Judges trials as they report, and remembers their curves.

    What it knows of a trial that has ended is what was written of it: so a run that is resumed
    judges as one that was not.

    Args:
        rule: When to end a trial; ``None``: never.
        direction: Of the reported values.
    """

    def __init__(self, rule: Rule | None, direction: Direction) -> None:
        self.rule = rule
        self._sign = 1.0 if direction == "maximize" else -1.0
        self._running: dict[int, list[tuple[int, float]]] = {}
        self._as_of: dict[int, tuple[int, int]] = {}  # numbers below, and the longest, at its begin
        self._at: dict[int, dict[int, float]] = defaultdict(dict)  # values, by mark, by trial
        self._came_to: dict[int, deque[tuple[float, float]]] = defaultdict(_latest)  # by step
        self._longest = 0  # the last step of those that completed

    def begin(self, number: int, before: int | None = None) -> None:
        """A trial begins.

        Args:
            number: The trial's.
            before: Compare it with trials of lower numbers than this only, all of which have ended:
                what ends later does not change how it is judged.
        """
        self._running[number] = []
        if before is not None:
            self._as_of[number] = (before, self._longest)

    def judge(self, number: int, step: int, value: float) -> bool:
        """Whether the trial that reports this is to end now."""
        if self.rule is None:
            return False
        curve = self._running[number]
        if curve and step <= curve[-1][0]:  # its worker was lost: it begins again
            self._forget(number)
            curve.clear()
        curve.append((step, value))
        mark = self._note(number, curve)
        before, longest = self._as_of.get(number, (math.inf, self._longest))
        if mark is None or step >= longest > 0:  # at the last step nothing can be saved
            return False
        others = [
            reported
            for other, reported in self._at[mark].items()
            if other != number and other < before
        ]
        return self.rule.stops([self._better(reported) for _, reported in curve], others)

    def told(self, number: int, curve: Curve, value: float | None) -> None:
        """A trial has ended; with a value when it is complete."""
        self._forget(number)  # one that was ended from outside leaves no curve
        self._running.pop(number, None)
        self._as_of.pop(number, None)
        for end in range(1, len(curve) + 1):
            self._note(number, curve[max(0, end - 2) : end])
        if value is not None:
            for step, reported in curve:
                self._came_to[step].append((self._better(reported), self._better(value)))
            self._longest = max([self._longest, *(step for step, _ in curve)])

    def expected(self, curve: Curve) -> float | None:
        """What a pruned trial would have come to: as its rank at its last step, so its value.

        ``None`` when too few completed trials reported at that step.
        """
        if not curve or len(known := self._came_to[curve[-1][0]]) < _ENOUGH:
            return None
        better = sum(reported > self._better(curve[-1][1]) for reported, _ in known)
        finals = sorted((final for _, final in known), reverse=True)
        return self._sign * finals[min(better, len(finals) - 1)]

    def _forget(self, number: int) -> None:
        """Forget what a running trial has reported."""
        curve = self._running.get(number, ())
        for end in range(1, len(curve) + 1):
            mark = self._mark(curve[max(0, end - 2) : end])
            if mark is not None:
                del self._at[mark][number]

    def _note(self, number: int, curve: Curve) -> int | None:
        """Note a trial's last report, if it comes to a mark. Returns the mark."""
        mark = self._mark(curve)
        if mark is not None:
            self._at[mark][number] = self._better(curve[-1][1])
        return mark

    def _mark(self, curve: Curve) -> int | None:
        """The mark that the last report of a curve comes to."""
        before = curve[-2][0] if len(curve) > 1 else -1
        return None if self.rule is None else self.rule.mark(before, curve[-1][0])

    def _better(self, value: float) -> float:
        """To be maximised; what is no number is worst."""
        return -math.inf if math.isnan(value) else self._sign * value


def _latest() -> deque[tuple[float, float]]:
    return deque(maxlen=_MANY)
