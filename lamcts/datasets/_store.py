"""The data directory: a folder for each table, complete or not there at all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lamcts.datasets._specs import DataError, Progress, find_dataset
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = ["Stored", "add", "data_folder", "fetch", "find_data", "list_data"]

_FACTS = "dataset.json"
_SOURCE = "source.json"
_UNFINISHED = ".unfinished-"
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Stored:
    """A table on this machine.

    Attributes:
        name: What it is found by.
        path: Its folder.
        kind: The `DatasetSpec` it was read as.
        source: The file it was made of.
        facts: What its importer says of it; ``summary`` in one line.
    """

    name: str
    path: Path
    kind: str
    source: str
    facts: dict[str, Any]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.path.iterdir())


def data_folder() -> Path:
    """Where tables lie: ``LAMCTS_DATA``, else ``lamcts`` in the user's cache directory."""
    if given := os.environ.get("LAMCTS_DATA"):
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "lamcts"


def add(
    kind: str,
    file: Path,
    *,
    name: str | None = None,
    verify: bool = False,
    progress: Progress | None = None,
) -> Stored:
    """Read a published file into the data directory. Killed, it goes on at the next call.

    Args:
        kind: What it is (`list_datasets`).
        file: The file; it is read only, and not needed afterwards.
        name: What to call it; ``kind`` by default. A table of that name is replaced at the end.
        verify: Check all check sums in it, and its SHA-256 when it has the official name.
        progress: To be told how far it is.

    Raises:
        UnknownName: No such kind.
        InvalidArgument: A name that is none, or a file that cannot be read as this kind.
        DataError: Nothing can be written, or another process is adding the same name.
    """
    spec = find_dataset(kind)
    name = name or kind
    if not _NAME.fullmatch(name):
        raise InvalidArgument(f"--name: {name!r} is no name; use letters, digits, '.', '_', '-'")
    if not file.is_file():
        raise InvalidArgument(f"FILE: {str(file)!r} is no file; give the published one")
    place = data_folder() / name
    if place.exists() and not (place / _FACTS).is_file():
        raise InvalidArgument(f"--name: {place} is there and no table; choose another name")
    if verify and file.name == spec.url.rpartition("/")[2]:
        from lamcts.datasets._download import check_sha256  # on use: it loads an HTTP client

        check_sha256(file, spec.sha256)
    importer = spec.load()
    try:
        with _work_folder(name, _identity(file, verify)) as folder:
            facts = importer(file, folder, verify=verify, progress=progress)
            content = {"kind": kind, "source": str(file.resolve()), "facts": facts}
            (folder / _FACTS).write_text(json.dumps(content, indent=2), encoding="utf-8")
            _put_in_place(folder, place)
    except OSError as error:
        raise DataError(f"{error.filename or data_folder()}: {error.strerror or error}") from error
    return _read(place)


def fetch(
    kind: str, *, url: str | None = None, name: str | None = None, progress: Progress | None = None
) -> Stored:
    """Download a published file, check it, and `add` it. The download is deleted at the end.

    Args:
        kind: What to fetch.
        url: A mirror; the official address by default. The content must be the official one.
        name: As in `add`.
        progress: To be told how far the download is, then how far the reading.

    Raises:
        UnknownName: No such kind.
        DataError: It cannot be fetched, or is another file, or another process is fetching it.
    """
    from lamcts.datasets._download import download

    spec = find_dataset(kind)
    target = data_folder() / ".downloads" / spec.url.rpartition("/")[2]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{target.parent}: cannot be made ({error.strerror})") from error
    with _locked(data_folder() / f".fetching-{target.name}.lock"):
        download(url or spec.url, target, sha256=spec.sha256, progress=progress)
        stored = add(kind, target, name=name, progress=progress)
        target.unlink()
    return stored


def list_data() -> list[Stored]:
    """The tables on this machine, by name."""
    return [_read(file.parent) for file in sorted(data_folder().glob(f"[!.]*/{_FACTS}"))]


def find_data(name: str) -> Path:
    """The folder of the table called ``name``.

    Raises:
        UnknownName: It is not here; the message says how to get it.
    """
    folder = data_folder() / name
    if _NAME.fullmatch(name) and (folder / _FACTS).is_file():
        return folder
    if (data_folder() / f"{_UNFINISHED}{name}").is_dir():
        mend = "adding it was not finished; repeat the same lamcts data add or fetch"
    else:
        known = did_you_mean(name, (stored.name for stored in list_data()))
        mend = f"{known.rstrip('?')}; add one with: lamcts data add KIND FILE"
    raise UnknownName(f"table: no table is called {name!r} in {data_folder()}; {mend}")


def _read(folder: Path) -> Stored:
    try:
        content = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
        return Stored(folder.name, folder, content["kind"], content["source"], content["facts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder}: {_FACTS} is damaged ({error}); delete the folder") from None


def _identity(file: Path, verify: bool) -> dict[str, Any]:
    """What makes half-done work useless when it differs."""
    status = file.stat()
    return {
        "file": str(file.resolve()),
        "size": status.st_size,
        "changed": status.st_mtime_ns,
        "verify": verify,
    }


@contextlib.contextmanager
def _work_folder(name: str, identity: dict[str, Any]) -> Iterator[Path]:
    """A folder to fill: with what a killed call for the same file left, else empty."""
    folder = data_folder() / f"{_UNFINISHED}{name}"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(data_folder() / f"{_UNFINISHED}{name}.lock"):
        kept, wanted = folder / _SOURCE, json.dumps(identity)
        if not kept.is_file() or kept.read_text(encoding="utf-8") != wanted:
            shutil.rmtree(folder)
            folder.mkdir()
            kept.write_text(wanted, encoding="utf-8")
        yield folder


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataError(f"{path}: another process is adding this table; wait for it") from None
        yield


def _put_in_place(folder: Path, place: Path) -> None:
    """Move a finished folder to its name; what had that name is deleted after the move."""
    old = place.with_name(f"{_UNFINISHED}{place.name}-old-{time.time_ns()}")
    if place.exists():
        place.rename(old)
    folder.rename(place)
    shutil.rmtree(old, ignore_errors=True)
