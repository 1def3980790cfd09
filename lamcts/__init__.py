"""Black-box optimization by learned partitions of the search space (LA-MCTS).

    import lamcts

    box = lamcts.spaces.Box(-5.0, 10.0, shape=(20,))
    result = lamcts.minimize(lambda x: float((x**2).sum()), box, budget=100, seed=0)
    print(result.best.value, result.best.x)

Names are imported when they are first used, so that ``import lamcts`` costs nothing.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamcts import spaces
    from lamcts.api import maximize, minimize, resume, search
    from lamcts.callbacks import Callback
    from lamcts.errors import Infeasible, LamctsError, Pruned
    from lamcts.evaluator import Evaluation, Evaluator
    from lamcts.history import Trial, TrialState
    from lamcts.optimizers import Optimizer, list_optimizers, make_optimizer
    from lamcts.optimizers._lamcts import LAMCTS
    from lamcts.registry import list_problems, make, register
    from lamcts.result import Result, load_result
    from lamcts.sweeps import resume_sweep, sweep
    from lamcts.tabular import TabularEvaluator
    from lamcts.testing import check_evaluator

__all__ = [
    "LAMCTS",
    "Callback",
    "Evaluation",
    "Evaluator",
    "Infeasible",
    "LamctsError",
    "Optimizer",
    "Pruned",
    "Result",
    "TabularEvaluator",
    "Trial",
    "TrialState",
    "check_evaluator",
    "list_optimizers",
    "list_problems",
    "load_result",
    "make",
    "make_optimizer",
    "maximize",
    "minimize",
    "register",
    "resume",
    "resume_sweep",
    "search",
    "spaces",
    "sweep",
]

__version__ = "0.1.0"

#: Where each name lives. The functions' modules have other names than the functions: importing a
#: submodule sets an attribute of the package, which would hide a function of that name.
_HOMES = {
    "LAMCTS": "optimizers._lamcts",
    "Callback": "callbacks",
    "Evaluation": "evaluator",
    "Evaluator": "evaluator",
    "Infeasible": "errors",
    "LamctsError": "errors",
    "Optimizer": "optimizers",
    "Pruned": "errors",
    "Result": "result",
    "TabularEvaluator": "tabular",
    "Trial": "history",
    "TrialState": "history",
    "check_evaluator": "testing",
    "list_optimizers": "optimizers",
    "list_problems": "registry",
    "load_result": "result",
    "make": "registry",
    "make_optimizer": "optimizers",
    "maximize": "api",
    "minimize": "api",
    "register": "registry",
    "resume": "api",
    "resume_sweep": "sweeps",
    "search": "api",
    "sweep": "sweeps",
}

logging.getLogger("lamcts").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name == "spaces":
        return importlib.import_module("lamcts.spaces")
    if name not in _HOMES:
        raise AttributeError(f"module 'lamcts' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"lamcts.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
