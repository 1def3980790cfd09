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

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.training.data import Split
from lamcts.adapters.training.recipe import require_torch
from lamcts.errors import UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["BATCH", "SCORES", "SIZES", "check_score", "compute_score"]

#: Scores that no images are looked at for.
SIZES = ("params", "macs")
SCORES = ("naswot", "synflow", "zen", "grad-norm", *SIZES)

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
        data: Labelled images, of which `BATCH` are looked at, of as many classes as can be.
        seed: Fixes the weights, the random inputs and which images.

    Raises:
        Infeasible: The score is no finite number, as where all images look alike to the network.
        UnknownName: No such score.
        DependencyNotInstalled: When PyTorch is missing.
    """
    check_score(name)
    require_torch()
    from lamcts.adapters.scores.measures import measure

    rows = _of_all_classes(data.labels, seed)
    return measure(name, build, data.images[rows], data.labels[rows], seed=seed)


def _of_all_classes(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """The rows of `BATCH` images at random, one of each class in turn: files come by class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    labels, turns = labels[order], np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = labels == label
        turns[own] = np.arange(own.sum())
    rows: NDArray[np.int64] = order[np.argsort(turns, kind="stable")[:BATCH]]
    return rows
