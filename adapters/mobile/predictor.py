"""Accuracy predictors: multilayer perceptrons in ``.npz`` files, and the numbers they take."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.mobile.choices import Choices, Codes
from lamcts.adapters.mobile.families import RESOLUTIONS
from lamcts.errors import InvalidArgument

__all__ = ["Encoder", "Predictor", "find_encoder", "one_hot"]

Array = NDArray[np.float64]
Encoder = Callable[[Codes], Array]

#: Resolutions of the two layouts for Once-for-All's space: of 124 and of 128 numbers.
_NAT, _OFA = RESOLUTIONS, tuple(range(112, 240, 16))


class Predictor:
    """A perceptron: ``x -> relu(x w0ᵀ + b0) -> ... -> x wLᵀ + base_acc``.

    Args:
        weights: (outputs, inputs) of each layer; the last has one output.
        biases: (outputs,) of each but the last.
        base: Added in the end: the mean accuracy that it was trained on.

    Raises:
        InvalidArgument: The shapes do not follow from each other.
    """

    def __init__(self, weights: Sequence[Array], biases: Sequence[Array], base: float) -> None:
        sizes = [w.shape[-1] for w in weights] + [1]
        wanted = list(zip(sizes[1:], sizes, strict=False))
        if [w.shape for w in weights] != wanted or [b.shape for b in biases] != [
            (size,) for size in sizes[1:-1]
        ]:
            raise InvalidArgument(
                f"predictor: layers of shapes {[w.shape for w in weights]} and biases of shapes "
                f"{[b.shape for b in biases]} do not follow from each other; "
                "give (outputs, inputs) and (outputs,)"
            )
        self.weights, self.biases, self.base = list(weights), list(biases), base

    @classmethod
    def load(cls, path: Path) -> Predictor:
        """Read a file of arrays ``w0``, ``b0``, ``w1``, ..., ``base_acc``.

        Raises:
            InvalidArgument: It is not there, is no such file, or an array is missing.
        """
        try:
            with np.load(path, allow_pickle=False) as arrays:
                layers = sum(name.startswith("w") for name in arrays.files)
                weights = [arrays[f"w{i}"].astype(np.float64) for i in range(layers)]
                biases = [arrays[f"b{i}"].astype(np.float64) for i in range(layers - 1)]
                base = arrays["base_acc"].astype(np.float64)
        except FileNotFoundError:
            raise InvalidArgument(f"predictor: there is no file {str(path)!r}") from None
        except KeyError as error:
            raise InvalidArgument(f"predictor: {str(path)!r} holds no array: {error}") from None
        except (OSError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise InvalidArgument(
                f"predictor: {str(path)!r} is not a file that numpy.savez wrote ({error})"
            ) from None
        if not layers or base.size != 1:
            raise InvalidArgument(
                f"predictor: {str(path)!r} needs layers w0, w1, ... and one number base_acc"
            )
        return cls(weights, biases, float(base.item()))

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return int(self.weights[0].shape[1])

    def __call__(self, features: Array) -> Array:
        """(n,) predictions of features (n, inputs)."""
        x = features
        for weight, bias in zip(self.weights[:-1], self.biases, strict=True):
            x = np.maximum(x @ weight.T + bias, 0.0)
        found: Array = (x @ self.weights[-1].T)[:, 0] + self.base
        return found


def one_hot(choices: Choices, codes: Codes, kinds: Sequence[str]) -> Array:
    """(n, options) all choices of these kinds, one after the other; zeros for what is unused."""
    used = choices.used(codes)
    parts = [np.zeros((len(codes), 0))]
    for column in (index for kind in kinds for index in choices.kinds.get(kind, ())):
        options = np.arange(len(choices.columns[column].options))
        parts.append((codes[:, column, None] == options) & used[:, column, None])
    return np.hstack(parts)


def find_encoder(choices: Choices, inputs: int) -> Encoder:
    """The encoder to so many numbers.

    Of resolutions chosen block by block (Once-for-All): 124, which are resolution (one of 128,
    160, 192, 224), kernels, expansions; or 128, as in Once-for-All's tutorial: kernels,
    expansions, resolution (one of 112, 128, ..., 224). Else all choices in order.

    Raises:
        InvalidArgument: No layout has so many, or has this resolution.
    """
    if choices.family.per_block:
        slots = ("kernels", "expands")
        grids = {124: _NAT, 128: _OFA}
        if inputs in grids:
            pixels = _on_grid(choices, grids[inputs])

            def encode(codes: Codes) -> Array:
                parts = [one_hot(choices, codes, slots), pixels[choices.scale(codes)]]
                return np.hstack(parts if inputs == 128 else parts[::-1])

            return encode
        raise InvalidArgument(
            f"predictor: it takes {inputs} numbers, known layouts have 124 or 128"
        )
    total = sum(len(choice.options) for choice in choices.columns)
    if inputs != total:
        models = ",".join(scale.name for scale in choices.family.scales)
        raise InvalidArgument(
            f"predictor: it takes {inputs} numbers, the choices of models={models} make {total}; "
            "set the models that it was trained on"
        )
    return lambda codes: one_hot(choices, codes, tuple(choices.kinds))


def _on_grid(choices: Choices, grid: tuple[int, ...]) -> Array:
    """(scales, grid) one-hot resolutions."""
    found = [scale.resolution for scale in choices.family.scales]
    for pixels in found:
        if pixels not in grid:
            raise InvalidArgument(
                f"resolutions: {pixels} is none that the predictor takes; use some of "
                f"{', '.join(map(str, grid))}"
            )
    one_hot: Array = (np.array(found)[:, None] == np.array(grid)).astype(np.float64)
    return one_hot
