"""Your own task: data and a model of yours, tuned, retrained and exported.

`SklearnTask` needs scikit-learn alone. Nothing here loads PyTorch until a network is built.
"""

from lamcts.adapters.tasks.sklearn_task import SAMPLES, SklearnTask
from lamcts.adapters.tasks.tables import read_csv

__all__ = ["SAMPLES", "SklearnTask", "read_csv"]
