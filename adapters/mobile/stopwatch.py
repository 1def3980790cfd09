"""Latency measured on this machine: tables block by block, and what they predict.

A block alone runs faster than in a network, where weights come from memory and neighbours have
used the caches: sums of blocks timed alone were a fifth too small on the CPU that this was tried
on. So blocks are timed where they stand, in networks made to hold all blocks of a space; the
laps of one pass add up to the network's own time. Importing this loads PyTorch.
"""

from __future__ import annotations

import csv
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from lamcts.adapters.mobile.choices import Choices, Codes
from lamcts.adapters.mobile.cost import BlockSum
from lamcts.adapters.mobile.latency import LatencyTable, network_parts
from lamcts.adapters.mobile.network import MobileNet
from lamcts.adapters.mobile.stages import Network
from lamcts.adapters.training.distributed import pick_device
from lamcts.errors import InvalidArgument

__all__ = ["Check", "LatencyBench", "Stopwatch", "covering"]

#: Passes before the first that counts: libraries choose their kernels in these.
_WARM_UP = 3
_COLUMNS = ("block", "median_ms", "device", "threads")


class Check(NamedTuple):
    """A network's latency in milliseconds: by the table, and measured end to end."""

    predicted: float
    measured: float

    @property
    def error(self) -> float:
        """Relative to what was measured."""
        return abs(self.predicted - self.measured) / self.measured


class Stopwatch:
    """Times forward passes of one image.

    On a CPU with one thread it reads the thread's own clock, which stands still while other
    programs have the core: so the figures are those of an idle machine. With more threads it is
    the wall clock, on a GPU the GPU's events.

    Args:
        device: ``"cpu"`` or ``"cuda"``.
        threads: PyTorch's threads on the CPU.
        repeats: Passes that count.

    Raises:
        InvalidArgument: A device that is not here, or a number below 1.
    """

    def __init__(self, device: str = "cpu", threads: int = 1, repeats: int = 20) -> None:
        if device not in ("cpu", "cuda"):
            raise InvalidArgument(f"device: {device!r} is not to be had; use cpu, or cuda on a GPU")
        pick_device(device)  # refuses a GPU that is not here
        for name, count in (("threads", threads), ("repeats", repeats)):
            if count < 1:
                raise InvalidArgument(f"{name}: {count!r} is none; give 1 or more")
        self.device, self.threads, self.repeats = device, threads, repeats
        self._clock = time.thread_time if threads == 1 else time.perf_counter
        self._marks: list[Any] = []

    def laps(self, network: Network) -> list[list[float]]:
        """Milliseconds of each part (see `network_parts`) in each pass that counts."""
        model = MobileNet(network)
        starts = [*model.features, *(m for m in model.classifier if isinstance(m, nn.Linear))]
        for module in starts:
            module.register_forward_pre_hook(lambda *_: self._mark())
        return self._passes(model, network, at_start=False)

    def whole(self, network: Network) -> float:
        """Milliseconds of the network from end to end, the median of the passes."""
        return median(lap for (lap,) in self._passes(MobileNet(network), network, at_start=True))

    def _passes(self, model: nn.Module, network: Network, *, at_start: bool) -> list[list[float]]:
        size = network.resolution
        model.to(self.device).eval()
        images = torch.rand(1, network.image_channels, size, size, device=self.device)
        found = []
        with _threads(self.threads), torch.inference_mode():
            for _ in range(_WARM_UP + self.repeats):
                self._marks.clear()
                if at_start:
                    self._mark()
                model(images)
                self._mark()
                found.append(self._between())
        return found[_WARM_UP:]

    def _mark(self) -> None:
        if self.device == "cpu":
            self._marks.append(self._clock())
        else:
            make: Any = torch.cuda.Event  # without types in some versions
            event = make(enable_timing=True)
            event.record()
            self._marks.append(event)

    def _between(self) -> list[float]:
        pairs = zip(self._marks, self._marks[1:], strict=False)
        if self.device == "cpu":
            return [1e3 * (after - before) for before, after in pairs]
        torch.cuda.synchronize()
        return [before.elapsed_time(after) for before, after in pairs]


class LatencyBench:
    """Builds and checks a space's latency table with a stopwatch.

    Args:
        choices: The space.
        stopwatch: Where and how to measure.
    """

    def __init__(self, choices: Choices, stopwatch: Stopwatch) -> None:
        self.choices, self.stopwatch = choices, stopwatch

    def measure(self, path: Path, progress: Callable[[int, int], None]) -> LatencyTable:
        """Measure every part there can be; a table that was begun is gone on with.

        Args:
            path: The table: a row a part, written scale by scale.
            progress: Called with the number of networks that are through, and of all.

        Raises:
            InvalidArgument: The file holds something else, another device's times say, or cannot
                be written.
        """
        times = self._begun(path)
        rows = covering(self.choices)
        scales = self.choices.scale(rows)
        for scale in np.unique(scales).tolist():
            networks = [self.choices.network(row) for row in rows[scales == scale]]
            wanted = {part for network in networks for part in network_parts(network)}
            if wanted - times.keys():
                found: defaultdict[str, list[float]] = defaultdict(list)
                for done, network in enumerate(networks, int((scales < scale).sum())):
                    progress(done, len(rows))
                    for laps in self.stopwatch.laps(network):
                        for part, lap in zip(network_parts(network), laps, strict=True):
                            found[part].append(lap)
                new = {part: median(laps) for part, laps in found.items() if part not in times}
                self._append(path, new)
                times |= new
            progress(int((scales <= scale).sum()), len(rows))
        return LatencyTable(times, path.name)

    def check(
        self, table: LatencyTable, n: int, seed: int, progress: Callable[[int, int], None]
    ) -> list[Check]:
        """Compare a table with ``n`` random networks, measured end to end."""
        codes = self.choices.sample(np.random.default_rng(seed), n)
        predicted = BlockSum(self.choices, table.of_block, table.of_outer)(codes).tolist()
        checks: list[Check] = []
        for row, sum_of_parts in zip(codes, predicted, strict=True):
            progress(len(checks), n)
            checks.append(Check(sum_of_parts, self.stopwatch.whole(self.choices.network(row))))
        return checks

    @property
    def _where(self) -> dict[str, str]:
        watch = self.stopwatch
        return {"device": watch.device, "threads": str(watch.threads)}

    def _begun(self, path: Path) -> dict[str, float]:
        """What a table holds already; a last row that was never finished is cut off."""
        if not os.path.exists(path):
            self._write(path, "w", [_COLUMNS])
            return {}
        lines = path.read_bytes().splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            path.write_bytes(b"".join(lines[:-1]))
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        for line, row in enumerate(rows, 2):
            if {key: row.get(key) for key in self._where} != self._where:
                raise InvalidArgument(
                    f"out: {str(path)!r}, line {line} was not measured here with "
                    f"device={self.stopwatch.device}, threads={self.stopwatch.threads}; "
                    "choose another file"
                )
        return dict(LatencyTable.load(path).times) if rows else {}

    def _append(self, path: Path, times: dict[str, float]) -> None:
        where = tuple(self._where.values())
        self._write(path, "a", [(part, f"{ms:.6f}", *where) for part, ms in times.items()])

    def _write(self, path: Path, mode: str, rows: list[tuple[str, ...]]) -> None:
        try:
            with path.open(mode, newline="", encoding="utf-8") as stream:
                csv.writer(stream, lineterminator="\n").writerows(rows)
        except OSError as error:
            raise InvalidArgument(
                f"out: {str(path)!r} cannot be written: {error.strerror}"
            ) from None


def covering(choices: Choices) -> Codes:
    """(n, p) networks of full depth that together hold every block of every scale."""
    stages = choices.family.stages
    options = [
        list(product(*(range(len(getattr(s, k))) for k in ("kernels", "expands", "squeeze"))))
        for s in stages
    ]
    rows = []
    for scale in range(len(choices.family.scales)):
        for turn in range(max(map(len, options))):
            row = np.zeros(len(choices.columns), dtype=np.int64)
            for index, choice in enumerate(choices.columns):
                if choice.kind == "scale":
                    row[index] = scale
                elif choice.kind == "depths":
                    row[index] = len(choice.options) - 1
                else:
                    stage, nth = choices.places[choice.place]
                    picked = options[stage][(turn + nth) % len(options[stage])]
                    row[index] = picked[("kernels", "expands", "squeeze").index(choice.kind)]
            rows.append(row)
    return np.array(rows)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
