"""A classifier of texts: its tokenizer, its architecture and how it is trained.

    lamcts check my_task.py
    lamcts run my_task.py --set data=FILE.tsv

Lines of FILE.tsv are ``label<TAB>text``. Without it, sentences of Python's help() are read.
"""

import torch
from torch import nn

from lamcts.adapters.tasks import TextClassification
from lamcts.spaces import Box, Dict, Discrete


class MyTask(TextClassification):
    """Change the space, the limit, and the network; `load_data` too, for data from elsewhere."""

    space = Dict(
        min_count=Box(1, 5, dtype=int),  # of the tokenizer: rarer words are not told apart
        embedding=Box(16, 128, dtype=int),
        width=Box(16, 128, dtype=int),
        kernel=Discrete(3),  # 1, 3 or 5: a point has the place, 0 to 2
        dropout=Box(0.0, 0.7),
        # Variables named as fields of a training recipe are followed by the training:
        batch_size=Box(16, 64, dtype=int, scale="log"),
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
    )
    constraints = ("params<=2e6",)
    length = 40  # words that are read of a text, at most
    final_epochs = 20  # of `lamcts train`; a trial has `--set epochs=5`

    def build(self, x):
        """A network from word numbers (n, length), 0 after the end, to scores (n, classes)."""
        return Network(
            len(self.tokenizer(x)),
            len(self.classes),
            x["embedding"],
            x["width"],
            (1, 3, 5)[x["kernel"]],
            x["dropout"],
        )


class Network(nn.Module):
    """Embeddings, a convolution over neighbouring words, and the greatest of what it finds."""

    def __init__(self, words, classes, embedding, width, kernel, dropout):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding, padding_idx=0)
        self.embedding.weight.data.mul_(0.1)  # small, so that what is learned outweighs them
        self.convolution = nn.Conv1d(embedding, width, kernel, padding="same")
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width + embedding, classes)

    def forward(self, words):
        """(n, classes) of (n, length)."""
        x = self.dropout(self.embedding(words)).transpose(1, 2)
        found = self.convolution(x).relu()
        return self.head(self.dropout(torch.cat([found.amax(2), x.mean(2)], dim=1)))
