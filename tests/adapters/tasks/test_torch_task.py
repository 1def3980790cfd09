"""A user's own network: data of any form, trained, counted, retrained, exported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset  # noqa: E402

import lamcts  # noqa: E402
from lamcts.adapters.tasks import Data, TorchTask, split_data, supervised  # noqa: E402
from lamcts.adapters.training import arrays  # noqa: E402
from lamcts.adapters.training.recipe import Recipe  # noqa: E402
from lamcts.errors import LamctsError, RunError, UnknownName  # noqa: E402
from lamcts.evaluator import TrialContext  # noqa: E402
from lamcts.spaces import Box, Dict, Discrete  # noqa: E402
from lamcts.testing import check_evaluator  # noqa: E402

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(300, 4))
SIDES = (POINTS[:, 0] > 0.3 * POINTS[:, 1]).astype(np.int64)
POINT = {"width": np.int64(8), "learning_rate": 0.03}


class Sides(TorchTask):
    """On which side of a plane a point lies."""

    space = Dict(width=Box(2, 32, dtype=int), learning_rate=Box(1e-3, 0.1, scale="log"))
    final_epochs = 6
    classes = ("left", "right")

    def load_data(self) -> Data:
        return split_data(POINTS, SIDES)

    def build(self, x: Any) -> nn.Module:
        assert type(x["width"]) is int
        return nn.Sequential(nn.Linear(4, x["width"]), nn.ReLU(), nn.Linear(x["width"], 2))


class Pairs(Dataset[Any]):
    def __init__(self, rows: slice) -> None:
        self.rows = np.arange(300)[rows]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        row = self.rows[i]
        return torch.as_tensor(POINTS[row], dtype=torch.float32), int(SIDES[row])


class OfDatasets(Sides):
    def load_data(self) -> Data:
        return Data(Pairs(slice(180)), Pairs(slice(180, 240)), Pairs(slice(240, None)))


class OfLoaders(Sides):
    def load_data(self) -> Data:
        inputs, targets = torch.tensor(POINTS, dtype=torch.float32), torch.tensor(SIDES)
        parts = [slice(180), slice(180, 240), slice(240, None)]
        sets = [TensorDataset(inputs[part], targets[part]) for part in parts]
        return Data(*(DataLoader(each, batch_size=20) for each in sets))


@pytest.mark.parametrize("kind", [Sides, OfDatasets, OfLoaders])
def test_data_of_any_form(kind: type[TorchTask]) -> None:
    task = kind(epochs=4)
    task.prepare()
    found = task.evaluate(POINT)
    assert found.value > 0.85
    assert found.value == task.evaluate(POINT).value
    assert task.test(POINT)["test_score"] > 0.8


@pytest.mark.parametrize("kind", ["arrays", "dataset", "loader"])
def test_every_process_has_as_large_a_share(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, targets = torch.arange(33.0)[:, None], torch.arange(33)
    pairs = TensorDataset(inputs, targets)
    train = {"arrays": (inputs, targets), "dataset": pairs, "loader": DataLoader(pairs, 32)}[kind]
    recipe = Recipe(epochs=1, batch_size=32, workers=0)
    found: list[list[list[int]]] = []
    for module in (arrays, supervised):
        monkeypatch.setattr(module, "world", lambda: 2)
    for rank in (0, 1):
        for module in (arrays, supervised):
            monkeypatch.setattr(module, "rank", lambda rank=rank: rank)
        task = supervised.Supervised(Data(train, (inputs, targets)), Sides(), recipe)
        found.append([batch[1].tolist() for batch in task.batches(0)])
        assert len(found[-1]) == task.steps_per_epoch
    assert [len(share) for share in found[0]] == [len(share) for share in found[1]]
    assert {row for part in found for share in part for row in share} == set(range(33))
    if kind != "loader":
        assert [len(share) for share in found[0]] == [17]


@pytest.mark.slow
def test_the_contract() -> None:
    report = check_evaluator(Sides(epochs=2))
    assert {finding.level for finding in report.findings} == {"ok"}, str(report)


def test_the_best_epoch_is_the_value_and_all_are_reported() -> None:
    task = Sides(epochs=5)
    curve: list[float] = []
    task.trial = TrialContext(report=lambda step, value: curve.append(value))
    found = task.evaluate(POINT)
    assert len(curve) == 5
    assert found.value == max(curve)
    assert found.metrics["best_epoch"] == curve.index(max(curve)) + 1


def test_patience_ends_a_trial() -> None:
    patient = Sides(epochs=30, patience=2).evaluate({"width": 8, "learning_rate": 1e-3})
    assert patient.metrics["epochs"] <= 30
    hurried = Sides(epochs=30, patience=1).evaluate(POINT)
    assert hurried.metrics["epochs"] == hurried.metrics["best_epoch"] + 1


def test_the_network_that_is_tested_had_no_more_patience() -> None:
    class Counted(Sides):
        steps = 0

        def augment(self, inputs: Tensor, recipe: Recipe) -> Tensor:
            self.steps += 1
            return inputs

    task = Counted(epochs=30, patience=1)
    task.evaluate(POINT)
    searched, task.steps = task.steps, 0
    task.test(POINT)
    assert task.steps == searched


def test_costs_are_those_of_the_layers() -> None:
    assert Sides().cost(POINT) == {"params": 4 * 8 + 8 + 8 * 2 + 2, "macs": 4 * 8 + 8 * 2}
    within = lamcts.search(Sides(epochs=1), budget=3, seed=0, constraints="params<=50")
    assert all(trial.x["width"] <= 6 for trial in within.trials)


def test_a_search_is_pruned() -> None:
    options: dict[str, Any] = {"budget": 10, "seed": 0, "optimizer": "random", "prune": "halving"}
    result = lamcts.search(Sides(epochs=3), **options)
    assert result.counts["pruned"] > 0


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.int32, np.uint8, np.int64])
def test_classes_are_integers_of_any_size(kind: Any) -> None:
    task = changed(load_data=lambda self: split_data(POINTS, SIDES.astype(kind)))
    task.prepare()
    assert task.evaluate(POINT).value == Sides(epochs=1).evaluate(POINT).value


class Chosen(Sides):
    space = Dict(
        width=Box(2, 32, dtype=int),
        optimizer=Discrete(2),
        nesterov=Discrete(2),
        batch_size=Box(8, 64, dtype=int),
        label_smoothing=Box(0.0, 0.3),
    )


def test_a_point_says_how_it_is_trained() -> None:
    task = Chosen(epochs=2, seed=5)
    x: dict[str, Any] = {"width": 3, "optimizer": np.int64(0), "nesterov": 0}
    recipe = task.recipe({**x, "batch_size": np.int64(16), "label_smoothing": np.float64(0.1)})
    assert recipe == replace(
        TorchTask.base,
        epochs=2,
        seed=5,
        optimizer="sgd",
        nesterov=False,
        batch_size=16,
        label_smoothing=0.1,
    )
    task.prepare()
    task.evaluate(task.space.sample())


class Distance(TorchTask):
    """A regression whose error is to be small."""

    direction = "minimize"
    space = Dict(learning_rate=Box(1e-3, 0.1, scale="log"))

    def load_data(self) -> Data:
        return split_data(POINTS, POINTS[:, :1] + POINTS[:, 1:2], stratify=False)

    def build(self, x: Any) -> nn.Module:
        return nn.Linear(4, 1)

    def loss(self, outputs: Any, targets: Tensor, recipe: Recipe) -> Tensor:
        return nn.functional.mse_loss(outputs, targets)

    def metric(self, outputs: Any, targets: Tensor) -> Tensor:
        distances: Tensor = (outputs - targets).abs().squeeze(1)
        return distances


def test_another_loss_and_metric() -> None:
    task = Distance(epochs=8)
    task.prepare()
    assert task.evaluate({"learning_rate": 0.1}).value < 0.2


# -- the final network -----------------------------------------------------------------------------


def test_retraining_resumes_and_exports(tmp_path: Path) -> None:
    task = Sides(epochs=1)
    whole = task.train(POINT, tmp_path / "whole")
    assert whole["validation_score"] > 0.9
    assert whole["test_score"] > 0.85
    part = tmp_path / "part"
    task.train(POINT, part, recipe=task.make_recipe(None, {"epochs": 6}))
    (part / "model.json").unlink()
    assert task.train(POINT, part, resume=True) == whole
    with pytest.raises(RunError):
        task.train(POINT, part)
    about = json.loads((part / "model.json").read_text())
    assert about["recipe"]["learning_rate"] == 0.03
    assert task.parse(json.dumps(about["architecture"])) == POINT
    assert json.loads((part / "classes.json").read_text()) == ["left", "right"]
    assert task.export(part, "arch", part / "arch.json") == "the point as JSON"
    assert json.loads((part / "arch.json").read_text()) == about["architecture"]


def test_neither_another_point_nor_other_data_are_trained_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Sides(epochs=1)
    recipe = task.make_recipe(None, {"epochs": 1, "learning_rate": 0.03})
    task.train(POINT, tmp_path, recipe=recipe)
    other = {**POINT, "learning_rate": 0.01}  # of the same weights and, here, recipe
    with pytest.raises(RunError, match=r"begun with the architecture {.width.: 8, .learning_r"):
        task.train(other, tmp_path, recipe=recipe, resume=True)
    monkeypatch.setattr(Sides, "load_data", lambda self: split_data(POINTS + 0.1, SIDES))
    with pytest.raises(RunError, match=r"was begun with 180 examples .*, not 180 examples "):
        Sides(epochs=1).train(POINT, tmp_path, recipe=recipe, resume=True)


def test_a_training_that_says_nothing_of_itself_goes_on(tmp_path: Path) -> None:
    task = Sides(epochs=1)
    whole = task.train(POINT, tmp_path)
    path = tmp_path / "checkpoint.pt"
    state = torch.load(path, weights_only=True)
    del state["architecture"]
    torch.save({**state, "identity": ""}, path)
    assert task.train(POINT, tmp_path, resume=True) == whole


def test_a_device_that_is_not_here_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    task = Sides(device="cuda")
    for begin in (task.prepare, lambda: task.train(POINT, tmp_path / "out")):
        with pytest.raises(LamctsError, match="device: PyTorch finds no 'cuda' on this machine"):
            begin()


@pytest.mark.parametrize("rate", [Sides.base.learning_rate, 0.004])
def test_what_is_asked_for_goes_before_the_point(rate: float, tmp_path: Path) -> None:
    task = Sides(epochs=1)
    recipe = task.make_recipe(None, {"learning_rate": rate, "epochs": 1})
    task.train(POINT, tmp_path, recipe=recipe)
    about = json.loads((tmp_path / "model.json").read_text())
    assert about["recipe"]["learning_rate"] == rate
    assert about["recipe"]["epochs"] == 1


class Twice(nn.Module):
    """The same weights under two names, and a look at the numbers that pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.second = nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.last = nn.Linear(4, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        inner = self.second(self.first(inputs).relu())
        outputs: Tensor = self.last(inner if inner.max().item() > 0 else -inner)
        return outputs


class SharesWeights(Sides):
    def build(self, x: Any) -> nn.Module:
        return Twice()


def test_a_network_may_share_weights_and_look_at_its_numbers(tmp_path: Path) -> None:
    task = SharesWeights(epochs=1)
    assert task.cost(POINT) == {"params": 16 + 8 + 2, "macs": 16 + 16 + 8}
    task.train(POINT, tmp_path)
    safetensors = pytest.importorskip("safetensors.torch")
    task.export(tmp_path, "safetensors", tmp_path / "model.safetensors")
    loaded = safetensors.load_file(tmp_path / "model.safetensors")
    assert torch.equal(loaded["first.weight"], loaded["second.weight"])


def test_what_is_set_goes_before_the_point(tmp_path: Path) -> None:
    task = Sides()
    recipe = task.make_recipe(None, {"learning_rate": 0.07, "epochs": 1})
    task.train(POINT, tmp_path, recipe=recipe)
    trained = json.loads((tmp_path / "model.json").read_text())["recipe"]
    assert (trained["learning_rate"], trained["epochs"]) == (0.07, 1)
    assert "mixup" not in task.recipe_fields()
    with pytest.raises(UnknownName, match="has its own recipe"):
        task.make_recipe("darts-cifar", {})


def test_the_exported_model_answers_alike(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    pytest.importorskip("safetensors")
    from lamcts.adapters.training.folder import load_weights

    task = Sides()
    task.train(POINT, tmp_path, recipe=task.make_recipe(None, {"epochs": 1}))
    words = task.export(tmp_path, "onnx", tmp_path / "model.onnx")
    assert words == "ONNX, inputs (n, 4) of float32"
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["classes"]) == ["left", "right"]
    model = task.network(POINT).eval()
    load_weights(tmp_path, model)
    for count in (1, 7):
        inputs = POINTS[:count].astype(np.float32)
        with torch.no_grad():
            expected = model(torch.from_numpy(inputs)).numpy()
        [found] = session.run(None, {"inputs": inputs})
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert task.export(tmp_path, "safetensors", tmp_path / "w.safetensors").startswith(
        "weights, 58"
    )


# -- mistakes --------------------------------------------------------------------------------------


def changed(**methods: Any) -> TorchTask:
    kind = type("Mistaken", (Sides,), {"__module__": __name__, **methods})
    task = kind(epochs=1)
    assert isinstance(task, TorchTask)
    return task


def of(train: Any) -> Any:
    return lambda self: Data(train, (POINTS, SIDES))


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter(Pairs(slice(10)))


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        (
            {"build": lambda self, x: nn.Linear(3, 2)},
            "fails on the first training example: Runtime",
        ),
        ({"build": lambda self, x: nn.Linear(4, 1)}, "Target 1 is out of bounds"),
        ({"build": lambda self, x: 3}, "build: returns int; return a torch.nn.Module"),
        ({"build": TorchTask.build}, "write build(self, x)"),
        ({"load_data": TorchTask.load_data}, "write load_data(self)"),
        ({"load_data": of((POINTS[:9], SIDES))}, "train: 9 inputs and 300 targets"),
        ({"load_data": of(("a", "b"))}, "train: inputs are no numbers"),
        ({"load_data": of(3)}, "train: int is no data; give (inputs, targets)"),
        ({"load_data": lambda self: (POINTS, SIDES)}, "load_data: returns tuple; return a Data"),
        ({"load_data": of(DataLoader(Endless()))}, "train: DataLoader has no length"),
        ({"load_data": of((POINTS[:0], SIDES[:0]))}, "train: there are no examples"),
        (
            {"metric": lambda self, outputs, targets: outputs.mean()},
            "metric: gives a tensor of shape () for",
        ),
        (
            {"loss": lambda self, outputs, targets, recipe: outputs},
            "loss: gives a tensor of shape (1, 2)",
        ),
        ({"space": Dict(width=Box(2, 3, dtype=int), mixup=Box(0.0, 1.0))}, "'mixup' is a field"),
    ],
)
def test_mistakes_are_said_before_a_search(methods: dict[str, Any], words: str) -> None:
    with pytest.raises(LamctsError) as wrong:
        changed(**methods).prepare()
    assert words in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_settings_that_cannot_be_used() -> None:
    for settings in ({"patience": 0}, {"threads": 0}, {"epochs": 0}, {"device": "gpu"}):
        with pytest.raises(LamctsError, match=next(iter(settings))):
            Sides(**settings)


def test_a_class_of_a_notebook_is_trained_too(tmp_path: Path) -> None:
    class Local(Sides):
        """No other process can import it."""

    task = Local()
    task.train(POINT, tmp_path, recipe=task.make_recipe(None, {"epochs": 1}))
    assert json.loads((tmp_path / "model.json").read_text())["problem"] is None
    assert task.export(tmp_path, "arch", tmp_path / "arch.json") == "the point as JSON"
