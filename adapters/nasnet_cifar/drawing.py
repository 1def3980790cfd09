"""A genotype as a figure; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lamcts.adapters.nasnet_cifar.genotype import (
    AVG_POOL,
    DIL_CONV_3X3,
    DIL_CONV_5X5,
    MAX_POOL,
    SEP_CONV_3X3,
    SEP_CONV_5X5,
    SKIP,
    Cell,
    Genotype,
)
from lamcts.errors import DependencyNotInstalled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_genotype"]

Place = tuple[float, float]

_STYLE = {
    SEP_CONV_3X3: ("sep 3", "tab:blue"),
    SEP_CONV_5X5: ("sep 5", "tab:purple"),
    DIL_CONV_3X3: ("dil 3", "tab:cyan"),
    DIL_CONV_5X5: ("dil 5", "tab:pink"),
    MAX_POOL: ("max", "tab:red"),
    AVG_POOL: ("avg", "tab:orange"),
    SKIP: ("skip", "tab:gray"),
}
_BEND = 0.12  # the two arms of a node bend to different sides, or equal ones would hide each other


def draw_genotype(genotype: Genotype, path: str | Path | None = None) -> Figure:
    """Both cells side by side: states as circles, arms as arrows in the colour of their operation.

    Args:
        genotype: What to draw.
        path: Where to save it too; the suffix says in what format.

    Raises:
        DependencyNotInstalled: matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyNotInstalled(
            'a figure needs matplotlib; run: pip install "lamcts[plot]"'
        ) from error
    figure = Figure(figsize=(13.0, 4.5), layout="constrained")
    for panel, (name, cell) in zip(figure.subplots(1, 2), genotype.cells(), strict=True):
        _draw_cell(panel, cell)
        panel.set_title(f"{name} cell")
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def _draw_cell(axes: Axes, cell: Cell) -> None:
    places = _places(cell)
    end = (max(x for x, _ in places) + 1.2, 0.0)
    for k, node in enumerate(cell.nodes):
        for arm, bend in zip(node, (_BEND, -_BEND), strict=True):
            _draw_arm(axes, arm.op, places[arm.input], places[k + 2], bend)
    for state in cell.concat:
        _arrow(axes, places[state], end, "0.75", 0.0)
    names = ["k−2", "k−1", *(str(state) for state in range(2, len(places)))]
    for name, place in zip([*names, "join"], [*places, end], strict=True):
        box = {"boxstyle": "circle", "facecolor": "white", "edgecolor": "black"}
        axes.annotate(name, place, ha="center", va="center", fontsize=9, bbox=box)
    heights = [y for _, y in places]
    axes.set_xlim(-0.6, end[0] + 0.6)
    axes.set_ylim(min(heights) - 0.5, max(heights) + 0.5)
    axes.axis("off")


def _draw_arm(axes: Axes, op: str, start: Place, end: Place, bend: float) -> None:
    label, colour = _STYLE[op]
    _arrow(axes, start, end, colour, bend)
    # The label stands on the arrow, a Bezier curve with one control point, nearer to its end.
    (x, y), (to_x, to_y), t = start, end, 0.6
    control = ((x + to_x) / 2 + bend * (to_y - y), (y + to_y) / 2 - bend * (to_x - x))
    weights = ((1 - t) ** 2, 2 * t * (1 - t), t**2)
    place = np.dot(weights, [start, control, end])
    box = {"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"}
    axes.annotate(label, tuple(place), color=colour, fontsize=7, ha="center", va="center", bbox=box)


def _arrow(axes: Axes, start: Place, end: Place, colour: str, bend: float) -> None:
    style = {
        "arrowstyle": "-|>",
        "color": colour,
        "connectionstyle": f"arc3,rad={bend}",
        "shrinkA": 11,
        "shrinkB": 11,
    }
    axes.annotate("", end, start, arrowprops=style)


def _places(cell: Cell) -> list[Place]:
    """Where every state stands: as far right as its longest path is long, spread upwards."""
    depth = [0, 0]
    for one, other in cell.nodes:
        depth.append(1 + max(depth[one.input], depth[other.input]))
    places = []
    for state, column in enumerate(depth):
        row = depth[:state].count(column)
        # Every second column is raised a little: arrows that skip one do not cross its circles.
        height = row - (depth.count(column) - 1) / 2 + 0.25 * (column % 2)
        places.append((float(column), height))
    return places
