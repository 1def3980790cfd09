"""The loop: against a plain one, selection, averaged weights, precision, and exact resume."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lamcts.adapters.training import Recipe
from lamcts.errors import InvalidArgument, RunError
from tests.adapters.training.conftest import Line, convolution, pictures, same, weights

pytest.importorskip("torch")

import torch

from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.loop import fit
from lamcts.adapters.training.randomness import random_state

Build = Callable[[], Any]
RECIPE = Recipe(epochs=4, batch_size=16, learning_rate=0.05, weight_decay=0.0, warmup=0.0)


def test_it_is_the_plain_loop(build: Build, line: Line) -> None:
    trained = fit(build, line, replace(RECIPE, schedule="constant", clip=0.5))
    torch.manual_seed(0)
    model = build()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    scores: list[float] = []
    states = []
    for _ in range(4):
        model.train()
        for batch in line.batches(0):
            optimizer.zero_grad()
            line.loss(model, batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        model.eval()
        with torch.inference_mode():
            scores.append(float(line.score(model) or 0.0))
        states.append(weights(model))
    best = int(np.argmin(scores))
    assert [row["score"] for row in trained.history] == scores
    assert (trained.epoch, trained.score) == (best + 1, scores[best])
    assert same(weights(trained.model), states[best])
    assert not trained.model.training


class Scored(Line):
    """A task whose scores are given."""

    def __init__(self, scores: list[float | None]) -> None:
        super().__init__()
        self.scores = scores

    def score(self, model: Any, split: str = "validation") -> float | None:
        return self.scores.pop(0)


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([2.0, 1.0, 3.0, 1.0], 2),  # of equal ones the first
        ([float("nan"), 5.0, 6.0, 7.0], 2),
        ([None] * 4, 4),  # nothing to select on: the last
    ],
)
def test_the_best_epoch_is_kept(build: Build, scores: list[float | None], best: int) -> None:
    states: list[Any] = []
    trained = fit(build, Scored(scores), RECIPE, on_epoch=lambda m, _: states.append(weights(m)))
    assert trained.epoch == best
    assert same(weights(trained.model), states[best - 1])


def test_states_of_the_caller_are_left_alone(build: Build, line: Line) -> None:
    torch.manual_seed(7)
    before = random_state(torch.device("cpu"))
    fit(build, line, RECIPE)
    after = random_state(torch.device("cpu"))
    assert torch.equal(before.pop("torch"), after.pop("torch"))
    assert before == after


def test_averaged_weights_and_buffers_are_scored_selected_and_returned(
    build: Build, line: Line
) -> None:
    epochs: list[Any] = []
    recipe = replace(RECIPE, epochs=2, ema=0.9)

    class Seen(Line):
        def loss(self, model: Any, batch: Any) -> Any:
            epochs.append(weights(model))  # the weights before each step
            return super().loss(model, batch)

    last: list[Any] = []
    trained = fit(build, Seen(), recipe, on_epoch=lambda model, _: last.append(weights(model)))
    steps = [*epochs[1:], last[-1]]  # after each step
    average = steps[0]
    for step, now in enumerate(steps[1:], start=1):
        decay = min(0.9, (1 + step) / (10 + step))
        average = {k: decay * average[k] + (1 - decay) * now[k] for k in now}
    assert trained.epoch == 2
    for name, value in weights(trained.model).items():
        if value.is_floating_point():  # all but the count of batches
            torch.testing.assert_close(value, average[name])
    assert "raw_score" in trained.history[0]
    assert trained.history[0]["raw_score"] != trained.history[0]["score"]


def test_normalisations_take_the_momentum_of_the_recipe(build: Build, line: Line) -> None:
    model = fit(build, line, replace(RECIPE, epochs=1, norm_momentum=0.01)).model
    assert model[1].momentum == 0.01  # type: ignore[index]


class Paths(torch.nn.Linear):
    """Remembers what it is told."""

    told: list[float]

    def set_drop_path(self, probability: float) -> None:
        self.told = [*getattr(self, "told", []), probability]


def test_drop_path_rises_linearly_or_stays(line: Line) -> None:
    recipe = replace(RECIPE, drop_path=0.2)
    model = fit(lambda: Paths(1, 1), line, recipe).model
    assert model.told == pytest.approx([0.0, 0.05, 0.1, 0.15])
    model = fit(lambda: Paths(1, 1), line, replace(recipe, drop_path_rises=False)).model
    assert model.told == [0.2] * 4


def test_dropout_is_the_recipes_or_the_networks(build: Build, line: Line) -> None:
    for dropout, expected in ((None, 0.1), (0.0, 0.0), (0.4, 0.4)):
        model: Any = fit(build, line, replace(RECIPE, epochs=1, head_dropout=dropout)).model
        assert model[2].p == expected


def test_what_the_network_cannot_do_is_refused(build: Build, line: Line) -> None:
    with pytest.raises(InvalidArgument, match="drop_path: Sequential has no paths"):
        fit(build, line, replace(RECIPE, drop_path=0.2))
    with pytest.raises(InvalidArgument, match="head_dropout: Linear has no layers that drop"):
        fit(lambda: torch.nn.Linear(1, 1), line, replace(RECIPE, head_dropout=0.2))


def test_a_batch_of_one_that_cannot_be_normalised_is_named(build: Build) -> None:
    class Single(Line):
        def batches(self, epoch: int) -> Any:
            return (batch[:1] for batch in super().batches(epoch))

    with pytest.raises(InvalidArgument, match=r"batch_size: .* one example .*drop_last=True"):
        fit(build, Single(), RECIPE)


def test_a_training_that_diverges_says_so(build: Build, line: Line) -> None:
    with pytest.raises(RunError, match=r"loss of epoch \d+ is .*learning_rate"):
        fit(build, line, replace(RECIPE, learning_rate=1e30))


@pytest.mark.parametrize("options", [{"amp": "bf16"}, {"channels_last": True}])
def test_precision_and_layout_train_nearly_alike(options: dict[str, Any]) -> None:
    recipe = Recipe(epochs=6, batch_size=8, learning_rate=0.05)
    plain = fit(convolution, ImageTask(pictures(), recipe), recipe)
    recipe = replace(recipe, **options)
    seen: list[Any] = []

    class Watched(ImageTask):
        def loss(self, model: Any, batch: Any) -> Any:
            loss = super().loss(model, batch)
            seen.append(model(batch.images[:2]).dtype)
            return loss

    other = fit(convolution, Watched(pictures(), recipe), recipe)
    assert other.history[-1]["loss"] == pytest.approx(plain.history[-1]["loss"], abs=0.05)
    assert set(seen) == {torch.bfloat16 if "amp" in options else torch.float32}
    assert other.model[0].weight.dtype == torch.float32  # type: ignore[index]
    last = other.model[0].weight.is_contiguous(memory_format=torch.channels_last)  # type: ignore[index]
    assert last == ("channels_last" in options)


@pytest.mark.slow
def test_a_compiled_network_trains_alike(build: Build, line: Line) -> None:
    plain = fit(build, line, RECIPE)
    compiled = fit(build, line, replace(RECIPE, compile=True))
    assert compiled.history[-1]["loss"] == pytest.approx(plain.history[-1]["loss"], rel=0.3)
    assert weights(compiled.model).keys() == weights(plain.model).keys()


# -- The folder ----------------------------------------------------------------------------------


class Killed(Exception):
    pass


def _stopped_after(epoch: int) -> Callable[[Any, Any], None]:
    def stop(model: Any, row: Any) -> None:
        if row["epoch"] == epoch:
            raise Killed

    return stop


def _without_time(rows: Any) -> list[Any]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


@pytest.mark.parametrize(
    "options",
    [{}, {"ema": 0.9, "clip": 1.0}, {"optimizer": "adamw", "schedule": "exponential"}],
)
def test_an_interrupted_training_goes_on_bit_for_bit(
    build: Build, line: Line, tmp_path: Path, options: dict[str, Any]
) -> None:
    recipe = replace(RECIPE, epochs=10, **options)
    whole = fit(build, line, recipe, folder=tmp_path / "whole")
    with pytest.raises(Killed):
        fit(build, line, recipe, folder=tmp_path / "cut", on_epoch=_stopped_after(5))
    torch.manual_seed(99)
    resumed = fit(build, line, recipe, folder=tmp_path / "cut", resume=True)
    assert same(weights(resumed.model), weights(whole.model))
    assert _without_time(resumed.history) == _without_time(whole.history)
    assert (resumed.epoch, resumed.score) == (whole.epoch, whole.score)
    curves = [
        [json.loads(row) for row in (tmp_path / name / "curve.jsonl").read_text().splitlines()]
        for name in ("whole", "cut")
    ]
    assert _without_time(curves[0]) == _without_time(curves[1]) == _without_time(whole.history)


def test_augmentation_goes_on_bit_for_bit_too(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    recipe = Recipe(
        epochs=4,
        batch_size=8,
        crop="pad",
        flip=True,
        cutout=2,
        cutmix=1.0,
        mixup=0.2,
        policy="randaugment",
        device="cpu",
    )
    task = ImageTask(pictures(), recipe)
    whole = fit(convolution, task, recipe)
    with pytest.raises(Killed):
        fit(convolution, task, recipe, folder=tmp_path, on_epoch=_stopped_after(2))
    resumed = fit(convolution, ImageTask(pictures(), recipe), recipe, folder=tmp_path, resume=True)
    assert same(weights(resumed.model), weights(whole.model))


def test_a_finished_training_is_not_trained_again(build: Build, line: Line, tmp_path: Path) -> None:
    done = fit(build, line, RECIPE, folder=tmp_path)
    lines: list[str] = []
    again = fit(build, line, RECIPE, folder=tmp_path, resume=True, progress=lines.append)
    assert lines == []
    assert same(weights(again.model), weights(done.model))


def test_a_folder_is_not_overwritten_and_not_gone_on_with_by_another_recipe(
    build: Build, line: Line, tmp_path: Path
) -> None:
    fit(build, line, RECIPE, folder=tmp_path)
    with pytest.raises(RunError, match="holds a training already"):
        fit(build, line, RECIPE, folder=tmp_path)
    with pytest.raises(RunError, match="begun with epochs=4, not 5"):
        fit(build, line, replace(RECIPE, epochs=5), folder=tmp_path, resume=True)
    with pytest.raises(RunError, match="another network"):
        fit(lambda: torch.nn.Linear(1, 1), line, RECIPE, folder=tmp_path, resume=True)


class Evil:
    def __reduce__(self) -> Any:
        return (os.mkdir, ("evil",))


@pytest.mark.parametrize("content", ["cut", "evil"])
def test_a_damaged_checkpoint_is_named_and_runs_nothing(
    build: Build, line: Line, tmp_path: Path, content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fit(build, line, RECIPE, folder=tmp_path)
    path = tmp_path / "checkpoint.pt"
    if content == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    else:
        torch.save({"version": 1, "recipe": Evil()}, path)
    with pytest.raises(RunError, match=r"checkpoint.pt: no checkpoint that can be read"):
        fit(build, line, RECIPE, folder=tmp_path, resume=True)
    assert not (tmp_path / "evil").exists()


def test_progress_is_a_short_line_an_epoch(build: Build) -> None:
    lines: list[str] = []
    fit(build, Scored([2.0, 1.0, 3.0, 1.5]), RECIPE, progress=lines.append)
    assert len(lines) == 4
    assert lines[1].startswith("epoch 2/4  loss ")
    assert "validation 1.0000 (best)  " in lines[1]
    assert "validation 3.0000  " in lines[2]


WORKER = """
import sys
from pathlib import Path
from tests.adapters.training.conftest import convolution, pictures
from lamcts.adapters.training import Recipe
from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.loop import fit
import os, signal, torch
torch.set_num_threads(1)
folder, kill = Path(sys.argv[1]), int(sys.argv[2])
recipe = Recipe(epochs=10, batch_size=8, crop="pad", flip=True, cutout=2, ema=0.9)
def on_epoch(model, row):
    if row["epoch"] == kill:
        os.kill(os.getpid(), signal.SIGKILL)
trained = fit(convolution, ImageTask(pictures(), recipe), recipe, folder=folder, resume=True,
              on_epoch=on_epoch)
torch.save(trained.model.state_dict(), folder / "weights.pt")
"""

ROOT = Path(__file__).parents[3]


def _process(*words: str, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *launcher, *words],
        env=variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_ten_epochs_are_five_a_kill_and_five(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text(WORKER)
    worker = str(tmp_path / "worker.py")
    assert _process(worker, str(tmp_path / "whole"), "0").returncode == 0
    assert _process(worker, str(tmp_path / "cut"), "5").returncode == -9
    assert _process(worker, str(tmp_path / "cut"), "0").returncode == 0
    whole, cut = (torch.load(tmp_path / name / "weights.pt") for name in ("whole", "cut"))
    assert same(whole, cut)


def test_other_images_or_another_teacher_are_not_trained_on_with(tmp_path: Path) -> None:
    recipe = replace(RECIPE, epochs=1)
    fit(convolution, ImageTask(pictures(), recipe), recipe, folder=tmp_path)
    others = pictures()
    others.train.labels[0] = (others.train.labels[0] + 1) % 3
    for task in (ImageTask(others, recipe), ImageTask(pictures(), recipe, teacher=convolution())):
        with pytest.raises(RunError, match=r"was begun with .* images .*, not .* images "):
            fit(convolution, task, recipe, folder=tmp_path, resume=True)
    fit(convolution, ImageTask(pictures(), recipe), recipe, folder=tmp_path, resume=True)


def test_half_precision_begun_on_the_cpu_goes_on_with_scaled_gradients(
    build: Build, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = replace(RECIPE, amp="fp16")
    with pytest.raises(Killed):
        fit(build, line, recipe, folder=tmp_path, on_epoch=_stopped_after(2))
    scaler = torch.amp.GradScaler("cpu", enabled=True)  # as on a GPU
    monkeypatch.setattr(torch.amp, "GradScaler", lambda *args, **kwargs: scaler)
    assert len(fit(build, line, recipe, folder=tmp_path, resume=True).history) == 4


def test_another_architecture_of_the_same_weights_is_not_trained_on_with(
    build: Build, line: Line, tmp_path: Path
) -> None:
    fit(build, line, RECIPE, folder=tmp_path, architecture="one")
    with pytest.raises(RunError, match="was begun with the architecture one; resume it with the"):
        fit(build, line, RECIPE, folder=tmp_path, resume=True, architecture="other")
    fit(build, line, RECIPE, folder=tmp_path, resume=True, architecture="one")


PAIR = """
import sys
from pathlib import Path
from tests.adapters.training.conftest import convolution, pictures
from lamcts.adapters.training import Recipe
from lamcts.adapters.training.distributed import group, rank, world
from lamcts.adapters.training.images import ImageTask
from lamcts.adapters.training.loop import fit
import torch
torch.set_num_threads(1)
inner = sys.argv[2] == "leaves weights out"
recipe = Recipe(epochs=3, batch_size=8, learning_rate=0.05, channels_last=inner)
class Flat(torch.nn.Module):
    leaves_weights_out = inner
    def __init__(self):
        super().__init__()
        self.before = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.used = torch.nn.Linear(192, 3)
        if self.leaves_weights_out:
            self.unused = torch.nn.Linear(192, 3)
    def forward(self, images):
        return self.used(self.before(images).flatten(1))
with group(torch.device("cpu")):
    trained = fit(Flat, ImageTask(pictures(), recipe), recipe, folder=Path(sys.argv[1]))
    torch.save({"weights": trained.model.state_dict(), "history": list(trained.history)},
               Path(sys.argv[1]) / f"rank{rank()}of{world()}.pt")
"""


@pytest.mark.slow
@pytest.mark.parametrize("network", ["uses all", "leaves weights out"])
def test_two_processes_train_the_network_that_one_does(network: str, tmp_path: Path) -> None:
    (tmp_path / "pair.py").write_text(PAIR)
    pair = str(tmp_path / "pair.py")
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    done = _process(pair, str(tmp_path / "two"), network, launcher=torchrun)
    assert done.returncode == 0, done.stderr
    assert _process(pair, str(tmp_path / "one"), network).returncode == 0
    first, second = (torch.load(tmp_path / "two" / f"rank{rank}of2.pt") for rank in (0, 1))
    alone = torch.load(tmp_path / "one" / "rank0of1.pt")
    assert same(first["weights"], second["weights"])
    for name, value in alone["weights"].items():
        torch.testing.assert_close(first["weights"][name], value, atol=1e-5, rtol=1e-4)
    for row, other in zip(first["history"], alone["history"], strict=True):
        assert row["score"] == other["score"]
        assert row["loss"] == pytest.approx(other["loss"], abs=1e-4)
    assert sorted(path.name for path in (tmp_path / "two").iterdir())[:2] == [
        "checkpoint.pt",
        "curve.jsonl",
    ]


@pytest.mark.gpu
@pytest.mark.parametrize("amp", ["off", "fp16", "bf16"])
def test_a_gpu_trains_in_every_precision(amp: Any, tmp_path: Path) -> None:
    recipe = Recipe(epochs=6, batch_size=8, learning_rate=0.05, device="cuda", amp=amp)
    trained = fit(convolution, ImageTask(pictures(), recipe), recipe, folder=tmp_path)
    assert trained.score is not None
    assert trained.score > 0.5
    assert next(trained.model.parameters()).device.type == "cuda"
    again = fit(convolution, ImageTask(pictures(), recipe), recipe, folder=tmp_path, resume=True)
    assert again.score == trained.score
