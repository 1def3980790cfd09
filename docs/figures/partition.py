"""Draw the README's picture: LA-MCTS partitions a plane and closes in on the optimum.

    python docs/figures/partition.py [FILE]

Each panel shows the tree after so many trials on Branin's function: the darker a region, the better
the samples in it. Points are drawn uniformly inside the selected region, so that what is seen to
close in is the partition alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lamcts import LAMCTS
from lamcts.functions import make_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from lamcts.functions._base import BenchmarkFunction

FUNCTION = "branin"
BUDGETS = (20, 50, 90, 160)
SEED = 0
INK, MARK = "#14213d", "#e4572e"
SHADES = LinearSegmentedColormap.from_list("shades", ["#f6f1e7", "#d3e4e0", "#8fc1c4", "#3f93a3"])
STEPS = 600  # of the grid, along each side


def main() -> None:
    """Search, and draw the partition at each budget."""
    function = make_function(FUNCTION)
    optimizer = LAMCTS(function.space, sampler="random", n_init=BUDGETS[0], cp=0.02, seed=SEED)
    mpl.rcParams["text.color"] = INK
    figure = Figure(figsize=(9.6, 2.7), layout="constrained")
    drawn = 0
    for axes, budget in zip(figure.subplots(1, len(BUDGETS)), BUDGETS, strict=True):
        while len(optimizer.history) < budget:
            [trial] = optimizer.ask()
            optimizer.tell(trial, function.evaluate(trial.x))
        draw(axes, optimizer, function, new=drawn)
        drawn = budget
    figure.savefig(sys.argv[1] if sys.argv[1:] else Path(__file__).with_suffix(".png"), dpi=180)


def draw(axes: Axes, optimizer: LAMCTS, function: BenchmarkFunction, *, new: int) -> None:
    """One panel; trials from number ``new`` on are those since the panel before."""
    ticks = (np.arange(STEPS) + 0.5) / STEPS
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    values = function.f(function.codec.decode(grid)).reshape(STEPS, STEPS)
    optimizer.tree.complete()
    leaves = optimizer.tree.leaves()
    region, shade = np.zeros(len(grid)), np.zeros(len(grid))
    for i, leaf in enumerate(leaves):
        inside = leaf.region.contains(grid)
        region[inside], shade[inside] = i, leaf.value
    worth = [leaf.value for leaf in leaves] if len(leaves) > 1 else [0.2, 1.2]
    axes.pcolormesh(
        ticks, ticks, shade.reshape(STEPS, STEPS), cmap=SHADES, vmin=min(worth), vmax=max(worth)
    )
    levels = np.quantile(values, [0.01, 0.06, 0.18, 0.36, 0.6, 0.85])
    axes.contour(ticks, ticks, values, levels, colors=INK, linewidths=0.4, alpha=0.3)
    for i in range(len(leaves)):
        inside = (region == i).reshape(STEPS, STEPS)
        axes.contour(ticks, ticks, inside, [0.5], colors="white", linewidths=1.1)
    x, y = optimizer.history.Z.T
    axes.scatter(x[:new], y[:new], s=6, color=INK, alpha=0.35, lw=0)
    axes.scatter(x[new:], y[new:], s=8, color=INK, lw=0)
    optima = function.optimum_points
    assert optima is not None
    x, y = function.codec.encode(optima).T
    axes.scatter(x, y, s=60, marker="*", color=MARK, edgecolors="white", lw=0.6, zorder=3)
    count = f"{len(leaves)} regions" if len(leaves) > 1 else "1 region"
    axes.set_title(f"{len(optimizer.history)} trials, {count}", fontsize=9)
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.spines[:].set_visible(False)


if __name__ == "__main__":
    main()
