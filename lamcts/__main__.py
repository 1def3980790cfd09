"""The command line, as ``python -m lamcts`` and as the console script ``lamcts``."""

import sys


def main() -> None:
    """Run a command. Ctrl-C is one line from the first moment, while the imports go on."""
    try:
        from lamcts.cli import app

        app(prog_name="lamcts")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
