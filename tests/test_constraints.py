"""Constraints on costs: how they are written, what they refuse, and what is said of mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamcts
from lamcts.constraints import Constraint, Feasibility, check_constraints, parse_constraint
from lamcts.errors import InvalidArgument, UnknownName


class Cells(lamcts.Evaluator):
    """Costs grow with x; odd points have none."""

    space = lamcts.spaces.Box(0, 9, shape=(1,), dtype="int64")

    def cost(self, x: Any) -> dict[str, float]:
        if x[0] % 2:
            raise lamcts.Infeasible("odd")
        return {"flops": 100.0 * x[0], "params": 5.0}

    def evaluate(self, x: Any) -> float:
        return -float(x[0])


@pytest.mark.parametrize(
    ("text", "name", "relation", "bound"),
    [
        ("flops<=600e6", "flops", "<=", 6e8),
        (" latency_ms < 2.5 ", "latency_ms", "<", 2.5),
        ("params>=-1", "params", ">=", -1.0),
        ("params>0", "params", ">", 0.0),
    ],
)
def test_parse(text: str, name: str, relation: str, bound: float) -> None:
    assert parse_constraint(text) == Constraint(name, relation, bound)


@pytest.mark.parametrize("text", ["", "flops", "flops=3", "flops<=many", "<=3", "a<=nan", "a<b<3"])
def test_what_is_no_constraint_is_shown_with_the_form(text: str) -> None:
    with pytest.raises(InvalidArgument, match="NAME<=NUMBER") as error:
        parse_constraint(text)
    assert repr(text) in str(error.value)


def test_bounds_are_inclusive_as_written() -> None:
    cost = {"flops": 5.0}
    expected = {"<=": True, ">=": True, "<": False, ">": False}
    for relation, holds in expected.items():
        assert Constraint("flops", relation, 5.0).holds(cost) is holds


def test_feasibility_is_all_constraints_and_a_cost_at_all() -> None:
    feasible = Feasibility(map(parse_constraint, ["flops<=400", "flops>0"]), Cells())
    assert [x for x in range(10) if feasible([x])] == [2, 4]


def test_excess_is_by_how_much_a_bound_is_broken() -> None:
    feasible = Feasibility(map(parse_constraint, ["flops<=400", "flops>100"]), Cells())
    assert feasible.excess([6]).tolist() == [200.0, -500.0]
    assert feasible.excess([0]).tolist() == [-400.0, 100.0]
    assert np.isinf(feasible.excess([1])).all()


def test_a_strict_bound_is_broken_where_the_figure_equals_it() -> None:
    class Ones(lamcts.Evaluator):
        """Random points have half of the ones."""

        space = lamcts.spaces.MultiBinary(60)
        constraints = ("ones>57",)

        def cost(self, x: Any) -> dict[str, float]:
            return {"ones": float(x.sum())}

        def evaluate(self, x: Any) -> float:
            return float(x[0])

    feasible = Feasibility([parse_constraint("flops<400")], Cells())
    assert feasible.excess([4])[0] > 0.0
    found = lamcts.search(Ones, budget=3, seed=0, optimizer="random")
    assert all(trial.cost["ones"] > 57 for trial in found.trials)


def test_a_cost_that_is_no_number_leads_to_points_that_have_one() -> None:
    class Rare(lamcts.Evaluator):
        """A figure for a tenth of all points, of which few are within the limit."""

        space = lamcts.spaces.Box(0, 9, shape=(8,), dtype="int64")
        constraints = ("excess<=0",)

        def cost(self, x: Any) -> dict[str, float]:
            return {"excess": float(x.sum() - 8) if x[0] == 3 else np.nan}

        def evaluate(self, x: Any) -> float:
            return float(x.sum())

    feasible = Feasibility([parse_constraint("excess<=0")], Rare())
    assert feasible.excess(np.zeros(8, dtype=int)).tolist() == [np.inf]
    assert lamcts.search(Rare, budget=10, seed=0).best.value is not None


def test_many_points_break_limits_as_each_of_them_does() -> None:
    class Many(Cells):
        def cost_many(self, V: Any) -> dict[str, Any]:
            flops = np.where(V[:, 0] % 2, np.nan, 100.0 * V[:, 0])  # NaN: no cost at all
            return {"flops": flops}

    class OneAgain(Many):
        def cost(self, x: Any) -> dict[str, float]:
            return super().cost(x)

    limits = [parse_constraint(text) for text in ("flops<=400", "flops>200")]
    V = np.arange(10.0)[:, None]
    excesses = Feasibility(limits, Many()).many(V)
    assert excesses is not None
    one = Feasibility(limits, Cells())
    assert (excesses <= 0.0).all(axis=1).tolist() == [one([x]) for x in range(10)]
    assert excesses[6].tolist() == one.excess([6]).tolist()
    assert Feasibility(limits, OneAgain()).many(V) is None  # a cost of its own is not passed over


def test_an_unknown_cost_is_found_before_the_run() -> None:
    with pytest.raises(UnknownName, match="did you mean 'flops'"):
        check_constraints([parse_constraint("flop<=3")], Cells())
    check_constraints([parse_constraint("flops<=3")], Cells())


def test_a_search_proposes_only_what_satisfies_them() -> None:
    result = lamcts.search(
        Cells, budget=10, seed=0, optimizer="random", constraints=["flops<=400", "params<9"]
    )
    assert sorted(trial.x[0] for trial in result.trials) == [0, 2, 4]
    assert result.stopped == "exhausted"
    assert result.best.cost == {"flops": 400.0, "params": 5.0}


class Bounded(Cells):
    constraints = ("flops<=400",)


def test_a_problem_may_bring_its_own() -> None:
    proposed = {int(t.x[0]) for t in lamcts.search(Bounded, budget=20, seed=0).trials}
    assert proposed == {0, 2, 4}
    options: dict[str, Any] = {"budget": 20, "seed": 0, "constraints": "flops>=100"}
    assert {int(t.x[0]) for t in lamcts.search(Bounded, **options).trials} == {2, 4}
