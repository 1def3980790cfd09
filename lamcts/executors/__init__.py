"""Where trials are evaluated: in this process, in processes of their own, or on a Ray cluster."""

from __future__ import annotations

from lamcts.executors._base import Executor, Task
from lamcts.executors._process import ProcessExecutor
from lamcts.executors._ray import RayExecutor
from lamcts.executors._serial import SerialExecutor

__all__ = ["Executor", "ProcessExecutor", "RayExecutor", "SerialExecutor", "Task"]
