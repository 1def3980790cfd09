"""How a network is trained: every number and choice, without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from lamcts.errors import DependencyNotInstalled, InvalidArgument, RunError

__all__ = ["DEVICES", "Recipe", "require_torch", "stored_recipe"]

#: ``auto`` takes the first of cuda, mps and cpu that the machine has when training begins.
DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True)
class Recipe:
    """All of a training but the network and the data; the defaults are those of small proxies.

    Attributes:
        epochs: Passes over the training data.
        batch_size: Examples a step, of all processes together. A last, smaller batch is kept, or
            added to the one before where a process would have a single example of it.
        optimizer: ``"sgd"`` and ``"adamw"`` are PyTorch's; ``"rmsprop"`` (TensorFlow's, with
            epsilon inside the root) and ``"lamb"`` are timm's.
        learning_rate: The peak, reached after the warm-up.
        momentum: Of SGD and RMSprop, in [0, 1).
        nesterov: Whether the momentum of SGD is Nesterov's.
        weight_decay: L2 penalty; decoupled from the gradient in AdamW and LAMB.
        decay_norms: Whether it falls on biases and on the scales of normalisations too.
        clip: Greatest norm of the gradient of all weights together; ``None`` for any. LAMB has a
            limit of its own, 1, besides.
        schedule: How the learning rate falls: on a ``"cosine"``; ``"exponential"``, in steps; or
            ``"constant"``, not at all.
        warmup: Share of all steps in which it rises linearly from 0, in [0, 1).
        final_rate: Where the cosine ends, as a share of the peak, in [0, 1).
        decay_rate: Exponential: the factor of every ``decay_epochs``.
        decay_epochs: Exponential: epochs between two steps down.
        label_smoothing: Share of every label spread evenly over the classes, in [0, 1).
        auxiliary_weight: Of the loss of an auxiliary head, where the network has one.
        drop_path: That a path of the network is dropped, in [0, 1); the network says how deep
            blocks differ.
        drop_path_rises: Whether it rises linearly from 0 over the epochs, as in NASNet.
        head_dropout: Share of the features before the classifier that is dropped, in [0, 1);
            ``None`` for the network's.
        norm_momentum: Of batch normalisations, as PyTorch counts it; ``None`` for the network's.
        ema: Decay per step of an average of all weights; 0 for none. Where there is one, it is
            what is selected and returned. Early on the average is over fewer steps.
        distillation: Share of the loss that a teacher's outputs have, in [0, 1].
        temperature: Of both outputs in the distillation.
        resolution: Height and width that images are resized to; ``None`` for the data's.
        test_resolution: The same outside of training; ``None`` for ``resolution``.
        teacher_resolution: What the teacher sees; ``None`` for ``resolution``.
        test_crop: Outside of training: share of the height and width kept, in the middle.
        crop: ``"pad"``: by an eighth on every side, and cut at random. ``"resized"``: 8 to 100 %
            of the area at random, resized.
        flip: Whether every other image is mirrored, at random.
        policy: Torchvision's random changes of colour and shape.
        operations: RandAugment: changes an image.
        magnitude: RandAugment: their strength, of 30.
        cutout: Height and width of a square that is blanked, at random; 0 for none.
        mixup: Mixup's alpha; 0 for none.
        cutmix: CutMix' alpha; 0 for none. With both, one of them is drawn for a batch.
        mix_probability: That a batch is mixed, in [0, 1].
        mixes: How often that is drawn for a batch.
        amp: Type of numbers inside the network: ``"bf16"``, ``"fp16"``, or ``"off"``: float32.
        channels_last: Whether the channels are innermost in memory, for faster convolutions.
        compile: Whether the network is compiled (`torch.compile`).
        deterministic: Whether cuDNN takes the same, slower algorithms each time. Other operations
            of a GPU may still differ: backward of resizing and adaptive pooling, losses of pixels.
        workers: Processes that load files.
        seed: Fixes the initial weights, the order of the data and every random change.
        device: One of `DEVICES`.

    Raises:
        InvalidArgument: A number or choice that cannot be followed.
    """

    epochs: int
    batch_size: int = 32

    optimizer: Literal["sgd", "adamw", "rmsprop", "lamb"] = "sgd"
    learning_rate: float = 0.1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 1e-4
    decay_norms: bool = True
    clip: float | None = None

    schedule: Literal["cosine", "exponential", "constant"] = "cosine"
    warmup: float = 0.1
    final_rate: float = 0.0
    decay_rate: float = 0.97
    decay_epochs: float = 2.4

    label_smoothing: float = 0.0
    auxiliary_weight: float = 0.4
    drop_path: float = 0.0
    drop_path_rises: bool = True
    head_dropout: float | None = None
    norm_momentum: float | None = None
    ema: float = 0.0
    distillation: float = 0.0
    temperature: float = 1.0

    resolution: int | None = None
    test_resolution: int | None = None
    teacher_resolution: int | None = None
    test_crop: float = 1.0
    crop: Literal["none", "pad", "resized"] = "none"
    flip: bool = False
    policy: Literal["none", "autoaugment-cifar10", "autoaugment-imagenet", "randaugment"] = "none"
    operations: int = 2
    magnitude: int = 9
    cutout: int = 0
    mixup: float = 0.0
    cutmix: float = 0.0
    mix_probability: float = 1.0
    mixes: int = 1

    amp: Literal["off", "bf16", "fp16"] = "off"
    channels_last: bool = False
    compile: bool = False
    deterministic: bool = True
    workers: int = 4
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(Recipe).items():
            value = getattr(self, name)
            if get_origin(hint) is Literal and value not in get_args(hint):
                raise InvalidArgument(
                    f"{name}: {value!r} is not known; use one of {', '.join(get_args(hint))}"
                )
        for name in ("epochs", "batch_size", "operations", "mixes"):
            self._check(name, 1, what="a count; use an integer from 1 up")
        for name in ("cutout", "workers", "magnitude"):
            self._check(name, 0, what="a count; use an integer from 0 up")
        for name in ("resolution", "test_resolution", "teacher_resolution"):
            if getattr(self, name) is not None:
                self._check(name, 1, what="a size; use pixels, or none")
        for interval, names in _INTERVALS.items():
            for name in names:
                value = getattr(self, name)
                if value is not None and not _within(value, interval):
                    raise InvalidArgument(f"{name}: {value!r} is not in {interval}")
        if not 0 <= self.seed < 2**63:
            raise InvalidArgument(f"seed: {self.seed!r} seeds nothing; use an integer from 0 up")
        if self.device not in DEVICES:
            raise InvalidArgument(
                f"device: {self.device!r} is not known; use one of {', '.join(DEVICES)}"
            )

    def _check(self, name: str, least: int, *, what: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InvalidArgument(f"{name}: {value!r} is not {what}")

    def to_json(self) -> dict[str, Any]:
        """All fields by name; ``Recipe(**recipe.to_json())`` is the recipe."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


#: Where numbers may be: ends in round brackets are left out.
_INTERVALS: Mapping[str, tuple[str, ...]] = {
    "(0, inf)": ("learning_rate", "clip", "decay_epochs", "temperature"),
    "[0, inf)": ("weight_decay", "mixup", "cutmix"),
    "(0, 1]": ("decay_rate", "test_crop"),
    "[0, 1]": ("distillation", "mix_probability", "norm_momentum"),
    "[0, 1)": (
        "momentum",
        "warmup",
        "final_rate",
        "label_smoothing",
        "drop_path",
        "head_dropout",
        "ema",
    ),
}


def _within(value: float, interval: str) -> bool:
    low, high = map(float, interval[1:-1].split(","))
    from_low = low <= value if interval.startswith("[") else low < value
    return from_low and (value <= high if interval.endswith("]") else value < high)


#: Fields by names they had: a folder stands for hours of training, and stays of use.
_RENAMED: Mapping[str, str] = {"auxiliary": "auxiliary_weight"}


def stored_recipe(stored: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """What `Recipe.to_json` wrote, of this version or an older one, by the names of today.

    Args:
        stored: The fields as they stand in a file.
        file: Which file, for the error.

    Raises:
        RunError: There is a field that this version does not know.
    """
    found = {_RENAMED.get(name, name): value for name, value in stored.items()}
    unknown = found.keys() - {field.name for field in fields(Recipe)}
    if unknown:
        raise RunError(
            f"{file}: its recipe has {', '.join(sorted(unknown))}, which this version of lamcts "
            "does not know; use the version that wrote it, or train again"
        )
    return found


def require_torch() -> None:
    """Say how to install PyTorch, when it is missing.

    Raises:
        DependencyNotInstalled: With the ``pip install`` line.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise DependencyNotInstalled(
            "training a network needs PyTorch, which is not installed; "
            'run: pip install "lamcts[torch]"'
        ) from error
