"""NASBench-101: cells, their search space, cost and network, and the problem to search.

``cell`` and ``isomorphism`` say what a cell is, ``space`` how a point of the search space means
one, ``cost`` and ``network`` what it is worth in parameters and in PyTorch, ``evaluator`` the rest.
``fingerprint``, ``files`` and ``measured`` are for tables: looked up, read, and queried.
"""

from lamcts.adapters.nasbench101.architectures import NAMED_CELLS, parse_cell
from lamcts.adapters.nasbench101.cell import Cell, invalid_reason, prune
from lamcts.adapters.nasbench101.cost import Cost, network_cost
from lamcts.adapters.nasbench101.evaluator import NASBench101
from lamcts.adapters.nasbench101.isomorphism import canonical_cell, cell_hash
from lamcts.adapters.nasbench101.measured import NASBench101Table
from lamcts.adapters.nasbench101.skeleton import CIFAR, DIGITS, Skeleton
from lamcts.adapters.nasbench101.space import decode, encode
from lamcts.adapters.nasbench101.table import CellTable

__all__ = [
    "CIFAR",
    "DIGITS",
    "NAMED_CELLS",
    "Cell",
    "CellTable",
    "Cost",
    "NASBench101",
    "NASBench101Table",
    "Skeleton",
    "canonical_cell",
    "cell_hash",
    "decode",
    "encode",
    "invalid_reason",
    "network_cost",
    "parse_cell",
    "prune",
]
