"""Images of a user: CIFAR in its published formats, arrays, folders, archives; mistakes named."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lamcts.adapters.training import ImageData, ImageFiles, open_images
from lamcts.adapters.training.cifar import import_archive
from lamcts.adapters.training.data import held_out
from lamcts.errors import InvalidArgument


@pytest.fixture
def drawn() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """120 images (n, 32, 32, 3) of 10 classes."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (120, 32, 32, 3), np.uint8), np.arange(120) % 10


def _rows(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As CIFAR's files have them: all of one channel, then the next."""
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1)


def _pickles(folder: Path, images: Any, labels: Any, key: bytes = b"labels") -> None:
    """100 images to train in five batches, 20 to test."""
    folder.mkdir()
    names = [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]
    for n, name in enumerate(names):
        part = slice(20 * n, 20 * n + 20)
        held = {b"data": _rows(images[part]), key: labels[part].tolist()}
        (folder / name).write_bytes(pickle.dumps(held, protocol=2))


def _check(data: Any, images: Any, labels: Any, train: int) -> None:
    """All images are there, in some split; pixels come back from the scaled ones."""
    assert isinstance(data, ImageData)
    assert data.mean is not None
    assert data.std is not None
    mean, std = (np.array(each)[:, None, None] for each in (data.mean, data.std))
    splits = (data.train, data.validation, data.test)
    assert len(data.train.labels) + len(data.validation.labels) == train
    found = np.concatenate([split.images * std + mean for split in splits]) * 255.0
    rows = np.rint(found).astype(np.uint8).reshape(len(labels), -1)
    numbers = np.concatenate([split.labels for split in splits])
    pairs = sorted((row.tobytes(), int(n)) for row, n in zip(rows, numbers, strict=True))
    expected = zip(_rows(images), labels, strict=True)
    assert pairs == sorted((row.tobytes(), int(n)) for row, n in expected)


def test_cifar_in_pythons_format(tmp_path: Path, drawn: Any) -> None:
    _pickles(tmp_path / "cifar-10-batches-py", *drawn)
    for path in (tmp_path, tmp_path / "cifar-10-batches-py"):
        data = open_images(path)
        _check(data, drawn[0], drawn[1], train=100)
        assert isinstance(data, ImageData)
        assert len(data.validation.labels) == 10  # a tenth, of every class
        assert sorted(data.validation.labels) == list(range(10))
        np.testing.assert_array_equal(data.test.labels, drawn[1][100:])


def test_cifar_as_bytes(tmp_path: Path, drawn: Any) -> None:
    images, labels = drawn
    rows = np.concatenate([labels[:, None].astype(np.uint8), _rows(images)], axis=1)
    for n, name in enumerate([*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]):
        rows[20 * n : 20 * n + 20].tofile(tmp_path / f"{name}.bin")
    _check(open_images(tmp_path), images, labels, train=100)


def test_cifar_100_has_fine_labels(tmp_path: Path, drawn: Any) -> None:
    images, labels = drawn
    coarse = np.zeros((120, 1), np.uint8)
    rows = np.concatenate([coarse, labels[:, None].astype(np.uint8), _rows(images)], axis=1)
    (tmp_path / "bytes").mkdir()
    rows[:100].tofile(tmp_path / "bytes" / "train.bin")
    rows[100:].tofile(tmp_path / "bytes" / "test.bin")
    _check(open_images(tmp_path / "bytes"), images, labels, train=100)
    for name, part in (("train", slice(0, 100)), ("test", slice(100, 120))):
        held = {b"data": _rows(images[part]), b"fine_labels": labels[part].tolist()}
        held[b"coarse_labels"] = [0] * len(images[part])
        (tmp_path / name).write_bytes(pickle.dumps(held))
    _check(open_images(tmp_path), images, labels, train=100)


class Evil:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("evil",))


def test_a_pickle_that_would_run_code_is_refused(
    tmp_path: Path, drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _pickles(tmp_path / "c", *drawn)
    (tmp_path / "c" / "test_batch").write_bytes(pickle.dumps({b"data": Evil(), b"labels": []}))
    with pytest.raises(InvalidArgument, match=r"test_batch.*it names \w+.mkdir"):
        open_images(tmp_path / "c")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"nothing", pickle.dumps([1])])
def test_a_damaged_file_is_named(tmp_path: Path, drawn: Any, content: bytes) -> None:
    _pickles(tmp_path / "c", *drawn)
    (tmp_path / "c" / "data_batch_3").write_bytes(content)
    with pytest.raises(InvalidArgument, match="data_batch_3' is no file of CIFAR"):
        open_images(tmp_path / "c")


def test_the_published_archive_is_unpacked(tmp_path: Path, drawn: Any) -> None:
    _pickles(tmp_path / "cifar-10-batches-py", *drawn)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "cifar-10-batches-py", "../cifar-10-batches-py")
    (tmp_path / "into" / "here").mkdir(parents=True)
    folder = tmp_path / "into" / "here"
    facts = import_archive(tmp_path / "a.tar.gz", folder, verify=False, progress=None)
    assert facts["summary"] == "100 colour images of 32x32 to train, 20 to test, 10 classes"
    assert os.listdir(tmp_path / "into") == ["here"]
    _check(open_images(folder), drawn[0], drawn[1], train=100)
    (tmp_path / "b").write_bytes(b"none")
    with pytest.raises(InvalidArgument, match=r"no archive of CIFAR \(.+\)$"):
        import_archive(tmp_path / "b", folder, verify=False, progress=None)


Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(**arrays: Any) -> Path:
        np.savez(tmp_path / "own.npz", **arrays)
        return tmp_path / "own.npz"

    return save


def test_arrays_by_name(save: Save, drawn: Any) -> None:
    images, labels = drawn
    named = {"x_train": images[:80], "y_train": labels[:80], "x_test": images[80:]}
    _check(open_images(save(**named, y_test=labels[80:, None])), images, labels, train=80)
    named |= {"x_test": images[100:], "y_test": labels[100:]}
    data = open_images(save(**named, x_val=images[80:100], y_val=labels[80:100]))
    assert isinstance(data, ImageData)
    np.testing.assert_array_equal(data.validation.labels, labels[80:100])


def test_arrays_without_a_split_are_split_always_alike(save: Save, drawn: Any) -> None:
    images, labels = drawn
    path = save(x=_rows(images).reshape(-1, 3, 32, 32), y=labels)
    data, again = open_images(path), open_images(path)
    assert isinstance(data, ImageData)
    assert isinstance(again, ImageData)
    assert [len(s.labels) for s in (data.train, data.validation, data.test)] == [100, 10, 10]
    np.testing.assert_array_equal(data.test.images, again.test.images)


def test_grey_images_and_numbers_from_0_to_1(save: Save) -> None:
    rng = np.random.default_rng(0)
    data = open_images(save(x=rng.random((40, 8, 8)), y=np.arange(40) % 2))
    assert isinstance(data, ImageData)
    assert data.shape.channels == 1
    assert data.train.images.std() == pytest.approx(1.0, abs=1e-4)
    assert data.mean == pytest.approx((0.5,), abs=0.05)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": [1]}, "holds a; give x_train"),
        ({"x": np.zeros((4, 8, 8))}, "holds x; give"),
        ({"x_train": np.zeros((4, 8, 8))}, "has x_train and no y_train"),
        ({"x": np.zeros((4, 8, 9, 3)), "y": [0, 1, 0, 1]}, "are not square images"),
        ({"x": np.zeros((4, 8, 8, 3)), "y": [0, 1]}, "are not square images"),
        ({"x": np.full((4, 8, 8, 3), 9.0), "y": [0, 1, 0, 1]}, "from 9 to 9; give 8-bit pixels"),
        ({"x": np.full((4, 8, 8, 3), np.nan), "y": [0, 1, 0, 1]}, "from nan to nan; give 8-bit"),
        ({"x": np.zeros((4, 8, 8, 3)), "y": [0, -1, 0, 1]}, "y has -1; count from 0 up"),
        ({"x": np.zeros((2, 8, 8, 3)), "y": [0, 1]}, "too few images, none for "),
        ({"x": np.zeros((0, 8, 8, 3)), "y": np.zeros(0, int)}, "too few images, none for "),
        ({"x": np.zeros((4, 8, 8, 3)), "y": [0.0, 1.0, 0.5, 1.0]}, "an integer label each"),
        ({"x": np.array([{}], dtype=object), "y": [0]}, "cannot be read: .*allow_pickle"),
    ],
)
def test_arrays_that_are_no_images_are_refused(
    save: Save, arrays: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgument, match=message):
        open_images(save(**arrays))


def test_what_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMCTS_DATA", str(tmp_path))
    for name, fetched in (("cifar10", "cifar10"), ("cifar100", "cifar100"), ("x", "cifar10")):
        message = f"no file or folder '{name}'; .* {fetched} after: lamcts data fetch {fetched}$"
        with pytest.raises(InvalidArgument, match=message):
            open_images(name)
    with pytest.raises(InvalidArgument, match="no images of two classes"):
        open_images(tmp_path)
    np.savez_compressed(tmp_path / "whole.npz", x=np.arange(999))
    whole = (tmp_path / "whole.npz").read_bytes()
    np.save(tmp_path / "array.npy", np.zeros(3))
    damaged = whole[:100] + bytes(100) + whole[200:]
    for content in (b"none", whole[:900], damaged, (tmp_path / "array.npy").read_bytes()):
        (tmp_path / "other.npz").write_bytes(content)
        with pytest.raises(InvalidArgument, match="cannot be read"):
            open_images(tmp_path / "other.npz")


def test_held_out_images_are_of_every_class_in_proportion() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 1])
    held = held_out(labels)
    assert np.bincount(labels[held], minlength=3).tolist() == [10, 5, 0]
    np.testing.assert_array_equal(held, held_out(labels))


# -- Files -----------------------------------------------------------------------------------------


def _png(image: NDArray[np.uint8]) -> bytes:
    pillow = pytest.importorskip("PIL.Image")
    file = io.BytesIO()
    pillow.fromarray(image).save(file, "PNG")
    return file.getvalue()


def _folder(place: Path, drawn: Any, rows: range) -> None:
    images, labels = drawn
    for row in rows:
        folder = place / f"class {labels[row] % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{row:03}.png").write_bytes(_png(images[row]))


def _pixels(split: Any) -> list[bytes]:
    return sorted(np.asarray(split.read(row)).tobytes() for row in range(len(split.labels)))


def test_a_folder_as_imagenet(tmp_path: Path, drawn: Any) -> None:
    _folder(tmp_path / "train", drawn, range(60))
    _folder(tmp_path / "val", drawn, range(60, 80))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    assert data.classes == ("class 0", "class 1")
    assert [len(s.labels) for s in (data.train, data.validation, data.test)] == [54, 6, 20]
    assert _pixels(data.test) == sorted(image.tobytes() for image in drawn[0][60:80])
    _folder(tmp_path / "test", drawn, range(80, 90))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    assert [len(s.labels) for s in (data.train, data.validation, data.test)] == [60, 20, 10]


@pytest.mark.parametrize("name", ["x.tar.gz", "train.tar", "x.png"])
def test_a_file_that_is_no_array_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"bytes")
    with pytest.raises(InvalidArgument, match=f"data: '.*{name}' is neither a folder nor an .npz"):
        open_images(tmp_path / name)


def test_a_folder_of_classes_is_split(tmp_path: Path, drawn: Any) -> None:
    _folder(tmp_path, drawn, range(100))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    assert [len(s.labels) for s in (data.train, data.validation, data.test)] == [82, 8, 10]
    found = _pixels(data.train) + _pixels(data.validation) + _pixels(data.test)
    assert sorted(found) == sorted(image.tobytes() for image in drawn[0][:100])


def test_archives_are_read_without_being_unpacked(tmp_path: Path, drawn: Any) -> None:
    images, labels = drawn
    for name, rows in (("train-0", range(30)), ("train-1", range(30, 60)), ("val", range(60, 80))):
        with tarfile.open(tmp_path / f"{name}.tar", "w") as archive:
            for row in rows:
                for suffix, content in (("png", _png(images[row])), ("cls", b"%d" % labels[row])):
                    member = tarfile.TarInfo(f"{row:03}.{suffix}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    assert data.classes == tuple(str(n) for n in range(10))
    assert sorted(data.train.labels.tolist() + data.validation.labels.tolist()) == sorted(
        labels[:60].tolist()
    )
    assert _pixels(data.test) == sorted(image.tobytes() for image in images[60:80])
    row = int(np.flatnonzero(data.test.labels == 3)[0])
    assert np.asarray(data.test.read(row)).tobytes() in {i.tobytes() for i in images[labels == 3]}


def test_small_copies_in_memory(tmp_path: Path, drawn: Any) -> None:
    _folder(tmp_path, drawn, range(100))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    copies = data.in_memory(8, at_most=20)
    assert copies.shape.size == 8
    assert np.bincount(copies.train.labels).tolist() == [10, 10]
    assert len(copies.validation.labels) == 8
    whole = data.in_memory(32, at_most=100)
    assert whole.mean is not None
    first = np.asarray(data.test.read(0)).transpose(2, 0, 1)
    back = whole.test.images[0] * np.array(whole.std)[:, None, None]
    back = (back + np.array(whole.mean)[:, None, None]) * 255.0
    np.testing.assert_allclose(back, first, atol=0.01)


@pytest.mark.parametrize("workers", [0, 2])
def test_files_are_loaded_in_the_order_of_seed_and_epoch(
    tmp_path: Path, drawn: Any, workers: int
) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    from lamcts.adapters.training import Recipe
    from lamcts.adapters.training.images import ImageTask

    _folder(tmp_path, drawn, range(40))
    data = open_images(tmp_path)
    recipe = Recipe(epochs=1, batch_size=8, resolution=16, crop="resized", workers=workers)

    def epoch(number: int) -> Any:
        torch.manual_seed(3)
        batches = list(ImageTask(data, recipe).batches(number))
        assert batches[0].images.shape == (8, 3, 16, 16)
        return torch.cat([batch.images for batch in batches])

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))
    with pytest.raises(InvalidArgument, match="resolution: images in files have many"):
        ImageTask(data, Recipe(epochs=1))


def test_a_damaged_image_is_named(tmp_path: Path, drawn: Any) -> None:
    _folder(tmp_path, drawn, range(40))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    Path(data.train.files[0]).write_bytes(b"none")
    row = int(np.flatnonzero(data.train.places[:, 0] == 0)[0])
    with pytest.raises(InvalidArgument, match="no image"):
        data.train.read(row)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_one_line_of_whatever_process_reads_it(
    tmp_path: Path, drawn: Any, workers: int
) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("torchvision")
    from lamcts.adapters.training import Recipe
    from lamcts.adapters.training.images import ImageTask

    _folder(tmp_path, drawn, range(40))
    data = open_images(tmp_path)
    assert isinstance(data, ImageFiles)
    for file in data.train.files:
        Path(file).write_bytes(b"none")
    task = ImageTask(data, Recipe(epochs=1, batch_size=8, resolution=16, workers=workers))
    with pytest.raises(InvalidArgument, match=r"^data: .*: no image \(.*\)$") as caught:
        list(task.batches(0))
    assert "\n" not in str(caught.value)


def test_too_few_files_are_refused(tmp_path: Path, drawn: Any) -> None:
    _folder(tmp_path, drawn, range(2))  # one of a class: none can be set aside
    with pytest.raises(InvalidArgument, match="too few images, none for test"):
        open_images(tmp_path)


def test_hidden_files_are_no_images_and_the_case_of_splits_is_of_no_matter(
    tmp_path: Path, drawn: Any
) -> None:
    pytest.importorskip("PIL")
    for split, rows in (("Train", range(60)), ("Val", range(60, 80))):
        _folder(tmp_path / split, drawn, rows)
    copies = tmp_path / "Train" / ".ipynb_checkpoints"
    copies.mkdir()
    (copies / "0.png").write_bytes(_png(drawn[0][0]))
    (tmp_path / "Val" / "class 0" / "._0.png").write_bytes(b"of a Mac")
    found = open_images(tmp_path)
    assert isinstance(found, ImageFiles)
    assert found.classes == ("class 0", "class 1")
    splits = (found.train, found.validation, found.test)
    assert [len(split.labels) for split in splits] == [54, 6, 20]


def test_16_bits_are_not_cut_off(tmp_path: Path, drawn: Any) -> None:
    image = pytest.importorskip("PIL.Image")
    _folder(tmp_path, drawn, range(30))
    deep = np.arange(256, dtype=np.uint16).reshape(16, 16) * 256
    image.fromarray(deep).save(tmp_path / "class 0" / "deep.png")
    found = open_images(tmp_path)
    assert isinstance(found, ImageFiles)
    pixels = _pixels(found.train) + _pixels(found.validation) + _pixels(found.test)
    assert np.arange(256, dtype=np.uint8).repeat(3).tobytes() in pixels


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"y_test": np.arange(20) % 10 + 3},
            "no training images of the class 10, which those for test have",
        ),
        ({"y_train": np.zeros(100, int), "y_test": np.zeros(20, int)}, "of one class only"),
        ({"x_test": np.zeros((20, 32, 32, 1))}, r"for test are \(1, 32, 32\)"),
    ],
)
def test_splits_that_do_not_fit_are_refused(
    save: Save, drawn: Any, change: dict[str, Any], message: str
) -> None:
    images, labels = drawn
    arrays = {"x_train": images[:100], "y_train": labels[:100]}
    with pytest.raises(InvalidArgument, match=message):
        open_images(save(**{**arrays, "x_test": images[100:], "y_test": labels[100:], **change}))


def test_folders_of_other_classes_are_refused(tmp_path: Path, drawn: Any) -> None:
    pytest.importorskip("PIL")
    _folder(tmp_path / "train", drawn, range(60))
    _folder(tmp_path / "val", drawn, range(60, 80))
    (tmp_path / "val" / "class 1").rename(tmp_path / "val" / "another")
    with pytest.raises(
        InvalidArgument, match="no training images of the class another, which those for test have"
    ):
        open_images(tmp_path)
