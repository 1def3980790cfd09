"""Search within limits, against Once-for-All's evolution: the table of docs/mobile.md.

    python benchmarks/constrained.py DATA --seeds 20 [--rows ofa-240 ofa-600 ...]

DATA holds ``ofa_mbv3_imagenet`` (measured subnets of Once-for-All, and the accuracy predictor
trained on them) and ``accel_nasbench_imagenet`` (trained networks with measured throughput).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

import lamcts
from lamcts._rows import read_rows
from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.gaussian import GaussianPredictor
from lamcts.adapters.mobile.predictor import find_encoder, layout_size, load_predictor
from lamcts.constraints import parse_constraint
from lamcts.problem import load_problem

#: Limits of each row; the first word is the objective, the second the millions of multiply-adds.
ROWS = {
    "ofa-240": ("macs<=240e6",),
    "ofa-600": ("macs<=600e6",),
    "own-240": ("macs<=240e6",),
    "own-600": ("macs<=600e6",),
    "accel-300": ("macs<=300e6", "throughput>=9384"),
}
#: Once-for-All's search: networks a generation, share of parents, chances of a change.
POPULATION, PARENTS, CHANGE, CHANGE_RESOLUTION = 100, 0.25, 0.1, 0.5

Codes = NDArray[np.int64]
Figure = Callable[[Codes], NDArray[np.float64]]


class Predicted(lamcts.Evaluator):
    """Networks of a space by predicted accuracy, with predicted figures among their costs.

    Args:
        networks: The space, and the costs that are formulas.
        accuracy: Of rows of codes.
        costs: Further costs, of rows of codes.
    """

    direction = "maximize"

    def __init__(self, networks: Any, accuracy: Figure, costs: Mapping[str, Figure]) -> None:
        self.networks, self.accuracy, self.costs = networks, accuracy, costs
        self.choices: Choices = networks.choices
        self.space = networks.space

    def evaluate(self, x: Any) -> float:
        """Predicted accuracy."""
        return float(self.accuracy(self.choices.row(x)[None])[0])

    def canonical(self, x: Any) -> Any:
        """The point without the choices of missing blocks."""
        return self.networks.canonical(x)

    def cost(self, x: Any) -> dict[str, float]:
        """All figures that limits are on."""
        codes = self.choices.row(x)[None]
        extra = {name: float(figure(codes)[0]) for name, figure in self.costs.items()}
        return {**self.networks.cost(x), **extra}

    def canonical_many(self, V: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same of many."""
        return np.asarray(self.networks.canonical_many(V))

    def cost_many(self, V: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """The same of many."""
        extra = {name: figure(V.astype(np.int64)) for name, figure in self.costs.items()}
        return {**self.networks.cost_many(V), **extra}


def main() -> None:
    """Print a line for each row, and for each method in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--rows", nargs="+", choices=sorted(ROWS), default=list(ROWS))
    given = parser.parse_args()
    for row in given.rows:
        problem, limits = problem_of(row, given.data), ROWS[row]
        ours: list[list[float]] = []
        theirs: list[list[float]] = []
        for seed in range(given.seeds):
            result = lamcts.search(problem, budget=given.budget, seed=seed, constraints=limits)
            ours.append([float(trial.value or 0.0) for trial in result.trials])
            theirs.append(evolution(problem, limits, 10 * given.budget, seed))
        best = [max(values) for values in ours]
        for method, budget, values in (
            ("lamcts", given.budget // 2, [max(v[: given.budget // 2]) for v in ours]),
            ("lamcts", given.budget, best),
            ("evolution", given.budget, [max(v[: given.budget]) for v in theirs]),
            ("evolution", 10 * given.budget, [max(v) for v in theirs]),
        ):
            p = mannwhitneyu(best, values).pvalue
            spread = f"{median(values):.4f} ({min(values):.4f} to {max(values):.4f})"
            print(f"{row:<10} {method:<9} {budget:>5}  {spread}  p {p:.2g}", flush=True)


def problem_of(row: str, data: Path) -> Predicted:
    """The problem of a row."""
    ofa, accel = data / "ofa_mbv3_imagenet", data / "accel_nasbench_imagenet"
    kind = row.partition("-")[0]
    if kind == "accel":
        networks: Any = load_problem("efficientnet_imagenet", models=("b0",))
        table = next(accel.glob("*.csv"))
        throughput = fitted(networks, table, "throughput_a100")
        return Predicted(networks, fitted(networks, table, "val_top1"), {"throughput": throughput})
    networks = load_problem("mobilenetv3_imagenet")
    if kind == "own":
        return Predicted(networks, fitted(networks, ofa / "ofa_mbv3_w1.0_subnets.csv", "top1"), {})
    predictor = load_predictor(ofa / "ofa_mbv3_w1.0_acc_predictor.npz")
    encode = find_encoder(networks.choices, predictor.inputs)
    return Predicted(networks, lambda codes: predictor(encode(codes)), {})


def fitted(networks: Any, table: Path, column: str) -> Figure:
    """A predictor of one column of a table of networks."""
    rows = list(read_rows(table, field="table", text=("arch", "depths", "kernels", "expands")))
    predictor: GaussianPredictor = networks.train_predictor(rows, column, 0)[0]
    encode = find_encoder(networks.choices, layout_size(networks.choices))
    return lambda codes: predictor(encode(codes))


def evolution(problem: Predicted, limits: tuple[str, ...], budget: int, seed: int) -> list[float]:
    """Values in the order of evaluation, by Once-for-All's evolutionary search.

    Half of a generation are mutated parents, half are crossed ones; each is drawn again until it
    is within the limits.
    """
    rng = np.random.default_rng(seed)
    choices = problem.choices
    bounds = [parse_constraint(text) for text in limits]
    sizes = np.array([len(column.options) for column in choices.columns])
    chance = np.where([c.kind == "scale" for c in choices.columns], CHANGE_RESOLUTION, CHANGE)

    def within(draw: Callable[[int], Codes], n: int) -> Codes:
        found = np.empty((0, len(sizes)), dtype=np.int64)
        while len(found) < n:
            codes = choices.canonical(draw(n))
            costs = problem.cost_many(codes.astype(float))
            good = np.all([bound.holds(costs) for bound in bounds], axis=0)
            found = np.vstack([found, codes[good]])
        return np.asarray(found[:n])

    def mutated(n: int) -> Codes:
        other = rng.integers(sizes, size=(n, len(sizes)))
        one = parents[rng.integers(len(parents), size=n)]
        return np.asarray(np.where(rng.random(other.shape) < chance, other, one))

    def crossed(n: int) -> Codes:
        one, other = parents[rng.integers(len(parents), size=(2, n))]
        return np.asarray(np.where(rng.random(one.shape) < 0.5, one, other))

    population = within(lambda n: choices.sample(rng, n), POPULATION)
    fitness = problem.accuracy(population)
    values: list[float] = fitness.tolist()
    while len(values) < budget:
        best = np.argsort(-fitness, kind="stable")[: int(PARENTS * POPULATION)]
        parents = population[best]
        half = POPULATION // 2
        children = np.vstack([within(mutated, half), within(crossed, POPULATION - half)])
        new = problem.accuracy(children)
        values += new.tolist()
        population, fitness = np.vstack([parents, children]), np.append(fitness[best], new)
    return values[:budget]


if __name__ == "__main__":
    main()
