"""The folder of a run: what is in it, and how it is made, opened and written."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from lamcts._threads import THREAD_LIMITS
from lamcts.errors import InvalidArgument, RunError
from lamcts.storage._events import encode
from lamcts.storage._log import RUN_FILE, RunLog, check_locks, replace_file

__all__ = ["RunFolder", "default_folder", "list_runs"]

_PACKAGES = ("lamcts", "numpy", "scipy", "scikit-learn", "cmaes", "torch")

_log = logging.getLogger(__name__)


class RunFolder:
    """A run's folder, open for writing.

    ``run.jsonl`` is the truth; ``best.json`` (the best trial so far), ``env.json`` (where it
    ran) and ``problem.py`` (what was searched, a copy that is never executed) are for people;
    ``trials/`` holds what evaluators left in their private folders.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = path.absolute()  # an evaluator may change the current folder
        self._log = RunLog(path)

    @classmethod
    def create(cls, path: Path, header: Mapping[str, Any], source: Path | None) -> RunFolder:
        """Make a new folder. A name that is taken gets a suffix: nothing is ever overwritten.

        Args:
            path: Where.
            header: Fields of the ``start`` event.
            source: The problem's file, to copy.

        Raises:
            InvalidArgument: A setting in the header cannot be stored.
            RunError: The folder cannot be made, or this operating system has no file locks.
            RunWriteError: The folder cannot be written.
        """
        check_locks()
        try:
            encode(dict(header))
        except TypeError as error:
            raise InvalidArgument(f"settings: {error}; give plain values, or no folder") from error
        try:
            path = _make(path)
            if source is not None:
                shutil.copyfile(source, path / "problem.py")
        except OSError as error:
            raise RunError(f"{path}: cannot be made ({error.strerror})") from error
        folder = cls(path)
        try:
            environment = json.dumps(_environment(), indent=2) + "\n"
            replace_file(path / "env.json", environment.encode())
            folder.append("start", **header)
            for directory in (path, path.parent):
                _sync(directory)
        except BaseException:
            folder.close()
            raise
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open a run to go on with it; a last line that was never finished is cut off.

        Raises:
            RunError: There is no run, or it is open elsewhere.
        """
        file = path / RUN_FILE
        if not file.is_file():
            raise RunError(f"{path}: there is no run here")
        folder = cls(path)
        try:
            data = file.read_bytes()
            torn = len(data) - (data.rfind(b"\n") + 1)
            if torn:
                _log.warning("%s: the last line was cut short (%d bytes); dropped", file, torn)
                folder._log.cut(len(data) - torn)
        except BaseException:
            folder.close()
            raise
        return folder

    @property
    def size(self) -> int:
        """Bytes of the run file."""
        return (self.path / RUN_FILE).stat().st_size

    def append(self, kind: str, /, **fields: Any) -> None:
        """Add one event to the run file; it is on the disk when this returns."""
        self._log.append(kind, **fields)

    def write_best(self, trial: Mapping[str, Any]) -> None:
        """Replace ``best.json``."""
        replace_file(self._at / "best.json", (json.dumps(trial, indent=2) + "\n").encode())

    def trial_folder(self, number: int) -> Path:
        """Where a trial's private folder is, if its evaluator asks for one; from the root."""
        return self._at / "trials" / f"{number:06d}"

    def discard(self) -> None:
        """Close and remove the folder of a run that never began."""
        self.close()
        shutil.rmtree(self._at, ignore_errors=True)

    def close(self) -> None:
        """Free the run for others. Calling it again is harmless."""
        self._log.close()


def default_folder(problem: str, seed: int) -> Path:
    """``runs/<problem>/<time>-<seed>``, in the current folder."""
    name = re.sub(r"[^\w.-]+", "-", problem).strip("-.") or "problem"
    return Path("runs", name, f"{time.strftime('%Y%m%d-%H%M%S')}-{seed}")


def list_runs(root: Path) -> list[Path]:
    """The run folders under ``root``, oldest first; none where there is no such folder."""
    if not os.path.isdir(root):
        return []
    files = [(file.stat().st_mtime, file.parent) for file in root.rglob(RUN_FILE)]
    return [folder for _, folder in sorted(files)]


def _make(path: Path) -> Path:
    """Make the folder, or the first free one of ``path-2``, ``path-3``, ..."""
    if path.name in ("", ".."):
        raise InvalidArgument(f"folder: {str(path)!r} has no name; give one, such as runs/first")
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate, n = path, 1
    while True:
        try:
            candidate.mkdir()
        except FileExistsError:
            n += 1
            candidate = path.with_name(f"{path.name}-{n}")
        else:
            return candidate


def _sync(directory: Path) -> None:
    """Make new names in a directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _environment() -> dict[str, Any]:
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "python": sys.version.split()[0],
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": versions,
        "threads": {name: os.environ.get(name) for name in THREAD_LIMITS},
    }
