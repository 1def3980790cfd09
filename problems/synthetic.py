"""Test functions with a known optimum, wrapped as you like.

    lamcts run problems/synthetic.py --set function=levy --set dim=20 --set shift_seed=1

`lamcts.functions` lists the functions. Also registered one by one: ``lamcts run ackley-v0``.
"""

from __future__ import annotations

from typing import Any

import lamcts
from lamcts.functions import make_function


class Synthetic(lamcts.Evaluator):
    """A function of `lamcts.functions`; the settings are those of its `make_function`.

    ``low`` and ``high`` are bounds for the continuous functions, ``instance`` the number of a
    random one (nk, maxsat, qap).
    """

    def __init__(
        self,
        function: str = "ackley",
        *,
        dim: int | None = None,
        rotate_seed: int | None = None,
        levels: int | None = None,
        shift_seed: int | None = None,
        permute_seed: int | None = None,
        embed_dim: int | None = None,
        noise: float = 0.0,
        noise_seed: int = 0,
        low: float | None = None,
        high: float | None = None,
        instance: int | None = None,
    ) -> None:
        self.function = make_function(
            function,
            dim=dim,
            rotate_seed=rotate_seed,
            levels=levels,
            shift_seed=shift_seed,
            permute_seed=permute_seed,
            embed_dim=embed_dim,
            noise=noise,
            noise_seed=noise_seed,
            low=low,
            high=high,
            instance=instance,
        )
        self.space = self.function.space
        self.direction = self.function.direction
        self.noisy = self.function.noisy
        self.notice = self.function.notice

    @property
    def optimum_value(self) -> float | None:
        """The best value over the space; ``None`` when unknown."""
        return self.function.optimum_value

    def noise_free(self, x: Any) -> float:
        """The function's value at ``x`` without the noise."""
        return self.function.noise_free(x)

    def evaluate(self, x: Any) -> float:
        """The function's value at ``x``, with the trial's noise if any was asked for."""
        self.function.trial = self.trial
        return self.function.evaluate(x)
