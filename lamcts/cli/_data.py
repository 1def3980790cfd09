"""Commands about published tables: ``data add``, ``data list``, ``data fetch``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer

from lamcts.cli._app import Commands, app
from lamcts.cli._options import Json, Quiet
from lamcts.cli._output import print_json, print_table, say

if TYPE_CHECKING:
    from rich.progress import Progress
    from typing_extensions import Self

    from lamcts.datasets import Stored

data_app = Commands(help="Published tables on this machine: add a file, list them, fetch one.")
app.add_typer(data_app, name="data")

Kind = Annotated[
    str,
    typer.Argument(
        help="Which: nasbench101, nasbench101-full, cifar10 or cifar100.", show_default=False
    ),
]
Name = Annotated[
    str | None,
    typer.Option("--name", help="What to call it.  [default: KIND]", show_default=False),
]


@data_app.command("add")
def add_command(
    kind: Kind,
    file: Annotated[Path, typer.Argument(help="The published file.", show_default=False)],
    name: Name = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check every check sum in the file.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Read a published file once, so that it opens at once from then on."""
    from lamcts.datasets import add

    with _Bar(name or kind, quiet) as bar:
        stored = add(kind, file, name=name, verify=verify, progress=bar)
    _say_stored(stored, quiet)


@data_app.command("fetch")
def fetch_command(
    kind: Kind,
    name: Name = None,
    url: Annotated[
        str | None, typer.Option(help="A mirror of the official address.", show_default=False)
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Download a published file, check it, and add it. Interrupted, it goes on when repeated."""
    from lamcts.datasets import fetch, find_dataset

    spec = find_dataset(kind)
    if not quiet:
        say(f"{url or spec.url}, {spec.size / 1e6:,.0f} MB")
    with _Bar(name or kind, quiet) as bar:
        stored = fetch(kind, url=url, name=name, progress=bar)
    _say_stored(stored, quiet)


@data_app.command("list")
def list_command(json: Json = False) -> None:
    """List the tables that are here, and those that could be."""
    from lamcts.datasets import data_folder, list_data, list_datasets

    here = list_data()
    if json:
        print_json(
            [
                {"name": s.name, "kind": s.kind, "path": s.path, "source": s.source, **s.facts}
                for s in here
            ]
        )
        return
    print_table(
        ((s.name, f"{s.size / 1e6:,.1f} MB", s.facts.get("summary", s.kind)) for s in here),
        header=("table", "size", "holds") if here else (),
    )
    if not here:
        say(f"no tables in {data_folder()}")
    for spec in list_datasets():
        if all(stored.name != spec.id for stored in here):
            say(f"not here: {spec.id}, {spec.summary}; get it with: lamcts data fetch {spec.id}")


def _say_stored(stored: Stored, quiet: bool) -> None:
    if not quiet:
        say(f"{stored.name}: {stored.facts.get('summary', 'added')}")
        say(f"stored in {stored.path}, {stored.size / 1e6:,.1f} MB")


class _Bar:
    """How far a file is: a bar on a terminal, a line every few seconds elsewhere.

    Args:
        what: The word before it.
        quiet: Show nothing.
    """

    _PAUSE = 5.0  # seconds between two lines

    def __init__(self, what: str, quiet: bool) -> None:
        self._what = what
        self._bar: Progress | None = None
        self._quiet = quiet
        self._next = time.monotonic() + self._PAUSE

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        if not self._quiet and console.is_terminal and not console.is_dumb_terminal:
            self._bar = Progress(console=console, transient=True)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` bytes are through."""
        if self._bar is not None:
            if not self._bar.task_ids:
                self._bar.add_task(self._what)
            self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        elif not self._quiet and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._PAUSE
            print(f"{self._what}: {100 * done / total:.0f} %", file=sys.stderr, flush=True)
