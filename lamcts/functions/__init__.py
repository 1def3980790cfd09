"""Test functions whose best value is known, and wrappers that keep a search honest.

>>> from lamcts.functions import make_function
>>> function = make_function("levy", dim=20, shift_seed=1, noise=0.1)
>>> function.optimum_value
0.0
"""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

from lamcts.errors import UnknownName, did_you_mean

if TYPE_CHECKING:
    from lamcts.functions._base import BenchmarkFunction

__all__ = ["FUNCTIONS", "make_function"]

#: Every function by name, and where it is: listing them imports none.
FUNCTIONS: dict[str, str] = {
    "ackley": "lamcts.functions.multimodal:Ackley",
    "branin": "lamcts.functions.multimodal:Branin",
    "dixon-price": "lamcts.functions.valleys:DixonPrice",
    "ellipsoid": "lamcts.functions.valleys:Ellipsoid",
    "griewank": "lamcts.functions.multimodal:Griewank",
    "hartmann6": "lamcts.functions.multimodal:Hartmann6",
    "leading-ones": "lamcts.functions.discrete:LeadingOnes",
    "levy": "lamcts.functions.multimodal:Levy",
    "maxsat": "lamcts.functions.discrete:MaxSAT",
    "michalewicz": "lamcts.functions.multimodal:Michalewicz",
    "mixed-ackley": "lamcts.functions.mixed:MixedAckley",
    "nk": "lamcts.functions.discrete:NK",
    "onemax": "lamcts.functions.discrete:OneMax",
    "powell": "lamcts.functions.valleys:Powell",
    "qap": "lamcts.functions.discrete:QAP",
    "rastrigin": "lamcts.functions.multimodal:Rastrigin",
    "rosenbrock": "lamcts.functions.valleys:Rosenbrock",
    "schaffer-f7": "lamcts.functions.multimodal:SchafferF7",
    "schwefel": "lamcts.functions.multimodal:Schwefel",
    "sphere": "lamcts.functions.valleys:Sphere",
    "styblinski-tang": "lamcts.functions.multimodal:StyblinskiTang",
    "zakharov": "lamcts.functions.valleys:Zakharov",
}


def make_function(
    name: str,
    *,
    dim: int | None = None,
    rotate_seed: int | None = None,
    levels: int | None = None,
    shift_seed: int | None = None,
    permute_seed: int | None = None,
    embed_dim: int | None = None,
    noise: float = 0.0,
    noise_seed: int = 0,
    **options: Any,
) -> BenchmarkFunction:
    """A test function by name, wrapped as asked, in the order of the arguments.

    Args:
        name: One of `FUNCTIONS`.
        dim: Number of coordinates; the function's usual one when ``None``.
        rotate_seed: Turn the axes about the optimum (`Rotated`).
        levels: Put every coordinate on a grid of so many levels (`Discretised`).
        shift_seed: Move the optimum (`Shifted`).
        permute_seed: Put the coordinates in random order (`Permuted`).
        embed_dim: Hide the coordinates among dummies, so many in all (`Embedded`); their
            positions follow ``permute_seed``.
        noise: Standard deviation of the noise on every evaluation (`Noisy`).
        noise_seed: Seed of the noise.
        **options: Further settings of the function (``low``, ``high``, ``k``, ``instance``); its
            usual ones when ``None``.

    Raises:
        UnknownName: No such function or option.
        InvalidArgument: A setting the function or a wrapper cannot take.
    """
    # numpy and the formulas are loaded here, not when the functions are listed.
    from lamcts.functions import wrappers

    given = {key: value for key, value in {"dim": dim, **options}.items() if value is not None}
    function = _build(name, given)
    if rotate_seed is not None:
        function = wrappers.Rotated(function, seed=rotate_seed)
    if levels is not None:
        function = wrappers.Discretised(function, levels)
    if shift_seed is not None:
        function = wrappers.Shifted(function, seed=shift_seed)
    if embed_dim is not None:
        function = wrappers.Embedded(function, embed_dim, seed=permute_seed or 0)
    elif permute_seed is not None:
        function = wrappers.Permuted(function, seed=permute_seed)
    if noise:
        function = wrappers.Noisy(function, noise, seed=noise_seed)
    return function


def _build(name: str, options: dict[str, Any]) -> BenchmarkFunction:
    """The bare function; its options are checked by name first."""
    if name not in FUNCTIONS:
        raise UnknownName(f"function: {name!r} is not known; {did_you_mean(name, FUNCTIONS)}")
    module, _, attribute = FUNCTIONS[name].partition(":")
    cls = getattr(importlib.import_module(module), attribute)
    known = list(inspect.signature(cls.__init__).parameters)[1:]
    for option in options:
        if option not in known:
            mend = did_you_mean(option, known)
            raise UnknownName(f"{option}: {name} has no such setting; {mend}")
    function: BenchmarkFunction = cls(**options)
    return function
