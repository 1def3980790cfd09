"""What a run found, drawn with matplotlib, which is imported on use.

    figure = lamcts.plots.plot_run(lamcts.load_result("runs/day"))
    figure.savefig("day.png")

Each panel can be drawn into axes of yours: ``plot_history(result, ax)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.history import LARGEST, Trial, TrialState
from lamcts.spaces import Codec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lamcts.result import Result

__all__ = ["plot_curves", "plot_history", "plot_parallel", "plot_run"]

_TRIAL, _BEST, _FAINT = "#56B4E9", "#D55E00", "#BBBBBB"
#: So many variables stand side by side; names would run into each other.
_AXES = 16
#: What is shown in colour: the best tenth.
_SHARE = 0.1


def plot_run(result: Result) -> Figure:
    """Every panel there is something for, one below the other.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidArgument: No trial has completed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyNotInstalled(
            'a figure needs matplotlib; run: pip install "lamcts[plot]"'
        ) from error
    panels = [plot_history, plot_parallel]
    if any(trial.curve for trial in result.trials):
        panels.append(plot_curves)
    figure = Figure(figsize=(8.0, 3.2 * len(panels)), layout="constrained")
    figure.suptitle(f"{result.problem}, {result.optimizer}, seed {result.seed}")
    for axes, plot in zip(figure.subplots(len(panels), squeeze=False).ravel(), panels, strict=True):
        plot(result, axes)
    return figure


def plot_history(result: Result, ax: Axes) -> None:
    """The value of every trial in the order of asking, and the best so far.

    The scale is logarithmic where the values are positive and span more than a factor of 100.
    """
    done = _complete(result)
    values = _values(done)
    better = np.minimum if result.direction == "minimize" else np.maximum
    numbers = [trial.number for trial in done]
    ax.plot(numbers, values, ".", color=_TRIAL, label="trial")
    ax.step(numbers, better.accumulate(values), where="post", color=_BEST, label="best so far")
    lost = [trial.number for trial in result.trials if trial.state is TrialState.FAILED]
    if lost:  # at the lower edge, whatever the values are
        edge = ax.get_xaxis_transform()
        ax.plot(lost, np.zeros(len(lost)), "x", color="black", transform=edge, label="failed")
    if values.min() > 0 and values.max() > 100 * values.min():
        ax.set_yscale("log")
    ax.set_xlabel("trial")
    ax.set_ylabel("value")
    ax.legend()


def plot_parallel(result: Result, ax: Axes) -> None:
    """Every complete trial as a line across its variables; the best tenth in colour, the best bold.

    Of noisy trials the best is that of the best estimated mean, as in the result.
    Each variable is drawn over its range, on its own scale, categories at equal distances; of more
    than 16 variables those in which the best tenth differs most from the others.
    """
    done = _complete(result)
    codec = Codec(result.space)
    columns = _heights(codec, done)
    order = np.argsort(_values(done))
    if result.direction == "minimize":
        order = order[::-1]  # the best are drawn last, on top
    top = order[-max(1, round(_SHARE * len(order))) :]
    names = [variable.name or "x" for variable in codec.variables]
    rest = np.setdiff1d(order, top)
    shown = np.arange(len(names))
    if len(names) > _AXES and len(rest):
        away = np.abs(columns[:, top].mean(axis=1) - columns[:, rest].mean(axis=1))
        shown = np.sort(np.argsort(away)[-_AXES:])
    shown = shown[:_AXES]
    lines = columns[shown]
    ax.plot(lines[:, rest], color=_FAINT, lw=0.5, alpha=0.6)
    ax.plot(lines[:, top], color=_TRIAL, lw=0.8)
    best = [trial.number for trial in done].index(result.best.number)
    ax.plot(lines[:, best], color=_BEST, lw=2.0, label="best")
    ax.set_xticks(range(len(shown)), [names[i] for i in shown], rotation=45, ha="right")
    ax.set_yticks([0.0, 1.0], ["low", "high"])
    ax.set_ylim(-0.03, 1.03)
    ax.legend()


def plot_curves(result: Result, ax: Axes) -> None:
    """The learning curve of every trial that reported one; that of the best in colour."""
    best = result.best.number
    for trial in result.trials:
        if trial.curve:
            steps, values = zip(*trial.curve, strict=True)
            chosen = trial.number == best
            pruned = trial.state is TrialState.PRUNED
            ax.plot(
                steps,
                values,
                "--" if pruned else "-",
                color=_BEST if chosen else _TRIAL if not pruned else _FAINT,
                lw=2.0 if chosen else 0.8,
                zorder=3 if chosen else 2,
            )
    ax.set_xlabel("step (dashed: pruned)")
    ax.set_ylabel("reported value")


def _complete(result: Result) -> list[Trial]:
    done = [trial for trial in result.trials if trial.state is TrialState.COMPLETE]
    if not done:
        raise InvalidArgument("result: no trial has completed; there is nothing to draw")
    return done


def _values(trials: list[Trial]) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = np.array([trial.value for trial in trials], dtype=float)
    return values.clip(-LARGEST, LARGEST)  # differences of larger ones overflow


def _heights(codec: Codec, trials: list[Trial]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """(p, n) where each variable of each point is in its range, in [0, 1]."""
    columns = np.array([codec.to_vector(trial.x) for trial in trials]).T
    heights = []
    for variable, column in zip(codec.variables, columns, strict=True):
        scale = np.log if variable.log else np.asarray
        low, high = scale(variable.low), scale(variable.high)
        heights.append((scale(column) - low) / (high - low if high > low else 1.0))
    return np.array(heights)
