"""Object detection: networks of the other adapters as backbones in mmdetection 3.x.

``trunks`` says what a backbone is in numbers, ``families`` which ones can be searched, ``detector``
what neck and head add; ``models`` and ``schedule`` write it down for mmdetection, ``data`` and
``shapes`` say what it is trained on, ``supernets`` whose weights it may begin with, ``evaluator``
is the problem. Nothing of these loads PyTorch. ``ops``, ``backbones``, ``hooks``, ``weights``,
``inherit``, ``training`` and ``counting`` do; ``plugin`` puts them in place. ``config``, ``crops``,
``counting`` and ``tools`` are commands.
"""

from lamcts.adapters.mmdet.data import DetectionData, Part
from lamcts.adapters.mmdet.detector import Detector, detector_cost
from lamcts.adapters.mmdet.evaluator import FCOSBackbone
from lamcts.adapters.mmdet.schedule import Schedule, make_config
from lamcts.adapters.mmdet.shapes import Shapes, shapes
from lamcts.adapters.mmdet.trunks import Trunk

__all__ = [
    "DetectionData",
    "Detector",
    "FCOSBackbone",
    "Part",
    "Schedule",
    "Shapes",
    "Trunk",
    "detector_cost",
    "make_config",
    "shapes",
]
