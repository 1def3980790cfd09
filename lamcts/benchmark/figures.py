"""A comparison as figures: curves, targets reached, and which mean ranks differ."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lamcts.benchmark.ranks import Ranking, rank
from lamcts.benchmark.results import PRECISION, Results, quartiles
from lamcts.errors import DependencyNotInstalled, InvalidArgument

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_curves", "draw_figures", "draw_ranks", "draw_targets"]

#: Okabe and Ito's colours, told apart by colour-blind readers too; then round again, dashed.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("-", "--", ":")

#: Places of a curve at which it is computed, at most.
_STEPS = 400


def draw_figures(results: Results, folder: str | Path) -> list[Path]:
    """Draw every figure there is something for: ``curves.png``, ``targets.png``, ``ranks.png``.

    Args:
        results: The comparison.
        folder: Where to write; made if it isn't there.

    Returns:
        The files written.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidArgument: No run has a result.
    """
    if not any(record.trace for record in results.records.values()):
        raise InvalidArgument("records: no run has a result; there is nothing to draw")
    figures = {"curves.png": draw_curves(results)}
    if any(map(results.knows_optimum, results.problems)):
        figures["targets.png"] = draw_targets(results)
    if len(results.optimizers) > 1:
        figures["ranks.png"] = draw_ranks(rank(results, results.budget))
    Path(folder).mkdir(parents=True, exist_ok=True)
    paths = [Path(folder) / name for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        figure.savefig(path, dpi=150)
    return paths


def draw_curves(results: Results) -> Figure:
    """Medians with quartile bands over the evaluations: one panel a problem, one line a method.

    The distance from the optimum, on a logarithmic scale; the best value where it is not known.
    """
    columns = min(4 if len(results.problems) > 6 else 3, len(results.problems))
    rows = math.ceil(len(results.problems) / columns)
    figure = _figure(figsize=(4.0 * columns, 3.0 * rows + 0.5))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, problem in zip(panels, results.problems, strict=False):
        _draw_problem(panel, results, problem)
    for unused in panels[len(results.problems) :]:
        unused.set_axis_off()
    lines = panels[0].get_lines()
    figure.legend(handles=lines, loc="outside lower center", ncols=min(2 * columns, len(lines)))
    return figure


def _draw_problem(panel: Axes, results: Results, problem: str) -> None:
    """One problem. A line begins where at least three quarters of the seeds have a value."""
    steps = np.unique(np.linspace(1, results.budget, _STEPS).astype(int))
    known = results.knows_optimum(problem)
    for place, optimizer in enumerate(results.optimizers):
        if known:
            runs = results.runs(problem, optimizer)
            distances = np.array([results.curve(run, steps) for run in runs])
            spreads = np.array([quartiles(column) for column in distances.T])
            spreads = np.maximum(spreads, PRECISION)  # nearer, only rounding is drawn
        else:
            found = [results.spread(problem, optimizer, int(n)) for n in steps]
            spreads = np.array([(s.lower, s.median, s.upper) for s in found])
        spreads[~np.isfinite(spreads)] = np.nan
        lower, median, upper = spreads.T
        style = _style(place)
        panel.plot(steps, median, label=optimizer, **style)
        panel.fill_between(steps, lower, upper, color=style["color"], alpha=0.15, linewidth=0)
    if known:
        panel.set_yscale("log")
    panel.set_title(problem)
    panel.set_ylabel("distance from the optimum" if known else "best value")
    panel.set_xlabel("evaluations")


def draw_targets(results: Results) -> Figure:
    """The part of COCO's targets that were reached, over the evaluations per dimension."""
    figure = _figure(figsize=(6.4, 4.4))
    panel = figure.subplots()
    ends = [max(r.evaluations, 1) / r.dim for r in results.records.values()]
    starts = [1 / r.dim for r in results.records.values()]
    for place, optimizer in enumerate(results.optimizers):
        runtimes = results.runtimes(optimizer)
        reached = runtimes[np.isfinite(runtimes)]
        x = np.concatenate([[min(starts)], reached, [max(ends)]])
        y = np.concatenate([[0], np.arange(1, len(reached) + 1), [len(reached)]])
        panel.step(x, y / len(runtimes), where="post", label=optimizer, **_style(place))
    known = sum(map(results.knows_optimum, results.problems))
    panel.set_title(f"{known} problems, {len(results.seeds)} seeds, targets 100 to 1e-8")
    panel.set_xscale("log")
    panel.set_ylim(0, 1)
    panel.set_xlabel("evaluations / dimension")
    panel.set_ylabel("part of the targets reached")
    panel.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    return figure


def draw_ranks(ranking: Ranking) -> Figure:
    """Demšar's critical-difference diagram: a bar joins mean ranks that are not told apart."""
    count = len(ranking.optimizers)
    half = math.ceil(count / 2)
    groups = ranking.groups
    first_row = 0.8 + 0.35 * len(groups)  # names stand below the bars
    depth = first_row + 0.5 * half
    figure = _figure(figsize=(7.0, 1.2 + 0.55 * depth))
    panel = figure.subplots()
    panel.set_axis_off()
    panel.set_xlim(1 - 0.35 * count, count + 0.35 * count)
    panel.set_ylim(depth, -1.6)
    panel.hlines(0, 1, count, color="black", linewidth=1)
    for tick in range(1, count + 1):
        panel.vlines(tick, -0.15, 0, color="black", linewidth=1)
        panel.text(tick, -0.25, str(tick), ha="center", va="bottom")
    for place, (name, mean) in enumerate(zip(ranking.optimizers, ranking.mean_ranks, strict=True)):
        is_left = place < half
        row = first_row + 0.5 * (place if is_left else count - 1 - place)
        end = 1 - 0.05 * count if is_left else count + 0.05 * count
        panel.plot([mean, mean, end], [0, row, row], color="black", linewidth=0.8)
        text, side = f"{name}  {mean:.2f}", "right" if is_left else "left"
        panel.text(end, row, f" {text} ", ha=side, va="center")
    for level, (first, last) in enumerate(groups):
        ends = ranking.mean_ranks[first] - 0.03, ranking.mean_ranks[last] + 0.03
        panel.hlines(0.4 + 0.35 * level, *ends, color=_COLOURS[0], linewidth=4)
    gap = ranking.critical_difference
    panel.hlines(-1.1, 1, min(1 + gap, count), color=_COLOURS[1], linewidth=2)
    panel.text(
        1 - 0.3 * count,  # from the left edge on, as long as the line is
        -1.2,
        f"critical difference {gap:.2f} (Nemenyi, 5 %), {ranking.problems} problems, "
        f"Friedman p = {ranking.p_value:.2g}",
        ha="left",
        va="bottom",
    )
    return figure


def _figure(figsize: tuple[float, float]) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyNotInstalled(
            'a figure needs matplotlib; run: pip install "lamcts[plot]"'
        ) from error
    return Figure(figsize=figsize, layout="constrained")


def _style(place: int) -> dict[str, Any]:
    """Colour and dashes of the optimizer in this place, the same in every figure."""
    dashes = _DASHES[place // len(_COLOURS) % len(_DASHES)]
    return {"color": _COLOURS[place % len(_COLOURS)], "linestyle": dashes}
