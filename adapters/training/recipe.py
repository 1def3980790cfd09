"""How a network is trained: the numbers, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["DEVICES", "Recipe", "require_torch"]

#: ``auto`` takes the first of cuda, mps and cpu that the machine has when training begins.
DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum and a one-cycle cosine: linear warm-up, then decay to zero.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images a step; a last, smaller batch is kept.
        learning_rate: The peak, reached after the warm-up.
        momentum: Of SGD, in [0, 1).
        weight_decay: L2 penalty on every parameter.
        warmup: Share of the steps spent warming up, in [0, 1).
        seed: Fixes the initial weights and the order of the images.
        device: One of `DEVICES`.
    """

    epochs: int
    batch_size: int = 32
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup: float = 0.1
    seed: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InvalidArgument(f"{name}: {value!r} is not a count; use an integer from 1 up")
        if self.device not in DEVICES:
            raise InvalidArgument(
                f"device: {self.device!r} is not known; use one of {', '.join(DEVICES)}"
            )


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
