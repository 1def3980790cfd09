"""The run folder: what it holds, exact numbers, one writer, and readers who disturb nobody."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

import lamcts
from lamcts import storage
from lamcts.errors import InvalidArgument, RunError
from lamcts.history import TrialState
from lamcts.storage import RUN_FILE, RunFolder, RunWriteError, default_folder, read_run
from lamcts.storage._log import read_events

SPACE = {
    "type": "Box",
    "low": -1.0,
    "high": 1.0,
    "shape": [2],
    "dtype": "float64",
    "scale": "linear",
}
HEADER: dict[str, Any] = {
    "lamcts": "0.1.0",
    "problem": None,
    "name": "bowl",
    "fingerprint": {"problem": "Bowl", "direction": "minimize", "space": SPACE},
    "seed": 0,
    "init": [],
    "budget": 4,
    "optimizer": "random",
}
ASK = {"attempt": 0, "x": [0.1, 0.2], "cost": {}, "info": {}}
TELL = {
    "state": "complete",
    "value": 1.5,
    "metrics": {},
    "artifacts": {},
    "error": None,
    "seconds": 0.1,
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    folder = RunFolder.create(tmp_path / "runs" / "one", HEADER, None)
    yield folder
    folder.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def same(a: Any, b: Any) -> bool:
    """Equality that knows NaN and the sign of zero, and what JSON makes of a tuple."""
    if isinstance(a, float) and isinstance(b, float):
        return repr(a) == repr(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


@given(value=json_values)
def test_values_round_trip_exactly(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.getbasetemp() / "round-trip.jsonl"
    line = storage.encode({"v": 1, "event": "tell", "value": value})
    assert "\n" not in line
    json.loads(line, parse_constant=pytest.fail)  # standard JSON: no NaN, no Infinity
    file.write_text(line + "\n")
    (event,), _ = read_events(file)
    assert same(event["value"], value)


def test_numpy_scalars_are_numbers() -> None:
    assert storage.encode({"a": np.float64(0.1), "b": np.int64(3)}) == '{"a":0.1,"b":3}'
    assert storage.encode([np.float32("inf"), np.array(1)]) == '[{"$float":"inf"},1]'


def test_a_new_folder_holds_header_and_environment(folder: RunFolder) -> None:
    run = read_run(folder.path)
    assert run.header["fingerprint"] == HEADER["fingerprint"]
    assert run.trials == []
    assert run.stop is None
    assert not run.finished
    environment = json.loads((folder.path / "env.json").read_text())
    assert environment["python"] == sys.version.split()[0]
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["threads"]["OMP_NUM_THREADS"] == os.environ["OMP_NUM_THREADS"]


def test_a_taken_name_gets_a_suffix(folder: RunFolder) -> None:
    before = (folder.path / RUN_FILE).read_bytes()
    for name in ("one-2", "one-3"):
        another = RunFolder.create(folder.path, HEADER, None)
        assert another.path.name == name
        another.close()
    assert (folder.path / RUN_FILE).read_bytes() == before


def test_the_problem_file_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "mine.py"
    source.write_text("# mine\n")
    folder = RunFolder.create(tmp_path / "run", HEADER, source)
    folder.close()
    assert (folder.path / "problem.py").read_text() == "# mine\n"


def test_the_default_folder_has_a_safe_name() -> None:
    path = default_folder("my problem/../x", 7)
    assert path.parts[0] == "runs"
    assert path.parts[1] == "my-problem-..-x"
    assert path.name.endswith("-7")


def test_settings_that_are_no_values_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"settings: <object .* cannot be stored"):
        RunFolder.create(tmp_path / "run", {**HEADER, "settings": {"a": object()}}, None)
    assert not (tmp_path / "run").exists()


def test_each_event_is_one_write_and_one_fsync(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        written = (folder.path / RUN_FILE).read_bytes()
        calls.append(written.decode().splitlines()[-1])  # it is in the file by now
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    folder.append("ask", number=0, **ASK)
    folder.append("tell", number=0, **TELL)
    assert [json.loads(line)["event"] for line in calls] == ["ask", "tell"]


def test_one_writer_and_any_number_of_readers(folder: RunFolder) -> None:
    code = (
        "import sys; from pathlib import Path; from lamcts.storage import *\n"
        "print(len(read_run(Path(sys.argv[1])).trials))\n"
        "RunFolder.open(Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[1]
    folder.append("ask", number=0, **ASK)
    command = [sys.executable, "-c", code, str(folder.path)]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    second = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert second.stdout == "1\n"
    assert f"run is open in pid {os.getpid()}" in second.stderr
    folder.close()
    folder.close()  # harmless
    third = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert third.returncode == 0


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # of Python 3.12, on threads
def test_the_lock_is_not_held_by_forked_children(folder: RunFolder) -> None:
    """A data loader's process may outlive a killed run; it must not keep the run open."""
    here, there = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there[1])
        os.write(here[1], b"up")
        os.read(there[0], 1)  # until the parent closes its end
        os._exit(0)
    os.read(here[0], 2)
    folder.close()
    RunFolder.open(folder.path).close()
    os.close(there[1])
    os.waitpid(child, 0)


def test_a_torn_line_is_invisible_to_readers_and_cut_by_the_writer(
    folder: RunFolder, caplog: pytest.LogCaptureFixture
) -> None:
    folder.append("ask", number=0, **ASK)
    folder.close()
    file = folder.path / RUN_FILE
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"v":1,"event":"tell","numb')
    assert [trial.state for trial in read_run(folder.path).trials] == [TrialState.RUNNING]
    assert file.read_bytes() != whole  # reading changes nothing
    reopened = RunFolder.open(folder.path)
    assert [event["event"] for event in read_run(folder.path).events] == ["start", "ask"]
    assert "cut short (27 bytes)" in caplog.text
    reopened.append("tell", number=0, **TELL)
    reopened.close()
    assert read_run(folder.path).trials[0].value == 1.5


LINE = {"v": 1, "event": "tell", "number": 0, "time": 0.0}
BAD_LINES = [
    ("not json", "not an event"),
    ("[]", "not an event"),
    ("null", "not an event"),
    ('{"event":"tell"}', "not an event"),
    ("\0\0\0", "not an event"),
    ("[" * 100_000, "not an event"),
    ('{"v":2,"event":"ask"}', "format 2 is not known here"),
    ('{"v":1,"event":"dance"}', "unknown event 'dance'"),
    ('{"v":1,"event":"tell","number":0}', "no 'state'"),
    ('{"v":1,"event":"tell","number":5}', "does not fit the run"),
    ('{"v":1,"event":"tell","number":-1}', "does not fit the run"),
    ('{"v":1,"event":"tell","number":"0"}', "does not fit the run"),
    (storage.encode({**LINE, **TELL, "state": "running"}), "running"),
    (storage.encode({**LINE, **TELL, "value": None}), "value None"),
    (storage.encode({**LINE, **TELL, "value": np.nan}), "value nan"),
    (storage.encode({**LINE, **TELL, "metrics": {"loss": "low"}}), 'metrics is {"loss":"low"}'),
    (storage.encode({**LINE, **TELL, "number": 1}), "trial 1 was never asked for"),
    (storage.encode({**LINE, **HEADER, "event": "start"}), "a second start"),
    (storage.encode({**LINE, **ASK, "event": "ask", "number": 3}), "comes before trial 1"),
    (storage.encode({**LINE, **ASK, "event": "ask", "number": 1, "x": [5.0, 0]}), "[5.0, 0]"),
    ('{"v":1,"event":"resume"}', "no 'budget'"),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES, ids=range(len(BAD_LINES)))
def test_a_bad_line_is_named(folder: RunFolder, line: str, message: str) -> None:
    folder.append("ask", number=0, **ASK)
    folder.close()
    with open(folder.path / RUN_FILE, "a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match=r"run\.jsonl, line 3: ") as error:
        read_run(folder.path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_changed_digit_is_seen(folder: RunFolder, line: int) -> None:
    folder.append("ask", number=0, **ASK)
    folder.append("tell", number=0, **TELL)
    folder.close()
    file = folder.path / RUN_FILE
    lines = file.read_bytes().split(b"\n")
    lines[line - 1] = lines[line - 1].replace(b"1", b"2", 2)  # in "v", and somewhere else
    file.write_bytes(b"\n".join(lines))
    mend = "the header is lost, .*by hand" if line == 1 else ".*lamcts repair"
    with pytest.raises(RunError, match=rf"line {line}: .*check sum is wrong\); {mend}"):
        read_run(folder.path)


def test_lines_without_a_check_sum_are_read(folder: RunFolder) -> None:
    folder.append("ask", number=0, **ASK)
    folder.close()
    file = folder.path / RUN_FILE
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert all(len(line.pop("crc")) == 8 for line in lines)
    lines.append({"v": 1, "event": "tell", "time": 0.0, "number": 0, **TELL})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_run(folder.path).trials[0].value == 1.5


@given(at=st.integers(0, 2000), byte=st.binary(max_size=2), drop=st.integers(0, 2))
def test_damage_is_refused_in_words_or_harmless(
    at: int, byte: bytes, drop: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.mkdir(exist_ok=True)
    events = [{"event": "start", **HEADER}, {"event": "ask", "number": 0, **ASK}]
    events += [{"event": "tell", "number": 0, **TELL}, {"event": "stop", "stopped": "budget"}]
    lines = [storage.encode({"v": 1, "time": 0.0, **event}) + "\n" for event in events]
    data = "".join(lines).encode()
    at %= len(data)
    (path / RUN_FILE).write_bytes(data[:at] + byte + data[at + drop :])
    with contextlib.suppress(RunError):
        assert len(read_run(path).trials) <= 1


def seconds_of(path: Path, *events: tuple[str, float]) -> float:
    """Of a run file with these events at these times; a stop has recorded 7.25 s."""
    fields = {"start": HEADER, "ask": {"number": 0, **ASK}, "tell": {"number": 0, **TELL}}
    fields |= {"stop": {"stopped": "budget", "test": {}, "seconds": 7.25}, "resume": {"budget": 4}}
    lines = [{"v": 1, "time": time, "event": kind, **fields[kind]} for kind, time in events]
    (path / RUN_FILE).write_text("".join(storage.encode(line) + "\n" for line in lines))
    return read_run(path).seconds


def test_seconds_are_what_was_recorded_or_else_last_until_the_last_event(tmp_path: Path) -> None:
    killed = [("start", 100.0), ("ask", 101.5), ("tell", 103.0)]
    ended = [*killed, ("stop", 108.0)]
    assert seconds_of(tmp_path, *killed) == 3.0
    assert seconds_of(tmp_path, *ended) == 7.25
    assert seconds_of(tmp_path, *killed, ("resume", 500.0)) == 3.0
    assert seconds_of(tmp_path, *killed[:2], ("resume", 500.0), ("tell", 502.0)) == 1.5 + 2.0
    assert seconds_of(tmp_path, *ended, ("resume", 500.0)) == 7.25
    again = [*killed[:2], ("resume", 500.0), ("ask", 501.0), ("resume", 900.0), ("ask", 900.5)]
    assert seconds_of(tmp_path, *again) == 1.5 + 1.0 + 0.5


WINDOWS = """
import sys
sys.modules["fcntl"] = None
import os
del os.fork, os.register_at_fork
import lamcts, lamcts.cli
result = lamcts.minimize(lambda x: float(x @ x), lamcts.spaces.Box(-1.0, 1.0, shape=(2,)), budget=3)
assert result.counts["complete"] == 3
lamcts.cli.app(["run", "sphere", "--budget", "2", "--quiet"])
"""


def test_where_there_are_no_locks_a_run_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", WINDOWS],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("Error: folder: run folders need the file locks of Linux")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_named(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.close()

    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(RunError, match=r"run\.lock: cannot be locked \(Function not implemented\)"):
        RunFolder.open(folder.path)


def test_a_trial_is_told_once(folder: RunFolder) -> None:
    folder.append("ask", number=0, **ASK)
    folder.append("tell", number=0, **TELL)
    folder.append("tell", number=0, **TELL)
    with pytest.raises(RunError, match=r"line 4: .*trial 0 is finished already"):
        read_run(folder.path)


def test_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no run here"):
        read_run(tmp_path)
    assert list(tmp_path.iterdir()) == []


class FullDisk:
    """A file on a disk that has room for a few more bytes, or whose fsync fails."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: bytes) -> int:
        if self._room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written: int = self._file.write(data[: self._room])
        return written

    def fileno(self) -> int:
        return int(self._file.fileno())

    def close(self) -> None:
        self._file.close()


@pytest.mark.parametrize("room", [0, 20])
def test_a_full_disk_stops_the_run_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    class Bowl(lamcts.Evaluator):
        space = lamcts.spaces.Box(-1.0, 1.0, shape=(2,))

        def evaluate(self, x: Any) -> float:
            return float(x @ x)

    class FillsDisk(lamcts.Callback):
        def on_ask(self, run: Any, trial: lamcts.Trial) -> None:
            if trial.number == 3:
                log = run._store._log
                monkeypatch.setattr(log, "_file", FullDisk(log._file, room))

    options: dict[str, Any] = {"budget": 6, "seed": 1, "optimizer": "random"}
    with pytest.raises(RunWriteError, match="No space left") as error:
        lamcts.search(Bowl, folder=tmp_path / "run", callbacks=[FillsDisk()], **options)
    assert error.value.exit_code == 1
    states = [trial.state.value for trial in read_run(tmp_path / "run").trials]
    assert states == ["complete"] * 3 + ["running"]
    resumed = lamcts.resume(tmp_path / "run", problem=Bowl)
    expected = lamcts.search(Bowl, **options)
    assert [t.value for t in resumed.trials] == [t.value for t in expected.trials]


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_run_whose_file_is_removed_stops_at_once(folder: RunFolder, how: str) -> None:
    folder.append("ask", number=0, **ASK)
    file = folder.path / RUN_FILE
    if how == "removed":
        file.unlink()
    else:  # as an editor saves
        (folder.path / "copy").write_bytes(file.read_bytes())
        os.replace(folder.path / "copy", file)
    with pytest.raises(RunWriteError, match=r"run\.jsonl: cannot be written \(No such file"):
        folder.append("tell", number=0, **TELL)
    with pytest.raises(RunWriteError):
        folder.append("tell", number=0, **TELL)


def test_differences_name_the_place() -> None:
    changed = {**SPACE, "high": [1.0, 2.0]}
    assert list(storage.differences({"space": SPACE}, {"space": changed})) == [
        "space.high: 1.0 in the run, [1.0, 2.0] now"
    ]
    assert list(storage.differences([1, 2], [1, 3], "x")) == ["x[1]: 2 in the run, 3 now"]
    assert list(storage.differences(SPACE, dict(SPACE))) == []


def test_best_json_is_replaced_never_rewritten(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_best({"value": 1})

    def fail(source: Any, target: Any) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(RunWriteError, match=r"best\.json: cannot be written"):
        folder.write_best({"value": 2})
    assert json.loads((folder.path / "best.json").read_text()) == {"value": 1}
