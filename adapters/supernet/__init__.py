"""Supernets: networks that share their weights, trained once and compared by them.

``sampling`` says which networks a training step is for, ``splits`` how a space is cut into parts
with a supernet each, ``ranking`` what a supernet's order is worth, ``folder`` what is on disk,
``evaluator`` what a problem has of it. ``task``, ``train``, ``inherit`` and ``weights`` do the
work; they load PyTorch, and are imported when it is done.
"""

from lamcts.adapters.supernet.evaluator import SupernetEvaluator
from lamcts.adapters.supernet.ranking import Correlation, Ranking, correlate
from lamcts.adapters.supernet.sampling import SAMPLINGS, Paths
from lamcts.adapters.supernet.splits import Choice, Regions

__all__ = [
    "SAMPLINGS",
    "Choice",
    "Correlation",
    "Paths",
    "Ranking",
    "Regions",
    "SupernetEvaluator",
    "correlate",
]
