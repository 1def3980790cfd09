"""The task of images: every option of a recipe does what it says."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.training import Recipe
from lamcts.errors import DependencyNotInstalled, InvalidArgument
from tests.adapters.training.conftest import convolution, pictures

pytest.importorskip("torch")

import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from lamcts.adapters.training import arrays
from lamcts.adapters.training.arrays import ArrayLoader
from lamcts.adapters.training.augment import (
    cutout,
    flipped,
    mixed,
    padded_crop,
    scored_view,
)
from lamcts.adapters.training.images import ImageBatch, ImageTask

RECIPE = Recipe(epochs=2, batch_size=10)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def _logits(images: Any) -> Any:
    """A network without weights: means of the channels."""
    return images.mean(dim=(2, 3))


def _batch(data: Any, rows: int = 6) -> ImageBatch:
    train = data.train
    return ImageBatch(torch.from_numpy(train.images[:rows]), torch.from_numpy(train.labels[:rows]))


def test_every_image_comes_once_an_epoch_in_an_order_of_seed_and_epoch() -> None:
    task = ImageTask(pictures(), RECIPE)
    assert task.steps_per_epoch == 3

    def epoch(number: int, task: ImageTask = task) -> Any:
        batches = list(task.batches(number))
        assert [len(batch.targets) for batch in batches] == [10, 10, 4]
        return torch.cat([batch.images for batch in batches])

    first = epoch(0)
    every = sorted(image.tobytes() for image in pictures().train.images)
    assert sorted(image.numpy().tobytes() for image in first) == every
    torch.manual_seed(5)  # whatever was drawn before
    assert torch.equal(epoch(0), first)
    assert not torch.equal(epoch(1), first)
    assert not torch.equal(epoch(0, ImageTask(pictures(), replace(RECIPE, seed=1))), first)


def test_the_loss_is_cross_entropy_with_smoothing() -> None:
    task = ImageTask(pictures(), replace(RECIPE, label_smoothing=0.1))
    batch = _batch(pictures())
    logits = _logits(batch.images)
    shares = torch.full_like(logits, 0.1 / 3)
    shares[torch.arange(6), batch.targets] += 0.9
    expected = -(shares * log_softmax(logits, dim=1)).sum(1).mean()
    assert float(task.loss(_logits, batch)) == pytest.approx(float(expected))  # type: ignore[arg-type]


def test_an_auxiliary_head_has_its_share() -> None:
    task = ImageTask(pictures(), replace(RECIPE, auxiliary_weight=0.25))
    batch = _batch(pictures())

    def two(images: Any) -> Any:
        return _logits(images), 2.0 * _logits(images)

    ours, other = (cross_entropy(logits, batch.targets) for logits in two(batch.images))
    assert float(task.loss(two, batch)) == pytest.approx(float(ours + 0.25 * other))  # type: ignore[arg-type]


def test_a_teacher_is_learned_from_and_sees_larger_images() -> None:
    seen: list[tuple[int, ...]] = []

    class Teacher(torch.nn.Module):
        def forward(self, images: Any) -> Any:
            seen.append(tuple(images.shape[2:]))
            return 3.0 * _logits(images)

    recipe = replace(RECIPE, distillation=0.7, temperature=2.0, resolution=6, teacher_resolution=12)
    task = ImageTask(pictures(), recipe, teacher=Teacher())
    batch = _batch(pictures())
    sizes: list[Any] = []

    def student(images: Any) -> Any:
        sizes.append(tuple(images.shape[2:]))
        return _logits(images)

    loss = float(task.loss(student, batch))  # type: ignore[arg-type]
    assert (sizes, seen) == ([(6, 6)], [(12, 12)])
    images = batch.images
    small, large = (
        torch.nn.functional.interpolate(images, (s, s), mode="bilinear", antialias=True)
        for s in (6, 12)
    )
    own, taught = _logits(small), 3.0 * _logits(large)
    soft = kl_div(log_softmax(own / 2, 1), softmax(taught / 2, 1), reduction="batchmean")
    expected = 0.3 * cross_entropy(own, batch.targets) + 0.7 * 4.0 * soft
    assert loss == pytest.approx(float(expected), rel=1e-5)
    with pytest.raises(InvalidArgument, match="there is no teacher"):
        ImageTask(pictures(), recipe)


def test_the_score_is_the_share_of_right_labels() -> None:
    data = pictures()
    task = ImageTask(data, RECIPE)
    for split in ("validation", "test"):
        part = getattr(data, split)
        right = part.images.mean(axis=(2, 3)).argmax(1) == part.labels
        assert task.score(_logits, split) == right.mean()  # type: ignore[arg-type]


def test_tests_may_see_another_size_and_the_middle() -> None:
    images = torch.arange(64.0).reshape(1, 1, 8, 8)
    assert torch.equal(scored_view(images, None, 1.0), images)
    assert scored_view(images, 16, 1.0).shape == (1, 1, 16, 16)
    view = scored_view(images, 4, 0.5)  # resized to 8, which it is; the middle 4
    assert torch.equal(view, images[:, :, 2:6, 2:6])
    seen: list[Any] = []

    def network(images: Any) -> Any:
        seen.append(tuple(images.shape[2:]))
        return _logits(images)

    ImageTask(pictures(), replace(RECIPE, test_resolution=12, test_crop=0.8)).score(network)  # type: ignore[arg-type]
    assert set(seen) == {(12, 12)}


@given(st.integers(1, 40), st.integers(1, 4), st.integers(1, 3), st.integers(0, 5))
def test_several_processes_share_every_batch_equally(
    images: int, processes: int, times: int, epoch: int
) -> None:
    recipe = replace(RECIPE, batch_size=processes * times)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrays, "world", lambda: processes)
        parts = []
        for rank in range(processes):
            patch.setattr(arrays, "rank", lambda rank=rank: rank)
            order = arrays.epoch_order(images, recipe, epoch)
            parts.append(list(arrays.shares(order, recipe)))
        steps = arrays.step_count(images, recipe)
    assert {len(part) for part in parts} == {steps}
    assert math.ceil(images / recipe.batch_size) - steps in (0, 1)
    if min(times, math.ceil(images / processes)) > 1:  # else no batch has two for each
        assert min(len(share) for part in parts for share in part) > 1
    for shares in zip(*parts, strict=True):
        assert len({len(share) for share in shares}) == 1
    seen = torch.cat([share for part in parts for share in part]).tolist()
    assert set(seen) == set(range(images))
    assert len(seen) - images < processes  # filled up to equal shares, no further


def test_what_remains_is_a_batch_of_its_own_if_it_can_be_trained_on() -> None:
    recipe = replace(RECIPE, batch_size=4)
    sizes = [[len(rows) for rows in arrays.shares(torch.arange(n), recipe)] for n in (8, 9, 10, 1)]
    assert sizes == [[4, 4], [4, 5], [4, 4, 2], [1]]


# -- Random changes ------------------------------------------------------------------------------


def test_a_padded_crop_is_a_window_of_the_padded_image() -> None:
    images = torch.arange(1.0, 3 * 2 * 16 + 1).reshape(3, 2, 4, 4).repeat(40, 1, 1, 1)
    fill = torch.tensor([-1.0, -2.0])
    cropped = padded_crop(images, 2, fill)
    wide = torch.stack(
        [
            torch.nn.functional.pad(images[:, channel], (2,) * 4, value=float(fill[channel]))
            for channel in range(2)
        ],
        dim=1,
    )
    offsets = set()
    for image, whole in zip(cropped, wide, strict=True):
        fits = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if torch.equal(whole[:, y : y + 4, x : x + 4], image)
        ]
        assert fits
        offsets.update(fits)
    assert len(offsets) > 20  # of 25


def test_the_padding_is_black() -> None:
    data = pictures()
    loader = ArrayLoader(data, replace(RECIPE, crop="pad"), torch.device("cpu"))
    images = torch.cat([images for images, _ in loader.training(0)])
    assert images.shape[2:] == (8, 8)
    assert float(images.min()) == pytest.approx(-0.4 / 0.3)  # 0 before it was scaled


def test_half_of_the_images_are_mirrored() -> None:
    images = torch.rand(400, 1, 3, 3)
    found = flipped(images)
    mirrored = (found == images.flip(3)).flatten(1).all(1)
    kept = (found == images).flatten(1).all(1)
    assert bool((mirrored ^ kept).all())
    assert 140 < int(mirrored.sum()) < 260


def test_cutout_blanks_a_square_around_any_pixel() -> None:
    images = torch.ones(500, 2, 8, 8)
    holes = cutout(images, 4) == 0.0
    assert torch.equal(holes[:, 0], holes[:, 1])
    sizes = holes[:, 0].flatten(1).sum(1)
    assert int(sizes.max()) == 16
    assert int(sizes.min()) == 4  # a corner's
    for hole in holes[:50, 0]:
        rows, columns = hole.any(1), hole.any(0)
        assert torch.equal(hole, rows[:, None] & columns[None, :])
    assert bool(holes[:, 0].any(0).all())  # every pixel at some time


def test_mixup_mixes_images_and_labels_in_one_proportion() -> None:
    pytest.importorskip("torchvision")
    images = torch.rand(8, 3, 4, 4)
    labels = torch.arange(8) % 4
    mixes, shares = mixed(images, labels, replace(RECIPE, mixup=0.5), 4)
    share = float(shares[0, labels[0]])
    assert 0.0 < share < 1.0
    torch.testing.assert_close(mixes, share * images + (1 - share) * images.roll(1, 0))
    torch.testing.assert_close(shares.sum(1), torch.ones(8))


def test_cutmix_pastes_a_part_whose_share_the_label_gets() -> None:
    pytest.importorskip("torchvision")
    images = torch.rand(8, 3, 16, 16)
    labels = torch.arange(8) % 4
    mixes, shares = mixed(images, labels, replace(RECIPE, cutmix=1.0), 4)
    pasted = (mixes == images.roll(1, 0)).all(1)
    kept = (mixes == images).all(1)
    assert bool((pasted | kept).all())
    share = pasted[0].float().mean()
    torch.testing.assert_close(shares[0, labels[0]], 1.0 - share)


def test_batches_are_mixed_as_often_as_the_recipe_says() -> None:
    pytest.importorskip("torchvision")
    images, labels = torch.rand(4, 3, 8, 8), torch.arange(4) % 3

    def share(recipe: Recipe) -> float:
        drawn = [mixed(images, labels, recipe, 3)[1].ndim == 2 for _ in range(300)]
        return float(np.mean(drawn))

    half = replace(RECIPE, cutmix=1.0, mix_probability=0.5)
    assert share(half) == pytest.approx(0.5, abs=0.1)
    assert share(replace(half, mixes=2)) == pytest.approx(0.75, abs=0.1)
    assert share(replace(half, mix_probability=0.0)) == 0.0


@pytest.mark.parametrize("policy", ["randaugment", "autoaugment-cifar10", "autoaugment-imagenet"])
def test_policies_change_pixels_and_leave_them_pixels(policy: Any) -> None:
    pytest.importorskip("torchvision")
    data = pictures()
    loader = ArrayLoader(data, replace(RECIPE, policy=policy), torch.device("cpu"))
    images = torch.cat([images for images, _ in loader.training(0)])
    plain = ArrayLoader(data, RECIPE, torch.device("cpu"))
    before = torch.cat([images for images, _ in plain.training(0)])
    assert images.shape == before.shape
    assert not torch.allclose(images, before)
    pixels = (images * 0.3 + 0.4) * 255.0
    torch.testing.assert_close(pixels, pixels.round(), atol=1e-3, rtol=0.0)
    same = ArrayLoader(data, replace(RECIPE, policy=policy), torch.device("cpu"))
    same._policy = lambda image: image
    unchanged = torch.cat([images for images, _ in same.training(0)])
    torch.testing.assert_close(unchanged, before, atol=1e-5, rtol=0.0)  # there and back


def test_a_policy_needs_pixels() -> None:
    pytest.importorskip("torchvision")
    data = replace(pictures(), mean=None)
    with pytest.raises(InvalidArgument, match="policy: randaugment changes pixels"):
        ImageTask(data, replace(RECIPE, policy="randaugment"))


def test_resized_crops_have_the_size_asked_for() -> None:
    pytest.importorskip("torchvision")
    for teacher, size in ((None, 6), (4, 6), (8, 8)):  # a teacher's larger images are not blown up
        recipe = replace(RECIPE, crop="resized", resolution=6, teacher_resolution=teacher)
        loader = ArrayLoader(pictures(), recipe, torch.device("cpu"))
        images, _ = next(iter(loader.training(0)))
        assert images.shape == (10, 3, size, size)


def test_what_needs_no_torchvision_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.transforms", None)
    task = ImageTask(pictures(), replace(RECIPE, crop="pad", flip=True, cutout=2))
    assert len(list(task.batches(0))) == 3
    for options in ({"policy": "randaugment"}, {"crop": "resized"}):
        with pytest.raises(DependencyNotInstalled, match=r'pip install "lamcts\[vision\]"'):
            ImageTask(pictures(), replace(RECIPE, **options))  # type: ignore[arg-type]


def test_a_small_network_learns_with_all_of_it() -> None:
    pytest.importorskip("torchvision")
    from lamcts.adapters.training.loop import fit

    recipe = Recipe(
        epochs=12,
        batch_size=8,
        learning_rate=0.05,
        crop="pad",
        flip=True,
        cutout=2,
        mixup=0.2,
        label_smoothing=0.1,
        ema=0.9,
        clip=5.0,
    )
    trained = fit(convolution, ImageTask(pictures(48), recipe), recipe)
    assert trained.score is not None
    assert trained.score > 0.6  # chance is 1/3
