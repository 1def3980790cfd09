"""Methods against each other on the same problems: runs, tables, and a figure.

>>> from lamcts.benchmark import compare, results_table, scores_table
>>> records = compare(["ackley", "levy"], ["lamcts", "random"], budget=100, dim=5)  # doctest: +SKIP
>>> print(scores_table(records))  # doctest: +SKIP
"""

from lamcts.benchmark.compare import compare, read_records
from lamcts.benchmark.figure import draw_figure
from lamcts.benchmark.run import Record, Task, run_task
from lamcts.benchmark.summary import Score, Summary, best_at, score, summarise
from lamcts.benchmark.tables import Table, results_table, scores_table

__all__ = [
    "Record",
    "Score",
    "Summary",
    "Table",
    "Task",
    "best_at",
    "compare",
    "draw_figure",
    "read_records",
    "results_table",
    "run_task",
    "score",
    "scores_table",
    "summarise",
]
