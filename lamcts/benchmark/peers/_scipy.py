"""SciPy's optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamcts.benchmark.peers._objective import HUGE, Objective

#: First trust-region radius, as a part of each variable's range.
_RADIUS = 0.2


def cobyla(objective: Objective) -> None:
    """COBYLA from random starts. Powell (1994)."""
    _local(objective, "COBYLA", {"rhobeg": _RADIUS, "maxiter": objective.budget})


def cobyqa(objective: Objective) -> None:
    """COBYQA from random starts. Ragonneau (2022)."""
    _local(objective, "COBYQA", {"initial_tr_radius": _RADIUS, "maxfev": objective.budget})


def _local(objective: Objective, method: str, options: dict[str, Any]) -> None:
    from scipy.optimize import minimize

    bounds = [(0.0, 1.0)] * objective.dim
    while True:
        minimize(objective, objective.start(), method=method, bounds=bounds, options=options)


def evolution(objective: Objective) -> None:
    """Differential evolution without the final polish; integers by SciPy's own means."""
    from scipy.optimize import differential_evolution

    bounds = np.column_stack([np.zeros(objective.dim), objective.upper])
    differential_evolution(
        lambda u: min(objective(u), HUGE),  # a population of infinities is evaluated again
        bounds,
        rng=objective.rng,
        integrality=~objective.is_real,
        maxiter=objective.budget,
        tol=0,
        polish=False,
    )
