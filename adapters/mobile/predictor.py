"""Accuracy predictors: perceptrons as published, files of either kind, the numbers they take."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.mobile.checkpoints import read_checkpoint
from lamcts.adapters.mobile.choices import Choices, Codes
from lamcts.adapters.mobile.families import RESOLUTIONS
from lamcts.adapters.mobile.gaussian import GaussianPredictor
from lamcts.errors import InvalidArgument

__all__ = [
    "Encoder",
    "Predictor",
    "find_encoder",
    "layout_size",
    "load_predictor",
    "one_hot",
]

Array = NDArray[np.float64]
Encoder = Callable[[Codes], Array]

#: Resolutions of the two layouts for Once-for-All's space: of 124 and of 128 numbers.
_NAT, _OFA = RESOLUTIONS, tuple(range(112, 240, 16))

#: Files that PyTorch wrote.
_CHECKPOINTS = (".pth", ".pt", ".tar")


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
    def of_arrays(cls, arrays: Mapping[str, Array]) -> Predictor:
        """From arrays ``w0``, ``b0``, ``w1``, ..., ``base_acc``.

        Raises:
            ValueError: One is missing.
            InvalidArgument: The shapes do not follow from each other.
        """
        layers = sum(name.startswith("w") for name in arrays)
        names = [f"w{i}" for i in range(layers)] + [f"b{i}" for i in range(layers - 1)]
        for name in (*names, "base_acc"):
            if name not in arrays:
                raise ValueError(f"no array {name!r}")
        if not layers or arrays["base_acc"].size != 1:
            raise ValueError("needs layers w0, w1, ... and one number base_acc")
        found = [arrays[name] for name in names]
        return cls(found[:layers], found[layers:], float(arrays["base_acc"].item()))

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Predictor:
        """From the ``state_dict`` of a published predictor: linear layers, ``base_acc``."""
        layers = [name for name in state if name.endswith("weight") and state[name].ndim == 2]
        biases = {name: state.get(name.removesuffix("weight") + "bias") for name in layers}
        base = sum(
            float(number.sum())
            for number in (state.get("base_acc"), *[biases.get(name) for name in layers[-1:]])
            if number is not None
        )
        return cls(
            [_array(state[name]) for name in layers],
            [_array(biases[name]) for name in layers[:-1] if biases[name] is not None],
            base,
        )

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


def load_predictor(path: Path) -> Predictor | GaussianPredictor:
    """Read a predictor: arrays in an ``.npz`` file, or a checkpoint of PyTorch (``.pth``).

    Raises:
        InvalidArgument: It is not there, or is no predictor.
        DependencyNotInstalled: It is a checkpoint, and PyTorch is missing.
    """
    if not os.path.isfile(path):
        raise InvalidArgument(f"predictor: there is no file {str(path)!r}")
    if path.suffix in _CHECKPOINTS:
        return Predictor.of_state(read_checkpoint(path, "predictor"))
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: _array(file[name]) for name in file.files}
    except (OSError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise InvalidArgument(
            f"predictor: {str(path)!r} is not a file that numpy.savez wrote ({error})"
        ) from None
    try:
        kind = GaussianPredictor if "inducing" in arrays else Predictor
        return kind.of_arrays(arrays)
    except ValueError as error:
        if isinstance(error, InvalidArgument):
            raise
        raise InvalidArgument(f"predictor: {str(path)!r} holds {error}") from None


def _array(tensor: Any) -> Array:
    return np.asarray(tensor, dtype=np.float64)


def layout_size(choices: Choices) -> int:
    """How many numbers a predictor that is trained here takes."""
    if not choices.family.per_block:
        return sum(len(choice.options) for choice in choices.columns)
    pixels = {scale.resolution for scale in choices.family.scales}
    return 124 if pixels <= set(_NAT) else 128


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
    total = layout_size(choices)
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
