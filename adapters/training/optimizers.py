"""Optimizers and learning rates of a recipe. Importing this module loads PyTorch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from lamcts.adapters.training.recipe import Recipe
from lamcts.errors import DependencyNotInstalled

__all__ = ["learning_rate", "make_optimizer"]


def make_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer of a recipe, over all weights of the model that are trained.

    Raises:
        DependencyNotInstalled: When it is timm's, and timm is missing.
    """
    groups = _groups(model, recipe)
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            groups,
            lr=rate,
            momentum=recipe.momentum,
            weight_decay=decay,
            nesterov=recipe.nesterov and recipe.momentum > 0.0,
        )
    if recipe.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, weight_decay=decay)
    try:
        from timm import optim
    except ImportError as error:
        raise DependencyNotInstalled(
            f"optimizer: {recipe.optimizer} needs timm, which is not installed; "
            'run: pip install "lamcts[vision]"'
        ) from error
    optimizer: torch.optim.Optimizer
    if recipe.optimizer == "lamb":
        optimizer = optim.Lamb(groups, lr=rate, weight_decay=decay)
    else:
        # EfficientNet's and MobileNetV3's: TensorFlow's, whose epsilon stands inside the root.
        optimizer = optim.RMSpropTF(
            groups, lr=rate, alpha=0.9, eps=1e-3, momentum=recipe.momentum, weight_decay=decay
        )
    return optimizer


def _groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """The weights, apart from those that are not to decay: biases, and scales of normalisations."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    if recipe.decay_norms:
        return [{"params": weights}]
    return [
        {"params": [weight for weight in weights if weight.ndim > 1]},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


def learning_rate(recipe: Recipe, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0 over the whole training."""
    steps = recipe.epochs * steps_per_epoch
    rise = max(1, round(recipe.warmup * steps)) if recipe.warmup else 0
    if step < rise:
        factor = (step + 1) / rise
    elif recipe.schedule == "cosine":
        fallen = 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))
        factor = recipe.final_rate + (1.0 - recipe.final_rate) * fallen
    elif recipe.schedule == "exponential":
        # Counted from the first step, as TensorFlow's EfficientNet does, the warm-up included.
        factor = recipe.decay_rate ** (step // (recipe.decay_epochs * steps_per_epoch))
    else:
        factor = 1.0
    return recipe.learning_rate * factor
