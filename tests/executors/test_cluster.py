"""Joining a Ray cluster: what is refused in one line, and what of a problem is shipped. No Ray."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import lamcts
from lamcts.config import RunConfig
from lamcts.errors import DependencyNotInstalled, InvalidArgument
from lamcts.executors._cluster import Cluster, _shipping

NODES = [
    {"Alive": True, "Resources": {"CPU": 9.0, "GPU": 2.0, "memory": 8e9}},
    {"Alive": True, "Resources": {"CPU": 3.0, "memory": 8e9}},
    {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0, "memory": 8e9}},
]


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A Ray that only knows its nodes. Returns what the cluster was joined with."""
    joined: dict[str, Any] = {}

    def init(address: str, **options: Any) -> None:
        joined.update(options, address=address)

    fake = SimpleNamespace(
        is_initialized=lambda: False,
        init=init,
        nodes=lambda: NODES,
        shutdown=joined.clear,
        exceptions=SimpleNamespace(RuntimeEnvSetupError=TypeError),
    )
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return joined


def test_a_missing_ray_is_one_line_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[ray\]"'):
        lamcts.search("ackley-v0", budget=2, executor="ray")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"executor": "rya"}, "did you mean 'ray'"),
        ({"resources": {"gpu": 1}}, "resources: only Ray takes it"),
        ({"ray_address": "auto"}, "ray_address: only Ray takes it"),
        ({"executor": "ray", "resources": {"gpu": -1}}, r"resources\['gpu'\]: must be a whole"),
        ({"executor": "ray", "resources": {"cpu": 1.5}}, "got 1.5"),
        ({"executor": "ray", "resources": {"cpu": True}}, "got True"),
        ({"executor": "ray", "resources": {"cpu": float("nan")}}, "got nan"),
        ({"executor": "ray", "resources": "gpu"}, "give a dict"),
        ({"executor": "ray", "workers": 0}, "workers: must be an integer of at least 1"),
    ],
)
def test_bad_settings_are_one_line(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words) as caught:
        RunConfig(budget=1, **settings)
    assert "\n" not in str(caught.value)


def test_on_ray_the_number_of_workers_may_be_left_to_the_cluster() -> None:
    assert RunConfig(budget=1).workers == 1
    on_ray = RunConfig(budget=1, executor="ray", ray_address="auto", resources={"gpu": 0.5})
    assert on_ray.workers is None
    assert RunConfig.from_json(on_ray.to_json()) == on_ray
    back = on_ray.with_changes(executor="local")
    assert (back.workers, back.ray_address, back.resources) == (1, None, {})


def test_a_run_of_an_earlier_version_was_local() -> None:
    data = RunConfig(budget=3).to_json()
    for name in ("executor", "ray_address", "resources"):
        del data[name]
    assert RunConfig.from_json(data) == RunConfig(budget=3)


@pytest.mark.parametrize("address", ["nonsense", "ray://127.0.0.1:10001", "127.0.0.1:{free}"])
def test_an_address_where_no_cluster_is(ray: dict[str, Any], address: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and nobody listens
        address = address.format(free=unused.getsockname()[1])
        with pytest.raises(InvalidArgument, match="ray_address: cannot join"):
            Cluster(address, "ackley-v0", {})
    assert not ray


@pytest.mark.parametrize(
    ("resources", "room"),
    [
        ({}, 12),
        ({"cpu": 2}, 5),  # 4 and 1: no trial spans two nodes
        ({"gpu": 0.5}, 4),
        ({"gpu": 1, "cpu": 4}, 2),
        ({"memory": 3e9}, 4),
        ({"gpu": 0, "cpu": 3}, 4),
        ({"tpu": 1}, 0),
    ],
)
def test_room_is_counted_by_node(
    ray: dict[str, Any], resources: dict[str, float], room: int
) -> None:
    assert Cluster(None, "ackley-v0", resources).room() == room
    assert ray["address"] == "local"
    assert ray["log_to_driver"] is False
    assert ray["include_dashboard"] is False


def test_what_does_not_fit_is_said(ray: dict[str, Any]) -> None:
    words = Cluster(None, "ackley-v0", {"gpu": 4}).describe()
    assert words == "a trial needs CPU 1, GPU 4; nodes: CPU 3, GPU 0; CPU 9, GPU 2"


def test_nothing_is_shipped_to_this_machine(ray: dict[str, Any], tmp_path: Path) -> None:
    ref = f"{tmp_path / 'mine.py'}:Mine"
    assert Cluster(None, ref, {}).ref == ref
    assert ray["runtime_env"] == {}


def test_the_folder_of_the_problems_file_is_shipped(ray: dict[str, Any], tmp_path: Path) -> None:
    cluster = Cluster("auto", f"{tmp_path / 'mine.py'}:Mine", {})
    assert cluster.ref == "mine.py:Mine"
    assert ray["runtime_env"]["working_dir"] == str(tmp_path)
    assert "runs" in ray["runtime_env"]["excludes"]
    cluster.leave()
    assert not ray


def test_a_module_is_shipped_when_it_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert _shipping("mine.tasks:Mine") == ("mine.tasks:Mine", tmp_path)
    assert _shipping("elsewhere.tasks:Mine") == ("elsewhere.tasks:Mine", None)
    assert _shipping("ackley-v0") == ("ackley-v0", None)


def test_a_submitted_job_has_shipped_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = {"runtime_env": {"working_dir": "gcs://x.zip"}}
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", json.dumps(job))
    monkeypatch.chdir(tmp_path)
    inside, outside = tmp_path / "problems" / "mine.py", "/opt/mine.py:Mine"
    assert _shipping(str(inside)) == ("problems/mine.py", None)
    assert _shipping(outside) == (outside, None)
