"""The notebooks run from top to bottom in a fresh kernel, and are stored with what they print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

nbformat: Any = pytest.importorskip("nbformat", reason="notebooks need: pip install nbclient")
nbclient: Any = pytest.importorskip("nbclient", reason="notebooks need: pip install nbclient")
pytest.importorskip("ipykernel", reason="notebooks need: pip install ipykernel")

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def outputs(notebook: Any) -> list[str]:
    """The plain text that the code cells print or show."""
    shown = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return [out.get("text") or out.get("data", {}).get("text/plain", "") for out in shown]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_its_outputs(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert len(outputs(notebook)) >= 4
    assert str(ROOT) not in path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures belong in the notebook
    notebook = nbformat.read(path, as_version=4)
    stored = outputs(notebook)
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    again = outputs(notebook)
    assert len(again) == len(stored)
    # Yes and no must come out as they are stored; figures may differ in their last digits.
    assert [text for text in again if text in ("True", "False")] == [
        text for text in stored if text in ("True", "False")
    ]
    assert "False" not in again
