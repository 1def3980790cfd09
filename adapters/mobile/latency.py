"""Latency by look-up table: measured times of single blocks, added up."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from lamcts.adapters.mobile.stages import Block, Network, halved
from lamcts.errors import InvalidArgument

__all__ = ["LatencyTable", "describe_block"]


class LatencyTable:
    """Milliseconds of blocks and of the other layers, by their descriptions.

    Args:
        times: Milliseconds by description: `describe_block` for blocks; the others are
            ``first_conv``, ``final_expand_layer``, ``feature_mix_layer``, ``classifier``, with
            their inputs and outputs, as in NSGANetV2's tables (Lu et al. 2020).
        source: Where they come from, for messages.
    """

    def __init__(self, times: Mapping[str, float], source: str = "the table") -> None:
        self.times, self.source = times, source

    @classmethod
    def load(cls, path: Path) -> LatencyTable:
        """Read a CSV file with columns ``block`` and ``mean_ms``.

        Raises:
            InvalidArgument: It is not there, or a row holds no positive number.
        """
        try:
            with path.open(newline="", encoding="utf-8") as stream:
                rows = list(csv.DictReader(stream))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"latency: {str(path)!r} cannot be read: {error}") from None
        if not rows or not {"block", "mean_ms"} <= rows[0].keys():
            raise InvalidArgument(
                f"latency: {str(path)!r} is no table; give a CSV with columns block and mean_ms"
            )
        times = {}
        for line, row in enumerate(rows, 2):
            try:
                times[row["block"]] = float(row["mean_ms"])
                if not 0.0 <= times[row["block"]] < float("inf"):
                    raise ValueError
            except (TypeError, ValueError):
                raise InvalidArgument(
                    f"latency: {str(path)!r}, line {line}: mean_ms {row['mean_ms']!r} is no time; "
                    "give milliseconds"
                ) from None
        return cls(times, path.name)

    def of_block(self, block: Block) -> float:
        """Milliseconds of a block.

        Raises:
            InvalidArgument: The table does not hold it.
        """
        return self._time(describe_block(block))

    def of_outer(self, network: Network) -> float:
        """Milliseconds of all but the blocks."""
        size, small = network.resolution, halved(network.resolution, network.stem_stride)
        last = network.blocks[-1]
        features = network.hidden or network.head
        layers = [
            _layer("first_conv", (size, network.image_channels), (small, network.stem)),
            _layer(
                "final_expand_layer",
                (last.output_size, last.outputs),
                (last.output_size, network.head),
            ),
            f"classifier-input:{features}-output:{network.classes}",
        ]
        if network.hidden:
            layers.append(_layer("feature_mix_layer", (1, network.head), (1, network.hidden)))
        return sum(map(self._time, layers))

    def _time(self, description: str) -> float:
        if description not in self.times:
            raise InvalidArgument(
                f"latency: {self.source} holds no {description!r}; give a table of this family, "
                "at its widths and resolutions"
            )
        return self.times[description]


def describe_block(block: Block) -> str:
    """A block as latency tables name it: sizes, channels, and what is inside."""
    size, after = block.size, block.output_size
    return (
        f"MBConv-input:{size}x{size}x{block.inputs}-output:{after}x{after}x{block.outputs}"
        f"-expand:{round(block.expanded / block.inputs)}-kernel:{block.kernel}"
        f"-stride:{block.stride}-idskip:{int(block.residual)}-se:{int(block.squeeze > 0)}"
    )


def _layer(name: str, inputs: tuple[int, int], outputs: tuple[int, int]) -> str:
    (size, channels), (after, made) = inputs, outputs
    return f"{name}-input:{size}x{size}x{channels}-output:{after}x{after}x{made}"
