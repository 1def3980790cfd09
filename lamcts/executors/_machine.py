"""What worker processes use of this machine: accelerators and memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

__all__ = ["DEVICES", "least_used", "resident_memory", "visible_devices"]

#: The variable that tells CUDA which devices a process may see.
DEVICES = "CUDA_VISIBLE_DEVICES"


def visible_devices() -> list[str]:
    """The CUDA devices this process may use, as CUDA names them; none where there are none."""
    named = os.environ.get(DEVICES)
    if named is not None:
        names = [name.strip() for name in named.split(",")]
        return names[: names.index("-1")] if "-1" in names else [n for n in names if n]
    numbers = (path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))
    return sorted((number for number in numbers if number.isdecimal()), key=int)


def least_used(devices: list[str], used: Iterable[str | None]) -> str | None:
    """The device for the next worker; ``None`` where there is no choice to make.

    >>> least_used(["0", "1"], ["0"])
    '1'
    """
    taken = list(used)
    return min(devices, key=taken.count) if len(devices) > 1 else None


def resident_memory() -> Counter[int]:
    """Bytes of memory that each process group of this machine holds.

    What the processes of a group share counts for each of them.
    """
    held: Counter[int] = Counter()
    if Path("/proc/self/stat").exists():
        page = os.sysconf("SC_PAGE_SIZE")
        for number in filter(str.isdecimal, os.listdir("/proc")):
            with contextlib.suppress(OSError):  # it has ended
                # the name, in parentheses, may hold anything; state, parent and group follow it
                fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
                held[int(fields[2])] += page * int(fields[21])
    else:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pgid=,rss="], capture_output=True, text=True, check=False
        )
        for line in listed.stdout.splitlines():
            group, kilobytes = line.split()
            held[int(group)] += 1024 * int(kilobytes)
    return held
