"""A language model: which character comes next."""

from __future__ import annotations

from torch import Tensor, nn

from lamcts.adapters.tasks.networks.transformer import Blocks, Shape

__all__ = ["RecurrentLanguageModel", "TransformerLanguageModel"]


class TransformerLanguageModel(nn.Module):
    """Character numbers (n, t) to scores of the next character (n, symbols, t).

    Args:
        symbols: Characters that there are.
        shape: The sizes.
    """

    def __init__(self, symbols: int, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, shape.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.dropout = nn.Dropout(shape.dropout)
        self.blocks = Blocks(shape, causal=True)
        self.head = nn.Linear(shape.width, symbols)

    def forward(self, characters: Tensor) -> Tensor:
        """(n, symbols, t) of (n, t)."""
        x = self.blocks(self.dropout(self.embedding(characters)))
        scores: Tensor = self.head(x).transpose(1, 2)
        return scores


class RecurrentLanguageModel(nn.Module):
    """The same with gated recurrent units: ``layers`` of them, each ``width`` wide."""

    def __init__(self, symbols: int, *, layers: int, width: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, width)
        between = dropout if layers > 1 else 0.0
        self.recurrence = nn.GRU(width, width, layers, batch_first=True, dropout=between)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, symbols)

    def forward(self, characters: Tensor) -> Tensor:
        """(n, symbols, t) of (n, t)."""
        x, _ = self.recurrence(self.dropout(self.embedding(characters)))
        scores: Tensor = self.head(self.dropout(x)).transpose(1, 2)
        return scores
