"""The wheel ships what the tree holds: the package list is by hand, and two folders are mapped."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import lamcts

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
#: folder at the root: the name it is shipped under
SHIPPED = {"lamcts": "lamcts", "adapters": "lamcts.adapters", "problems": "lamcts.problems"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def packages_of(folder: str) -> list[str]:
    """Names under which the packages of a root folder are shipped."""
    names = []
    for file in (ROOT / folder).glob("**/__init__.py"):
        inner = file.parent.relative_to(ROOT / folder).parts
        if folder == "lamcts" and inner[:1] in [("adapters",), ("problems",)]:
            continue  # the links, where globbing follows them
        names.append(".".join([SHIPPED[folder], *inner]))
    return names


def test_every_package_is_listed(project: dict[str, Any]) -> None:
    found = [name for folder in SHIPPED for name in packages_of(folder)]
    assert len(found) > len(SHIPPED), "no packages found: is this a checkout?"
    listed = project["tool"]["setuptools"]["packages"]
    assert set(listed) == set(found)


def test_root_folders_are_mapped_into_the_package(project: dict[str, Any]) -> None:
    mapping = project["tool"]["setuptools"]["package-dir"]
    assert mapping == {name: folder for folder, name in SHIPPED.items()}


@pytest.mark.parametrize("folder", ["adapters", "problems"])
def test_link_resolves_to_the_root_folder(folder: str) -> None:
    link = ROOT / "lamcts" / folder
    if link.is_file():
        pytest.skip("a checkout without symbolic links")
    assert link.is_symlink()
    assert link.resolve() == (ROOT / folder).resolve()


def test_versions_agree(project: dict[str, Any]) -> None:
    version = project["project"]["version"]
    assert lamcts.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE).group(1) == version  # type: ignore[union-attr]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{version}]" in changelog


def test_extra_all_holds_every_extra_of_a_user(project: dict[str, Any]) -> None:
    extras = project["project"]["optional-dependencies"]
    [everything] = extras["all"]
    named = set(everything.removeprefix("lamcts[").removesuffix("]").split(","))
    assert named == extras.keys() - {"all", "dev", "docs", "peers"}  # peers: for comparisons only


def test_types_are_shipped(project: dict[str, Any]) -> None:
    assert (ROOT / "lamcts" / "py.typed").exists()
    assert "py.typed" in project["tool"]["setuptools"]["package-data"]["lamcts"]


def test_metadata_of_the_installed_package(project: dict[str, Any]) -> None:
    try:
        metadata = importlib.metadata.metadata("lamcts")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("run from a checkout that is not installed")
    assert metadata["License-Expression"] == project["project"]["license"] == "Apache-2.0"
