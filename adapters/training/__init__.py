"""Training shared by the adapters: image data, a recipe, and one seeded training loop.

Nothing here loads PyTorch or scikit-learn until a network is trained.
"""

from lamcts.adapters.training.data import ImageData, ImageShape, Split, digits
from lamcts.adapters.training.recipe import Recipe, require_torch

__all__ = ["ImageData", "ImageShape", "Recipe", "Split", "digits", "require_torch"]
