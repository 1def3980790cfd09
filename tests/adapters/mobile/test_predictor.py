"""Predictors: the shipped one's reference values, layouts, damaged files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.mobile import COMPOUND, Choices, block_space, ofa_space
from lamcts.adapters.mobile.choices import Codes
from lamcts.adapters.mobile.predictor import find_encoder, load_predictor
from lamcts.errors import InvalidArgument

Rows = list[dict[str, str]]
OFA = Choices(ofa_space())
SHIPPED = "ofa_mbv3_imagenet/ofa_mbv3_w1.0_acc_predictor.npz"


def test_the_shipped_predictor_gives_its_reference_values(
    published: Callable[[str], Path],
    rows_of: Callable[[str], Rows],
    ofa_codes: Callable[[Rows], Codes],
) -> None:
    predictor = load_predictor(published(SHIPPED))
    assert predictor.inputs == 124
    encode = find_encoder(OFA, 124)
    largest, smallest = np.full(46, 2), np.zeros(46, dtype=np.int64)
    largest[0] = 3
    corners = predictor(encode(np.array([largest, smallest])))
    assert corners.round(5).tolist() == [0.75621, 0.62761]
    rows = rows_of("ofa_mbv3_imagenet/ofa_mbv3_w1.0_subnets.csv")
    measured = np.array([float(row["top1"]) for row in rows])
    errors = abs(predictor(encode(ofa_codes(rows))) - measured)
    assert errors.mean() == pytest.approx(0.00255, abs=5e-6)


def test_the_layouts_of_once_for_all_by_hand() -> None:
    row = np.zeros(46, dtype=np.int64)
    row[0] = 2  # 192 pixels
    row[6:10] = [1, 2, 2, 2]  # of the first stage's kernels two count
    row[26:30] = [2, 1, 1, 1]
    used = [0, 1, 4, 5, 8, 9, 12, 13, 16, 17]  # two blocks a stage
    kernels = {3 * slot + {0: 1, 1: 2}.get(slot, 0) for slot in used}
    expands = {3 * slot + {0: 2, 1: 1}.get(slot, 0) for slot in used}
    short = find_encoder(OFA, 124)(row[None])[0]
    assert set(np.flatnonzero(short)) == {2} | {4 + k for k in kernels} | {64 + e for e in expands}
    long = find_encoder(OFA, 128)(row[None])[0]
    assert set(np.flatnonzero(long)) == kernels | {60 + e for e in expands} | {120 + 5}
    assert (len(short), len(long)) == (124, 128)


def test_the_block_space_has_all_choices_in_order() -> None:
    choices = Choices(block_space(COMPOUND[:1]))
    row = np.array([0, 1, 1, 2, 2, 3, 0, 0, 0, 1, 0, 1, 1, 0, *[2] * 7, *[1] * 7])
    features = find_encoder(choices, 71)(row[None])[0]
    assert features.sum() == 28
    assert features[:22].tolist() == [
        1,
        0,
        0,
        0,
        1,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        1,
        0,
        0,
    ]
    assert features[22:36].tolist() == [1, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0]
    assert features[36:57].tolist() == [0, 0, 1] * 7
    assert features[57:].tolist() == [0, 1] * 7
    assert find_encoder(Choices(block_space()), 79)(np.zeros((2, 29), dtype=int)).shape == (2, 79)


def test_a_linear_fit_of_the_accelerator_table_ranks_it(
    rows_of: Callable[[str], Rows], tmp_path: Path
) -> None:
    """The layout carries what matters: 28 choices, one matrix, rows that it was not fitted to."""
    rows = rows_of("accel_nasbench_imagenet/accel_nasbench_imagenet.csv")
    known = {"l": "1234", "k": "35", "e": "146", "se": "01"}
    codes = np.array(
        [[o.index(r[f"b{s}_{key}"]) for key, o in known.items() for s in range(7)] for r in rows]
    )
    top1 = np.array([float(row["val_top1"]) / 100 for row in rows])
    encode = find_encoder(Choices(block_space(COMPOUND[:1])), 71)
    features = encode(codes)
    base = top1[:4000].mean()
    weights = np.linalg.lstsq(features[:4000], top1[:4000] - base, rcond=None)[0]
    np.savez(tmp_path / "fit.npz", w0=weights[None], base_acc=base)
    predicted = load_predictor(tmp_path / "fit.npz")(features[4000:])
    assert np.corrcoef(predicted, top1[4000:])[0, 1] > 0.9


def test_a_perceptron_by_hand(tmp_path: Path) -> None:
    w0, b0, w1 = [[1.0, -1.0], [2.0, 0.0]], [0.5, -1.0], [[1.0, 10.0]]
    np.savez(tmp_path / "p.npz", w0=w0, b0=b0, w1=w1, base_acc=[0.25])
    predictor = load_predictor(tmp_path / "p.npz")
    assert predictor.inputs == 2
    # relu(1 - 3 + 0.5) = 0 and relu(2 - 1) = 1; then relu(1.5) and 1
    assert predictor(np.array([[1.0, 3.0], [1.0, 0.0]])).tolist() == [10.25, 11.75]


def test_published_checkpoints_give_what_their_arrays_give(tmp_path: Path) -> None:
    """Once-for-All's two forms: nested layers with base_acc, and a plain sequence with biases."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    w0, b0, w1 = rng.normal(size=(3, 2)), rng.normal(size=3), rng.normal(size=(1, 3))
    features = rng.normal(size=(5, 2))
    np.savez(tmp_path / "p.npz", w0=w0, b0=b0, w1=w1, base_acc=0.25)
    expected = load_predictor(tmp_path / "p.npz")(features)
    tensors = {name: torch.from_numpy(array) for name, array in {"w": w0, "b": b0, "v": w1}.items()}
    base = torch.tensor([0.25])
    nested = {"layers.0.0.weight": tensors["w"], "layers.0.0.bias": tensors["b"]}
    nested |= {"layers.1.weight": tensors["v"], "base_acc": base}
    plain = {"0.weight": tensors["w"], "0.bias": tensors["b"]}
    plain |= {"2.weight": tensors["v"], "2.bias": base}
    for name, data in {"a.pth": nested, "b.pt": plain, "c.pth.tar": {"state_dict": nested}}.items():
        torch.save(data, tmp_path / name)
        assert load_predictor(tmp_path / name)(features) == pytest.approx(expected)


def test_a_checkpoint_of_code_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"state_dict": {"weight": Path("x")}}, tmp_path / "p.pth")
    (tmp_path / "text.pth").write_text("weights")
    torch.save({"a": 1}, tmp_path / "none.pth")
    for name in ("p.pth", "text.pth", "none.pth"):
        with pytest.raises(InvalidArgument, match="is no checkpoint of weights"):
            load_predictor(tmp_path / name)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"w0": np.ones((3, 2)), "base_acc": 0.7}, "do not follow"),
        ({"w0": np.ones((3, 2)), "w1": np.ones((1, 3)), "base_acc": 0.7}, "no array.*b0"),
        ({"w0": np.ones((1, 2))}, "no array.*base_acc"),
        ({"base_acc": 0.7}, "needs layers"),
        ({"w0": np.ones((1, 2)), "base_acc": [0.1, 0.2]}, "one number base_acc"),
        ({"w0": np.array(["a"], dtype=object), "base_acc": 0.7}, "not a file"),
    ],
)
def test_damaged_files_are_refused(arrays: dict[str, Any], message: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(InvalidArgument, match=message):
        load_predictor(tmp_path / "p.npz")


def test_what_is_no_file_of_arrays_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="there is no file"):
        load_predictor(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("accuracy")
    with pytest.raises(InvalidArgument, match="not a file that numpy"):
        load_predictor(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.ones(3))
    with pytest.raises(InvalidArgument, match="not a file that numpy"):
        load_predictor(tmp_path / "one.npy")


def test_a_predictor_of_another_space_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="takes 71 numbers, known layouts have 124 or 128"):
        find_encoder(OFA, 71)
    with pytest.raises(InvalidArgument, match=r"takes 71 numbers, .* make 79; set the models"):
        find_encoder(Choices(block_space()), 71)
    other = Choices(ofa_space(1.0, (160, 176)))
    with pytest.raises(InvalidArgument, match=r"resolutions: 176 .* 128, 160, 192, 224"):
        find_encoder(other, 124)
    assert find_encoder(other, 128)(np.zeros((1, 46), dtype=int)).shape == (1, 128)
