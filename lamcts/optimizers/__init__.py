"""Optimizers by name: LA-MCTS, its presets from the papers, and the baselines.

| name | what |
| --- | --- |
| lamcts | `LAMCTS` with the settings that did best in our benchmarks |
| lamcts-paper | LA-MCTS as published (2020): k-means labels, RBF boundary, TuRBO in the leaf |
| lanas | LaNAS as published (2021): linear latent actions, random samples of the leaf |
| quadratic, turbo, cmaes, evolution, bo | one leaf solver on the whole space |
| regularized-evolution, local-search, bananas, reinforce | what NAS papers compare with |
| random, sobol | no learning |
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from lamcts.errors import UnknownName, did_you_mean
from lamcts.optimizers._base import Optimizer
from lamcts.optimizers._presets import LAMCTS_PAPER, LANAS, PAPER_SETTINGS
from lamcts.settings import check_number

__all__ = [
    "PAPER_SETTINGS",
    "Optimizer",
    "list_optimizers",
    "make_optimizer",
    "optimizer_settings",
]

#: name: (class, settings of the preset)
_OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "lamcts": ("_lamcts:LAMCTS", {}),
    "lamcts-paper": ("_lamcts:LAMCTS", LAMCTS_PAPER),
    "lanas": ("_lamcts:LAMCTS", LANAS),
    "quadratic": ("_baselines:Quadratic", {}),
    "turbo": ("_baselines:TuRBO", {}),
    "cmaes": ("_baselines:CMAES", {}),
    "evolution": ("_baselines:Evolution", {}),
    "bo": ("_baselines:BO", {}),
    "regularized-evolution": ("_regularized:RegularizedEvolution", {}),
    "local-search": ("_local:LocalSearch", {}),
    "bananas": ("_bananas:BANANAS", {}),
    "reinforce": ("_reinforce:REINFORCE", {}),
    "random": ("_baselines:RandomSearch", {}),
    "sobol": ("_baselines:SobolSearch", {}),
}
#: Options the caller's program sets, not a user's ``--set``.
_PLUMBING = {"self", "space", "options", "direction", "seed", "feasible", "canonical", "noisy"}


def list_optimizers() -> list[str]:
    """Names of all optimizers."""
    return list(_OPTIMIZERS)


def make_optimizer(name: str, space: Any, **options: Any) -> Optimizer:
    """An optimizer by name.

    Args:
        name: One of `list_optimizers`.
        space: The search space.
        **options: Of `Optimizer` (direction, seed, feasible, canonical, noisy), and the
            optimizer's own settings.

    Raises:
        UnknownName: There is no such optimizer or setting.
        InvalidArgument: A setting has an impossible value.
    """
    cls, preset = _lookup(name)
    settings = optimizer_settings(name)
    for key, value in options.items():
        if key in settings:
            check_number(value, settings[key])
        elif key not in _PLUMBING:
            hint = did_you_mean(key, settings)
            raise UnknownName(f"{key}: not a setting of optimizer {name!r}; {hint}")
    return cls(space, **{**preset, **options})


def optimizer_settings(name: str) -> dict[str, inspect.Parameter]:
    """The settings an optimizer takes, with their types and defaults."""
    cls, preset = _lookup(name)
    settings: dict[str, inspect.Parameter] = {}
    for base in reversed(cls.__mro__[:-1]):
        if "__init__" in vars(base) and issubclass(base, Optimizer):
            for key, parameter in inspect.signature(base, eval_str=True).parameters.items():
                if key not in _PLUMBING:
                    default = preset.get(key, parameter.default)
                    settings[key] = parameter.replace(default=default)
    return settings


def _lookup(name: str) -> tuple[type[Optimizer], dict[str, Any]]:
    if name not in _OPTIMIZERS:
        hint = did_you_mean(str(name), _OPTIMIZERS)
        raise UnknownName(f"optimizer: unknown name {name!r}; {hint}")
    path, preset = _OPTIMIZERS[name]
    module, _, attribute = path.partition(":")
    cls: type[Optimizer] = getattr(
        importlib.import_module(f"lamcts.optimizers.{module}"), attribute
    )
    return cls, preset
