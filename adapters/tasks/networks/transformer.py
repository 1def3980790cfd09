"""A Transformer's blocks, with the normalisation in front and four ways to tell positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

__all__ = ["POSITIONS", "Blocks", "Positions", "Shape"]

#: How a position is told: not at all, by learned or fixed vectors that are added to the
#: embeddings, or by rotating queries and keys (RoPE).
Positions = Literal["none", "learned", "sinusoidal", "rotary"]
POSITIONS: tuple[Positions, ...] = ("none", "learned", "sinusoidal", "rotary")


@dataclass(frozen=True)
class Shape:
    """The sizes of a Transformer.

    Attributes:
        layers: Blocks of attention and feed-forward network.
        width: Of the vectors between blocks; a multiple of ``heads``, with an even quotient.
        heads: Of the attention.
        ffn: Width of the feed-forward network, as a multiple of ``width``.
        dropout: Of the outputs of attention and feed-forward network, in [0, 1).
        positions: How positions are told.
        length: The longest sequence.
    """

    layers: int
    width: int
    heads: int
    ffn: float = 4.0
    dropout: float = 0.0
    positions: Positions = "learned"
    length: int = 64


class Blocks(nn.Module):
    """Embeddings (n, t, width) to contextual vectors (n, t, width).

    Args:
        shape: The sizes.
        causal: Whether a position sees only those before it.
    """

    places: Tensor

    def __init__(self, shape: Shape, *, causal: bool) -> None:
        super().__init__()
        if shape.positions == "learned":
            self.places = nn.Parameter(0.02 * torch.randn(shape.length, shape.width))
        elif shape.positions == "sinusoidal":
            self.register_buffer("places", _sinusoids(shape.length, shape.width))
        self.added = shape.positions in ("learned", "sinusoidal")
        self.blocks = nn.ModuleList(_Block(shape, causal) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, width) of (n, t, width)."""
        if self.added:
            x = x + self.places[: x.shape[1]]
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed


class _Block(nn.Module):
    """Attention, then a feed-forward network, each added to what it is given."""

    def __init__(self, shape: Shape, causal: bool) -> None:
        super().__init__()
        hidden = round(shape.ffn * shape.width)
        self.attention = _Attention(shape, causal)
        self.feed_forward = nn.Sequential(
            nn.Linear(shape.width, hidden), nn.GELU(), nn.Linear(hidden, shape.width)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(shape.width) for _ in range(2))
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norms[0](x)))
        changed: Tensor = x + self.dropout(self.feed_forward(self.norms[1](x)))
        return changed


class _Attention(nn.Module):
    """Multi-head self-attention."""

    angles: Tensor

    def __init__(self, shape: Shape, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = shape.heads, causal
        self.inward = nn.Linear(shape.width, 3 * shape.width)
        self.outward = nn.Linear(shape.width, shape.width)
        self.rotary = shape.positions == "rotary"
        if self.rotary:
            self.register_buffer("angles", _angles(shape.length, shape.width // shape.heads))

    def forward(self, x: Tensor) -> Tensor:
        n, t, width = x.shape
        # (n, t, 3 · width) to three of (n, heads, t, width of a head)
        parts = self.inward(x).view(n, t, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        if self.rotary:
            query, key = self._turned(query), self._turned(key)
        mixed = scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        out: Tensor = self.outward(mixed.transpose(1, 2).reshape(n, t, width))
        return out

    def _turned(self, x: Tensor) -> Tensor:
        """Each pair of features turned by an angle that grows with the position."""
        angles = self.angles[: x.shape[2]]
        first, second = x.chunk(2, dim=-1)
        sin, cos = angles.sin(), angles.cos()
        return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


def _angles(length: int, width: int) -> Tensor:
    """(length, width / 2) angles: position times frequencies that fall from 1 to 1/10,000."""
    frequencies = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    return torch.arange(length)[:, None] * frequencies


def _sinusoids(length: int, width: int) -> Tensor:
    """(length, width) sines and cosines of `_angles`, as in "Attention is all you need"."""
    angles = _angles(length, width)
    return torch.cat([angles.sin(), angles.cos()], dim=1)
