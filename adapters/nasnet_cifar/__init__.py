"""NASNet cells on CIFAR-10: genotypes, three search spaces of them, networks, and the problem.

``genotype`` says what a network is described by, ``canonical`` which descriptions mean the same,
``encoding`` and ``bits`` how points and masks mean one, ``skeleton``, ``cost`` and ``network`` what
becomes of it in sizes, figures and PyTorch, ``evaluator`` the rest.
"""

from lamcts.adapters.nasnet_cifar.architectures import NAMED_GENOTYPES, parse_genotype
from lamcts.adapters.nasnet_cifar.bits import from_bits, to_bits
from lamcts.adapters.nasnet_cifar.canonical import canonical_cell, canonical_genotype
from lamcts.adapters.nasnet_cifar.cost import Cost, network_cost
from lamcts.adapters.nasnet_cifar.drawing import draw_genotype
from lamcts.adapters.nasnet_cifar.encoding import DARTS, LANAS, ONE_SHOT, Encoding
from lamcts.adapters.nasnet_cifar.evaluator import NASNetCIFAR
from lamcts.adapters.nasnet_cifar.genotype import OPS, Arm, Cell, Genotype
from lamcts.adapters.nasnet_cifar.skeleton import CIFAR, IMAGENET, Skeleton

__all__ = [
    "CIFAR",
    "DARTS",
    "IMAGENET",
    "LANAS",
    "NAMED_GENOTYPES",
    "ONE_SHOT",
    "OPS",
    "Arm",
    "Cell",
    "Cost",
    "Encoding",
    "Genotype",
    "NASNetCIFAR",
    "Skeleton",
    "canonical_cell",
    "canonical_genotype",
    "draw_genotype",
    "from_bits",
    "network_cost",
    "parse_genotype",
    "to_bits",
]
