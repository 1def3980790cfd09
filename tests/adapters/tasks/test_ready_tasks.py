"""The ready-made tasks and their problem files, on their own data and on real data."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lamcts.adapters.tasks import (  # noqa: E402
    Data,
    ImageClassification,
    LanguageModel,
    Segmentation,
    TextClassification,
)
from lamcts.adapters.tasks.points import some_point  # noqa: E402
from lamcts.errors import InvalidArgument, ProblemError  # noqa: E402
from lamcts.problem import load_problem  # noqa: E402
from lamcts.testing import check_evaluator  # noqa: E402

PROBLEMS = Path(__file__).parents[3] / "problems"
FILES = ("my_cv_task", "my_segmentation_task", "my_nlp_task", "my_text_task")


def problem(name: str, **settings: Any) -> Any:
    return load_problem(PROBLEMS / f"{name}.py", **settings)


@pytest.mark.parametrize("name", FILES)
def test_every_point_has_a_network_that_is_counted(name: str) -> None:
    task = problem(name)
    task.prepare()
    assert "yours:" in task.notice
    task.space.seed(1)
    for _ in range(4):
        x = task.space.sample()
        cost = task.cost(x)
        assert cost["params"] == sum(p.numel() for p in task.network(x).parameters())
        assert cost["macs"] > 0
        assert task.parse(json.dumps(task.describe(x))) == x


def test_the_final_training_says_what_stands_in(tmp_path: Path) -> None:
    task = problem("my_nlp_task", epochs=1)
    x = task.space.sample()
    lines: list[str] = []
    recipe = task.make_recipe(None, {"epochs": 1})
    task.train(x, tmp_path, recipe=recipe, progress=lines.append)
    assert lines[0].startswith("Data: the topics of Python's help(); yours:")


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_problem_file_keeps_the_contract(name: str) -> None:
    report = check_evaluator(problem(name, epochs=1))
    assert {finding.level for finding in report.findings} == {"ok"}, str(report)


def test_digits_are_learned_and_normalised_inside() -> None:
    task = problem("my_cv_task", epochs=4)
    x = {**some_point(task.space), "learning_rate": 0.01, "width": 4, "stages": 2}
    x |= {"depth": 1, "kernel": 0, "block": 1, "dropout": 0.0, "squeeze": 0, "attention": 0}
    x |= {"crop": 0}
    assert task.evaluate(x).value > 0.85
    images, _ = task.data_for(x).train
    assert 0.0 <= images.min() <= images.max() <= 1.0
    scaled = task.network(x)[0](torch.from_numpy(images))
    assert abs(float(scaled.mean())) < 1e-4
    assert abs(float(scaled.std()) - 1.0) < 1e-3
    assert task.shape == (1, 10)
    assert task.assets(x)["input.json"] == {"channels": 1, "size": 8, "range": [0.0, 1.0]}


def test_a_channel_without_values_is_scaled_too() -> None:
    class Red(ImageClassification):
        def load_data(self) -> Data:
            images = np.random.default_rng(0).random((8, 3, 8, 8), np.float32)
            images[:, 1:] = 0.0
            return Data((images, np.arange(8)), (images, np.arange(8)))

    task = Red()
    images, _ = task.data_for(None).train
    scaled = task.normalised(torch.nn.Identity())(torch.from_numpy(images))
    assert scaled.isfinite().all()
    assert float(scaled[:, 0].std()) == pytest.approx(1.0, abs=0.01)


def test_images_are_shifted_and_mirrored_where_the_recipe_says_so() -> None:
    task = ImageClassification()
    images = torch.arange(16.0).reshape(1, 1, 4, 4).repeat(40, 1, 1, 1)
    recipe = task.recipe({})
    assert task.augment(images, recipe) is images
    mirrored = task.augment(images, task.recipe({"flip": 1}))
    kinds = {tuple(image.flatten().tolist()) for image in mirrored}
    assert kinds == {tuple(each.flatten().tolist()) for each in (images[0], images[0].flip(2))}
    assert not torch.equal(task.augment(images, task.recipe({"crop": 1})), images)
    with pytest.raises(InvalidArgument, match="'resized' is for ImageTask"):
        task.augment(images, task.recipe({"crop": 2}))


def test_a_folder_of_images_is_searched(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name, shade in (("dark", 0), ("light", 150)):
        (tmp_path / name).mkdir()
        for i in range(20):
            pixels = rng.integers(shade, shade + 100, (9, 9, 3), dtype=np.uint8)
            image.fromarray(pixels).save(tmp_path / name / f"{i}.jpg")
    task = problem("my_cv_task", data=str(tmp_path), epochs=15)
    task.prepare()
    assert task.shape == (3, 2)
    assert task.notice is None
    x = {**some_point(task.space), "width": 2, "depth": 1, "block": 0, "learning_rate": 0.01}
    assert task.evaluate(x).value > 0.6


def test_intersection_over_union() -> None:
    task = Segmentation()
    truth = torch.zeros(3, 2, 4, dtype=torch.long)
    truth[0, 0, :2] = 1  # two pixels of class 1; found: one of them and another
    truth[1, :, :2], truth[1, :, 2:] = 1, 2  # both classes, found in full
    found = truth.clone()
    found[0, 0, 0], found[0, 1, 1] = 0, 1
    scores = torch.nn.functional.one_hot(found, 3).permute(0, 3, 1, 2).float()
    assert task.metric(scores, truth).tolist() == pytest.approx([1 / 3, 1.0, 1.0])


def test_a_language_model_is_measured_in_bits() -> None:
    task = LanguageModel()
    symbols, rows = len(task.classes), torch.randint(96, (5, 7))
    assert symbols == 96
    even = torch.zeros(5, symbols, 7)
    torch.testing.assert_close(task.metric(even, rows), torch.full((5,), math.log2(symbols)))


def test_equal_recurrent_networks_are_one_point() -> None:
    task = problem("my_nlp_task")
    x = {**some_point(task.space), "kind": 1, "heads": 2, "positions": 3, "ffn": 2.5}
    other = {**x, "heads": 1, "positions": 0, "ffn": 1.5}
    assert task.canonical(x) == task.canonical(other) != x
    transformer = {**x, "kind": 0}
    assert task.canonical(transformer) == transformer


def test_another_text_may_be_modelled(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text("to be or not to be, " * 400, encoding="utf-8")
    task = problem("my_nlp_task", data=str(file), epochs=2)
    x = {**some_point(task.space), "kind": 1, "layers": 1, "width": 2, "learning_rate": 0.02}
    assert task.evaluate(x).value < 4.0  # chance is 6.6
    file.write_text("too short")
    with pytest.raises(InvalidArgument, match="9 characters are too few for rows of 32"):
        problem("my_nlp_task", data=str(file)).prepare()


def test_the_tokenizer_is_searched_too(tmp_path: Path) -> None:
    lines = [
        f"{'good' if i % 2 else 'bad'}\t{'fine' if i % 2 else 'poor'} day {i}" for i in range(60)
    ]
    (tmp_path / "train.tsv").write_text("\n".join(lines))
    (tmp_path / "test.tsv").write_text("good\ta fine one\nbad\tpoor\n")
    task = problem("my_text_task", data=str(tmp_path), epochs=6)
    x = {**some_point(task.space), "tokens": 0, "min_count": 2, "reader": 0, "learning_rate": 0.03}
    assert task.tokenizer(x).vocabulary == ("day", "fine", "poor")
    assert len(task.tokenizer({**x, "tokens": 1})) > 5
    assert task.classes == ("bad", "good")
    assert task.evaluate(x).value == 1.0
    assert task.test(x) == {"test_score": 1.0}
    told = task.assets(x)["tokenizer.json"]
    assert (told["length"], told["vocabulary"]) == (40, ["day", "fine", "poor"])
    (tmp_path / "test.tsv").write_text("worse\ta fine one\n")
    with pytest.raises(InvalidArgument, match="label 'worse' is not in the training data"):
        problem("my_text_task", data=str(tmp_path)).prepare()


def test_labels_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("\n".join(f"{i % 12}\ttext {i}" for i in range(120)))
    task = TextClassification(data=str(tmp_path / "t.tsv"))
    task.data_for({})
    assert task.classes == tuple(map(str, range(12)))


def test_masks_that_nothing_reads_are_not_passed_over() -> None:
    with pytest.raises(InvalidArgument, match="data: 'masks' is not read; override load_data"):
        problem("my_segmentation_task", data="masks").prepare()


def test_a_file_of_another_kind_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="is no folder"):
        problem("my_cv_task", data=str(tmp_path / "gone")).prepare()
    with pytest.raises(InvalidArgument, match="cannot be read: No such file"):
        problem("my_text_task", data=str(tmp_path / "gone.tsv")).prepare()
    with pytest.raises(ProblemError, match="write build"):
        TextClassification().build({})


def test_texts_of_one_class_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("good\tso it is\n" * 9)
    with pytest.raises(InvalidArgument, match="all texts are of the class 'good'"):
        TextClassification(data=str(tmp_path / "t.tsv")).load_data()
