"""Framing, check sums and protocol buffers, against published vectors and hand-made bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.nasbench101.files import tfrecord
from lamcts.adapters.nasbench101.files.crc import crc32c, masked_crc32c
from lamcts.adapters.nasbench101.files.metrics import (
    Metrics,
    Snapshot,
    read_metrics,
    write_metrics,
)
from lamcts.adapters.nasbench101.files.tfrecord import is_tfrecord, read_batches, write_records
from lamcts.errors import InvalidArgument


def _slow_crc32c(text: bytes) -> int:
    """Bit by bit, as the polynomial says."""
    crc = 0xFFFFFFFF
    for byte in text:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("text", "published"),  # RFC 3720, B.4, and the check value of the CRC catalogue
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_crcs_equal_the_published_ones(text: bytes, published: int) -> None:
    assert crc32c([text]).tolist() == [published]
    crc = published
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32
    assert masked_crc32c([text]).tolist() == [masked]


@given(st.lists(st.binary(max_size=40)))
def test_many_crcs_at_once_are_those_of_each(texts: list[bytes]) -> None:
    assert crc32c(texts).tolist() == [_slow_crc32c(text) for text in texts]


PAYLOADS = [b"one", b"", b"a longer one" * 9, b"last"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "some.tfrecord"
    write_records(path, PAYLOADS)
    return path


def _read(path: Path, **options: bool) -> list[bytes]:
    return [record.payload for batch in read_batches(path, **options) for record in batch]


def test_records_come_back_and_have_the_official_frame(file: Path) -> None:
    assert _read(file, verify=True) == PAYLOADS
    assert is_tfrecord(file)
    frame = struct.pack("<Q", 3)
    frame += struct.pack("<I", masked_crc32c([frame])[0])
    frame += b"one" + struct.pack("<I", masked_crc32c([b"one"])[0])
    assert file.read_bytes().startswith(frame)


def test_reading_can_start_after_any_record(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfrecord, "BATCH", 1)
    ends = [batch[0].end for batch in read_batches(file)]
    assert ends[-1] == file.stat().st_size
    rest = [batch[0].payload for batch in read_batches(file, start=ends[1])]
    assert rest == PAYLOADS[2:]


def test_a_file_cut_off_anywhere_is_noticed(file: Path) -> None:
    content = file.read_bytes()
    ends = {0, *(record.end for batch in read_batches(file) for record in batch)}
    for size in sorted(set(range(len(content))) - ends):
        file.write_bytes(content[:size])
        with pytest.raises(InvalidArgument, match="cut off"):
            _read(file)


def test_every_damaged_byte_is_noticed_when_asked_for(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for at in range(len(content)):
        content[at] ^= 0x10
        file.write_bytes(content)
        with pytest.raises(InvalidArgument, match=r"wrong check sum|cut off"):
            _read(file, verify=True)
        content[at] ^= 0x10


@pytest.mark.parametrize("content", [b"", b"short", b"a text file, and no records at all"])
def test_another_kind_of_file_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert not is_tfrecord(path)


SNAPSHOT = Snapshot(108.0, 1155.853, 1.0, 0.9376001, 0.9311899, "ckpt")
# By hand: field << 3 | type, then the value.
SNAPSHOT_BYTES = (
    b"\x09"
    + struct.pack("<d", 108.0)
    + b"\x11"
    + struct.pack("<d", 1155.853)
    + b"\x19"
    + struct.pack("<d", 1.0)
    + b"\x21"
    + struct.pack("<d", 0.9376001)
    + b"\x29"
    + struct.pack("<d", 0.9311899)
    + b"\x32\x04ckpt"
)
MESSAGE = (
    b"\x0a" + bytes([len(SNAPSHOT_BYTES)]) + SNAPSHOT_BYTES
    + b"\x10\x8a\xb9\xa4\x01"  # 2,694,282 in groups of 7 bits
    + b"\x19" + struct.pack("<d", 1156.0)
)  # fmt: skip


def test_metrics_are_written_and_read_as_by_hand() -> None:
    metrics = Metrics((SNAPSHOT,), 2_694_282, 1156.0)
    assert write_metrics(metrics) == MESSAGE
    assert read_metrics(MESSAGE) == metrics


def test_unknown_fields_are_skipped_and_absent_ones_are_zero() -> None:
    unknown = b"\x38\x07" + b"\x45\x01\x02\x03\x04" + b"\x4a\x02hi" + b"\x51" + bytes(8)
    assert read_metrics(unknown + MESSAGE + unknown) == read_metrics(MESSAGE)
    assert read_metrics(b"\x0a\x00") == Metrics((Snapshot(),))
    assert read_metrics(b"") == Metrics()


@pytest.mark.parametrize("message", [b"\x0b", b"\x11\x00", b"\x0a\x05abc", b"\xff" * 20, b"\x10"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError, match=r"wire type|goes past"):
        read_metrics(message)


doubles = st.floats(0, 1e6)
snapshots = st.builds(Snapshot, doubles, doubles, doubles, doubles, doubles, st.text(max_size=5))


@given(st.lists(snapshots, max_size=3), st.integers(0, 2**31 - 1), doubles)
def test_any_metrics_come_back(found: list[Snapshot], params: int, seconds: float) -> None:
    metrics = Metrics(tuple(found), params, seconds)
    assert read_metrics(write_metrics(metrics)) == metrics


def test_check_sums_of_a_large_file_take_seconds() -> None:
    import time

    texts = [np.random.default_rng(0).bytes(400)] * 20_000  # 8 MB
    began = time.perf_counter()
    crc32c(texts)
    assert time.perf_counter() - began < 1.0  # about 0.06 s
