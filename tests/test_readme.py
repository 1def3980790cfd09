"""What README and documentation show runs as it stands: Python blocks, and `lamcts` commands.

A page's blocks are run in order, in one empty folder that has `problems/` beside it; commands with
a budget small enough for a test, beside the blocks whose first line is a file's name. Commands that
need a cluster or packages that the tests do not have stand in ``text`` blocks.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: What takes long, and what it is cut down to here.
SMALL = {
    "run": ["--budget", "3"],
    "resume": ["--budget", "4"],
    "bench": ["--budget", "4", "--seeds", "1", "--dim", "2"],
}


def blocks(page: Path, *languages: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


def commands(page: Path) -> list[list[str]]:
    """The words of each ``lamcts`` command of a page, cut down."""
    whole = [code.replace("\\\n", " ") for code in blocks(page, "console", "bash")]
    lines = [line for code in whole for line in code.splitlines()]
    parts = [part for line in lines for part in line.removeprefix("$ ").split(" && ")]
    return [cut_down(shlex.split(part)[1:]) for part in parts if part.startswith("lamcts ")]


def cut_down(words: list[str]) -> list[str]:
    words = list(words)
    options = SMALL.get(words[0], [])
    for name in options[::2]:
        if name in words:
            at = words.index(name)
            del words[at : at + 2]
    return words + options


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "problems", tmp_path / "problems")
    return tmp_path


def with_blocks(*languages: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, *languages)]


@pytest.mark.parametrize("page", with_blocks("python"), ids=lambda page: page.name)
def test_python_blocks_run(page: Path, folder: Path) -> None:
    (folder / "page.py").write_text("\n\n".join(blocks(page, "python")), encoding="utf-8")
    done = run(["-W", "error", "page.py"], folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", with_blocks("console", "bash"), ids=lambda page: page.name)
def test_commands_run(page: Path, folder: Path) -> None:
    for code in blocks(page, "python"):
        if name := re.match(r"# (\w+\.py)\n", code):
            (folder / name[1]).write_text(code, encoding="utf-8")
    for words in commands(page):
        done = run(["-m", "lamcts", *words], folder)
        assert done.returncode == 0, f"lamcts {shlex.join(words)}\n{done.stderr}"


def test_readme_shows_the_two_commands_and_short_python() -> None:
    shell = "".join(blocks(ROOT / "README.md", "bash", "console"))
    assert 'pip install ".[torch]" && lamcts run problems/nasbench.py\n' in shell
    assert 'pip install -e ".[dev]" && pytest\n' in shell
    first = blocks(ROOT / "README.md", "python")[0]
    assert sum(bool(line.strip()) for line in first.splitlines()) <= 12


def test_relative_links_lead_somewhere() -> None:
    for page in PAGES:
        targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        for target in targets:
            assert (page.parent / target).exists(), f"{page.name}: {target}"
