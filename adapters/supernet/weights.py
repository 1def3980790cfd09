"""A trained supernet, or several: what each network is worth by them. Loads PyTorch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from lamcts.adapters.supernet.folder import load_weights, read_trained
from lamcts.adapters.supernet.inherit import BATCHES, inherited_score
from lamcts.adapters.supernet.splits import Regions, Split
from lamcts.adapters.training import Recipe
from lamcts.adapters.training.distributed import pick_device
from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.task import SplitName
from lamcts.errors import RunError

if TYPE_CHECKING:
    from lamcts.adapters.supernet.evaluator import SupernetEvaluator

__all__ = ["SharedWeights", "load_split"]

#: Training images that a network's statistics are taken over, as in Once-for-All. Over 256 of them
#: its accuracy moved by half of what networks differ by (cells on CIFAR-10).
_CALIBRATED = 2_000


class SharedWeights:
    """The supernets of a folder, one for each part of the space; loaded when they are needed.

    Args:
        problem: Whose networks they are.
        folder: Where they are.

    Raises:
        RunError: The folder holds no trained supernet.
    """

    def __init__(self, problem: SupernetEvaluator, folder: Path) -> None:
        self.problem, self.folder = problem, folder
        self.record = read_trained(folder)
        self.split = load_split(problem, self.record.split)
        self.data = problem.load_data()
        recipe = Recipe(**self.record.recipe)
        self.task = ImageTask(self.data, replace(recipe, device=problem.recipe.device))
        self.batches = max(BATCHES, math.ceil(_CALIBRATED / recipe.batch_size))
        self._parts: dict[int, nn.Module] = {}

    def score(self, x: Any, split: SplitName = "validation") -> float:
        """Score of a point's network by the weights of the part that it lies in."""
        x = self.problem.canonical(x)
        part = 0 if self.split is None else self.split.of(x)
        return inherited_score(self.supernet(part), x, self.task, split, self.batches)

    def supernet(self, part: int) -> nn.Module:
        """The supernet of a part.

        Raises:
            RunError: Its weights are missing, damaged, or those of another network.
        """
        if part not in self._parts:
            supernet = self.problem.make_supernet(self.data.shape)
            try:
                supernet.load_state_dict(load_weights(self.folder, part))
            except RuntimeError as error:
                raise RunError(
                    f"{self.folder}: the weights are those of another network; "
                    "use the data that it was trained on, or train the supernet again"
                ) from error
            self._parts[part] = supernet.to(pick_device(self.problem.recipe.device)).eval()
        return self._parts[part]


def load_split(problem: SupernetEvaluator, data: Any) -> Split | None:
    """The split that ``to_json`` made ``data`` of; ``None`` for none."""
    if data is None:
        return None
    if "choice" in data:
        return problem.choice(data["choice"])
    return Regions(problem.space, data["regions"])
