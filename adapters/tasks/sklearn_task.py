"""Any scikit-learn estimator tuned on a table: cross-validated, tested once, saved."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import lamcts
from lamcts.adapters.tasks.files import origin
from lamcts.adapters.tasks.points import as_json, from_text, some_point
from lamcts.adapters.tasks.tables import columns_encoded, has_gaps, has_texts, read_csv
from lamcts.errors import InvalidArgument, ProblemError, RunError, UnknownName, did_you_mean
from lamcts.storage import replace_file

__all__ = ["SAMPLES", "SklearnTask"]

#: Data sets that come with scikit-learn, by the names they have there.
SAMPLES = ("breast_cancer", "diabetes", "digits", "iris", "wine")


class SklearnTask(lamcts.Evaluator):
    """The configuration of an estimator that does best in cross-validation.

    A subclass says what is tuned::

        class MyTask(SklearnTask):
            space = lamcts.spaces.Dict(
                learning_rate=lamcts.spaces.Box(0.01, 1.0, scale="log"),
                max_leaf_nodes=lamcts.spaces.Box(2, 64, dtype=int),
            )
            estimator = HistGradientBoostingClassifier

    or, in place of ``estimator``, has a method ``build(self, x)`` that returns any estimator or
    pipeline for a point. A part of the rows is set aside first: searches never see it, `test`
    measures the final configuration on it, once.

    Args:
        data: A CSV file (`read_csv`), or one of scikit-learn's own small data sets (`SAMPLES`).
            Override `load_data` for data from elsewhere.
        target: The file's column to predict; the last one by default.
        folds: Of the cross-validation on the training rows.
        test_size: Share of the rows that are set aside for the test.
        seed: Fixes the split, the folds, and the estimator's ``random_state``.

    Attributes:
        estimator: A class; the variables of ``space`` are arguments of its constructor.
        scoring: scikit-learn's name of the figure to maximise; by default the estimator's own
            ``score``: accuracy for classifiers, R² for regressors.

    Raises:
        InvalidArgument: A number that cannot be used.
    """

    direction = "maximize"
    default_budget = 40
    estimator: Any = None
    scoring: str | None = None

    def __init__(
        self,
        *,
        data: str = "breast_cancer",
        target: str | None = None,
        folds: int = 5,
        test_size: float = 0.25,
        seed: int = 0,
    ) -> None:
        if folds < 2:
            raise InvalidArgument(f"folds: {folds} cannot be made; use 2 or more")
        if not 0.0 < test_size < 1.0:
            raise InvalidArgument(f"test_size: {test_size} is no share; use one between 0 and 1")
        self.data, self.target = data, target
        self.folds, self.test_size, self.seed = folds, test_size, seed
        self._parts: list[Any] | None = None
        if type(self).load_data is SklearnTask.load_data and data in SAMPLES:
            self.notice = (
                f"Data: {data}, which comes with scikit-learn; "
                "yours: --set data=FILE.csv --set target=COLUMN"
            )

    def load_data(self) -> tuple[Any, Any]:
        """Features (n, columns) and target (n,): override it to use your own.

        Arrays and data frames will do; an object array's columns of texts are encoded one-hot, and
        a number that is missing from an array (NaN) becomes its column's median.
        """
        if self.data not in SAMPLES:
            if not os.path.exists(self.data):
                mend = did_you_mean(self.data, SAMPLES)
                raise UnknownName(f"data: {self.data!r} is no file and no known data set; {mend}")
            return read_csv(self.data, self.target)
        import sklearn.datasets

        load = getattr(sklearn.datasets, f"load_{self.data}")
        features, target = load(return_X_y=True)
        return features, target

    def build(self, x: Any) -> Any:
        """An estimator, not fitted, for a point: override it to build what you like.

        Raises:
            ProblemError: There is no ``estimator``, or it does not take such arguments.
        """
        if self.estimator is None:
            raise ProblemError(
                f"{type(self).__name__}: give estimator = a class, or write build(self, x)"
            )
        try:
            estimator = self.estimator(**x)
        except TypeError as error:
            raise ProblemError(
                f"{type(self).__name__}: estimator: {error}; the variables of space are its "
                "arguments, or write build(self, x)"
            ) from error
        if "random_state" in estimator.get_params() and "random_state" not in x:
            estimator.set_params(random_state=self.seed)
        return estimator

    def prepare(self) -> None:
        """Load the data, and build one estimator: what fails now would fail in every trial.

        Raises:
            LamctsError: The data, the estimator or the scoring cannot be used.
        """
        from sklearn.metrics import get_scorer_names

        _, _, target, _ = self._split()
        if self.scoring is not None and self.scoring not in get_scorer_names():
            mend = did_you_mean(self.scoring, get_scorer_names())
            raise UnknownName(f"scoring: {self.scoring!r} is not known to scikit-learn; {mend}")
        self._check_target(self._model(some_point(self.space)), target)

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """The mean score over the folds, reported after each."""
        from sklearn.model_selection import cross_val_score

        features, _, target, _ = self._split()
        model = self._model(x)
        scores: list[float] = []
        for fold in self._cross_validation(model, features, target):
            [score] = cross_val_score(
                model, features, target, scoring=self.scoring, cv=[fold], error_score="raise"
            )
            scores.append(float(score))
            self.report(len(scores), float(np.mean(scores)))
        return lamcts.Evaluation(
            float(np.mean(scores)), metrics={"fold_std": float(np.std(scores))}
        )

    def test(self, x: Any) -> dict[str, float]:
        """The score on the rows set aside, after fitting to all the others."""
        return self._fitted(x)[1]

    def recipe_fields(self) -> Mapping[str, inspect.Parameter]:
        """None: a configuration says all."""
        return {}

    def make_recipe(self, name: str | None, values: Mapping[str, Any]) -> None:
        """None: a configuration says all.

        Raises:
            InvalidArgument: There is a name.
        """
        if name is not None:
            raise InvalidArgument(f"--recipe: {type(self).__name__} has none; leave it out")

    def train(
        self,
        x: Any,
        folder: Path,
        *,
        recipe: None = None,
        teacher: Path | None = None,
        resume: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, float]:
        """Fit the final estimator to all training rows and save it.

        Args:
            x: Its configuration.
            folder: Takes ``model.joblib``, the fitted estimator, and ``model.json``, what it is.
                joblib is pickle: scikit-learn alone loads it, in the same version, and it is to be
                loaded only by those who trust where it comes from.
            recipe: None.
            teacher: Nothing here learns from another model.
            resume: Whether the folder may hold such files, which are written anew.
            progress: Takes a line.

        Returns:
            ``test_score``.

        Raises:
            InvalidArgument: There is a teacher.
            RunError: The folder holds a model already, or cannot be made.
        """
        import joblib
        import sklearn

        if teacher is not None:
            raise InvalidArgument(f"--teacher: {type(self).__name__} learns from data alone")
        if os.path.exists(folder / "model.json") and not resume:
            raise RunError(f"{folder}: there is a model in it; choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)  # first: fitting may take long
        except OSError as error:
            raise RunError(f"{folder}: cannot be made: {error.strerror}") from error
        if self.notice is not None and progress is not None:
            progress(self.notice)
        model, scores = self._fitted(x)
        joblib.dump(model, folder / "model.joblib")
        facts = {
            **origin(self),
            "architecture": self.describe(x),
            "scores": scores,
            "versions": {"scikit-learn": sklearn.__version__},
        }
        replace_file(folder / "model.json", json.dumps(facts, indent=2).encode() + b"\n")
        if progress is not None:
            progress("fitted to all training rows: model.joblib, a pickle that scikit-learn loads")
        return scores

    def export(self, folder: Path, form: str, out: Path) -> str:
        """Write the configuration as JSON (``arch``); the model is ``model.joblib`` already.

        Raises:
            InvalidArgument: Another form.
        """
        if form != "arch":
            raise InvalidArgument(
                f"--format: {form} is of networks; the fitted estimator is "
                f"{folder / 'model.joblib'}: load it with joblib.load"
            )
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        replace_file(out, json.dumps(facts["architecture"], indent=2).encode() + b"\n")
        return "the configuration as JSON"

    def describe(self, x: Any) -> Any:
        """A configuration as JSON data; ``parse(json.dumps(describe(x)))`` is ``x``."""
        return json.loads(as_json(self.space, x))

    def parse(self, text: str) -> Any:
        """The point of a configuration in JSON.

        Raises:
            InvalidArgument: It is no configuration of the space.
        """
        return from_text(self.space, text)

    def _split(self) -> list[Any]:
        """Training features, test features, training target, test target; split once."""
        if self._parts is None:
            from sklearn.base import is_classifier
            from sklearn.model_selection import train_test_split

            features, target = self.load_data()
            model = self.build(some_point(self.space))
            # A class of one row cannot be split: `prepare` says that it is too rare.
            several = np.unique(np.asarray(target), return_counts=True)[1].min() > 1
            try:
                self._parts = train_test_split(
                    features,
                    target,
                    test_size=self.test_size,
                    random_state=self.seed,
                    stratify=target if is_classifier(model) and several else None,
                )
            except ValueError as error:
                raise InvalidArgument(
                    f"test_size: {len(target)} rows cannot be split: {error}"
                ) from None
        return self._parts

    def _model(self, x: Any) -> Any:
        model = self.build(x)
        features, tested, _, _ = self._split()
        if not (has_texts(features) or has_gaps(features) or has_gaps(tested)):
            return model
        from sklearn.pipeline import make_pipeline

        return make_pipeline(columns_encoded(features), model)

    def _fitted(self, x: Any) -> tuple[Any, dict[str, float]]:
        from sklearn.metrics import check_scoring

        features, test_features, target, test_target = self._split()
        model = self._model(x).fit(features, target)
        score = check_scoring(model, scoring=self.scoring)(model, test_features, test_target)
        return model, {"test_score": float(score)}

    def _cross_validation(self, model: Any, features: Any, target: Any) -> Any:
        """Row numbers of each fold: (training, held-out); stratified for classifiers."""
        from sklearn.base import is_classifier
        from sklearn.model_selection import KFold, StratifiedKFold

        kind = StratifiedKFold if is_classifier(model) else KFold
        return kind(self.folds, shuffle=True, random_state=self.seed).split(features, target)

    def _check_target(self, model: Any, target: Any) -> None:
        """Refuse what no fold could be fitted to."""
        from sklearn.base import is_classifier

        kind = np.asarray(target).dtype.kind
        if not is_classifier(model):
            if kind not in "iufb":
                raise InvalidArgument(
                    f"target: {np.asarray(target).tolist()[0]!r} is no number, and "
                    f"{type(model).__name__} predicts numbers; choose a classifier"
                )
            if len(target) < self.folds:
                raise InvalidArgument(
                    f"folds: {len(target)} training rows are too few for {self.folds}; set it lower"
                )
            return
        classes, counts = np.unique(target, return_counts=True)
        if len(classes) < 2:
            raise InvalidArgument(
                f"target: all training rows are of the class {classes[0].item()!r}; give two or "
                "more classes, or another column"
            )
        if kind == "f" or counts.min() < self.folds:
            rarest = classes[counts.argmin()].item()
            raise InvalidArgument(
                f"target: class {rarest!r} has {counts.min()} training rows, too few for "
                f"{self.folds} folds; leave it out, set folds lower, or use a regressor"
            )
