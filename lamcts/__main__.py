"""``python -m lamcts``: the command line."""

from lamcts.cli import app

if __name__ == "__main__":
    app(prog_name="lamcts")
