"""Training shared by the adapters: images, recipes, one seeded loop, a base of their problems.

Nothing here loads PyTorch or scikit-learn until a network is trained.
"""

from lamcts.adapters.training.data import ImageData, ImageShape, Split, digits
from lamcts.adapters.training.evaluator import NetworkEvaluator
from lamcts.adapters.training.files import ImageFiles
from lamcts.adapters.training.opening import open_images
from lamcts.adapters.training.recipe import Recipe, require_torch
from lamcts.adapters.training.recipes import RECIPES, find_recipe

__all__ = [
    "RECIPES",
    "ImageData",
    "ImageFiles",
    "ImageShape",
    "NetworkEvaluator",
    "Recipe",
    "Split",
    "digits",
    "find_recipe",
    "open_images",
    "require_torch",
]
