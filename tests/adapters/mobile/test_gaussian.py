"""Predictors of our own: against an exact Gaussian process, on real tables, by command."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from typer.testing import CliRunner

from lamcts.adapters.mobile import EfficientNetImageNet, MobileNetV3ImageNet
from lamcts.adapters.mobile.gaussian import GaussianPredictor, assess
from lamcts.adapters.mobile.predictor import load_predictor
from lamcts.cli import app
from lamcts.errors import InvalidArgument

SUBNETS = "ofa_mbv3_imagenet/ofa_mbv3_w1.0_subnets.csv"
ACCEL = "accel_nasbench_imagenet/accel_nasbench_imagenet.csv"


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.integers(2, size=(150, 12)).astype(float)
    y = X @ rng.normal(size=12) + X[:, 0] * X[:, 1] + 0.1 * rng.normal(size=150)
    return X, 70.0 + y


def test_with_all_networks_inducing_it_is_the_exact_process(data: tuple[Any, Any]) -> None:
    X, y = data
    model = GaussianPredictor.fit(X[:100], y[:100])
    kernel = ConstantKernel(model.amplitude) * RBF(model.length) + WhiteKernel(model.noise)
    exact = GaussianProcessRegressor(kernel, optimizer=None)
    exact.fit(X[:100], (y[:100] - model.mean) / model.scale)
    mean, spread = exact.predict(X[100:], return_std=True)
    assert model(X[100:]) == pytest.approx(mean * model.scale + model.mean, abs=1e-3)
    assert model.spread(X[100:]) == pytest.approx(spread * model.scale, rel=1e-2, abs=2e-3)


def test_it_is_the_same_from_its_file(data: tuple[Any, Any], tmp_path: Path) -> None:
    X, y = data
    model = GaussianPredictor.fit(X, y)
    model.save(tmp_path / "p.npz")
    again = load_predictor(tmp_path / "p.npz")
    assert isinstance(again, GaussianPredictor)
    assert again.inputs == 12
    assert again(X).tolist() == model(X).tolist()
    assert again.spread(X).tolist() == model.spread(X).tolist()
    with np.load(tmp_path / "p.npz") as file:
        arrays = dict(file)
    for name, other in {"basis": np.ones((2, 2)), "length": np.ones(3)}.items():
        np.savez(tmp_path / "bad.npz", **{**arrays, name: other})
        with pytest.raises(InvalidArgument, match="shapes that do not follow"):
            load_predictor(tmp_path / "bad.npz")
    del arrays["noise"]
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InvalidArgument, match="no array 'noise'"):
        load_predictor(tmp_path / "bad.npz")


def test_it_is_less_sure_far_away_and_sees_no_network_twice(data: tuple[Any, Any]) -> None:
    X, y = data
    model = GaussianPredictor.fit(X, y)
    assert model.spread(X + 5.0).min() > model.spread(X).max()
    # Twenty networks measured ten times each: were repeats on both sides, all would be known.
    some = np.unique(X, axis=0)[:40]
    rng = np.random.default_rng(1)
    found = assess(np.repeat(some, 10, axis=0), rng.normal(size=40).repeat(10))
    assert found.trained + found.held_out == 400
    assert found.trained % 10 == 0
    assert found.rmse > 0.5


@pytest.mark.parametrize("y", [np.arange(5.0), np.ones(40)])
def test_too_little_is_refused(y: Any) -> None:
    with pytest.raises(InvalidArgument, match="give 20 or more with different values"):
        GaussianPredictor.fit(np.ones((len(y), 3)), y)


def train(*words: str) -> Any:
    return CliRunner().invoke(app, ["predictor", "train", *words])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "table", "value", "tau", "rmse"),
    [
        ("mobilenetv3_imagenet", SUBNETS, "top1", 0.88, 0.0040),
        ("efficientnet_imagenet", ACCEL, "val_top1", 0.80, 1.0),
    ],
)
def test_a_quarter_of_a_real_table(
    problem: str,
    table: str,
    value: str,
    tau: float,
    rmse: float,
    published: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    with published(table).open(newline="") as stream:
        rows = list(csv.reader(stream))
    with (tmp_path / "some.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([rows[0], *rows[1::4]])
    settings = ["--set", "models=b0"] if problem.startswith("efficient") else []
    out = tmp_path / "p.npz"
    words = [problem, str(tmp_path / "some.csv"), "--value", value, "--out", str(out)]
    ran = train(*words, *settings, "--json")
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert found["tau"] > tau
    assert found["rmse"] < rmse
    assert 0.8 < found["coverage"] <= 1.0
    classes = {"mobilenetv3_imagenet": MobileNetV3ImageNet}
    kwargs: Any = {"models": ("b0",)} if settings else {}
    evaluator: Any = classes.get(problem, EfficientNetImageNet)(predictor=out, **kwargs)
    evaluation = evaluator.evaluate(evaluator.space.sample())
    assert evaluation.metrics["predicted_accuracy"] == evaluation.value
    assert evaluation.metrics["predicted_std"] > 0.0


def test_tables_name_networks_as_arch_does(tmp_path: Path) -> None:
    problem = MobileNetV3ImageNet()
    rng = np.random.default_rng(0)
    codes = problem.choices.sample(rng, 30)
    table = tmp_path / "t.jsonl"
    with table.open("w") as stream:
        for row in codes:
            x = problem.choices.point(row)
            macs = problem.cost(x)["macs"] / 1e9
            entry = {"arch": json.dumps(problem.describe(x)), "accuracy": 0.7 + macs}
            stream.write(json.dumps(entry) + "\n")
        stream.write('{"arch": "ofa_mbv3_max", "accuracy": null}\n')  # not measured
    ran = train("mobilenetv3_imagenet", str(table), "--out", str(tmp_path / "p.npz"))
    assert ran.exit_code == 0, ran.output
    trained, held_out = map(int, re.findall(r"(\d+) (?:trained on|held out)", ran.output))
    assert trained + held_out == 30


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("arch,accuracy\nofa_mbv3_max,0.7\n", ["--value", "top1"], "no column 'top1'"),
        ("arch,accuracy\nofa_mbv3_mix,0.7\n", [], "line 2: arch: 'ofa_mbv3_mix' is no known name"),
        ("arch,accuracy\nmobilenet_v2,0.7\n", [], "is no network of this space"),
        ("depths,accuracy\n22222,0.7\n", [], "columns: give arch, or resolution, depths"),
        ("arch,accuracy\n", [], "holds no rows; give one or more"),
        ("arch,accuracy\nofa_mbv3_max,0.7\n", [], "give 20 or more"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(
    text: str, options: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text)
    out = str(tmp_path / "p.npz")
    ran = train("mobilenetv3_imagenet", str(tmp_path / "t.csv"), "--out", out, *options)
    assert ran.exit_code == 2
    assert message in ran.output
    assert not Path(out).exists()


def test_other_mistakes_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arch,accuracy\nofa_mbv3_max,0.7\n")
    table = str(tmp_path / "t.csv")
    assert "takes no predictor" in train("sphere-v0", table, "--out", "p.npz").output
    wrong = train("mobilenetv3_imagenet", table, "--out", str(tmp_path / "p.csv"))
    assert "give a new file that ends in .npz" in wrong.output
