"""The command line, one file a group of commands; `lamcts.__main__` starts `app`."""

from lamcts.cli import (
    _bench,
    _data,
    _export,
    _info,
    _latency,
    _predictor,
    _problems,
    _runs,
    _search,
    _supernet,
    _train,
)
from lamcts.cli._app import app

__all__ = ["app"]

# Importing a module adds its commands; named here so that the imports are no mystery.
_COMMANDS = (
    _search,
    _runs,
    _train,
    _export,
    _problems,
    _supernet,
    _latency,
    _predictor,
    _bench,
    _data,
    _info,
)
