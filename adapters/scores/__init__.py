"""Training-free scores: figures of an untrained network that say something of the trained one.

| score | what it is | source |
| --- | --- | --- |
| `naswot` | log-determinant of how alike the activation patterns of images are | Mellor et al. 2021 |
| `synflow` | logarithm of the synaptic flow, summed over the weights | Tanaka et al. 2020, Abdelfattah et al. 2021 |
| `zen` | logarithm of how far features move when Gaussian inputs do | Lin et al. 2021 |
| `grad-norm` | norms of the loss's gradient, summed over the layers | Abdelfattah et al. 2021 |
| `params` | number of parameters | |
| `macs` | multiply-adds for one image | |

A score takes two passes of one batch, or fewer. Nothing here loads PyTorch before one is computed.
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lamcts.adapters.training.data import Split
from lamcts.adapters.training.recipe import require_torch
from lamcts.errors import UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BATCH", "SCORES", "check_score", "compute_score"]

SCORES = ("naswot", "synflow", "zen", "grad-norm", "params", "macs")

#: Images that a score looks at.
BATCH = 32


def check_score(name: str) -> str:
    """The name, if there is such a score.

    Raises:
        UnknownName: There is none.
    """
    if name not in SCORES:
        raise UnknownName(f"score: {name!r} is not known; {did_you_mean(name, SCORES)}")
    return name


def compute_score(name: str, build: Callable[[], nn.Module], data: Split, *, seed: int) -> float:
    """The score of a network with fresh weights: higher promises more.

    Args:
        name: One of `SCORES`.
        build: Makes the network; called once, after seeding.
        data: Labelled images, of which the first `BATCH` are looked at.
        seed: Fixes the weights and the random inputs.

    Raises:
        Infeasible: The score is no finite number, as where all images look alike to the network.
        UnknownName: No such score.
        DependencyNotInstalled: When PyTorch is missing.
    """
    check_score(name)
    require_torch()
    from lamcts.adapters.scores.measures import measure

    return measure(name, build, data.images[:BATCH], data.labels[:BATCH], seed=seed)
