"""Neural architecture search: the cells of LaNAS' NASNet space, or of DARTS', for CIFAR-10.

    lamcts run problems/nasnet_cifar.py --budget 6 --constraint "params<=3.5e6"
    lamcts cost problems/nasnet_cifar.py --arch lanet --set channels=36 --set cells=20

A small network of every proposed cell is trained for real, on handwritten digits; costs are those
of the full one. To search for your own task, copy this file and override ``load_data`` (your
images) or ``evaluate`` (your measure).
"""

from lamcts.adapters.nasnet_cifar import NASNetCIFAR


class NASNet(NASNetCIFAR):
    """Validation accuracy of a small network of the cells; settings as in `NASNetCIFAR`."""
