"""What needs mmdetection is skipped where it is not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from lamcts.adapters.mmdet import DetectionData, Shapes, shapes


@pytest.fixture(scope="session")
def mmdet() -> None:
    """mmdetection with our backbones registered."""
    if any(importlib.util.find_spec(name) is None for name in ("mmengine", "mmcv", "mmdet")):
        # on purpose: an extra, which `.[dev]`, and so .ci/run, brings
        pytest.skip('needs mmdetection: pip install "lamcts[mmdet]"')
    from lamcts.adapters.mmdet.requirements import require_mmdet

    require_mmdet()


@pytest.fixture(scope="session")
def data(mmdet: None, tmp_path_factory: pytest.TempPathFactory) -> DetectionData:
    """A few generated images."""
    plan = Shapes(train=12, validation=6, test=4, size=64)
    return shapes(plan, tmp_path_factory.mktemp("shapes") / "data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
