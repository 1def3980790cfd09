"""Other people's optimizers, run on our problems: one short adapter each, imported on use.

An adapter is a function of an `Objective`. It searches until the objective ends the run by raising
`BudgetSpent`, and starts again from a random point where its method has converged. Settings are
the library's own unless the adapter says otherwise. A user's own one is called by where it is,
``FILE.py:FUNCTION`` or ``package.module:FUNCTION``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lamcts._finding import find
from lamcts.benchmark.peers._objective import Kind, Objective, kinds_of
from lamcts.errors import DependencyNotInstalled, InvalidArgument, ProblemError

__all__ = [
    "PEERS",
    "Adapter",
    "Objective",
    "Peer",
    "check_peer",
    "is_peer",
    "kinds_of",
    "load_peer",
    "version_of",
]

#: Searches an objective, which ends the run.
Adapter = Callable[[Objective], None]

_ANY: frozenset[Kind] = frozenset({"real", "integer", "binary", "categorical"})
_ORDERED: frozenset[Kind] = _ANY - {"categorical"}
_REAL: frozenset[Kind] = frozenset({"real"})


@dataclass(frozen=True)
class Peer:
    """An optimizer of another package.

    Attributes:
        entry_point: ``"_module:function"`` of the adapter, in this package.
        summary: What it is, in a line.
        needs: What pip must have installed, the optimizer's own package first.
        takes: The kinds of variables it can search over.
    """

    entry_point: str
    summary: str
    needs: tuple[str, ...]
    takes: frozenset[Kind] = _ANY

    @property
    def missing(self) -> list[str]:
        """What is not installed. Nothing is imported to find out."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]

    @property
    def version(self) -> str:
        """The package and its version: ``"optuna 5.0.0"``."""
        return f"{self.needs[0]} {metadata.version(self.needs[0])}"


#: Every peer by name: its package's, and its own.
PEERS: dict[str, Peer] = {
    "botorch-logei": Peer(
        "_bayes:logei", "Gaussian process, log expected improvement", ("botorch",), _ORDERED
    ),
    "cma-bipop": Peer("_evolution:bipop", "CMA-ES of pycma, BIPOP restarts", ("cma",), _REAL),
    "cmaes-catcma": Peer(
        "_evolution:catcma",
        "CatCMA with margin",
        ("cmaes",),
        frozenset({"real", "binary", "categorical"}),
    ),
    "cmaes-sep": Peer("_evolution:sep_cma", "separable CMA-ES, restarted", ("cmaes",), _REAL),
    "nevergrad-ngopt": Peer("_evolution:ngopt", "NGOpt, which chooses for itself", ("nevergrad",)),
    "optuna-cmaes": Peer(
        "_bayes:optuna_cmaes", "CMA-ES from the box's centre", ("optuna", "cmaes"), _REAL
    ),
    "optuna-gp": Peer("_bayes:optuna_gp", "Gaussian process sampler", ("optuna", "torch")),
    "optuna-tpe": Peer("_bayes:optuna_tpe", "TPE, Optuna's default", ("optuna",)),
    "pymoo-ga": Peer("_evolution:genetic", "genetic algorithm", ("pymoo",)),
    "scipy-cobyla": Peer("_scipy:cobyla", "linear-model trust region", ("scipy",), _REAL),
    "scipy-cobyqa": Peer("_scipy:cobyqa", "quadratic-model trust region", ("scipy",), _REAL),
    "scipy-de": Peer("_scipy:evolution", "differential evolution", ("scipy",), _ORDERED),
    "smac-bb": Peer("_bayes:smac_bb", "Gaussian process of SMAC3", ("smac",)),
    "smac-hpo": Peer("_bayes:smac_hpo", "random forest of SMAC3, its default", ("smac",)),
}


def is_peer(name: str) -> bool:
    """Whether a method is not ours: one of `PEERS`, or a function of the user's own."""
    return name in PEERS or ":" in name


def version_of(name: str) -> str:
    """The package and its version; of a user's own, the file or module it is in."""
    return PEERS[name].version if name in PEERS else Path(name.rpartition(":")[0]).name


def check_peer(name: str, kinds: Iterable[Kind], problem: str) -> None:
    """Refuse a peer that isn't installed, or that cannot search such a space.

    Args:
        name: One of `PEERS`, or a user's own, which has to exist and may be given any space.
        kinds: The kinds of the problem's variables.
        problem: The problem's name, for the message.

    Raises:
        DependencyNotInstalled: A package is missing; the message holds the pip line.
        InvalidArgument: The peer takes no variables of some kind, or there is no such function.
    """
    if name not in PEERS:
        load_peer(name)
        return
    peer = PEERS[name]
    if peer.missing:
        raise DependencyNotInstalled(
            f"optimizers: {name} needs {' and '.join(peer.missing)}; run: pip install "
            f'{" ".join(peer.missing)} (all peers: pip install "lamcts[peers]")'
        )
    strange = sorted(set(kinds) - peer.takes)
    if strange:
        raise InvalidArgument(
            f"optimizers: {name} takes no {strange[0]} variables, which {problem} has; "
            "leave one of the two out"
        )


def load_peer(name: str) -> Adapter:
    """The adapter of a peer: it searches until the objective says that the budget is spent.

    Raises:
        InvalidArgument: A user's own cannot be found, or is no function.
    """
    if name in PEERS:
        module, _, function = PEERS[name].entry_point.partition(":")
        adapter: Adapter = getattr(importlib.import_module(f"{__name__}.{module}"), function)
        return adapter
    try:
        adapter = find(name).target
    except ProblemError as error:
        what = str(error).removeprefix("problem").removeprefix(":").strip()
        raise InvalidArgument(f"optimizers: {what}") from error
    if not callable(adapter):
        raise InvalidArgument(f"optimizers: {name} is {adapter!r}, no function of an Objective")
    return adapter
