"""TuRBO-1 by its authors (Eriksson et al., NeurIPS 2019), as a method of `lamcts bench`.

    pip install git+https://github.com/uber-research/TuRBO
    lamcts bench --suite bbob --optimizers lamcts,benchmarks/turbo1.py:search

`search` makes one suggestion at a time, `in_tens` ten, for a tenth of the time. Their code has a
licence of its own (not for commercial use); none of it is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamcts.benchmark.peers import Objective


def search(objective: Objective) -> None:
    """One suggestion at a time."""
    _optimize(objective, 1)


def in_tens(objective: Objective) -> None:
    """Ten suggestions at a time; their paper's runs take 50 and more."""
    _optimize(objective, 10)


def _optimize(objective: Objective, batch_size: int) -> None:
    """2d first points as they recommend; what is not given is their default."""
    import torch
    from turbo import Turbo1

    if not objective.is_real.all():
        raise ValueError("TuRBO searches real variables only")
    np.random.seed(objective.seed)  # noqa: NPY002 - theirs draws from the global generators
    torch.manual_seed(objective.seed)
    Turbo1(
        objective,
        np.zeros(objective.dim),
        np.ones(objective.dim),
        n_init=2 * objective.dim,
        max_evals=2 * (objective.budget + objective.dim),  # the objective ends the run before
        batch_size=batch_size,
        verbose=False,
    ).optimize()
