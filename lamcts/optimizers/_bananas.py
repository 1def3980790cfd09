"""BANANAS: an ensemble of small networks tells which mutants of the best to evaluate."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.optimizers._base import Optimizer
from lamcts.samplers import Proposal
from lamcts.spaces import Space

__all__ = ["BANANAS"]

Array = NDArray[np.float64]

#: Networks, their hidden layers, and units a layer. The paper's have ten layers of 20 units.
NETWORKS, LAYERS, UNITS = 5, 3, 20
#: Steps of Adam on all samples, its learning rate (the paper's), and its constants.
STEPS, RATE, BETA1, BETA2, TINY = 200, 0.01, 0.9, 0.999, 1e-8
#: Trials of the first design, and between two trainings (the paper: 10 and 10).
DESIGN, EVERY = 10, 10
#: Candidates, and best trials whose mutants they are.
CANDIDATES, PARENTS = 100, 10


class BANANAS(Optimizer):
    """Bayesian optimization with a neural predictor (White, Neiswanger and Savani 2021).

    Ensemble, independent Thompson sampling and mutation of the best trials, as there. The networks
    see the one-hot encoding of the point: the paper's path encoding knows of graphs.

    Args:
        space: The search space.
        **options: As for `Optimizer`.
    """

    def __init__(self, space: Space[Any], **options: Any) -> None:
        super().__init__(space, **options)
        self._rows = np.empty(0, dtype=int)  # what the networks are trained on
        self._due = DESIGN
        self._fitted: tuple[int, _Ensemble] | None = None

    def _prepare(self, number: int) -> None:
        known = np.flatnonzero(~np.isnan(self.history.y))
        if number >= self._due and len(known) > 1:
            self._rows, self._due = known, number + EVERY

    def _propose(self, rng: np.random.Generator) -> Proposal:
        codec, y = self.domain.codec, self.history.y
        if not len(self._rows):
            return Proposal(self.domain.legal(codec.sample(rng, CANDIDATES)), ranked=False)
        if self._fitted is None or self._fitted[0] != self._due:
            rows = self._rows
            ensemble = _Ensemble(self.history.Z[rows], y[rows], self._rng(3, self._due))
            self._fitted = self._due, ensemble
        known = np.flatnonzero(~np.isnan(y))
        best = known[np.argsort(-y[known], kind="stable")[:PARENTS]]
        parents = self.history.Z[rng.choice(best, CANDIDATES)]
        count = rng.geometric(0.5, (CANDIDATES, 1))
        change = rng.random((CANDIDATES, codec.p)).argsort(axis=1).argsort(axis=1) < count
        C = self.domain.legal(self.domain.mutate(parents, change, rng))
        guesses = self._fitted[1].predict(C)
        sampled = rng.normal(guesses.mean(axis=0), guesses.std(axis=0))
        return Proposal(C[np.argsort(-sampled, kind="stable")])


class _Ensemble:
    """Fully connected networks with rectifiers, all trained at once on all samples by Adam."""

    def __init__(self, Z: Array, y: Array, rng: np.random.Generator) -> None:
        y = y / (float(np.abs(y).max()) or 1.0)  # no square of a huge value overflows
        target = (y - y.mean()) / (float(y.std()) or 1.0)
        sizes = [Z.shape[1], *[UNITS] * LAYERS, 1]
        shapes = list(itertools.pairwise(sizes))
        self._W = [rng.normal(0.0, np.sqrt(2.0 / a), (NETWORKS, a, b)) for a, b in shapes]
        self._b = [np.zeros((NETWORKS, 1, b)) for _, b in shapes]
        weights = [*self._W, *self._b]
        moments = [(np.zeros_like(w), np.zeros_like(w)) for w in weights]
        for step in range(1, STEPS + 1):
            for w, g, (first, second) in zip(
                weights, self._gradients(Z, target), moments, strict=True
            ):
                first += (1.0 - BETA1) * (g - first)
                second += (1.0 - BETA2) * (g * g - second)
                square = second / (1.0 - BETA2**step)
                w -= RATE * first / (1.0 - BETA1**step) / (np.sqrt(square) + TINY)

    def predict(self, Z: Array) -> Array:
        """(networks, n) what each network expects at ``Z`` (n, d), standardised."""
        return np.asarray(self._forward(Z)[-1][:, :, 0])

    def _forward(self, Z: Array) -> list[Array]:
        layers: list[Array] = [np.broadcast_to(Z, (NETWORKS, *Z.shape))]
        for i, (W, b) in enumerate(zip(self._W, self._b, strict=True)):
            out = layers[-1] @ W + b
            layers.append(out if i == LAYERS else np.maximum(out, 0.0))
        return layers

    def _gradients(self, Z: Array, target: Array) -> list[Array]:
        """Of the squared error, for the weights and then for the biases."""
        layers = self._forward(Z)
        error = (layers[-1] - target[:, None]) / len(target)
        of_W: list[Array] = []
        of_b: list[Array] = []
        for i in range(LAYERS, -1, -1):
            of_W.insert(0, layers[i].transpose(0, 2, 1) @ error)
            of_b.insert(0, error.sum(axis=1, keepdims=True))
            if i:
                error = (error @ self._W[i].transpose(0, 2, 1)) * (layers[i] > 0.0)
        return [*of_W, *of_b]
