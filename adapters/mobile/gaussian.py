"""An accuracy predictor of our own: a sparse Gaussian process on one-hot choices.

Chosen by cross-validation on two tables (docs/mobile.md): it ranks like ensembles of perceptrons
and boosted trees, or better, and its standard deviations are right without any adjusting.
Quinonero-Candela, Rasmussen, "A unifying view of sparse approximate Gaussian process regression",
JMLR 2005 (the deterministic training conditional, section 5). Prediction takes numpy alone.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lamcts.errors import InvalidArgument

__all__ = ["Assessment", "GaussianPredictor", "assess"]

Array = NDArray[np.float64]

#: Networks that stand for all in the model, and those that its three numbers are fitted to.
INDUCING, FITTED = 1500, 700
#: Added to the diagonal, relative to the amplitude, so that rounding does no harm.
JITTER = 1e-6
#: Networks needed to fit anything.
LEAST = 20


@dataclass(frozen=True)
class GaussianPredictor:
    """Means and standard deviations of accuracies.

    Attributes:
        inducing: (m, inputs) networks that stand for all.
        basis: (m, m) from the kernel with these to features of independent weights.
        weights: (m,) their means.
        shares: (m,) of the prior variance of each weight, what the data left.
        length: Length scale of the kernel.
        amplitude: Prior variance, of standardised values.
        noise: Variance of what no choice explains.
        mean: Of the values that it was fitted to.
        scale: Their standard deviation.
    """

    inducing: Array
    basis: Array
    weights: Array
    shares: Array
    length: float
    amplitude: float
    noise: float
    mean: float
    scale: float

    @classmethod
    def fit(cls, features: Array, values: Array, *, seed: int = 0) -> GaussianPredictor:
        """Fit to features (n, inputs) and values (n,).

        Raises:
            InvalidArgument: There are too few, or all values are equal.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        if len(values) < LEAST or values.std() == 0.0:
            raise InvalidArgument(
                f"table: {len(values)} networks, values from {values.min(initial=np.inf):g} to "
                f"{values.max(initial=-np.inf):g}; give {LEAST} or more with different values"
            )
        mean, scale = float(values.mean()), float(values.std())
        y = (values - mean) / scale
        order = np.random.default_rng(seed).permutation(len(y))
        some = order[:FITTED]
        prior = ConstantKernel(1.0, (1e-2, 1e4)) * RBF(3.0, (1e-1, 1e3))
        model = GaussianProcessRegressor(prior + WhiteKernel(0.05, (1e-6, 1.0)), random_state=seed)
        with warnings.catch_warnings():  # a number at its bound is as good as there is
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = model.fit(features[some], y[some]).kernel_
        amplitude, length = float(found.k1.k1.constant_value), float(found.k1.k2.length_scale)
        noise = float(found.k2.noise_level)

        inducing = features[order[:INDUCING]]
        K = _kernel(inducing, inducing, length, amplitude)
        K[np.diag_indices_from(K)] += JITTER * amplitude
        L = np.linalg.cholesky(K)
        V = np.linalg.solve(L, _kernel(inducing, features, length, amplitude))
        precision, U = np.linalg.eigh(V @ V.T + noise * np.eye(len(V)))
        basis = np.linalg.solve(L.T, U)
        return cls(
            inducing=inducing,
            basis=basis,
            weights=(U.T @ (V @ y)) / precision,
            shares=noise / precision,
            length=length,
            amplitude=amplitude,
            noise=noise,
            mean=mean,
            scale=scale,
        )

    @property
    def inputs(self) -> int:
        """How many numbers it takes."""
        return int(self.inducing.shape[1])

    def __call__(self, features: Array) -> Array:
        """(n,) predicted means of features (n, inputs)."""
        mean: Array = self._kernel(features) @ self._coefficients * self.scale + self.mean
        return mean

    def spread(self, features: Array) -> Array:
        """(n,) standard deviations of what would be measured."""
        phi = self._kernel(features) @ self.basis
        variance = self.amplitude - (phi**2 * (1.0 - self.shares)).sum(axis=1)
        spread: Array = np.sqrt(np.maximum(variance, 0.0) + self.noise) * self.scale
        return spread

    @cached_property
    def _coefficients(self) -> Array:
        """(m,) of the kernel with the inducing networks, in the mean: far less work a network."""
        found: Array = self.basis @ self.weights
        return found

    def _kernel(self, features: Array) -> Array:
        return _kernel(features, self.inducing, self.length, self.amplitude)

    def save(self, path: Path) -> None:
        """Write all numbers to an ``.npz`` file.

        Raises:
            InvalidArgument: It cannot be written.
        """
        arrays: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        try:
            with path.open("wb") as file:
                np.savez_compressed(file, **arrays)
        except OSError as error:
            raise InvalidArgument(
                f"out: {str(path)!r} cannot be written: {error.strerror}"
            ) from None

    @classmethod
    def of_arrays(cls, arrays: dict[str, Array]) -> GaussianPredictor:
        """From the arrays of a file.

        Raises:
            ValueError: One is missing, or their shapes do not follow from each other.
        """
        names = [field.name for field in fields(cls)]
        missing = [name for name in names if name not in arrays]
        if missing:
            raise ValueError(f"no array {missing[0]!r}")
        m = len(arrays["inducing"])
        shapes = {"basis": (m, m), "weights": (m,), "shares": (m,)}
        if any(arrays[n].shape != shapes.get(n, ()) for n in names[1:]):
            raise ValueError("shapes that do not follow from each other")
        numbers: dict[str, Any] = {n: a.item() if a.ndim == 0 else a for n, a in arrays.items()}
        return cls(**{name: numbers[name] for name in names})


@dataclass(frozen=True)
class Assessment:
    """How well networks were predicted that a predictor had not seen.

    Attributes:
        trained: Networks that it was fitted to.
        held_out: Networks that it was tried on.
        tau: Kendall's rank correlation.
        rmse: Root of the mean squared error, in the unit of the values.
        coverage: Share of the values within the interval that should hold 90 %.
    """

    trained: int
    held_out: int
    tau: float
    rmse: float
    coverage: float


def assess(features: Array, values: Array, *, seed: int = 0) -> Assessment:
    """Fit to four fifths, and try on the rest; rows of one network are never in both."""
    from scipy.stats import kendalltau

    _, network = np.unique(features, axis=0, return_inverse=True)
    network = network.reshape(-1)
    held = np.random.default_rng(seed).random(network.max(initial=0) + 1)[network] < 0.2
    model = GaussianPredictor.fit(features[~held], values[~held], seed=seed)
    errors = values[held] - model(features[held])
    within = abs(errors) <= 1.6449 * model.spread(features[held])
    return Assessment(
        trained=int((~held).sum()),
        held_out=int(held.sum()),
        tau=float(kendalltau(model(features[held]), values[held])[0]),
        rmse=float(np.sqrt((errors**2).mean())),
        coverage=float(within.mean()),
    )


def _kernel(A: Array, B: Array, length: float, amplitude: float) -> Array:
    """(n, m) squared exponential kernel of rows."""
    apart = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2.0 * A @ B.T
    kernel: Array = amplitude * np.exp(-np.maximum(apart, 0.0) / (2.0 * length**2))
    return kernel
