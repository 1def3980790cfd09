"""A comparison that is killed goes on where it was: what is done stays done."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from lamcts.benchmark import compare, read_records
from lamcts.benchmark.compare import RECORDS

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
