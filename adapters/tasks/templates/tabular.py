"""A model of a table, tuned by cross-validation.

    lamcts check my_task.py
    lamcts run my_task.py --set data=FILE.csv --set target=COLUMN

Without ``data``, it runs on a small data set that comes with scikit-learn.
"""

from sklearn.ensemble import HistGradientBoostingClassifier

import lamcts
from lamcts.adapters.tasks import SklearnTask


class MyTask(SklearnTask):
    """Gradient boosting: change the space, and ``build`` to any estimator or pipeline."""

    space = lamcts.spaces.Dict(
        learning_rate=lamcts.spaces.Box(0.01, 1.0, scale="log"),
        max_iter=lamcts.spaces.Box(10, 100, dtype=int),
        max_leaf_nodes=lamcts.spaces.Box(2, 64, dtype=int, scale="log"),
        min_samples_leaf=lamcts.spaces.Box(1, 50, dtype=int),
        l2_regularization=lamcts.spaces.Box(1e-6, 10.0, scale="log"),
    )
    scoring = "accuracy"  # or roc_auc, f1_macro, r2, neg_mean_absolute_error, ...

    def build(self, x):
        """The estimator of a point."""
        return HistGradientBoostingClassifier(**x, random_state=self.seed)
