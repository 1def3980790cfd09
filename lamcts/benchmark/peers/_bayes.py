"""Model-based optimizers: Optuna, BoTorch, SMAC3."""

from __future__ import annotations

import tempfile
from typing import Any

import numpy as np

from lamcts.benchmark.peers._objective import HUGE, Objective


def optuna_tpe(objective: Objective) -> None:
    """Tree-structured Parzen estimators. Bergstra et al. (2011)."""
    from optuna.samplers import TPESampler

    _optuna(objective, TPESampler(seed=objective.seed))


def optuna_cmaes(objective: Objective) -> None:
    """CMA-ES of the cmaes package, from the centre with a step of a sixth of the range."""
    from optuna.samplers import CmaEsSampler

    _optuna(objective, CmaEsSampler(seed=objective.seed))


def optuna_gp(objective: Objective) -> None:
    """Gaussian process with log expected improvement, told that there is no noise."""
    from optuna.samplers import GPSampler

    _optuna(objective, GPSampler(seed=objective.seed, deterministic_objective=True))


def _optuna(objective: Objective, sampler: Any) -> None:
    import optuna

    study = optuna.create_study(sampler=sampler)
    while True:
        trial = study.ask()
        study.tell(trial, objective([_suggest(trial, objective, i) for i in range(objective.dim)]))


def _suggest(trial: Any, objective: Objective, place: int) -> float:
    name, size = f"x{place}", int(objective.sizes[place])
    if objective.kinds[place] == "real":
        return float(trial.suggest_float(name, 0.0, 1.0))
    if objective.kinds[place] == "integer":
        return float(trial.suggest_int(name, 0, size - 1))
    return float(trial.suggest_categorical(name, range(size)))


def logei(objective: Objective) -> None:
    """The loop of BoTorch's tutorials: SingleTaskGP, qLogEI, 10 restarts of 512 raw samples."""
    import torch
    from botorch.acquisition import qLogExpectedImprovement
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.models.transforms import Standardize
    from botorch.optim import optimize_acqf, optimize_acqf_mixed_alternating
    from botorch.utils.sampling import draw_sobol_samples
    from gpytorch.mlls import ExactMarginalLogLikelihood

    torch.manual_seed(objective.seed)
    upper = objective.upper  # the model sees every variable in [0, 1]
    box = torch.stack([torch.zeros(objective.dim), torch.ones(objective.dim)]).double()
    levels = {
        int(i): (np.arange(objective.sizes[i]) / upper[i]).tolist()
        for i in np.flatnonzero(~objective.is_real)
    }
    search: dict[str, Any] = {"q": 1, "num_restarts": 10, "raw_samples": 512}
    first = min(2 * objective.dim, 40)
    X = draw_sobol_samples(box, n=first, q=1, seed=objective.seed).squeeze(1)
    for column in levels:
        X[:, column] = torch.round(X[:, column] * upper[column]) / upper[column]
    Y = torch.tensor([[-objective(x.numpy() * upper)] for x in X]).double()
    while True:
        known = Y[Y.isfinite()]  # what failed before any had a value is infinitely bad
        values = Y.clamp(min=float(known.min()) if len(known) else 0.0)
        model = SingleTaskGP(X, values, outcome_transform=Standardize(1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        acquisition = qLogExpectedImprovement(model, best_f=values.max())
        if levels:
            x, _ = optimize_acqf_mixed_alternating(acquisition, box, discrete_dims=levels, **search)
        else:
            x, _ = optimize_acqf(acquisition, box, **search)
        y = -objective(x[0].detach().numpy() * upper)
        X, Y = torch.cat([X, x.detach()]), torch.cat([Y, torch.tensor([[y]]).double()])


def smac_bb(objective: Objective) -> None:
    """SMAC3's black-box facade: a Gaussian process, expected improvement."""
    _smac(objective, "BlackBoxFacade")


def smac_hpo(objective: Objective) -> None:
    """SMAC3's default for hyperparameters: a random forest, log expected improvement."""
    _smac(objective, "HyperparameterOptimizationFacade")


def _smac(objective: Objective, facade: str) -> None:
    import smac
    from ConfigSpace import ConfigurationSpace
    from smac.runhistory import TrialValue

    space = ConfigurationSpace(seed=objective.seed)
    names = [f"x{i:04d}" for i in range(objective.dim)]  # sorted by name, in our order
    space.add([_smac_variable(objective, i, name) for i, name in enumerate(names)])
    with tempfile.TemporaryDirectory() as folder:
        scenario = smac.Scenario(
            space,
            output_directory=folder,
            deterministic=True,
            n_trials=objective.budget,
            seed=objective.seed,
        )
        optimizer = getattr(smac, facade)(
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )
        while True:
            trial = optimizer.ask()
            value = objective([trial.config[name] for name in names])
            optimizer.tell(trial, TrialValue(cost=min(value, HUGE), time=0.0))


def _smac_variable(objective: Objective, place: int, name: str) -> Any:
    from ConfigSpace import Categorical, Float, Integer

    size = int(objective.sizes[place])
    if objective.kinds[place] == "real":
        return Float(name, (0.0, 1.0))
    if objective.kinds[place] == "integer":
        return Integer(name, (0, size - 1))
    return Categorical(name, list(range(size)))
