"""A run as an Optuna study, for its plots, its dashboard and its samplers."""

from __future__ import annotations

from typing import Any

from lamcts.cli._columns import Columns, flat
from lamcts.errors import DependencyNotInstalled, InvalidArgument, in_one_line
from lamcts.history import Trial, TrialState
from lamcts.result import Result
from lamcts.spaces import Codec, Variable, to_json

__all__ = ["export_study"]

#: Optuna's names of states; what ours was is kept as the user attribute ``state``.
_STATES = {
    TrialState.RUNNING: "RUNNING",
    TrialState.COMPLETE: "COMPLETE",
    TrialState.PRUNED: "PRUNED",
}


def export_study(result: Result, out: str) -> None:
    """Write the trials as a study, named after the run's folder.

    Args:
        result: The run.
        out: The URL of a database (``sqlite:///study.db``), or a file for Optuna's journal.

    Raises:
        DependencyNotInstalled: Optuna is missing.
        InvalidArgument: The storage cannot be opened, or has a study of this name.
    """
    try:
        import optuna
        from optuna.storages.journal import JournalFileBackend
    except ImportError as error:
        raise DependencyNotInstalled(
            'export --format optuna needs Optuna; run: pip install "lamcts[optuna]"'
        ) from error
    name = result.problem if result.folder is None else result.folder.name
    trials = _trials(result)
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        is_url = "://" in out
        storage = out if is_url else optuna.storages.JournalStorage(JournalFileBackend(out))
        study = optuna.create_study(storage=storage, study_name=name, direction=result.direction)
        study.add_trials(trials)
    except optuna.exceptions.DuplicatedStudyError:
        raise InvalidArgument(
            f"--out: {out!r} has a study named {name!r} already; give another"
        ) from None
    except Exception as error:  # of a database's driver
        raise InvalidArgument(f"--out: {out!r}: {in_one_line(error)}") from error
    finally:
        optuna.logging.set_verbosity(verbosity)


def _trials(result: Result) -> list[Any]:
    from optuna.trial import TrialState as State
    from optuna.trial import create_trial

    variables = Codec(result.space).variables
    bounds = Columns(result.space).bounds.values()
    distributions = {
        variable.name: _distribution(variable, low, high)
        for variable, (low, high) in zip(variables, bounds, strict=True)
    }
    return [
        create_trial(
            state=State[_STATES.get(trial.state, "FAIL")],
            value=trial.value,
            params=dict(zip(distributions, _values(result, trial), strict=True)),
            distributions=distributions,
            user_attrs=_attributes(trial),
            intermediate_values=dict(trial.curve),
        )
        for trial in result.trials
    ]


def _values(result: Result, trial: Trial) -> list[float | int]:
    return list(flat(to_json(result.space, trial.x), "x").values())


def _distribution(variable: Variable, low: Any, high: Any) -> Any:
    from optuna import distributions

    if variable.kind == "categorical":
        return distributions.CategoricalDistribution(range(low, high + 1))
    if variable.kind == "integer":
        return distributions.IntDistribution(low, high, log=variable.log)
    return distributions.FloatDistribution(low, high, log=variable.log)


def _attributes(trial: Trial) -> dict[str, Any]:
    return {
        "state": trial.state.value,
        **flat({"metrics": dict(trial.metrics), "cost": dict(trial.cost)}),
        "seconds": trial.seconds,
        "error": trial.error,
    }
