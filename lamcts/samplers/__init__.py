"""Leaf solvers: each samples inside one region of the search tree, behind one protocol.

| name | file | source |
| --- | --- | --- |
| random | `_random.py` | LA-MCTS, section 4.3 |
| bo | `_bo.py` | GP with log expected improvement |
| turbo | `_turbo.py` | TuRBO (Eriksson et al. 2019), confined to the region |
| cmaes | `_cmaes.py` | CMA-ES, CatCMA with margin (library ``cmaes``) |
| quadratic | `_quadratic.py` | quadratic models in a trust region, after Powell |
| evolution | `_evolution.py` | mutation and crossover |
| discrete | `_discrete.py` | a climbed GP, harmless redraws, (1+1)-CMA-ES steps, by earnings |

A solver of your own is a subclass of `Sampler`, or any ask/tell optimizer by `wrap_ask_tell`;
make it known by `register_sampler`.
"""

from __future__ import annotations

import importlib

from lamcts.errors import UnknownName, did_you_mean
from lamcts.samplers._base import Proposal, Sampler
from lamcts.samplers._wrapped import AskTell, wrap_ask_tell

__all__ = [
    "AskTell",
    "Proposal",
    "Sampler",
    "register_sampler",
    "sampler_class",
    "wrap_ask_tell",
]

_SAMPLERS: dict[str, str | type[Sampler]] = {
    "random": "lamcts.samplers._random:RandomSampler",
    "bo": "lamcts.samplers._bo:BOSampler",
    "turbo": "lamcts.samplers._turbo:TuRBOSampler",
    "cmaes": "lamcts.samplers._cmaes:CMAESSampler",
    "quadratic": "lamcts.samplers._quadratic:QuadraticSampler",
    "evolution": "lamcts.samplers._evolution:EvolutionSampler",
    "discrete": "lamcts.samplers._discrete:DiscreteSampler",
}


def register_sampler(name: str, sampler: type[Sampler]) -> None:
    """Make a leaf solver known as ``LAMCTS(..., sampler=name)``."""
    _SAMPLERS[name] = sampler


def sampler_class(name: str) -> type[Sampler]:
    """The class of a leaf solver.

    Raises:
        UnknownName: There is no such sampler.
    """
    if name not in _SAMPLERS:
        raise UnknownName(f"sampler: unknown name {name!r}; {did_you_mean(name, _SAMPLERS)}")
    entry = _SAMPLERS[name]
    if isinstance(entry, type):
        return entry
    module, _, attribute = entry.partition(":")
    loaded: type[Sampler] = getattr(importlib.import_module(module), attribute)
    return loaded
