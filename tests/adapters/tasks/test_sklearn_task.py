"""scikit-learn's estimators as a problem: against scikit-learn's own cross-validation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier

import lamcts
from lamcts.adapters.tasks import SklearnTask
from lamcts.errors import InvalidArgument, LamctsError, ProblemError, RunError
from lamcts.evaluator import TrialContext
from lamcts.testing import check_evaluator


class Neighbours(SklearnTask):
    space = lamcts.spaces.Dict(n_neighbors=lamcts.spaces.Box(1, 20, dtype=int))
    estimator = KNeighborsClassifier


class Penalty(SklearnTask):
    space = lamcts.spaces.Dict(alpha=lamcts.spaces.Box(1e-3, 10.0, scale="log"))
    scoring = "neg_mean_absolute_error"

    def build(self, x: Any) -> Ridge:
        return Ridge(**x)


def test_the_value_is_scikit_learns(tmp_path: Path) -> None:
    task = Neighbours(data="wine", seed=3, test_size=0.2)
    features, target = load_wine(return_X_y=True)
    train, test, train_y, test_y = train_test_split(
        features, target, test_size=0.2, random_state=3, stratify=target
    )
    model = KNeighborsClassifier(n_neighbors=4)
    folds = StratifiedKFold(5, shuffle=True, random_state=3)
    scores = cross_val_score(model, train, train_y, cv=folds)
    curve: list[tuple[int, float]] = []
    task.trial = TrialContext(report=lambda step, value: curve.append((step, value)))
    found = task.evaluate({"n_neighbors": 4})
    assert found.value == scores.mean()
    assert found.metrics == {"fold_std": scores.std()}
    assert curve == [(i, scores[:i].mean()) for i in range(1, 6)]
    assert task.test({"n_neighbors": 4}) == {
        "test_score": model.fit(train, train_y).score(test, test_y)
    }


def test_regression_by_another_score() -> None:
    task = Penalty(data="diabetes", folds=3)
    task.prepare()
    value = task.evaluate({"alpha": 0.1}).value
    spread = np.abs(load_diabetes().target - np.median(load_diabetes().target)).mean()
    assert -spread < value < 0.0


class Logistic(SklearnTask):
    space = lamcts.spaces.Dict(C=lamcts.spaces.Box(1e-2, 10.0, scale="log"))
    estimator = LogisticRegression


@pytest.mark.parametrize("places", [slice(None), [-1]])
def test_an_empty_cell_becomes_the_median(places: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(40, 2)).round(3)
    target = (values[:, 0] > 0).astype(int)
    task = Logistic(data=str(tmp_path / "table.csv"))
    order = train_test_split(np.arange(40), test_size=0.25, random_state=0, stratify=target)
    empty = set(np.concatenate(order)[::3][places].tolist())  # or one row, of the test
    lines = [
        f"{'' if i in empty else b},{a},{y}"
        for i, ((a, b), y) in enumerate(zip(values.tolist(), target.tolist(), strict=True))
    ]
    (tmp_path / "table.csv").write_text("\n".join(["b,a,y", *lines]))
    task.prepare()
    assert task.evaluate({"C": 1.0}).value > 0.7
    assert task.test({"C": 1.0})["test_score"] > 0.6


def test_the_contract() -> None:
    report = check_evaluator(Penalty(data="diabetes"))
    assert {finding.level for finding in report.findings} == {"ok"}, str(report)


def test_a_search_prunes_by_folds() -> None:
    result = lamcts.search(
        Neighbours(data="wine"), budget=12, seed=0, optimizer="random", prune="halving"
    )
    assert result.counts["pruned"] > 0
    assert all(len(trial.curve) <= 5 for trial in result.trials)


def test_the_saved_model_loads_without_this_package(tmp_path: Path) -> None:
    file = tmp_path / "towns.csv"
    rows = [f"{i % 7},{'Rome' if i % 3 else 'Oslo'},{'yes' if i % 3 else 'no'}" for i in range(60)]
    file.write_text("\n".join(["size,town,sunny", *rows]))

    class Towns(SklearnTask):
        space = lamcts.spaces.Dict(C=lamcts.spaces.Box(1e-2, 1e2, scale="log"))
        estimator = LogisticRegression

    task = Towns(data=str(file))
    task.prepare()
    scores = task.train({"C": 1.0}, tmp_path / "final")
    assert scores == {"test_score": 1.0}
    facts = json.loads((tmp_path / "final" / "model.json").read_text())
    assert task.parse(json.dumps(facts["architecture"])) == {"C": 1.0}
    code = (
        "import sys, joblib, numpy\n"
        "model = joblib.load('final/model.joblib')\n"
        "new = numpy.array([[3.0, 'Oslo'], [3.0, 'Rome']], dtype=object)\n"
        "assert model.predict(new).tolist() == ['no', 'yes']\n"
        "assert not any(name.startswith('lamcts') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_a_folder_that_cannot_be_made_is_said_before_fitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(Neighbours, "build", lambda self, x: pytest.fail("was fitted"))
    with pytest.raises(RunError, match="file: cannot be made: File exists"):
        Neighbours().train({"n_neighbors": 3}, tmp_path / "file")


class Misnamed(SklearnTask):
    space = lamcts.spaces.Dict(neighbours=lamcts.spaces.Box(1, 20, dtype=int))
    estimator = KNeighborsClassifier


class Missing(SklearnTask):
    space = lamcts.spaces.Dict(C=lamcts.spaces.Box(1.0, 2.0))


class Misscored(Neighbours):
    scoring = "acuracy"


class Rare(Neighbours):
    def load_data(self) -> tuple[Any, Any]:
        return np.zeros((40, 1)), np.arange(40) // 37


class Worded(Penalty):
    def load_data(self) -> tuple[Any, Any]:
        return np.zeros((40, 1)), np.array(["a", "b"] * 20)


class Alike(Neighbours):
    def load_data(self) -> tuple[Any, Any]:
        return np.zeros((40, 1)), np.array(["a"] * 40)


class Few(Penalty):
    def load_data(self) -> tuple[Any, Any]:
        return np.zeros((5, 1)), np.arange(5)


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (lambda: Neighbours(folds=1), "folds: 1 cannot be made"),
        (lambda: Neighbours(test_size=1.0), "test_size: 1.0 is no share"),
        (lambda: Neighbours(data="whine"), "did you mean 'wine'"),
        (Misnamed, "unexpected keyword argument 'neighbours'"),
        (Missing, "give estimator = a class, or write build"),
        (Misscored, "did you mean 'accuracy'"),
        (Rare, "class 1 has 2 training rows, too few for 5 folds"),
        (Worded, "target: 'b' is no number, and Ridge predicts numbers"),
        (Alike, "all training rows are of the class 'a'"),
        (Few, "folds: 3 training rows are too few for 5"),
        (lambda: Rare(test_size=0.01), "test_size: 40 rows cannot be split"),
    ],
)
def test_mistakes_are_said_before_a_search(task: Any, words: str) -> None:
    with pytest.raises(LamctsError) as wrong:
        task().prepare()
    assert words in str(wrong.value)


def test_parse_refuses_what_is_no_configuration() -> None:
    with pytest.raises(InvalidArgument, match="no configuration as JSON"):
        Neighbours().parse("{")
    with pytest.raises(InvalidArgument, match="is not in"):
        Neighbours().parse('{"n_neighbors": 90}')
    with pytest.raises(ProblemError):
        Misnamed().build({"neighbours": 3})
