"""A comparison as a figure: one panel a problem, one line a method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamcts.benchmark.run import Record
from lamcts.benchmark.summary import best_at
from lamcts.errors import DependencyNotInstalled, InvalidArgument

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["draw_figure"]

#: Okabe and Ito's colours, told apart by colour-blind readers too; then round again, dashed.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
_DASHES = ("-", "--", ":")


def draw_figure(records: Sequence[Record], path: str | Path) -> Path:
    """Draw medians with quartile bands over the evaluations, and write the file.

    Where the optimum is known the distance from it is drawn, on a logarithmic scale.

    Args:
        records: Runs; those without a result are left out.
        path: File to write; its suffix (``.png``, ``.svg``, ``.pdf``) is the format.

    Returns:
        The path.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
        InvalidArgument: No run has a result.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyNotInstalled(
            'a figure needs matplotlib; run: pip install "lamcts[plot]"'
        ) from error

    results = [record for record in records if record.trace]
    if not results:
        raise InvalidArgument("records: no run has a result; there is nothing to draw")
    problems = list(dict.fromkeys(record.task.label for record in results))
    optimizers = list(dict.fromkeys(record.task.optimizer for record in results))
    columns = min(3, len(problems))
    rows = math.ceil(len(problems) / columns)
    figure = Figure(figsize=(4.4 * columns, 3.4 * rows + 0.4), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, problem in zip(panels, problems, strict=False):
        _draw_panel(panel, [r for r in results if r.task.label == problem], optimizers)
        panel.set_title(problem)
    for unused in panels[len(problems) :]:
        unused.set_axis_off()
    lines: dict[str, Line2D] = {}
    for panel in panels[: len(problems)]:
        lines |= {str(line.get_label()): line for line in panel.get_lines()}
    figure.legend(
        lines.values(), lines.keys(), loc="outside lower center", ncols=min(6, len(lines))
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    return path


def _draw_panel(panel: Axes, records: Sequence[Record], optimizers: Sequence[str]) -> None:
    """One problem. A method's line begins where all of its runs have a value."""
    optimum = records[0].optimum
    for place, optimizer in enumerate(optimizers):
        runs = [record for record in records if record.task.optimizer == optimizer]
        if not runs:
            continue
        start = max(run.trace[0][0] for run in runs)
        steps = np.arange(start, max(run.evaluations for run in runs) + 1)
        values = np.array([[best_at(run, int(n)) for n in steps] for run in runs], dtype=float)
        if optimum is not None:
            # Below the least number a float can resolve around the optimum there is only noise.
            values = np.maximum(np.abs(values - optimum), 1e-12)
        lower, median, upper = np.percentile(values, (25, 50, 75), axis=0)
        colour = _COLOURS[place % len(_COLOURS)]
        dashes = _DASHES[place // len(_COLOURS) % len(_DASHES)]
        panel.plot(steps, median, color=colour, linestyle=dashes, label=optimizer)
        panel.fill_between(steps, lower, upper, color=colour, alpha=0.15, linewidth=0)
    if optimum is not None:
        panel.set_yscale("log")
    panel.set_ylabel("best value" if optimum is None else "distance from the optimum")
    panel.set_xlabel("evaluations")
