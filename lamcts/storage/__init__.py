"""A run is a folder: ``run.jsonl``, append-only, one event a line, is the truth of it.

Events: ``start`` (the header), ``ask`` (a trial, before its evaluation starts; again with a higher
``attempt`` when it is evaluated again), ``tell`` (what came of it), ``resume``, ``stop``. Each line
ends with a check sum, so that a changed byte is seen.
"""

from __future__ import annotations

from lamcts.storage._events import FORMAT, Event, as_stored, encode
from lamcts.storage._folder import RunFolder, default_folder, list_runs
from lamcts.storage._log import RUN_FILE, RunWriteError, replace_file
from lamcts.storage._repair import Repair, repair
from lamcts.storage._stored import (
    StoredRun,
    as_path,
    differences,
    outcome_in,
    read_run,
    run_path,
    stored_run,
)

__all__ = [
    "FORMAT",
    "RUN_FILE",
    "Event",
    "Repair",
    "RunFolder",
    "RunWriteError",
    "StoredRun",
    "as_path",
    "as_stored",
    "default_folder",
    "differences",
    "encode",
    "list_runs",
    "outcome_in",
    "read_run",
    "repair",
    "replace_file",
    "run_path",
    "stored_run",
]
