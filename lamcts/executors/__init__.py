"""Where trials are evaluated: in this process, or in processes of their own."""

from __future__ import annotations

from lamcts.executors._base import Executor, Task
from lamcts.executors._process import ProcessExecutor
from lamcts.executors._serial import SerialExecutor

__all__ = ["Executor", "ProcessExecutor", "SerialExecutor", "Task"]
