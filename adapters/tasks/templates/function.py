"""What is searched for, in one line.

Check it with ``lamcts check my_task.py``, search with ``lamcts run my_task.py``.
"""

import lamcts


class MyTask(lamcts.Evaluator):
    """Change the space, the direction and ``evaluate``; this one runs as it stands."""

    space = lamcts.spaces.Box(-5.0, 10.0, shape=(20,))
    direction = "minimize"
    default_budget = 200

    def __init__(self, target: float = 1.0) -> None:
        """Settings: ``lamcts run my_task.py --set target=2``."""
        self.target = target

    def evaluate(self, x):
        """Measure one point: train a network, run a simulation. Return a number.

        Raise ``lamcts.Infeasible("why")`` for a point that is no valid configuration; any other
        exception is recorded, and the search goes on.
        """
        return float(((x - self.target) ** 2).sum())
