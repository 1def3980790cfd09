"""The run file: append-only, one JSON object a line, one writer under an OS lock."""

from __future__ import annotations

import errno
import os
import shlex
import time
import weakref
from pathlib import Path
from typing import IO, Any

from lamcts.errors import RunError
from lamcts.storage._events import FORMAT, Damaged, Event, UnknownFormat, decode, seal, whole

try:
    import fcntl
except ImportError:  # Windows: a search without a folder runs all the same
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "HEADERLESS",
    "RUN_FILE",
    "RunLog",
    "RunWriteError",
    "check_locks",
    "read_events",
    "repair_hint",
    "replace_file",
]

RUN_FILE = "run.jsonl"
LOCK_FILE = "run.lock"

#: The tail of a message about a file that has lost its header, which no repair brings back.
HEADERLESS = "and without it no trial has a meaning; mend that line by hand, or start a new run"

#: Locks held here. A forked child (a data loader's) has a copy of each and would hold it on.
_held: weakref.WeakSet[IO[str]] = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: [file.close() for file in _held])


class RunWriteError(RunError):
    """The run file cannot be written (disk full, file removed): the run stops at once."""

    exit_code = 1


class RunLog:
    """The writer of a run file; there is one at a time, and readers never wait for it.

    The lock belongs to the process and goes with it, so no lock is ever left behind, and none is
    broken because of its age.

    Args:
        folder: The run's folder, which must exist.

    Raises:
        RunError: Another process has the run open, or this system has no locks.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / RUN_FILE
        self._lock = _lock(folder)
        try:
            # Unbuffered: each `write` below is one system call.
            self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115
        except OSError as error:
            self._lock.close()
            raise RunWriteError(_cannot_write(self._path, error)) from error

    def append(self, kind: str, /, **fields: Any) -> None:
        """Add one event. When this returns, it is on the disk.

        Raises:
            RunWriteError: It is not; the file may end in a torn line, and nothing more is written.
        """
        event = {"v": FORMAT, "event": kind, "time": round(time.time(), 3), **fields}
        line = seal(event) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
            if os.fstat(self._file.fileno()).st_nlink == 0:  # removed: it is gone when we are
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
        except (OSError, ValueError) as error:  # ValueError: closed after an earlier failure
            self._file.close()
            raise RunWriteError(_cannot_write(self._path, error)) from error

    def cut(self, size: int) -> None:
        """Cut a torn last line off, so that the next event starts on a line of its own."""
        os.truncate(self._path, size)
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and free the lock. Calling it again is harmless."""
        self._file.close()
        self._lock.close()


def check_locks() -> None:
    """Refuse to keep a run where the operating system has no POSIX file locks.

    Raises:
        RunError: This is Windows.
    """
    if fcntl is None:
        raise RunError(
            "folder: run folders need the file locks of Linux or macOS; use WSL on Windows, "
            "or lamcts.search in Python without a folder"
        )


def read_events(path: Path) -> tuple[list[Event], int]:
    """Read a run file, also one that is being written.

    Returns:
        The events, and how many bytes they take; what follows is a line that was never finished.

    Raises:
        RunError: There is no such file, or a line that was finished is not an event.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror or error})") from error
    size = data.rfind(b"\n") + 1
    lines = data[:size].split(b"\n")[:-1]
    return [_decode(path, i, line, lines) for i, line in enumerate(lines, 1)], size


def repair_hint(folder: Path) -> str:
    """The tail of a message about a damaged file."""
    return f"keep what is whole with: lamcts repair {shlex.quote(str(folder))}"


def replace_file(path: Path, data: bytes) -> None:
    """Write a file aside and move it into place, so that a reader sees the old or the new one."""
    aside = path.with_name(path.name + ".new")
    try:
        with open(aside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise RunWriteError(_cannot_write(path, error)) from error


def _decode(path: Path, number: int, line: bytes, lines: list[bytes]) -> Event:
    try:
        return decode(line)
    except Damaged as damage:
        kinds = (decode(piece)["event"] for text in lines for piece in whole(text))
        is_lost = "start" not in kinds
        mend = f"the header is lost, {HEADERLESS}" if is_lost else repair_hint(path.parent)
        raise RunError(f"{path}, line {number}: {damage}; {mend}") from None
    except UnknownFormat as error:
        raise RunError(f"{path}, line {number}: {error}") from None


def _lock(folder: Path) -> IO[str]:
    """Hold the folder's lock; the open file frees it when closed, by us or by our death."""
    check_locks()
    path = folder / LOCK_FILE
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115
    except OSError as error:
        raise RunWriteError(_cannot_write(path, error)) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise RunError(f"{folder}: run is open in pid {holder}; wait for it or end it") from error
    except OSError as error:  # some file systems of a network have no locks
        file.close()
        raise RunError(
            f"{path}: cannot be locked ({error.strerror or error}); "
            "keep runs on a file system that has locks"
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held.add(file)
    return file


def _cannot_write(path: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{path}: cannot be written ({reason}); what was acknowledged is safe: mend, then resume"
