"""``lamcts info``: versions and platform, for a bug report."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from typing import Annotated

import typer

import lamcts
from lamcts.cli._app import app
from lamcts.cli._output import print_json, print_table

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "cmaes", "typer", "rich")
_OPTIONAL = ("torch", "matplotlib", "pandas", "gymnasium")


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@app.command()
def info(
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print versions, libraries and platform: paste it into a bug report."""
    facts = {
        "lamcts": lamcts.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "executable": sys.executable,
    }
    libraries = {name: _installed(name) for name in (*_LIBRARIES, *_OPTIONAL)}
    if json:
        print_json({**facts, "libraries": libraries})
        return
    rows = [(name, str(value)) for name, value in facts.items()]
    rows += [(name, found or "not installed") for name, found in libraries.items()]
    print_table(rows)
