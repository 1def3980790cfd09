"""Fetching one file over HTTP: resumed where it broke off, and checked before it is believed."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from pathlib import Path

from lamcts.datasets._specs import DataError, Progress

__all__ = ["check_sha256", "download"]

_MEND = "get the file elsewhere and run: lamcts data add KIND FILE"
_CHUNK = 1 << 20
_TIMEOUT = 30.0  # seconds without a byte


def download(url: str, target: Path, *, sha256: str, progress: Progress | None = None) -> None:
    """Fetch a file; a later call goes on with what an earlier one left in ``<target>.part``.

    Args:
        url: Where it is.
        target: Where it goes; nothing is fetched when it is there.
        sha256: What its content must be.
        progress: To be told how far it is.

    Raises:
        DataError: No connection, a refusal, or another content than expected.
    """
    if target.exists():
        return
    part = target.with_name(target.name + ".part")
    try:
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        raise DataError(f"{url}: the server answers {error.code} {error.reason}; {_MEND}") from None
    except ValueError as error:  # what is no address; a damaged answer
        raise DataError(f"{url}: cannot be fetched ({error}); {_MEND}") from None
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{url}: cannot be fetched ({reason}); try again to go on where it stopped, or {_MEND}"
        ) from None
    try:
        check_sha256(part, sha256)
    except DataError:
        part.unlink()  # going on with it could only fail again
        raise
    part.replace(target)


def check_sha256(path: Path, sha256: str) -> None:
    """Compare a file's content with what it must be.

    Raises:
        DataError: It is another.
    """
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != sha256:
        raise DataError(
            f"{path}: wrong check sum (SHA-256 {digest.hexdigest()[:12]}..., expected "
            f"{sha256[:12]}...); the file is damaged or another one, get it again"
        )


def _fetch(url: str, part: Path, progress: Progress | None) -> None:
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if done and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return  # all of it is here; its check sum tells whether it is the right file
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            done = 0  # this server sends the whole file or nothing
        total = done + int(answer.headers.get("Content-Length") or 0)
        with part.open("ab" if done else "wb") as stream:
            while chunk := answer.read(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, max(done, total))
    if done < total:
        raise http.client.IncompleteRead(b"", total - done)
