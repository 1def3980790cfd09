"""Supernets: networks that share their weights, trained once and compared by them.

``sampling`` says which networks a training step is for.
"""

from lamcts.adapters.supernet.sampling import SAMPLINGS, Paths

__all__ = ["SAMPLINGS", "Paths"]
