"""A comparison as tables of text, for whoever prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lamcts.benchmark.run import Record
from lamcts.benchmark.summary import Summary, default_checkpoints, score, summarise

__all__ = ["Table", "results_table", "scores_table"]


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


def results_table(records: Sequence[Record], checkpoints: Sequence[int] | None = None) -> Table:
    """Medians and quartiles at the checkpoints, and the final mean, a row a problem and method."""
    places = default_checkpoints(records) if checkpoints is None else list(checkpoints)
    cells: dict[tuple[str, str], dict[int, Summary]] = {}
    for record in records:
        cells.setdefault((record.task.label, record.task.optimizer), {})
    for found in summarise(records, places):
        cells[found.problem, found.optimizer][found.evaluations] = found
    rows = tuple(
        (*names, *(_spread(at.get(n)) for n in places), _mean(at.get(places[-1])))
        for names, at in cells.items()
    )
    headings = (*(f"after {n}" for n in places), f"mean after {places[-1]}")
    return Table("Best value: median (quartiles)", ("problem", "optimizer", *headings), rows)


def scores_table(records: Sequence[Record]) -> Table:
    """Ranks, regrets and costs over all problems and seeds, a row a method, the best first."""
    rows = tuple(
        (
            s.optimizer,
            str(s.runs),
            f"{s.mean_rank:.2f}",
            f"{s.regret:.3f}",
            f"{s.cpu_ms:.1f}",
            "-" if s.peak_mb is None else f"{s.peak_mb:.0f}",
        )
        for s in score(records)
    )
    columns = ("optimizer", "runs", "mean rank", "regret / worst", "CPU ms / eval", "peak MiB")
    return Table("All problems and seeds", columns, rows)


def _spread(found: Summary | None) -> str:
    if found is None:
        return "-"
    return f"{found.median:.4g} ({found.lower:.4g} to {found.upper:.4g})"


def _mean(found: Summary | None) -> str:
    return "-" if found is None else f"{found.mean:.4g}"
