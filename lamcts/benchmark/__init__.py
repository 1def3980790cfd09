"""Optimizers against each other on the same problems: runs, tables, a verdict, figures.

>>> from lamcts.benchmark import Results, compare, verdict
>>> records = compare(["ackley", "levy"], ["lamcts", "random"], budget=100)  # doctest: +SKIP
>>> verdict(Results(records), 100)  # doctest: +SKIP

A run is a `Task`; what came of it is a `Record` (`records`). `compare` plans the runs over the
problems (`suites`) and the optimizers, ours and others' (`peers`), and runs each in its own process
(`processes`, `run`) behind a `Meter` that counts and times. `Results` are the records side by side;
`ranks` holds the tests, `tables` and `figures` what is shown.
"""

from lamcts.benchmark.compare import compare
from lamcts.benchmark.figures import draw_figures
from lamcts.benchmark.ranks import Ranking, Versus, rank, versus
from lamcts.benchmark.records import Record, Task, read_records
from lamcts.benchmark.results import Results
from lamcts.benchmark.run import run_task
from lamcts.benchmark.tables import (
    Table,
    clock_table,
    held_out_table,
    medians_table,
    results_table,
    scores_table,
    summary,
    verdict,
)

__all__ = [
    "Ranking",
    "Record",
    "Results",
    "Table",
    "Task",
    "Versus",
    "clock_table",
    "compare",
    "draw_figures",
    "medians_table",
    "rank",
    "read_records",
    "results_table",
    "run_task",
    "scores_table",
    "summary",
    "held_out_table",
    "verdict",
    "versus",
]
