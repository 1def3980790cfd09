"""TuRBO-1 by its authors (Eriksson et al., NeurIPS 2019), as a method of `lamcts bench`.

    pip install git+https://github.com/uber-research/TuRBO
    lamcts bench --suite bbob --optimizers lamcts,benchmarks/turbo1.py:search

Their code has a licence of its own (not for commercial use); none of it is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamcts.benchmark.peers import Objective


def search(objective: Objective) -> None:
    """One suggestion at a time, 2d first points as they recommend; the rest are their defaults."""
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
        verbose=False,
    ).optimize()
