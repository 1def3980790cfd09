"""Training-free scores of PyTorch networks. Importing this module loads PyTorch.

All are computed on networks as they are initialised, for images (n, channels, height, width). Where
a paper takes something off the network first (Zen-NAS its residual paths), here it stays on, so
that any network can be scored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode

from lamcts.errors import Infeasible

__all__ = ["grad_norm", "macs", "measure", "naswot", "params", "synflow", "zen"]

#: Modules whose inputs' signs are an activation pattern.
_ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.GELU, nn.LeakyReLU)

#: Share of a second Gaussian input that moves the first (Zen-NAS, algorithm 1).
_MIXED = 0.01


def measure(
    name: str,
    build: Callable[[], nn.Module],
    images: NDArray[Any],
    labels: NDArray[Any],
    *,
    seed: int,
) -> float:
    """A score by name, of a fresh network, with one thread; see `compute_score`."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = _MEASURES[name](build(), torch.as_tensor(images), torch.as_tensor(labels))
    finally:
        torch.set_num_threads(threads)
    if not math.isfinite(found):
        raise Infeasible(f"{name} of this network is {found}")
    return found


def naswot(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """``log |det K|``: K counts, for two images, the activations on which they are of one sign.

    Mellor, Turner, Storkey, Crowley, "Neural architecture search without training", ICML 2021.
    """
    alike = torch.zeros(len(images), len(images), dtype=torch.float64)

    def count(inputs: Tensor) -> None:
        on = (inputs.flatten(1) > 0).double()
        alike.add_(on @ on.T + (1.0 - on) @ (1.0 - on).T)

    with _watched(_of(model, *_ACTIVATIONS), lambda inputs, _: count(inputs)), torch.no_grad():
        model.train()(images)
    return float(torch.linalg.slogdet(alike).logabsdet)


def synflow(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """``log sum |w . dR/dw|``: R is the network's output for ones, with all weights positive.

    Tanaka, Kunin, Yamins, Ganguli, "Pruning neural networks without any data by iteratively
    conserving synaptic flow", NeurIPS 2020; as a score: Abdelfattah, Mehrotra, Dudziak, Lane,
    "Zero-cost proxies for lightweight NAS", ICLR 2021.
    """
    model = model.double().eval()  # normalisations do next to nothing before training
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.abs_()
    model(torch.ones(1, *images.shape[1:], dtype=torch.float64)).sum().backward()
    flow = sum(
        float((w.detach() * w.grad).abs().sum()) for w in _weights(model) if w.grad is not None
    )
    return math.log(flow) if flow > 0.0 else -math.inf


def zen(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How far the last feature map moves with a Gaussian input, normalisation made up for.

    ``log mean |f(a) - f(a + 0.01 b)|``, summed over channels and pixels, and the logarithm of each
    batch normalisation's standard deviation. Lin, Wang, Sun, Chen, Sun, Qian, Li, Jin,
    "Zen-NAS: a zero-shot NAS for high-performance image recognition", ICCV 2021, algorithm 1.
    """
    for module in _of(model, nn.Conv2d, nn.Linear):
        for name, parameter in module.named_parameters(recurse=False):
            (nn.init.normal_ if name == "weight" else nn.init.zeros_)(parameter)
    model.train()
    first = torch.randn_like(images)
    second = first + _MIXED * torch.randn_like(images)
    scales: list[float] = []
    features: list[Tensor] = []

    def see(inputs: Tensor, outputs: Tensor) -> None:
        if outputs.dim() == 4:
            features[:] = [outputs]

    def add(inputs: Tensor, outputs: Tensor) -> None:
        variances = inputs.var(dim=(0, 2, 3), unbiased=False)
        scales.append(0.5 * math.log(float(variances.mean()) or math.inf))

    # The parts of a network come before the whole: the last map seen is what is pooled.
    maps = [module for module in model.modules() if not isinstance(module, nn.AdaptiveAvgPool2d)]
    with torch.no_grad(), _watched(maps, see):
        with _watched(_of(model, nn.BatchNorm2d), add):
            model(first)
        (before,) = features
        model(second)
        (after,) = features
    moved = float((before - after).abs().sum(dim=(1, 2, 3)).mean())
    return (math.log(moved) if moved > 0.0 else -math.inf) + sum(scales)


def grad_norm(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Euclidean norms of the gradients of the layers' weights, summed (Abdelfattah et al. 2021)."""
    loss: Any = cross_entropy(model.train()(images), labels)
    loss.backward()
    return sum(float(w.grad.norm()) for w in _weights(model) if w.grad is not None)


def params(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Number of parameters."""
    return float(sum(parameter.numel() for parameter in model.parameters()))


def macs(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Multiply-adds for one image, as PyTorch counts them."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(images[:1])
    return float(counter.get_total_flops() / 2)


_MEASURES = {
    "naswot": naswot,
    "synflow": synflow,
    "zen": zen,
    "grad-norm": grad_norm,
    "params": params,
    "macs": macs,
}


def _weights(model: nn.Module) -> Iterator[nn.Parameter]:
    """The weights of convolutions and linear layers."""
    return (parameter for parameter in model.parameters() if parameter.dim() > 1)


@contextmanager
def _watched(modules: Iterable[nn.Module], see: Callable[[Tensor, Tensor], None]) -> Iterator[None]:
    """Show the input and the output of some modules in each pass."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        see(inputs[0], outputs)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _of(model: nn.Module, *kinds: type[nn.Module]) -> list[nn.Module]:
    return [module for module in model.modules() if isinstance(module, kinds)]
