"""Hyperparameters of scikit-learn's models on its own small datasets: what most users search.

    lamcts bench --functions benchmarks/tuning.py:SvmDigits,benchmarks/tuning.py:Boosting \
        --budget 120 --seeds 12 --optimizers lamcts,optuna-tpe

Every evaluation trains for real, in 10 to 70 ms; seeds and splits are fixed. No optimum is known.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import numpy as np
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import RidgeClassifier, SGDClassifier
from sklearn.model_selection import KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, Normalizer, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import lamcts
from lamcts.spaces import Box, Dict, Discrete

__all__ = [
    *("Boosting", "Forest", "KernelRidges", "Neighbours", "Network", "Pipeline"),
    *("StochasticDescent", "SvmCancer", "SvmDigits", "SvrDiabetes"),
]

#: What the levels of hyperparameters stand for.
Levels = Mapping[str, tuple[Any, ...]]
#: What may be put before a model; how neighbours count.
SCALERS = ((), (Normalizer(),), (MinMaxScaler(),))
WEIGHTS = ("uniform", "distance")


def log(low: float, high: float) -> Box:
    return Box(low, high, scale="log")


def whole(low: int, high: int) -> Box:
    return Box(low, high, dtype=int)


def log_whole(low: int, high: int) -> Box:
    return Box(low, high, dtype=int, scale="log")


def error(model: Any, X: Any, y: Any) -> float:
    """Share of wrong predictions."""
    return float(np.mean(model.predict(X) != y))


def square(model: Any, X: Any, y: Any) -> float:
    """Mean squared error."""
    return float(np.mean((model.predict(X) - y) ** 2))


def log_loss(model: Any, X: Any, y: Any) -> float:
    """Cross entropy, at most 20."""
    p = np.clip(np.nan_to_num(model.predict_proba(X)), 1e-6, 1.0)
    columns = np.minimum(np.searchsorted(model.classes_, y), p.shape[1] - 1)
    return float(min(20.0, -np.mean(np.log(p[np.arange(len(y)), columns]))))


@cache
def rows(name: str, n: int) -> tuple[Any, Any]:
    """Standardised inputs and targets of ``n`` rows, always the same."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    some = np.random.default_rng(0).permutation(len(y))[:n]
    X = X[some]
    return (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-9), y[some]


class _Tuning(lamcts.Evaluator):
    """Cross-validated loss of `model`; what cannot be trained is as bad as `worst`.

    Attributes:
        data: The dataset's name, and how many of its rows.
        choices: What the levels of a `Discrete` hyperparameter stand for.
        kind: The estimator, and what it is always given.
    """

    direction = "minimize"
    data: tuple[str, int]
    folds = 2
    loss: Any = staticmethod(error)
    worst = 1.0
    choices: ClassVar[Levels] = {}
    kind: tuple[Any, Mapping[str, Any]]

    def model(self, p: Mapping[str, Any]) -> Any:
        """The estimator with these hyperparameters."""
        estimator, fixed = self.kind
        return estimator(**p, **fixed)

    def evaluate(self, x: Mapping[str, Any]) -> float:
        p = {name: np.asarray(value).item() for name, value in x.items()}
        p |= {name: levels[p[name]] for name, levels in self.choices.items()}
        X, y = rows(*self.data)
        losses = []
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of models that did not converge
            try:
                for known, new in KFold(self.folds).split(X):
                    model = self.model(p).fit(X[known], y[known])
                    losses.append(self.loss(model, X[new], y[new]))
            except ValueError:  # weights that overflowed
                return self.worst
        mean = float(np.mean(losses))
        return min(mean, self.worst) if np.isfinite(mean) else self.worst


class SvmCancer(_Tuning):
    """A support vector machine that tells tumours apart; what matters depends on the kernel."""

    data, folds = ("breast_cancer", 300), 5
    kind = (SVC, {"max_iter": 3000})
    choices: ClassVar[Levels] = {"kernel": ("linear", "poly", "rbf", "sigmoid")}
    space = Dict(
        C=log(1e-4, 1e4),
        kernel=Discrete(4),
        gamma=log(1e-6, 1e1),
        degree=whole(1, 6),
        coef0=Box(-1.0, 1.0),
    )


class SvmDigits(SvmCancer):
    """The same on digits."""

    data, folds = ("digits", 400), 2


class SvrDiabetes(_Tuning):
    """Support vector regression."""

    data, folds, loss, worst = ("diabetes", 300), 4, staticmethod(square), 2e4
    kind = (SVR, {"max_iter": 3000})
    choices: ClassVar[Levels] = {"kernel": ("linear", "poly", "rbf")}
    space = Dict(
        C=log(1e-3, 1e5),
        epsilon=log(1e-3, 1e2),
        kernel=Discrete(3),
        gamma=log(1e-6, 1e1),
        degree=whole(1, 5),
    )


class Boosting(_Tuning):
    """Boosted trees."""

    data, loss, worst = ("diabetes", 442), staticmethod(square), 2e4
    kind = (GradientBoostingRegressor, {"random_state": 0})
    choices: ClassVar[Levels] = {"loss": ("squared_error", "absolute_error", "huber")}
    space = Dict(
        learning_rate=log(1e-3, 1.0),
        n_estimators=log_whole(5, 60),
        max_depth=whole(1, 8),
        subsample=Box(0.3, 1.0),
        max_features=Box(0.1, 1.0),
        min_samples_leaf=log_whole(1, 60),
        loss=Discrete(3),
    )


class Forest(_Tuning):
    """A random forest, by its cross entropy."""

    data, loss, worst = ("wine", 178), staticmethod(log_loss), 20.0
    kind = (RandomForestClassifier, {"random_state": 0})
    choices: ClassVar[Levels] = {
        "criterion": ("gini", "entropy"),
        "bootstrap": (False, True),
        "class_weight": (None, "balanced"),
    }
    space = Dict(
        n_estimators=log_whole(2, 40),
        max_depth=log_whole(1, 20),
        max_features=Box(0.05, 1.0),
        min_samples_leaf=log_whole(1, 30),
        criterion=Discrete(2),
        bootstrap=Discrete(2),
        class_weight=Discrete(2),
    )


class Network(_Tuning):
    """A network of 1 to 3 hidden layers, trained for five epochs."""

    data, loss, worst = ("digits", 400), staticmethod(log_loss), 20.0
    choices: ClassVar[Levels] = {
        "activation": ("relu", "tanh", "logistic"),
        "solver": ("adam", "sgd"),
    }
    space = Dict(
        rate=log(1e-4, 1.0),
        alpha=log(1e-8, 1.0),
        width=log_whole(4, 64),
        depth=whole(1, 3),
        activation=Discrete(3),
        batch=log_whole(8, 128),
        momentum=Box(0.5, 0.99),
        solver=Discrete(2),
    )

    def model(self, p: Mapping[str, Any]) -> Any:
        return MLPClassifier(
            (p["width"],) * p["depth"],
            activation=p["activation"],
            solver=p["solver"],
            alpha=p["alpha"],
            batch_size=p["batch"],
            learning_rate_init=p["rate"],
            beta_1=p["momentum"],
            momentum=p["momentum"],
            max_iter=5,
            random_state=0,
        )


class StochasticDescent(_Tuning):
    """Logistic regression by stochastic gradient descent."""

    data, folds, loss, worst = ("breast_cancer", 400), 3, staticmethod(log_loss), 20.0
    kind = (SGDClassifier, {"loss": "log_loss", "tol": None, "random_state": 0})
    choices: ClassVar[Levels] = {
        "penalty": ("l1", "l2", "elasticnet"),
        "learning_rate": ("optimal", "constant", "invscaling", "adaptive"),
    }
    space = Dict(
        alpha=log(1e-8, 10.0),
        penalty=Discrete(3),
        l1_ratio=Box(0.0, 1.0),
        eta0=log(1e-6, 10.0),
        learning_rate=Discrete(4),
        power_t=Box(0.0, 1.0),
        max_iter=whole(1, 10),
    )


class Pipeline(_Tuning):
    """Which of five classifiers, and everybody's hyperparameters, in one space."""

    data = ("digits", 400)
    choices: ClassVar[Levels] = {"scaler": SCALERS, "weights": WEIGHTS}
    space = Dict(
        model=Discrete(5),
        scaler=Discrete(3),
        components=whole(2, 60),
        C=log(1e-4, 1e3),
        gamma=log(1e-5, 1e1),
        neighbours=log_whole(1, 30),
        power=whole(1, 3),
        weights=Discrete(2),
        depth=log_whole(1, 20),
        features=Box(0.05, 1.0),
        leaf=log_whole(1, 20),
        smoothing=log(1e-10, 1.0),
    )

    def model(self, p: Mapping[str, Any]) -> Any:
        classifiers = (
            SVC(C=p["C"], gamma=p["gamma"], max_iter=3000),
            RidgeClassifier(1.0 / p["C"]),
            KNeighborsClassifier(p["neighbours"], weights=p["weights"], p=p["power"]),
            DecisionTreeClassifier(
                max_depth=p["depth"],
                max_features=p["features"],
                min_samples_leaf=p["leaf"],
                random_state=0,
            ),
            GaussianNB(var_smoothing=p["smoothing"]),
        )
        reduced = PCA(p["components"], random_state=0)
        return make_pipeline(*p["scaler"], reduced, classifiers[p["model"]])


class Neighbours(_Tuning):
    """Nearest neighbours, and what is done to the data before."""

    data, folds, loss = ("wine", 178), 4, staticmethod(log_loss)
    choices: ClassVar[Levels] = {"scaler": SCALERS, "weights": WEIGHTS}
    space = Dict(
        neighbours=log_whole(1, 60),
        weights=Discrete(2),
        power=Box(1.0, 5.0),
        scaler=Discrete(3),
        components=whole(1, 13),
    )

    def model(self, p: Mapping[str, Any]) -> Any:
        nearest = KNeighborsClassifier(p["neighbours"], weights=p["weights"], p=p["power"])
        return make_pipeline(*p["scaler"], PCA(p["components"]), nearest)


class KernelRidges(_Tuning):
    """Kernel ridge regression."""

    data, folds, loss, worst = ("diabetes", 250), 3, staticmethod(square), 2e4
    choices: ClassVar[Levels] = {"kernel": ("rbf", "laplacian", "poly", "sigmoid")}
    space = Dict(
        alpha=log(1e-6, 1e3),
        gamma=log(1e-6, 10.0),
        coef0=Box(0.0, 3.0),
        kernel=Discrete(4),
        degree=whole(1, 4),
    )

    def model(self, p: Mapping[str, Any]) -> Any:
        ridge = KernelRidge(**p)  # it has no intercept
        return TransformedTargetRegressor(ridge, transformer=StandardScaler(with_std=False))
