"""A Ray cluster: joining it, what of the problem it must be sent, and what it has room for."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lamcts._threads import THREAD_LIMITS
from lamcts.errors import DependencyNotInstalled, InvalidArgument, ProblemError

__all__ = ["Cluster"]

#: What a problem's folder may hold and no worker needs; the folder's .gitignore holds too.
_EXCLUDED = [".git", ".venv", "venv", "__pycache__", "runs"]
_PATIENCE = 5.0  # s to wait for the cluster's machine to answer
_LOCAL = "local"  # Ray's word for a new cluster of this machine alone
#: Ray's own names of resources; the others are the user's.
_OPTIONS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


class Cluster:
    """A connection to a Ray cluster, for workers that need certain resources and one problem.

    Args:
        address: ``"auto"``, ``host:port``, or ``None``: ``RAY_ADDRESS``, or else a cluster of
            this machine alone is started.
        ref: The problem's reference here.
        resources: What one worker needs.

    Attributes:
        ray: The module.
        ref: The problem's reference in a worker.

    Raises:
        DependencyNotInstalled: Ray is missing.
        InvalidArgument: There is no such cluster.
        ProblemError: The problem's folder cannot be shipped.
    """

    def __init__(self, address: str | None, ref: str, resources: Mapping[str, float]) -> None:
        self.ray = _import_ray()
        known = {"cpu": "CPU", "gpu": "GPU"}
        self._needs = {"CPU": 1.0} | {known.get(n.lower(), n): a for n, a in resources.items()}
        if address in (None, "auto"):
            address = os.environ.get("RAY_ADDRESS") or address or _LOCAL
        self.local = address == _LOCAL
        self._joined = not self.ray.is_initialized()  # else the user's program has, in its own way
        if self.local or not self._joined:
            self.ref, shipped = ref, None
        else:
            self.ref, shipped = _shipping(ref)
        if self._joined:
            self._join(address, shipped)

    def actor_class(self, kind: type) -> Any:
        """A class whose instances Ray places where a worker has what it needs, and never revives.

        Numeric libraries get as many threads as the worker has CPUs.
        """
        options: dict[str, Any] = {_OPTIONS[n]: a for n, a in self._needs.items() if n in _OPTIONS}
        threads = str(max(1, int(self._needs["CPU"])))
        return self.ray.remote(kind).options(
            **options,
            resources={n: a for n, a in self._needs.items() if n not in _OPTIONS},
            max_restarts=0,
            max_task_retries=0,
            runtime_env={"env_vars": {n: os.environ.get(n, threads) for n in THREAD_LIMITS}},
        )

    def room(self) -> int:
        """How many workers the nodes that are up can hold, were nobody else there."""
        return sum(self._fitting(node["Resources"]) for node in self.ray.nodes() if node["Alive"])

    def describe(self) -> str:
        """What a worker needs and what the nodes have, in words."""
        nodes = [
            _in_words({n: node["Resources"].get(n, 0) for n in self._needs})
            for node in self.ray.nodes()
            if node["Alive"]
        ]
        return f"a trial needs {_in_words(self._needs)}; nodes: {'; '.join(sorted(set(nodes)))}"

    def leave(self) -> None:
        """Disconnect; a cluster that was started for this ends."""
        if self._joined:
            self.ray.shutdown()

    def _fitting(self, has: Mapping[str, float]) -> int:
        rooms = [int(has.get(name, 0.0) / amount) for name, amount in self._needs.items() if amount]
        return min(rooms, default=1)

    def _join(self, address: str, shipped: Path | None) -> None:
        environment = {}
        if shipped is not None:
            environment = {"working_dir": str(shipped), "excludes": _EXCLUDED}
        own: dict[str, Any] = {"include_dashboard": False} if self.local else {}
        try:
            _knock(address)
            self.ray.init(
                address, runtime_env=environment, log_to_driver=False, logging_level="ERROR", **own
            )
        except self.ray.exceptions.RuntimeEnvSetupError as error:
            raise ProblemError(f"{shipped}: cannot be sent to the cluster ({error})") from error
        except (OSError, RuntimeError, ValueError) as error:
            raise InvalidArgument(
                f"ray_address: cannot join {address!r} ({' '.join(str(error).split())}); "
                "start a cluster with `ray start --head`, or leave the address out"
            ) from error


def _knock(address: str) -> None:
    """See whether anything listens there: Ray itself would try for a quarter of an hour.

    Raises:
        OSError: Nothing does.
        ValueError: It is no address.
    """
    if address in ("auto", _LOCAL):
        return
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or "/" in host:
        raise ValueError("give auto or host:port; run lamcts on a machine of the cluster")
    socket.create_connection((host, int(port)), _PATIENCE).close()


def _import_ray() -> Any:
    # Ray reads this when it is imported; nothing is reported unless the user wants it.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise DependencyNotInstalled(
            'executor: Ray is not installed; run: pip install "lamcts[ray]"'
        ) from error
    return ray


def _shipping(ref: str) -> tuple[str, Path | None]:
    """The reference in a worker, and the folder to ship, which becomes the worker's current one.

    It is the folder of the problem's file, or the current folder for a module that lies in it.
    A job that was submitted with a working directory has shipped that already.
    """
    job = json.loads(os.environ.get("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}"))
    submitted = "working_dir" in (job.get("runtime_env") or {})
    here = Path.cwd()
    before, _, attribute = ref.rpartition(":")
    name = before if before.endswith(".py") else ref
    if name.endswith(".py"):
        file = Path(name)
        folder = here if submitted else file.parent
        if file.is_relative_to(folder):
            ref = str(file.relative_to(folder)) + (f":{attribute}" if name == before else "")
        return ref, None if submitted else folder
    top = before.partition(".")[0]
    lies_here = bool(top) and ((here / top).is_dir() or (here / f"{top}.py").is_file())
    return ref, here if lies_here and not submitted else None


def _in_words(amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {amount:g}" for name, amount in amounts.items())
