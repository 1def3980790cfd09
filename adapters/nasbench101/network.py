"""The PyTorch network of a cell. Importing this module loads PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lamcts.adapters.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3, Cell
from lamcts.adapters.nasbench101.skeleton import CIFAR, Skeleton, vertex_channels

__all__ = ["CellModule", "CellNetwork"]


class CellNetwork(nn.Module):
    """Stem, stacks of cells, global average pooling, classifier.

    Maps images (n, image_channels, image_size, image_size) to logits (n, classes).
    """

    def __init__(self, cell: Cell, skeleton: Skeleton = CIFAR) -> None:
        super().__init__()
        layers: list[nn.Module] = [_ConvBnRelu(3, skeleton.image_channels, skeleton.channels)]
        size = skeleton.image_size
        for inputs, outputs, stage_size in skeleton.stages():
            if stage_size != size:
                layers.append(nn.MaxPool2d(2, stride=2))
                size = stage_size
            layers.append(CellModule(cell, inputs, outputs))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(skeleton.stages()[-1][1], skeleton.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of a batch of images."""
        pooled = self.features(images).mean(dim=(2, 3))
        logits: Tensor = self.classifier(pooled)
        return logits


class CellModule(nn.Module):
    """One cell between feature maps: (n, inputs, h, w) to (n, outputs, h, w)."""

    def __init__(self, cell: Cell, inputs: int, outputs: int) -> None:
        super().__init__()
        self.cell = cell
        self.channels = vertex_channels(cell, inputs, outputs)
        self.projections = nn.ModuleDict(
            {str(v): _ConvBnRelu(1, inputs, self.channels[v]) for v in cell.successors(0)}
        )
        self.operations = nn.ModuleDict(
            {str(v): _operation(cell.ops[v], self.channels[v]) for v in range(1, cell.vertices - 1)}
        )

    def forward(self, features: Tensor) -> Tensor:
        """Each vertex in turn: the sum of its inputs, then its operation."""
        last = self.cell.vertices - 1
        values = [features]
        for vertex in range(1, last):
            width = self.channels[vertex]
            # A predecessor may be wider than this vertex: its first channels are taken.
            inputs = [values[v][:, :width] for v in self.cell.predecessors(vertex) if v > 0]
            if str(vertex) in self.projections:
                inputs.append(self.projections[str(vertex)](features))
            values.append(self.operations[str(vertex)](_sum(inputs)))
        outputs = []
        feeding = [values[v] for v in self.cell.predecessors(last) if v > 0]
        if feeding:
            outputs.append(torch.cat(feeding, dim=1))
        if str(last) in self.projections:
            outputs.append(self.projections[str(last)](features))
        return _sum(outputs)


class _ConvBnRelu(nn.Sequential):
    """Convolution without bias, batch normalisation, ReLU; "same" padding."""

    def __init__(self, kernel: int, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


def _operation(op: str, channels: int) -> nn.Module:
    if op == CONV3X3:
        return _ConvBnRelu(3, channels, channels)
    if op == CONV1X1:
        return _ConvBnRelu(1, channels, channels)
    if op == MAXPOOL3X3:
        return nn.MaxPool2d(3, stride=1, padding=1)
    raise ValueError(f"unsupported op {op}")


def _sum(tensors: list[Tensor]) -> Tensor:
    total = tensors[0]
    for tensor in tensors[1:]:
        total = total + tensor
    return total
