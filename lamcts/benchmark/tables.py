"""A comparison as tables of text and a verdict in words, for whoever prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lamcts.benchmark.ranks import LEVEL, Ranking, Versus, rank, versus
from lamcts.benchmark.results import Results, quartiles

__all__ = [
    "Table",
    "clock_table",
    "medians_table",
    "results_table",
    "scores_table",
    "summary",
    "held_out_table",
    "verdict",
]

#: With fewer seeds on each side the Mann-Whitney test cannot come below 5 %.
_LEAST_SEEDS = 4


@dataclass(frozen=True)
class Table:
    """Text in rows and columns; ``str`` sets it in Markdown.

    Attributes:
        title: What it shows.
        columns: The headings.
        rows: As many cells a row as there are headings.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return "\n".join([self.title, "", *(f"| {' | '.join(line)} |" for line in lines)])


def results_table(results: Results, checkpoints: Sequence[int]) -> Table:
    """Medians and quartiles at the checkpoints, a row for each problem and optimizer."""
    rows = []
    for problem in results.problems:
        for optimizer in results.optimizers:
            cells = []
            for n in checkpoints:
                at = results.spread(problem, optimizer, n)
                spread = f"{at.median:.4g} ({at.lower:.4g} to {at.upper:.4g})"
                cells.append(spread if np.isfinite(at.median) else "-")
            rows.append((problem, optimizer, *cells))
    columns = ("problem", "optimizer", *(f"after {n}" for n in checkpoints))
    return Table(f"{_what(results)}: median (quartiles)", columns, tuple(rows))


def held_out_table(results: Results, checkpoints: Sequence[int]) -> Table | None:
    """Of problems from tables: held-out figures of what was found, and when the best was found.

    ``None`` when there is no such problem.
    """
    rows = []
    for problem in results.problems:
        for optimizer in results.optimizers:
            runs = results.runs(problem, optimizer)
            if not any(run.tested for run in runs):
                continue
            regrets = [quartiles([run.test_regret(n) for run in runs]) for n in checkpoints]
            hits = [run.hit for run in runs]
            reached = sum(np.isfinite(hits))
            rows.append(
                (
                    problem,
                    optimizer,
                    *(f"{m:.3g} ({low:.3g} to {high:.3g})" for low, m, high in regrets),
                    f"{quartiles(hits)[1]:.0f} ({reached} of {len(runs)})",
                )
            )
    title = (
        "Held-out figure of the best point found, distance from the table's best: median "
        "(quartiles); evaluations until the best value was found: median (runs that found it)"
    )
    columns = ("problem", "optimizer", *(f"after {n}" for n in checkpoints), "to the best")
    return Table(title, columns, tuple(rows)) if rows else None


def clock_table(results: Results) -> Table | None:
    """Distances from the optimum by simulated time; ``None`` when none was simulated."""
    rows = []
    parts = (0.1, 0.25, 0.5, 1.0)
    for problem in results.problems:
        of_all = [run for o in results.optimizers for run in results.runs(problem, o)]
        until = min((run.seconds for run in of_all if run.times), default=0.0)
        for optimizer in results.optimizers if until else ():
            runs = results.runs(problem, optimizer)
            medians = [quartiles([r.regret_by(until * part) for r in runs])[1] for part in parts]
            rows.append(
                (problem, optimizer, f"{until / 3600:.3g} h", *map("{:.3g}".format, medians))
            )
    title = (
        "By simulated time: median distance from the optimum after parts of the shortest run's time"
    )
    columns = ("problem", "optimizer", "time", *(f"after {part:.0%}" for part in parts))
    return Table(title, columns, tuple(rows)) if rows else None


def medians_table(results: Results, evaluations: int) -> Table:
    """Medians after so many evaluations, a row for each problem and a column an optimizer."""
    rows = []
    for problem in results.problems:
        medians = [results.spread(problem, o, evaluations).median for o in results.optimizers]
        rows.append((problem, *(f"{m:.3g}" if np.isfinite(m) else "-" for m in medians)))
    title = f"{_what(results)} after {evaluations} evaluations: median"
    return Table(title, ("problem", *results.optimizers), tuple(rows))


def scores_table(results: Results, checkpoints: Sequence[int]) -> Table:
    """Every optimizer over all problems, the best mean rank at the last checkpoint first.

    Ranks at the checkpoints; the part of COCO's targets reached; how the first optimizer of the
    comparison fares against this one; cost; failures.
    """
    first, last = results.optimizers[0], checkpoints[-1]
    rankings = [rank(results, n) for n in checkpoints]
    against = {found.other: found for found in versus(results, first, last)}
    rows = tuple(
        (
            optimizer,
            *(f"{r.mean_ranks[r.optimizers.index(optimizer)]:.2f}" for r in rankings),
            _reached(results, optimizer),
            *_faring(against.get(optimizer)),
            *_cost(results, optimizer),
        )
        for optimizer in rankings[-1].optimizers
    )
    columns = (
        "optimizer",
        *(f"rank@{n}" for n in checkpoints),
        "targets",
        f"{first}: + = -",
        "worst ratio",
        "CPU ms",
        "peak MiB",
        "failed",
        "version",
    )
    title = (
        f"All together: {_count(len(results.problems), 'problem')}, "
        f"{_count(len(results.seeds), 'seed')}. + = -: on how many {first} is better than the "
        "row, not told apart, worse"
    )
    return Table(title, columns, rows)


def summary(results: Results, checkpoints: Sequence[int]) -> str:
    """All of it, in Markdown: scores, verdict, and every median with its quartiles."""
    words = "\n".join(verdict(results, checkpoints[-1]))
    scores, found = scores_table(results, checkpoints), results_table(results, checkpoints)
    more = [held_out_table(results, checkpoints), clock_table(results)]
    return f"{scores}\n\n{words}\n\n{found}\n" + "".join(f"\n{table}\n" for table in more if table)


def verdict(results: Results, evaluations: int) -> list[str]:
    """What the figures say after so many evaluations, in a few sentences."""
    if len(results.optimizers) < 2:
        return ["One optimizer: there is nothing to rank."]
    if not np.isfinite(results.distances(evaluations)).any():
        return [f"No run has a result after {evaluations} evaluations: there is nothing to rank."]
    ranking = rank(results, evaluations)
    return [_best(ranking, evaluations), _chance(ranking), _by_problem(results, evaluations)]


def _best(ranking: Ranking, evaluations: int) -> str:
    """Who has the best mean rank, or which share it."""
    is_best = np.isclose(ranking.mean_ranks, ranking.mean_ranks[0])
    *others, last = (o for o, is_it in zip(ranking.optimizers, is_best, strict=True) if is_it)
    who = f"{', '.join(others)} and {last} share" if others else f"{last} has"
    return (
        f"{who} the best mean rank after {evaluations} evaluations: "
        f"{ranking.mean_ranks[0]:.2f} of {len(ranking.optimizers)}, "
        f"over {_count(ranking.problems, 'problem')}."
    )


def _chance(ranking: Ranking) -> str:
    """Whether the ranks could be chance, and which are told apart from the best."""
    if ranking.p_value >= LEVEL:
        return f"The ranks could be chance (Friedman p = {ranking.p_value:.2g})."
    best, *others = ranking.optimizers
    gap = ranking.critical_difference
    within = [mean - ranking.mean_ranks[0] < gap for mean in ranking.mean_ranks[1:]]
    near = [name for name, is_near in zip(others, within, strict=True) if is_near]
    behind = [name for name in others if name not in near]
    parts = [f"{best} is ahead of {', '.join(behind)}"] if behind else []
    parts += [f"not told apart from {', '.join(near)}"] if near else []
    return (
        f"The ranks are not chance (Friedman p = {ranking.p_value:.2g}); two differ when "
        f"{gap:.2f} apart (Nemenyi, 5 %): {'; '.join(parts)}."
    )


def _by_problem(results: Results, evaluations: int) -> str:
    """How the first optimizer fares against each other one, problem by problem."""
    first = results.optimizers[0]
    if len(results.seeds) < _LEAST_SEEDS:
        return (
            f"Problem by problem nothing can be told with {_count(len(results.seeds), 'seed')}; "
            f"{_LEAST_SEEDS} or more are needed."
        )
    found = versus(results, first, evaluations)
    all_of_them = len(results.problems)
    behind = [f"{v.other} on {len(v.worse)} of {all_of_them}" for v in found if v.worse]
    never = [v.other for v in found if not v.worse]
    parts = [f"worse than {', '.join(behind)}"] if behind else []
    parts += [f"never worse than {', '.join(never)}"] if never else []
    return f"{first}, problem by problem (Mann-Whitney, 5 %): {'; '.join(parts)}."


def _what(results: Results) -> str:
    known = [results.knows_optimum(problem) for problem in results.problems]
    if all(known):
        return "Distance from the optimum"
    return "Distance from the optimum, where known, else best value" if any(known) else "Best value"


def _reached(results: Results, optimizer: str) -> str:
    runtimes = results.runtimes(optimizer)
    return f"{100 * np.mean(np.isfinite(runtimes)):.0f} %" if len(runtimes) else "-"


def _faring(against: Versus | None) -> tuple[str, str]:
    if against is None:  # against itself
        return "", ""
    counts = (len(against.better), len(against.same), len(against.worse))
    return " ".join(map(str, counts)), f"{against.ratio:.2g}"


def _cost(results: Results, optimizer: str) -> tuple[str, str, str, str]:
    """CPU of a suggestion (the median run's), the greatest memory, failures, versions."""
    runs = [run for problem in results.problems for run in results.runs(problem, optimizer)]
    done = [run for run in runs if run.evaluations]
    peaks = [run.peak_mb for run in done if run.peak_mb is not None]
    return (
        f"{np.median([run.cpu_ms for run in done]):.3g}" if done else "-",
        f"{max(peaks):.0f}" if peaks else "-",
        str(sum(run.error is not None for run in runs)),
        ", ".join(dict.fromkeys(run.version for run in runs if run.version)) or "-",
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
