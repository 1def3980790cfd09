"""Mobile networks on ImageNet: Once-for-All's MobileNetV3 space and EfficientNet's block space.

``stages`` says what a network is made of, ``families`` which ones there are, ``choices`` how rows
of integers mean them, ``cost`` and ``latency`` what they are worth in parameters, multiply-adds
and milliseconds, ``predictor`` in accuracy, ``network`` in PyTorch, ``evaluator`` the rest.
"""

from lamcts.adapters.mobile.choices import Choices
from lamcts.adapters.mobile.cost import (
    BlockSum,
    network_activations,
    network_macs,
    network_params,
)
from lamcts.adapters.mobile.evaluator import MobileEvaluator
from lamcts.adapters.mobile.families import (
    COMPOUND,
    RESOLUTIONS,
    block_space,
    mobilenet_v2,
    mobilenet_v3_large,
    ofa_space,
    stand_in,
)
from lamcts.adapters.mobile.imagenet import EfficientNetImageNet, MobileNetV3ImageNet
from lamcts.adapters.mobile.latency import LatencyTable
from lamcts.adapters.mobile.predictor import Predictor
from lamcts.adapters.mobile.stages import Block, Family, Network, Scale, Stage

__all__ = [
    "COMPOUND",
    "RESOLUTIONS",
    "Block",
    "BlockSum",
    "Choices",
    "EfficientNetImageNet",
    "Family",
    "LatencyTable",
    "MobileEvaluator",
    "MobileNetV3ImageNet",
    "Network",
    "Predictor",
    "Scale",
    "Stage",
    "block_space",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "network_activations",
    "network_macs",
    "network_params",
    "ofa_space",
    "stand_in",
]
