from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
if importlib.util.find_spec("mmcv") is None:
    # on purpose: an extra, which `.[dev]`, and so .ci/run, brings
    pytest.skip('needs mmcv: pip install "lamcts[mmdet]"', allow_module_level=True)

from lamcts.adapters.mmdet import ops  # noqa: E402
from lamcts.errors import DependencyNotInstalled  # noqa: E402


def boxes(seed: int, n: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 60, (n, 2)), rng.uniform(1, 40, (n, 2))
    scores = rng.integers(0, 20, n) / 20  # some are equal
    return (
        torch.tensor(np.hstack([corner, corner + size]), dtype=torch.float32),
        torch.tensor(scores, dtype=torch.float32),
    )


def overlap(a: list[float], b: list[float], offset: int) -> float:
    sides = [min(a[k + 2], b[k + 2]) - max(a[k], b[k]) + offset for k in (0, 1)]
    shared = max(sides[0], 0.0) * max(sides[1], 0.0)
    areas = [(x[2] - x[0] + offset) * (x[3] - x[1] + offset) for x in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


@given(
    st.integers(0, 10**6), st.integers(0, 40), st.sampled_from([0.3, 0.5, 0.7]), st.integers(0, 1)
)
def test_nms_keeps_what_no_better_kept_box_covers(
    seed: int, n: int, threshold: float, offset: int
) -> None:
    b, scores = boxes(seed, n)
    kept: list[int] = []
    for i in sorted(range(n), key=lambda i: (-scores[i].item(), i)):
        if all(overlap(b[i].tolist(), b[j].tolist(), offset) <= threshold for j in kept):
            kept.append(i)
    assert ops.nms(b, scores, threshold, offset).tolist() == kept


def test_nms_of_more_boxes_than_are_compared_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    b, scores = boxes(5, 200)
    whole = ops.nms(b, scores, 0.5).tolist()
    monkeypatch.setattr(ops, "_ROWS", 7)
    assert ops.nms(b, scores, 0.5).tolist() == whole


def focal_loss(logits: Any, target: Any, weight: Any, gamma: float, alpha: float) -> Any:
    """By the formula of the paper, one number at a time."""
    rows = []
    for row, label in zip(logits, target.tolist(), strict=True):
        for c, logit in enumerate(row):
            p = torch.sigmoid(logit)
            p_t, alpha_t = (p, alpha) if c == label else (1 - p, 1 - alpha)
            factor = weight[label] if len(weight) and label < len(row) else 1.0
            rows.append(-alpha_t * (1 - p_t) ** gamma * torch.log(p_t) * factor)
    return torch.stack(rows).reshape(logits.shape)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("gamma", [2.0, 1.5])
def test_focal_loss_and_its_gradient(gamma: float, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(7, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([0, 1, 2, 3, 3, 1, 0])  # 3 is background
    weight = torch.tensor([0.5, 2.0, 1.0] if weighted else [], dtype=torch.float64)
    expected = focal_loss(logits, target, weight, gamma, 0.25)
    output, gradient = (
        torch.empty(7, 3, dtype=torch.float64),
        torch.empty(7, 3, dtype=torch.float64),
    )
    ops.sigmoid_focal_loss_forward(logits, target, weight, output, gamma, 0.25)
    torch.testing.assert_close(output, expected)
    ops.sigmoid_focal_loss_backward(logits, target, weight, gradient, gamma, 0.25)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected.sum(), logits)[0])


def test_focal_loss_is_that_of_mmdetection(mmdet: None) -> None:
    from mmcv.ops import sigmoid_focal_loss
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss

    logits = torch.randn(9, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    target = torch.tensor([0, 1, 2, 3, 4, 4, 2, 1, 0])
    onehot = torch.nn.functional.one_hot(target, 5)[:, :4].float()
    expected = py_sigmoid_focal_loss(logits, onehot, reduction="sum")
    if ops.install():
        ours = sigmoid_focal_loss(logits, target, 2.0, 0.25, None, "sum")
        torch.testing.assert_close(ours, expected)
        torch.testing.assert_close(
            torch.autograd.grad(ours, logits)[0], torch.autograd.grad(expected, logits)[0]
        )


def test_nms_is_that_of_compiled_mmcv() -> None:
    if ops.install():
        pytest.skip("mmcv has no compiled part here")
    import mmcv.ops

    for seed in range(50):
        b, scores = boxes(seed, 60)
        _, kept = mmcv.ops.nms(b, scores, 0.5)
        assert sorted(kept.tolist()) == sorted(ops.nms(b, scores, 0.5).tolist())


def test_other_operations_name_themselves_and_what_to_install(mmdet: None) -> None:
    if not ops.install():
        pytest.skip("mmcv is compiled here")
    from mmcv.ops import roi_align

    with pytest.raises(DependencyNotInstalled, match=r"'roi_align_forward'.*pip.*mmcv==2\.1\.0"):
        roi_align(torch.ones(1, 1, 8, 8), torch.tensor([[0.0, 0, 0, 4, 4]]), (2, 2))


def test_installing_again_changes_nothing(mmdet: None) -> None:
    before = sys.modules["mmcv._ext"]
    assert ops.install() == ops.install()
    assert sys.modules["mmcv._ext"] is before
