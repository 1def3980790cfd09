"""Your own problem: a space, a direction, ``evaluate``. Copy this file and change the three.

    lamcts run problems/my_evaluator.py --budget 60

Here: the penalty and kernel width of a support-vector machine that reads handwritten digits.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

import lamcts


class TuneSVM(lamcts.Evaluator):
    """Cross-validated accuracy on 600 digits; about 0.1 s an evaluation."""

    space = lamcts.spaces.Dict(
        C=lamcts.spaces.Box(1e-2, 1e3, scale="log"),
        gamma=lamcts.spaces.Box(1e-6, 1e-1, scale="log"),
    )
    direction = "maximize"

    def __init__(self) -> None:
        images, labels = load_digits(return_X_y=True)
        self.images, self.labels = images[:600], labels[:600]

    def evaluate(self, x: dict[str, float]) -> float:
        """The mean accuracy over three folds."""
        return float(cross_val_score(SVC(**x), self.images, self.labels, cv=3).mean())
