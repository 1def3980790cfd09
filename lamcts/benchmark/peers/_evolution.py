"""Evolution strategies and algorithms: pycma, cmaes, Nevergrad, pymoo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.benchmark.peers._objective import Objective

#: First step size, as a part of each variable's range.
_SIGMA = 0.3


def bipop(objective: Objective) -> None:
    """CMA-ES with BIPOP restarts from random points. Hansen (2009)."""
    import cma

    options = {
        "bounds": [0, 1],
        "seed": objective.seed + 1,  # 0 would mean the clock
        "verbose": -9,
        "verb_log": 0,
        "maxfevals": objective.budget,
    }
    while True:
        cma.fmin2(objective, objective.start, _SIGMA, options, restarts=9, bipop=True)


def sep_cma(objective: Objective) -> None:
    """CMA-ES with a diagonal covariance, from random starts. Ros and Hansen (2008)."""
    from cmaes import SepCMA

    bounds = np.tile([0.0, 1.0], (objective.dim, 1))
    while True:
        mean, seed = objective.start(), int(objective.rng.integers(2**31))
        es = SepCMA(mean=mean, sigma=_SIGMA, bounds=bounds, seed=seed)
        while not es.should_stop():
            es.tell([(u, objective(u)) for u in (es.ask() for _ in range(es.population_size))])


def catcma(objective: Objective) -> None:
    """CatCMA with margin. Hamano et al. (2025)."""
    from cmaes import CatCMAwM

    reals, levels = np.flatnonzero(objective.is_real), np.flatnonzero(~objective.is_real)
    space = {
        "x_space": [[0.0, 1.0]] * len(reals) or None,
        "c_space": objective.sizes[levels].tolist() or None,
    }
    while True:
        es = CatCMAwM(**space, seed=int(objective.rng.integers(2**31)))
        while not es.should_stop():
            told = []
            for _ in range(es.population_size):
                solution = es.ask()
                u = np.empty(objective.dim)
                if len(reals):
                    u[reals] = solution.x
                if len(levels):
                    u[levels] = [np.argmax(one_hot) for one_hot in solution.c]
                told.append((solution, objective(u)))
            es.tell(told)


def ngopt(objective: Objective) -> None:
    """Nevergrad's NGOpt, told the budget and that one trial runs at a time."""
    import nevergrad as ng

    parameters, places = _nevergrad_space(ng, objective)
    space = ng.p.Tuple(*parameters)
    space.random_state.seed(objective.seed)
    optimizer = ng.optimizers.NGOpt(parametrization=space, budget=objective.budget, num_workers=1)
    while True:
        candidate = optimizer.ask()
        u = np.empty(objective.dim)
        for place, value in zip(places, candidate.value, strict=True):
            u[place] = value
        optimizer.tell(candidate, objective(u))


def _nevergrad_space(ng: Any, objective: Objective) -> tuple[list[Any], list[NDArray[np.intp]]]:
    """Parameters, and the places of a point that each one's value fills."""
    groups: list[tuple[Any, NDArray[np.intp]]] = []
    reals = np.flatnonzero(objective.is_real)
    if len(reals):
        groups.append((ng.p.Array(shape=(len(reals),), lower=0.0, upper=1.0), reals))
    ordered = objective.kinds == "integer"
    for place in np.flatnonzero(ordered):
        scalar = ng.p.Scalar(lower=0, upper=int(objective.sizes[place]) - 1)
        groups.append((scalar.set_integer_casting(), np.array([place])))
    chosen = ~objective.is_real & ~ordered
    for size in np.unique(objective.sizes[chosen]):
        same = np.flatnonzero(chosen & (objective.sizes == size))
        choices = ng.p.TransitionChoice(range(int(size)), repetitions=len(same))
        groups.append((choices, same))
    return [parameter for parameter, _ in groups], [places for _, places in groups]


def genetic(objective: Objective) -> None:
    """The genetic algorithm of pymoo, without duplicates; 50 individuals on bits."""
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.mixed import MixedVariableGA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.operators.crossover.pntx import TwoPointCrossover
    from pymoo.operators.mutation.bitflip import BitflipMutation
    from pymoo.operators.sampling.rnd import BinaryRandomSampling
    from pymoo.optimize import minimize

    class Problem(ElementwiseProblem):  # type: ignore[misc]  # pymoo ships no types
        def _evaluate(self, x: Any, out: dict[str, float], *args: Any, **kwargs: Any) -> None:
            out["F"] = objective([x[i] for i in range(objective.dim)])

    space: dict[str, Any] = {"n_var": objective.dim, "xl": 0, "xu": 1}
    if objective.is_real.all():
        algorithm = GA()
    elif np.all(objective.kinds == "binary"):
        space["vtype"] = bool
        algorithm = GA(
            pop_size=50,
            sampling=BinaryRandomSampling(),
            crossover=TwoPointCrossover(),
            mutation=BitflipMutation(),
        )
    else:
        space = {"vars": {i: _pymoo_variable(objective, i) for i in range(objective.dim)}}
        algorithm = MixedVariableGA()
    end = ("n_eval", 2 * objective.budget)  # the objective ends it before
    minimize(Problem(n_obj=1, **space), algorithm, end, seed=objective.seed)


def _pymoo_variable(objective: Objective, place: int) -> Any:
    from pymoo.core.variable import Choice, Integer, Real

    size = int(objective.sizes[place])
    if objective.kinds[place] == "real":
        return Real(bounds=(0.0, 1.0))
    if objective.kinds[place] == "integer":
        return Integer(bounds=(0, size - 1))
    return Choice(options=list(range(size)))
