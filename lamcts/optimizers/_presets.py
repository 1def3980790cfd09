"""Settings from the papers: `LAMCTS` as LA-MCTS (2020) and as LaNAS (2021) describe it.

Everything that the papers fix is written out, so that the defaults of ``lamcts`` may move and
these stay. The paper's tables of settings per function are not quoted: `PAPER_SETTINGS` holds what
the authors' released code sets, which is their only record that can be run.
"""

from __future__ import annotations

from typing import Any

__all__ = ["LAMCTS_PAPER", "LANAS", "PAPER_SETTINGS"]

#: LA-MCTS (Wang, Fonseca, Tian 2020): section 3, and the class defaults of the released code.
LAMCTS_PAPER: dict[str, Any] = {
    "n_init": 40,
    "sampler": "turbo",
    "leaf_size": 20,
    "max_depth": 100,  # the paper has no limit; this bounds only a tree that degenerates to a list
    "cp": 0.1,  # "0.1 of the largest f", which is 1 here: values enter as ranks
    "ucb": "log",
    "boundary": "svm-rbf",
    "labels": "kmeans",
    "validate": False,
}

#: LaNAS (Wang et al. 2021), as released for NASBench-101: a tree of 31 nodes, 10 random networks.
LANAS: dict[str, Any] = {
    "n_init": 10,
    "sampler": "random",
    "leaf_size": 20,
    "max_depth": 4,
    "cp": 0.1,
    "ucb": "log",
    "boundary": "ridge",
    "validate": False,
}

#: What the released code of LA-MCTS sets otherwise for the functions it comes with, in any
#: dimension: ``make_optimizer("lamcts-paper", space, **PAPER_SETTINGS["levy"])``. Functions that
#: it does not come with (Rosenbrock, Rover and others) take the preset as it is.
PAPER_SETTINGS: dict[str, dict[str, Any]] = {
    "ackley": {"sampler": "bo", "leaf_size": 10},
    "levy": {"sampler": "bo", "leaf_size": 8, "boundary": "svm-poly"},
    "lunarlander": {"sampler": "bo", "leaf_size": 10, "boundary": "svm-poly"},
    "swimmer": {"leaf_size": 10, "boundary": "svm-poly"},
    "hopper": {"n_init": 150, "leaf_size": 100, "boundary": "svm-poly"},
}
