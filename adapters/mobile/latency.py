"""Latency by look-up table: measured times of single blocks, added up."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from lamcts.adapters.mobile.stages import Block, Network, halved
from lamcts.errors import DependencyNotInstalled, InvalidArgument

__all__ = ["LatencyTable", "describe_block", "network_parts"]

#: Columns that may hold milliseconds.
_TIMES = ("median_ms", "mean_ms")


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
        """Read a table: CSV with columns ``block`` and ``median_ms`` or ``mean_ms``; or YAML.

        A YAML file (``.yaml``, ``.yml``) maps descriptions to milliseconds, or to mappings with
        a ``mean``, as Once-for-All's and NSGANetV2's do.

        Raises:
            InvalidArgument: It is not there, or an entry is no number of milliseconds.
            DependencyNotInstalled: It is YAML, and PyYAML is missing.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgument(f"latency: {str(path)!r} cannot be read: {error}") from None
        is_yaml = path.suffix.lower() in (".yaml", ".yml")
        times = {}
        for place, block, entry in _of_yaml(text, path) if is_yaml else _of_csv(text, path):
            try:
                times[block] = float(entry)
                if not 0.0 <= times[block] < float("inf"):
                    raise ValueError
            except (TypeError, ValueError):
                raise InvalidArgument(
                    f"latency: {str(path)!r}, {place} {entry!r} is no time; give milliseconds"
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
        return sum(map(self._time, _outer_parts(network)))

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


def network_parts(network: Network) -> list[str]:
    """What a network is made of, in order, as latency tables name it."""
    first, *last = _outer_parts(network)
    return [first, *map(describe_block, network.blocks), *last]


def _outer_parts(network: Network) -> list[str]:
    size, small = network.resolution, halved(network.resolution, network.stem_stride)
    last = network.blocks[-1]
    before, after = (last.output_size, last.outputs), (last.output_size, network.head)
    parts = [
        _layer("first_conv", (size, network.image_channels), (small, network.stem)),
        _layer("final_expand_layer", before, after),  # with the pooling that follows
    ]
    if network.hidden:
        parts.append(_layer("feature_mix_layer", (1, network.head), (1, network.hidden)))
    features = network.hidden or network.head
    return [*parts, f"classifier-input:{features}-output:{network.classes}"]


def _layer(name: str, inputs: tuple[int, int], outputs: tuple[int, int]) -> str:
    (size, channels), (after, made) = inputs, outputs
    return f"{name}-input:{size}x{size}x{channels}-output:{after}x{after}x{made}"


def _of_csv(text: str, path: Path) -> Iterator[tuple[str, str, Any]]:
    rows = list(csv.DictReader(StringIO(text)))
    column = next((name for name in _TIMES if rows and name in rows[0]), None)
    if column is None or "block" not in rows[0]:
        raise InvalidArgument(
            f"latency: {str(path)!r} is no table; "
            f"give a CSV with columns block and {' or '.join(_TIMES)}"
        )
    for line, row in enumerate(rows, 2):
        yield f"line {line}: {column}", row["block"], row[column]


def _of_yaml(text: str, path: Path) -> Iterator[tuple[str, str, Any]]:
    try:
        import yaml
    except ImportError as error:
        raise DependencyNotInstalled(
            "latency: a YAML table needs PyYAML; run: pip install pyyaml"
        ) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidArgument(f"latency: {str(path)!r} is not YAML: {error}") from None
    if not isinstance(data, dict):
        raise InvalidArgument(f"latency: {str(path)!r} is no table; map blocks to milliseconds")
    for block, entry in data.items():
        yield f"{block}:", str(block), entry.get("mean") if isinstance(entry, dict) else entry
