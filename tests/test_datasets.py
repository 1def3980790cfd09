"""The data directory: whole tables or none, downloads that resume and are checked."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lamcts import datasets
from lamcts.datasets import DataError, DatasetSpec, _specs, find_data, list_data
from lamcts.datasets._download import download
from lamcts.errors import InvalidArgument, UnknownName

CONTENT = bytes(range(256)) * 5000  # 1.28 MB: more than one chunk
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Importing:
    """An importer that copies the file, can be told to fail, and notes what it found."""

    fails: bool = False
    found: list[list[str]] = field(default_factory=list)

    def __call__(
        self, source: Path, folder: Path, *, verify: bool, progress: Any
    ) -> dict[str, Any]:
        self.found.append(sorted(file.name for file in folder.iterdir()))
        (folder / "half").write_bytes(b"")
        if self.fails:
            raise InvalidArgument("FILE: damaged")
        (folder / "copy").write_bytes(source.read_bytes())
        return {"summary": "a copy"}


importing = Importing()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data directory, and a kind ``copied``."""
    global importing
    importing = Importing()
    monkeypatch.setenv("LAMCTS_DATA", str(tmp_path / "data"))
    spec = DatasetSpec("copied", "x:y", "a file", "http://nowhere.invalid/file.bin", SHA256, 1)
    monkeypatch.setattr(_specs, "_SHIPPED", (spec,))
    monkeypatch.setattr(DatasetSpec, "load", lambda self: importing)
    return tmp_path / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(CONTENT)
    return path


def test_where_data_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert datasets.data_folder() == tmp_path / "data"
    monkeypatch.delenv("LAMCTS_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert datasets.data_folder() == tmp_path / "cache" / "lamcts"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datasets.data_folder() == tmp_path / ".cache" / "lamcts"
    assert list_data() == []


def test_a_file_that_was_added_is_found(file: Path, data: Path) -> None:
    stored = datasets.add("copied", file)
    assert find_data("copied") == stored.path == data / "copied"
    assert (stored.path / "copy").read_bytes() == CONTENT
    assert stored.facts == {"summary": "a copy"}
    assert stored.size >= len(CONTENT)
    other = datasets.add("copied", file, name="second")
    assert list_data() == [stored, other]


def test_adding_again_replaces_only_what_is_whole(file: Path, data: Path) -> None:
    datasets.add("copied", file)
    file.write_bytes(b"new")
    importing.fails = True
    with pytest.raises(InvalidArgument):
        datasets.add("copied", file)
    assert (find_data("copied") / "copy").read_bytes() == CONTENT
    importing.fails = False
    datasets.add("copied", file)
    assert (find_data("copied") / "copy").read_bytes() == b"new"
    left = [path.name for path in data.iterdir() if path.is_dir()]
    assert left == ["copied"]


def test_a_folder_that_is_no_table_is_never_replaced(file: Path, data: Path) -> None:
    (data / "copied").mkdir(parents=True)
    (data / "copied" / "thesis.tex").write_text("years of work")
    with pytest.raises(InvalidArgument, match="is there and no table"):
        datasets.add("copied", file)
    assert (data / "copied" / "thesis.tex").exists()


def test_half_done_work_is_kept_for_the_same_file_only(file: Path) -> None:
    importing.fails = True
    for _ in range(2):
        with pytest.raises(InvalidArgument):
            datasets.add("copied", file)
    with pytest.raises(UnknownName, match="not finished"):
        find_data("copied")
    assert list_data() == []
    file.write_bytes(b"another")
    with pytest.raises(InvalidArgument):
        datasets.add("copied", file)
    kept = ["half", "source.json"]
    assert importing.found == [["source.json"], kept, ["source.json"]]


def test_two_at_once_are_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add_again(source: Path, folder: Path, **options: Any) -> dict[str, Any]:
        datasets.add("copied", source)
        return {}

    monkeypatch.setattr(DatasetSpec, "load", lambda self: add_again)
    with pytest.raises(DataError, match="another process is adding"):
        datasets.add("copied", file)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda f: datasets.add("copyed", f), UnknownName, "did you mean 'copied'"),
        (lambda f: datasets.add("copied", f, name="../up"), InvalidArgument, "--name: '../up'"),
        (lambda f: datasets.add("copied", f, name=".x"), InvalidArgument, "--name: '.x'"),
        (lambda f: datasets.add("copied", f.with_name("no")), InvalidArgument, "no' is no file"),
        (lambda f: find_data("../file"), UnknownName, "no table is called"),
        (lambda f: find_data("cop"), UnknownName, "add one with: lamcts data add"),
    ],
)
def test_mistakes_are_told(
    call: Callable[[Path], object], error: type[Exception], message: str, file: Path
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call(file)


def test_the_official_file_is_checked_when_asked_for(file: Path) -> None:
    datasets.add("copied", file, verify=True)
    file.write_bytes(CONTENT[:-1] + b"x")
    datasets.add("copied", file)
    with pytest.raises(DataError, match="wrong check sum"):
        datasets.add("copied", file, verify=True)


def test_a_data_directory_that_cannot_be_written_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMCTS_DATA", str(file / "inside"))
    with pytest.raises(DataError, match=r"file\.bin"):
        datasets.add("copied", file)
    with pytest.raises(DataError, match=r"file\.bin"):
        datasets.fetch("copied")


def test_damaged_facts_are_told(file: Path) -> None:
    stored = datasets.add("copied", file)
    (stored.path / "dataset.json").write_text(json.dumps({"kind": "copied"}))
    with pytest.raises(DataError, match=r"dataset.json is damaged"):
        list_data()


# -- Downloads ----------------------------------------------------------------------------------


@dataclass
class Site:
    """A server on this machine: what it has, how it behaves, what it was asked."""

    url: str = ""
    content: bytes = CONTENT
    ranges: bool = True
    breaks_after: int | None = None
    asked: list[str | None] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            made.asked.append(wanted)
            if self.path != "/file.bin":
                return self.send_error(404)
            start = int(wanted[6:-1]) if wanted and made.ranges else 0
            if start and start >= len(made.content):
                return self.send_error(416)
            body = made.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: made.breaks_after])
            return None

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/file.bin"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_checked_added_and_deleted(site: Site, data: Path) -> None:
    seen: list[tuple[int, int]] = []
    stored = datasets.fetch("copied", url=site.url, progress=lambda *step: seen.append(step))
    assert (stored.path / "copy").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert list((data / ".downloads").iterdir()) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(site: Site, tmp_path: Path, ranges: bool) -> None:
    site.ranges, site.breaks_after = ranges, 700_000
    target = tmp_path / "target"
    with pytest.raises(DataError, match=r"cannot be fetched .* go on where it stopped"):
        download(site.url, target, sha256=SHA256)
    assert not target.exists()
    site.breaks_after = None
    download(site.url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=700000-"]
    download(site.url, target, sha256=SHA256)
    assert len(site.asked) == 2  # it is there


def test_a_download_that_was_whole_but_not_renamed_is_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "target.part").write_bytes(CONTENT)
    download(site.url, tmp_path / "target", sha256=SHA256)
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_two_that_fetch_one_file_are_told(site: Site, data: Path) -> None:
    def meanwhile(*step: int) -> None:
        with pytest.raises(DataError, match="another process is adding this table; wait"):
            datasets.fetch("copied", url=site.url)
        done.append(step)

    done: list[Any] = []
    stored = datasets.fetch("copied", url=site.url, progress=meanwhile)
    assert done
    assert (stored.path / "copy").read_bytes() == CONTENT


def test_another_content_is_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    site.content = b"a page of the hotel's network"
    with pytest.raises(DataError, match="wrong check sum"):
        download(site.url, tmp_path / "target", sha256=SHA256)
    assert list(tmp_path.glob("target*")) == []


def test_no_server_and_no_file_are_told(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the server answers 404"):
        download(site.url + "x", tmp_path / "target", sha256=SHA256)
    for url in ("http://127.0.0.1:9/file.bin", "file.bin", "http://a..b/file.bin", "http://[::1/"):
        with pytest.raises(DataError, match="cannot be fetched") as caught:
            download(url, tmp_path / "target", sha256=SHA256)
        assert "\n" not in str(caught.value)
