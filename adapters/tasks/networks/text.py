"""Classifiers of texts: four ways to read a sequence of tokens."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from lamcts.adapters.tasks.networks.transformer import Blocks, Shape

__all__ = ["READERS", "Reader", "TextClassifier"]

#: What reads the tokens: their mean alone, convolutions of three widths, recurrent units in both
#: directions, or a Transformer.
Reader = Literal["mean", "convolution", "recurrence", "transformer"]
READERS: tuple[Reader, ...] = ("mean", "convolution", "recurrence", "transformer")


class TextClassifier(nn.Module):
    """Token numbers (n, t), 0 where a text has ended, to scores of the classes (n, classes).

    Args:
        tokens: Numbers that there are, 0 included.
        classes: Of the texts.
        embedding: Width of a token's vector; a multiple of 8.
        reader: What reads them.
        width: Of what the reader gives.
        layers: Of recurrent units or Transformer blocks.
        dropout: Before and after reading, in [0, 1).
        length: The longest text, in tokens.
    """

    def __init__(
        self,
        tokens: int,
        classes: int,
        *,
        embedding: int,
        reader: Reader,
        width: int,
        layers: int = 1,
        dropout: float = 0.0,
        length: int = 64,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, embedding, padding_idx=0)
        self.embedding.weight.data.mul_(0.1)  # small, so that what is learned outweighs them
        self.dropout = nn.Dropout(dropout)
        self.reader, out = _reader(reader, embedding, width, layers, dropout, length)
        self.head = nn.Linear(2 * out, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, classes) of (n, t)."""
        there = (tokens != 0).unsqueeze(2)
        x = self.reader(self.dropout(self.embedding(tokens)))
        count = there.sum(1).clamp(min=1)
        mean = (x * there).sum(1) / count
        most = x.masked_fill(~there, -1e4).amax(1)
        scores: Tensor = self.head(self.dropout(torch.cat([mean, most], dim=1)))
        return scores


def _reader(
    kind: Reader, embedding: int, width: int, layers: int, dropout: float, length: int
) -> tuple[nn.Module, int]:
    """A module from (n, t, embedding) to (n, t, out), and out."""
    if kind == "mean":
        return nn.Identity(), embedding
    if kind == "convolution":
        return _Convolutions(embedding, width), 3 * width
    if kind == "recurrence":
        return _Recurrence(embedding, width, layers), 2 * width
    shape = Shape(layers, embedding, heads=4, ffn=width / embedding, dropout=dropout, length=length)
    return Blocks(shape, causal=False), embedding


class _Convolutions(nn.Module):
    """Convolutions over 1, 3 and 5 tokens, side by side, after Kim (2014)."""

    def __init__(self, embedding: int, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv1d(embedding, width, size, padding="same") for size in (1, 3, 5)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        found = torch.cat([convolution(x) for convolution in self.convolutions], dim=1)
        return found.relu().transpose(1, 2)


class _Recurrence(nn.Module):
    """Gated recurrent units in both directions."""

    def __init__(self, embedding: int, width: int, layers: int) -> None:
        super().__init__()
        self.units = nn.GRU(embedding, width, layers, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        read: Tensor = self.units(x)[0]
        return read
