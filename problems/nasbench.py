"""Neural architecture search: the NASBench-101 cell that reads handwritten digits best.

    lamcts run problems/nasbench.py --budget 60 --seed 0
    lamcts cost problems/nasbench.py --arch inception --set skeleton=cifar

Every proposed cell is trained for real, about a second each on one core. To search for your own
task, copy this file and override ``load_data`` (your images) or ``evaluate`` (your measure).
"""

from lamcts.adapters.nasbench101 import NASBench101


class NASBench(NASBench101):
    """Validation accuracy of a cell on 8x8 handwritten digits; settings as in `NASBench101`."""
