"""A comparison that is killed goes on where it was: what is done stays done."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lamcts.benchmark import compare, read_records
from lamcts.benchmark.compare import RECORDS
from lamcts.benchmark.records import Record, Task

COMPARE = """
import sys
from lamcts.benchmark import compare
if __name__ == "__main__":
    settings = {"budget": 20, "seeds": 2, "dim": 2, "folder": sys.argv[1]}
    compare(["sphere", "levy"], ["random", "scipy-de"], **settings)
"""


def test_a_comparison_killed_in_between_goes_on(tmp_path: Path) -> None:
    script, path = tmp_path / "compare.py", tmp_path / RECORDS
    script.write_text(COMPARE, encoding="utf-8")
    process = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    deadline = time.monotonic() + 60
    while not path.exists() or path.read_bytes().count(b"\n") < 2:
        assert time.monotonic() < deadline, "two of eight runs take seconds"
        time.sleep(0.01)
    process.kill()
    process.wait()
    with path.open("ab") as file:  # what a kill in the middle of a write would leave
        file.write(b'{"task": {"problem": "sph')

    done = read_records(path)
    assert 2 <= len(done) < 8
    fresh: list[str] = []
    records = compare(
        ["sphere", "levy"],
        ["random", "scipy-de"],
        budget=20,
        seeds=2,
        dim=2,
        folder=tmp_path,
        on_record=lambda record, *_: fresh.append(record.task.key),
    )

    assert len(records) == 8
    assert not set(fresh) & {record.task.key for record in done}
    assert len(fresh) == 8 - len(done)
    assert [json.loads(line)["error"] for line in path.read_text().splitlines()] == [None] * 8
    assert read_records(path)[: len(done)] == done


def test_two_comparisons_that_add_to_one_file_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / RECORDS
    add = (
        "import sys\nfrom pathlib import Path\n"
        "from lamcts.benchmark.records import Record, RecordFile, Task\n"
        "RecordFile(Path(sys.argv[1])).add(Record(Task('levy', 'random', 1, 5)))\n"
    )
    first = Record(Task("levy", "random", 0, 5))
    with path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        line = first.to_json().encode() + b"\n"
        file.write(line[:20])  # in the middle of a line, which the other must not cut off
        other = subprocess.Popen([sys.executable, "-c", add, str(path)])
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(timeout=2.0)
        file.write(line[20:])
    assert other.wait(timeout=60.0) == 0
    assert [record.task.seed for record in read_records(path)] == [0, 1]
