"""The application: options of every command, and how errors are shown."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

import lamcts
from lamcts.cli._output import results_apart, say
from lamcts.errors import LamctsError

__all__ = ["INTERRUPTED", "Commands", "app"]

_HELP = """Black-box optimisation with LA-MCTS: find good points, and good neural architectures.

\b
  lamcts run problems/nasbench.py      search for an architecture
  lamcts init mine.py                  write a problem of your own
  lamcts problems                      what is there to run

\b
Exit status:
  0    done
  1    the run failed
  2    a mistake in the command or in the problem file
  3    stopped by --max-failures
  130  interrupted; the run can be resumed
"""


#: Exit status after Ctrl-C.
INTERRUPTED = 130

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Application(TyperGroup):
    """Shows errors raised on purpose as one line; ``--debug``, anywhere, shows the traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Call the command; Ctrl-C, where it has no words of its own for it, is one line."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    def main(self, args: Any = None, *more: Any, **extra: Any) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        words = [word for word in words if word != "--debug"]
        if isinstance(sys.stdout, io.TextIOWrapper):  # an error may name a file in any bytes
            sys.stdout.reconfigure(errors="backslashreplace")
        try:
            return super().main(words, *more, **extra)
        except LamctsError as error:
            if debug:
                raise
            say(f"Error: {error}")
            sys.exit(error.exit_code)
        except OSError as error:  # a full disk behind standard output, a file that may not be read
            if debug:
                raise
            say(f"Error: {error}")
            sys.exit(1)


class _Command(TyperCommand):
    """A command: while it runs, standard output is for what it prints itself."""

    def invoke(self, ctx: Any) -> Any:
        with results_apart():
            return super().invoke(ctx)


class Commands(typer.Typer):
    """Commands of one name.

    Plain help and errors: no boxes to break in a log, no colours to strip, no import of rich.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(no_args_is_help=True, rich_markup_mode=None, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[_Function], _Function]:
        """Add a function as a command."""
        return super().command(name, cls=_Command, **options)


app = Commands(
    cls=Application,
    help=_HELP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"lamcts {lamcts.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error, in any command.")
    ] = False,
) -> None:
    """Both options are dealt with before a command starts."""
