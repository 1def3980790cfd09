"""The script that draws searches on NASBench-101 beside published curves."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lamcts import datasets
from lamcts.adapters.nasbench101.files.synthetic import write_synthetic
from lamcts.benchmark import Record
from lamcts.errors import InvalidArgument

MakeRecord = Callable[..., Record]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    pytest.importorskip("matplotlib", reason="the script draws with matplotlib")
    path = Path(__file__).parents[2] / "benchmarks" / "published_curves.py"
    spec = importlib.util.spec_from_file_location("published_curves", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_mean_is_over_runs_at_equal_times(script: ModuleType, record: MakeRecord) -> None:
    def run(times: tuple[float, ...], tested: tuple[float, ...]) -> Record:
        trace = tuple((n, 0.8 + n / 10) for n in range(1, len(times) + 1))
        return replace(
            record("a", 0), trace=trace, times=times, tested=tested, optimum_test=1.0, seconds=100.0
        )

    seconds, regret = script.mean_curve([run((1, 10), (0.5, 0.9)), run((4, 50), (0.7, 1.0))])
    assert (seconds[0], seconds[-1]) == pytest.approx((4, 100))
    assert regret[0] == pytest.approx((0.5 + 0.3) / 2)
    assert regret[-1] == pytest.approx((0.1 + 0.0) / 2)
    assert regret[np.searchsorted(seconds, 20.0)] == pytest.approx((0.1 + 0.3) / 2)


def test_other_tables_are_not_drawn_beside_published_curves(
    script: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAMCTS_DATA", str(tmp_path))
    write_synthetic(tmp_path / "synthetic.tfrecord", max_vertices=5)
    datasets.add("nasbench101", tmp_path / "synthetic.tfrecord")
    curves = tmp_path / "curves.csv"
    curves.write_text("method,time_s,test_regret\nsomebody,1000,0.05\nsomebody,2000,0.03\n")
    table = ["--table", "nasbench101", "--out", str(tmp_path / "out")]
    few = ["--optimizers", "random", "--seeds", "2", "--budget", "10"]
    script.main([str(curves), *table, *few])
    left_out, random, drew = capsys.readouterr().out.splitlines()
    assert left_out.endswith("is not the official table: the published curves are left out")
    assert random.startswith("random  ")
    assert drew == f"drew {tmp_path / 'out' / 'published.png'}"
    assert (tmp_path / "out" / "published.png").stat().st_size > 10_000
    assert list(script.published(curves)) == ["somebody"]


def test_a_file_that_holds_no_curves_is_one_line(script: ModuleType, tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidArgument, match=r"^curves: .* is no file of curves"):
        script.published(file)
