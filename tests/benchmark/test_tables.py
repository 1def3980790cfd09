"""What is shown: tables with a cell for every heading, a verdict, and figures that are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lamcts.benchmark import (
    Ranking,
    Record,
    Results,
    draw_figures,
    medians_table,
    results_table,
    scores_table,
    summary,
    verdict,
)
from lamcts.benchmark.figures import draw_ranks, draw_targets
from lamcts.errors import InvalidArgument

MakeRecord = Callable[..., Record]


def test_results_are_medians_with_quartiles(records: list[Record], record: MakeRecord) -> None:
    broken = [record("broken", seed, error="it broke") for seed in range(3)]
    table = results_table(Results([*records, *broken]), [2, 10])
    assert table.title == "Distance from the optimum: median (quartiles)"
    assert table.columns == ("problem", "optimizer", "after 2", "after 10")
    assert table.rows[0] == ("levy", "good", "4 (3 to 5)", "2 (1.5 to 2.5)")
    assert table.rows[2] == ("levy", "broken", "-", "-")


def test_medians_have_a_column_for_each_optimizer(records: list[Record]) -> None:
    table = medians_table(Results(records), 10)
    assert table.columns == ("problem", "good", "bad")
    assert table.rows == (("levy", "2", "4"),)


def test_scores_by_hand(records: list[Record], record: MakeRecord) -> None:
    broken = [record("broken", seed, error="it broke") for seed in range(3)]
    table = scores_table(Results([*records, *broken]), [2, 10])
    cells = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["optimizer"] for row in cells] == ["good", "bad", "broken"]
    assert [row["rank@2"] for row in cells] == ["1.50", "1.50", "3.00"]
    assert [row["rank@10"] for row in cells] == ["1.00", "2.00", "3.00"]
    # Targets at most 100 and at least the last distances: 1 -> 11 of 51, 2 -> 9, 3 -> 8.
    assert cells[0]["targets"] == f"{100 * (11 + 9 + 8) / 153:.0f} %"
    assert cells[2]["targets"] == "0 %"
    # Three seeds cannot tell anything apart.
    assert [row["good: + = -"] for row in cells] == ["", "0 1 0", "0 1 0"]
    assert [row["worst ratio"] for row in cells] == ["", "0.5", "0"]
    assert [row["CPU ms"] for row in cells] == ["2", "2", "2"]
    assert [row["peak MiB"] for row in cells] == ["102", "102", "102"]
    assert [row["failed"] for row in cells] == ["0", "0", "3"]
    assert cells[0]["version"] == "made up 1.0"


def test_values_are_shown_where_the_optimum_is_not_known(record: MakeRecord) -> None:
    found = [record("a", 0, -5.0, optimum=None), record("b", 0, -3.0, optimum=None)]
    table = results_table(Results(found), [10])
    assert table.title == "Best value: median (quartiles)"
    assert [row[2] for row in table.rows] == ["-5 (-5 to -5)", "-3 (-3 to -3)"]
    both = Results([*found, record("a", 0, 1.0, problem="x"), record("b", 0, 1.0, problem="x")])
    assert "where known, else best value" in results_table(both, [10]).title
    assert scores_table(Results(found), [10]).rows[0][2] == "-"


def many(record: MakeRecord, problems: int, seeds: int = 5) -> list[Record]:
    """``a`` always ahead of ``b``, ``b`` of ``c``, with all seeds apart."""
    return [
        record(name, seed, 10.0 ** (place - 2) * (1 + seed / 10), problem=f"f{number}")
        for number in range(problems)
        for place, name in enumerate("abc")
        for seed in range(seeds)
    ]


def test_the_verdict_on_a_clear_case(record: MakeRecord) -> None:
    best, chance, each = verdict(Results(many(record, 10)), 10)
    assert best == "a has the best mean rank after 10 evaluations: 1.00 of 3, over 10 problems."
    # q = 2.344: 2.344 sqrt(3 * 4 / 60) = 1.05, so b at 2.00 is not apart, c at 3.00 is.
    assert chance == (
        "The ranks are not chance (Friedman p = 4.5e-05); two differ when 1.05 apart "
        "(Nemenyi, 5 %): a is ahead of c; not told apart from b."
    )
    assert each == "a, problem by problem (Mann-Whitney, 5 %): never worse than b, c."


def test_the_verdict_names_who_is_ahead(record: MakeRecord) -> None:
    records = many(record, 2)
    order = sorted(records, key=lambda r: r.task.optimizer, reverse=True)
    _, chance, each = verdict(Results(order), 10)
    assert chance == "The ranks could be chance (Friedman p = 0.14)."
    assert each.startswith("c, problem by problem")
    assert each.endswith("worse than b on 2 of 2, a on 2 of 2.")


def test_the_verdict_says_what_too_few_runs_cannot_say(record: MakeRecord) -> None:
    assert verdict(Results([record("a", 0, 1.0)]), 10) == [
        "One optimizer: there is nothing to rank."
    ]
    assert verdict(Results(many(record, 2, seeds=3)), 10)[-1] == (
        "Problem by problem nothing can be told with 3 seeds; 4 or more are needed."
    )


def test_the_verdict_names_all_that_share_the_best_rank(record: MakeRecord) -> None:
    values = {"a": 1.0, "b": 2.0, "c": 1.0, "d": 1.0}
    two = [record(name, seed, values[name]) for name in "ab"[::-1] for seed in range(4)]
    other_way = [
        record(r.task.optimizer, r.task.seed, 3.0 - r.trace[-1][1], problem="x") for r in two
    ]
    assert verdict(Results([*two, *other_way]), 10)[0] == (
        "b and a share the best mean rank after 10 evaluations: 1.50 of 2, over 2 problems."
    )
    four = [record(name, seed, values[name]) for name in "abcd" for seed in range(4)]
    assert verdict(Results(four), 10)[0] == (
        "a, c and d share the best mean rank after 10 evaluations: 2.00 of 4, over 1 problem."
    )


def test_where_no_run_has_a_result_there_is_no_best(record: MakeRecord) -> None:
    failed = [record(name, seed, error="it broke") for name in "ab" for seed in range(4)]
    words = ["No run has a result after 10 evaluations: there is nothing to rank."]
    assert verdict(Results(failed), 10) == words
    assert words[0] in summary(Results(failed), [2, 10])
    one = [record("a", 0, 1.0), *failed[1:]]
    assert verdict(Results(one), 10)[0] == (
        "a and b share the best mean rank after 10 evaluations: 1.50 of 2, over 1 problem."
    )


def test_runs_of_two_versions_are_shown_as_such(records: list[Record]) -> None:
    table = scores_table(Results([replace(records[0], version="made up 2.0"), *records[1:]]), [10])
    assert [row[-1] for row in table.rows] == ["made up 2.0, made up 1.0", "made up 1.0"]


def test_the_summary_is_markdown_with_everything(records: list[Record]) -> None:
    text = summary(Results(records), [2, 10])
    assert "| levy | good | 4 (3 to 5) | 2 (1.5 to 2.5) |" in text
    assert "good has the best mean rank after 10 evaluations" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows[:4]}) == 1


def test_figures_are_drawn(record: MakeRecord, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    records = [
        record(optimizer, seed, *np.sort(rng.random(8))[::-1].tolist(), problem=problem)
        for problem in ("levy", "ackley", "sphere", "nk")
        for optimizer in ("a", "b", "c")
        for seed in range(3)
    ]
    unknown = [record("a", 0, 3.0, 2.0, problem="files/mine.py", optimum=None)]
    paths = draw_figures(Results([*records, *unknown]), tmp_path / "new")
    assert [path.name for path in paths] == ["curves.png", "targets.png", "ranks.png"]
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size > 10_000
    alone = draw_figures(Results(unknown), tmp_path / "alone")
    assert [path.name for path in alone] == ["curves.png"]


def test_the_curve_of_targets_is_the_ecdf(record: MakeRecord) -> None:
    """Two variables: the first target after 1 evaluation (1/2), five more after 3 (3/2)."""
    pytest.importorskip("matplotlib")
    run = replace(record("a", 0, dim=2), trace=((1, 100.0), (3, 10.0)))
    (panel,) = draw_targets(Results([run])).axes
    x, y = (np.asarray(data) for data in panel.get_lines()[0].get_data())
    at = {place: y[x <= place][-1] for place in (0.5, 1.4, 1.5, 5.0)}
    assert at == {0.5: 1 / 51, 1.4: 1 / 51, 1.5: 6 / 51, 5.0: 6 / 51}


def test_the_diagram_of_ranks_has_a_bar_for_each_group() -> None:
    pytest.importorskip("matplotlib")
    ranking = Ranking(("a", "b", "c", "d"), (1.0, 1.5, 2.2, 4.0), 9, 0.01, 1.0)
    (panel,) = draw_ranks(ranking).axes
    texts = [text.get_text().strip() for text in panel.texts]
    assert {"a  1.00", "b  1.50", "c  2.20", "d  4.00"} <= set(texts)
    bars = [c for c in panel.collections if np.ravel(c.get_linewidth())[0] == 4]
    assert len(bars) == len(ranking.groups) == 2


def test_nothing_to_draw_is_said(record: MakeRecord, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="no run has a result"):
        draw_figures(Results([record("a", 0, error="it broke")]), tmp_path)
