"""Search on NASBench-101 in simulated time, beside curves that others published.

    lamcts data add nasbench101 nasbench_only108.tfrecord
    python benchmarks/published_curves.py nasbench101_mean_regret_curves.csv --out curves

The file of curves has the columns ``method``, ``time_s`` (simulated seconds of training) and
``test_regret``: how far the mean test accuracy of the cell with the best validation accuracy so far
is from the best in the table, a mean over runs, as arch2vec's release gives it (Yan et al., NeurIPS
2020). Ours is the same figure: an evaluation draws one training of a cell, as the official API
does, trainings run one after the other, and the optimizer's own time is not counted.

Curves of another table are not comparable, so with any but the official 423,624 cells after 108
epochs only ours are drawn.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from lamcts.adapters.nasbench101.measured import NASBench101Table
from lamcts.benchmark import Record, compare
from lamcts.errors import InvalidArgument, LamctsError

PROBLEM = "lamcts.adapters.nasbench101:NASBench101"
CELLS = 423_624

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]  # seconds, and regrets


def published(path: Path) -> dict[str, Curve]:
    """The curves of a file, by method.

    Raises:
        InvalidArgument: It is no such file.
    """
    rows = defaultdict(list)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows[row["method"]].append((float(row["time_s"]), float(row["test_regret"])))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(f"curves: {str(path)!r} is no file of curves ({error!r})") from None
    return {method: tuple(np.array(sorted(points)).T) for method, points in rows.items()}


def mean_curve(records: list[Record], points: int = 200) -> Curve:
    """Mean regret over runs; it begins when every run has finished an evaluation."""
    first = max(record.times[0] for record in records)
    last = min(record.seconds for record in records)
    seconds = np.geomspace(first, max(last, first), points)
    regrets = []
    for record in records:
        assert record.optimum_test is not None
        now = np.searchsorted(record.times, seconds, side="right") - 1
        regrets.append(record.optimum_test - np.array(record.tested)[now])
    return seconds, np.mean(regrets, axis=0)


def draw(ours: dict[str, Curve], others: dict[str, Curve], file: Path) -> None:
    """Regret over time, both logarithmic: ours as lines, the published ones dashed."""
    figure, panel = plt.subplots(figsize=(9, 5), layout="constrained")
    for method, curve in ours.items():
        panel.loglog(*curve, label=f"{method} (this package)")
    for method, curve in others.items():
        panel.loglog(*curve, "--", lw=1, label=f"{method} (published)")
    panel.set_xlabel("simulated seconds of training")
    panel.set_ylabel("test regret, mean over runs")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(file, dpi=150)


def main(arguments: list[str] | None = None) -> None:
    """Search, draw, and print where the curves end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("curves", type=Path, help="the published curves, a CSV file")
    parser.add_argument("--table", default="nasbench101", help="a name of `lamcts data list`")
    parser.add_argument("--optimizers", default="lamcts,lanas,regularized-evolution,random")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=600, help="evaluations: about 1e6 seconds")
    parser.add_argument("--workers", type=int, default=1, help="processes at once")
    parser.add_argument("--out", type=Path, default=Path("published_curves"))
    options = parser.parse_args(arguments)
    others = published(options.curves)
    table = NASBench101Table.open(options.table)
    if table.columns.synthetic or len(table.columns) != CELLS or table.epochs != 108:
        print(f"{options.table} is not the official table: the published curves are left out")
        others = {}
    optimizers = options.optimizers.split(",")
    records = compare(
        [PROBLEM],
        optimizers,
        budget=options.budget,
        seeds=options.seeds,
        workers=options.workers,
        folder=options.out,
        problem_settings={PROBLEM: {"table": options.table, "draw": "random"}},
        clock=1,
    )
    failed = [record for record in records if not record.trace]
    if failed:
        raise InvalidArgument(f"table: {failed[0].error or 'a run found nothing'}")
    ours = {
        name: mean_curve([record for record in records if record.task.optimizer == name])
        for name in optimizers
    }
    draw(ours, others, options.out / "published.png")
    for name, (seconds, regrets) in {**ours, **others}.items():
        print(f"{name:24} after {seconds[-1]:>11,.0f} s: test regret {regrets[-1]:.5f}")
    print(f"drew {options.out / 'published.png'}")


if __name__ == "__main__":
    try:
        main()
    except LamctsError as error:
        sys.exit(f"Error: {error}")
