"""Texts, images and drawings: what is read, how it is split, what is said of damaged files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamcts.adapters.tasks import Tokenizer, read_image_folder, read_tsv, split_data
from lamcts.adapters.tasks.data import class_numbers
from lamcts.adapters.tasks.english import ALPHABET, english, sentences, windows
from lamcts.adapters.tasks.shapes import shapes
from lamcts.errors import InvalidArgument

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@settings(max_examples=30)
@given(st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=5))
def test_a_tsv_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    file = tmp_path_factory.mktemp("tsv") / "texts.tsv"
    lines = [f"{label}\t{text} {text}\n" for label, text in rows]
    file.write_text("".join(lines), encoding="utf-8", newline="")
    texts, labels = read_tsv(file)
    assert labels == [label for label, _ in rows]
    assert texts == [f"{text} {text}" for _, text in rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty; write lines of label<TAB>text"),
        ("a\tb\n\nno tab\n", "line 3: 'no tab' is not label<TAB>text"),
        ("a\t \n", "line 1"),
    ],
)
def test_a_damaged_tsv_is_said_by_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "bad.tsv").write_text(text)
    with pytest.raises(InvalidArgument, match=re.escape(words)):
        read_tsv(tmp_path / "bad.tsv")


def test_a_tokenizer_numbers_what_is_common() -> None:
    texts = ["What is it ?", "It is what it is.", "Who?"]
    words = Tokenizer.fit(texts, min_count=2)
    assert words.vocabulary == ("is", "it", "?", "what")
    assert len(words) == 6
    assert words.encode(["Is it a what"], 6).tolist() == [[2, 3, 1, 5, 0, 0]]
    assert words.encode(["is it is it"], 2).tolist() == [[2, 3]]
    letters = Tokenizer.fit(["abca"], "characters", lowercase=False)
    assert letters.vocabulary == ("a", "b", "c")
    assert letters.encode(["cabA"], 5).tolist() == [[4, 2, 3, 1, 0]]


def test_a_tokenizer_is_written_so_that_others_can_follow_it() -> None:
    text = "Where's the café, number 3?"
    tokenizer = Tokenizer.fit([text])
    told = tokenizer.to_json()
    numbers = {token: i for i, token in enumerate(told["vocabulary"], start=2)}
    found = [numbers[token] for token in re.findall(told["pattern"], text.lower())]
    assert tokenizer.encode([text], len(found)).tolist() == [found]


@settings(max_examples=20)
@given(st.integers(30, 200), st.integers(0, 5))
def test_a_split_deals_out_every_row_once(count: int, seed: int) -> None:
    labels = np.arange(count) % 3
    data = split_data(np.arange(count), labels, seed=seed)
    parts = [data.train, data.validation, data.test]
    assert sorted(np.concatenate([rows for rows, _ in parts])) == list(range(count))
    assert all((rows % 3 == classes).all() for rows, classes in parts)
    assert abs(len(data.test[0]) - 0.2 * count) <= 1
    assert all(len(set(classes)) == 3 for _, classes in parts)


def test_what_cannot_be_split() -> None:
    with pytest.raises(InvalidArgument, match="leave nothing to train on"):
        split_data([1, 2], [0, 1], validation=0.5, test=0.5)
    with pytest.raises(InvalidArgument, match="3 rows cannot be split"):
        split_data([1, 2, 3], [0, 1, 1])
    with pytest.raises(InvalidArgument, match="label 'c' is not in the training data"):
        class_numbers(["a", "c"], ["a", "b"])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name, shade in (("dark", 40), ("light", 200)):
        (tmp_path / name).mkdir()
        for i in range(10):
            pixels = rng.integers(shade, shade + 40, (6 + i, 8, 3), dtype=np.uint8)
            image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_a_folder_of_images(pictures: Path) -> None:
    data, names = read_image_folder(pictures, size=5)
    assert names == ["dark", "light"]
    assert [len(part[0]) for part in (data.train, data.validation, data.test)] == [12, 4, 4]
    for images, labels in (data.train, data.validation, data.test):
        assert images.shape[1:] == (3, 5, 5)
        assert images.dtype == np.float32
        assert ((images.mean((1, 2, 3)) > 0.5) == labels).all()
    grey, _ = read_image_folder(pictures, size=4, grey=True)
    assert grey.train[0].shape == (12, 1, 4, 4)


def test_a_folder_with_its_own_split(pictures: Path, tmp_path: Path) -> None:
    import shutil

    parts = tmp_path / "parts"
    for part, count in (("train", 6), ("val", 3), ("test", 1)):
        for name in ("dark", "light"):
            (parts / part / name).mkdir(parents=True)
            for file in sorted((pictures / name).iterdir())[:count]:
                shutil.copy(file, parts / part / name)
    data, _ = read_image_folder(parts, size=4)
    assert [len(part[0]) for part in (data.train, data.validation, data.test)] == [12, 6, 2]
    shutil.rmtree(parts / "test")
    with pytest.raises(InvalidArgument, match="no validation and test beside it"):
        read_image_folder(parts, size=4)


def test_folders_that_hold_no_images(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is no folder"):
        read_image_folder(tmp_path / "gone", size=4)
    (tmp_path / "empty" / "cats").mkdir(parents=True)
    with pytest.raises(InvalidArgument, match="no image files in folders; put them in"):
        read_image_folder(tmp_path / "empty", size=4)
    (pictures / ".hidden").mkdir()
    (pictures / ".hidden" / "0.png").write_text("no image")
    (pictures / "dark" / "._0.png").write_text("of a Mac")
    assert read_image_folder(pictures, size=4)[1] == ["dark", "light"]
    (pictures / "light").rename(pictures / ".light")
    with pytest.raises(InvalidArgument, match="one class only, 'dark'"):
        read_image_folder(pictures, size=4)
    (pictures / "dark" / "0.png").write_text("no image")
    with pytest.raises(InvalidArgument, match=r"0\.png' is no image that can be read"):
        read_image_folder(pictures, size=4)


def test_the_text_that_every_python_has() -> None:
    text = english()
    assert len(text) > 200_000
    data = windows(text, length=20, characters=1000)
    inputs, targets = data.train
    assert inputs.shape == targets.shape == (49, 20)
    assert (inputs.ravel()[1:] == targets.ravel()[:-1]).all()
    rows = ["".join(ALPHABET[i] for i in part[0].ravel()) for part in (data.train, data.test)]
    assert rows[1][:100] == "".join(c if c in ALPHABET else " " for c in text[:100])
    assert not set(map(str, data.train[0])) & set(map(str, data.validation[0]))
    assert len(data.validation[0]) == len(data.test[0]) == 9


def test_sentences_are_labelled_by_topic() -> None:
    texts, labels = sentences(topics=3, each=20)
    assert len(set(labels)) == 3
    assert len(texts) == len(labels) == 60
    assert all(5 <= len(text.split()) <= 40 for text in texts)


def test_shapes_are_drawn_with_their_masks() -> None:
    data = shapes(count=20, size=16, seed=1)
    images, masks = data.train
    assert images.shape == (20, 1, 16, 16)
    assert masks.shape == (20, 16, 16)
    assert 0.0 <= images.min() <= images.max() <= 1.0
    assert set(np.unique(masks)) == {0, 1, 2}
    assert (shapes(count=20, size=16, seed=1).test[0] == data.test[0]).all()
