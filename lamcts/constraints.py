"""Constraints on what is known before an evaluation: ``"flops<=600e6"``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.errors import Infeasible, InvalidArgument, UnknownName, did_you_mean
from lamcts.evaluator import Evaluator, batched
from lamcts.outcome import cost_of
from lamcts.spaces import as_space, describe, space_from_description

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Constraint", "Feasibility", "check_constraints", "parse_constraint"]

_TEXT = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|<|>)\s*(\S+)\s*")
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_PROBES = 100  # points looked at to learn the names of costs; some may have none


@dataclass(frozen=True)
class Constraint:
    """A bound on one of the figures that ``Evaluator.cost`` gives.

    Attributes:
        name: The figure's name: ``"flops"``.
        relation: ``"<="``, ``">="``, ``"<"`` or ``">"``.
        bound: The number it is compared with.
    """

    name: str
    relation: str
    bound: float

    def holds(self, cost: Mapping[str, Any]) -> bool:
        """Whether the figures satisfy it; of arrays of figures, which do.

        Raises:
            UnknownName: There is no such figure.
        """
        if self.name not in cost:
            hint = did_you_mean(self.name, cost)
            raise UnknownName(f"constraint: the problem has no cost {self.name!r}; {hint}")
        return _COMPARE[self.relation](cost[self.name], self.bound)

    def excess(self, cost: Mapping[str, Any]) -> Any:
        """By how much the figure is beyond the bound; not positive where it is within."""
        beyond = cost[self.name] - self.bound
        return beyond if self.relation.startswith("<") else -beyond

    def __str__(self) -> str:
        return f"{self.name}{self.relation}{self.bound:.12g}"


def parse_constraint(text: str) -> Constraint:
    """Read a constraint.

    Raises:
        InvalidArgument: It is not of the form ``name<=number``.

    >>> parse_constraint("flops <= 600e6")
    Constraint(name='flops', relation='<=', bound=600000000.0)
    """
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None:
            raise ValueError
        bound = float(match[3])
        if math.isnan(bound):
            raise ValueError
    except ValueError:
        raise InvalidArgument(
            f"constraint: {text!r} is not NAME<=NUMBER; write for example 'flops<=600e6'"
        ) from None
    return Constraint(match[1], match[2], bound)


class Feasibility:
    """The predicate on points that constraints make (a `lamcts.domain.Limits`).

    Args:
        constraints: All of them must hold.
        evaluator: Whose costs they bound.
    """

    def __init__(self, constraints: Iterable[Constraint], evaluator: Evaluator) -> None:
        self._constraints = tuple(constraints)
        self._evaluator = evaluator
        self._cost_many = batched(evaluator, "cost")

    def __call__(self, x: Any) -> bool:
        """Whether all constraints hold at a point, and it has costs at all."""
        try:
            cost = cost_of(self._evaluator, x)
        except Infeasible:
            return False
        return all(constraint.holds(cost) for constraint in self._constraints)

    def excess(self, x: Any) -> NDArray[np.float64]:
        """(k,) by how much each constraint is broken; infinite where a point has no such cost."""
        try:
            cost = cost_of(self._evaluator, x)
        except Infeasible:
            return np.full(len(self._constraints), np.inf)
        excess = np.array([constraint.excess(cost) for constraint in self._constraints])
        # a strict bound is broken where the figure is equal to it
        broken = [not constraint.holds(cost) for constraint in self._constraints]
        excess = np.where(broken, np.maximum(excess, np.finfo(float).tiny), excess)
        return np.where(np.isnan(excess), np.inf, excess)

    def many(self, V: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """(n, k) the excesses of native vectors (n, p); ``None`` if costs are had one by one."""
        if self._cost_many is None:
            return None
        cost = self._cost_many(V)
        excess = [constraint.excess(cost) for constraint in self._constraints]
        # what no comparison holds for, NaN say, is no point of a search either
        broken = [~np.asarray(constraint.holds(cost)) for constraint in self._constraints]
        return np.where(broken, np.maximum(excess, np.finfo(float).tiny), excess).T


def check_constraints(constraints: Iterable[Constraint], evaluator: Evaluator) -> None:
    """Find a name that the problem's costs do not have, before anything is evaluated.

    Raises:
        UnknownName: There is one; the message holds the nearest name.
    """
    wanted = tuple(constraints)
    if not wanted:
        return
    # A space of its own: looking must not advance the user's generator.
    space = space_from_description(describe(as_space(evaluator.space)))
    space.seed(0)
    for _ in range(_PROBES):
        try:
            cost = cost_of(evaluator, space.sample())
        except Infeasible:
            continue
        for constraint in wanted:
            constraint.holds(cost)
        return
