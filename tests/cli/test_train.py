"""``lamcts train`` and ``lamcts export`` of what it trained, as a person would use them."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Call, Start

pytest.importorskip("torch")

NASBENCH = str(ROOT / "problems" / "nasbench.py")
TRAIN = ("train", NASBENCH, "--arch", "resnet", "--set", "batch_size=100")


def test_an_architecture_is_trained_and_said_where_it_is(lamcts: Call, folder: Path) -> None:
    outcome = lamcts(*TRAIN, "--epochs", "2", "--out", "net")
    assert outcome.code == 0, outcome
    assert [line.split()[0] for line in outcome.out.splitlines()] == [
        "epoch",
        "validation_accuracy",
        "test_accuracy",
    ]
    first, second, third, last = outcome.err.splitlines()
    assert "handwritten digits, a stand-in (your own: --set data=PATH)" in first
    assert second.startswith("epoch 1/2  loss ")
    assert third.startswith("epoch 2/2  loss ")
    assert last == "stored in net; for other tools: lamcts export net --format onnx"
    files = {path.name for path in (folder / "net").iterdir()}
    assert {"model.json", "curve.jsonl", "checkpoint.pt"} < files
    about = json.loads((folder / "net" / "model.json").read_text())
    assert about["problem"] == NASBENCH
    assert about["settings"] == {}
    assert about["recipe"]["batch_size"] == 100


def test_an_exported_architecture_is_taken_again(lamcts: Call, folder: Path) -> None:
    assert lamcts(*TRAIN, "--epochs", "1", "--out", "net", "--quiet").err == ""
    arch = lamcts("export", "net")
    assert arch.code == 0, arch
    assert arch.out.count("\n") == 1
    assert lamcts("export", "net", "--out", "arch.json").err == (
        "wrote arch.json: architecture as JSON\n"
    )
    for again in (arch.out, "arch.json"):
        cost = lamcts("cost", NASBENCH, "--arch", again, "--json")
        assert cost.out == lamcts("cost", NASBENCH, "--arch", "resnet", "--json").out
    taken = lamcts("export", "net", "--out", "arch.json")
    assert (taken.code, taken.err) == (2, "Error: --out: 'arch.json' exists; choose another name\n")
    weights = lamcts("export", "net", "--format", "safetensors")
    assert weights.err.startswith(f"wrote {Path('net') / 'model.safetensors'}: weights, ")


def test_the_best_of_a_run_is_trained_with_its_settings(lamcts: Call, folder: Path) -> None:
    words = ("--set", "channels=4", "--set", "stacks=1", "--set", "epochs=1", "--set", "repeats=1")
    lamcts("run", NASBENCH, "--budget", "2", "--seed", "0", "--name", "found", *words)
    outcome = lamcts("train", "--run", "found", "--epochs", "1", "--out", "net", "--json")
    assert outcome.code == 0, outcome
    scores = json.loads(outcome.out)
    assert set(scores) == {"epoch", "validation_accuracy", "test_accuracy", "folder"}
    about = json.loads((folder / "net" / "model.json").read_text())
    assert about["settings"] == {"channels": 4, "stacks": 1, "epochs": 1, "repeats": 1}
    best = json.loads(lamcts("show", "found", "--json").out)["best"]["x"]
    cost = ("cost", NASBENCH, *words[:4], "--json", "--arch")
    assert (
        lamcts(*cost, json.dumps(about["architecture"])).out == lamcts(*cost, json.dumps(best)).out
    )


def test_a_published_network_is_trained_with_its_auxiliary_head(lamcts: Call, folder: Path) -> None:
    sizes = ("channels=2", "cells=3", "auxiliary=true", "resolution=24", "batch_size=200")
    words = [word for size in (*sizes, "auxiliary_weight=0.2") for word in ("--set", size)]
    train = ("train", "nasnet_cifar", "--arch", "lanet", "--epochs", "1", "--out", "net", *words)
    outcome = lamcts(*train)
    assert outcome.code == 0, outcome
    about = json.loads((folder / "net" / "model.json").read_text())
    assert about["settings"] == {"channels": 2, "cells": 3, "auxiliary": True}
    assert about["recipe"]["auxiliary_weight"] == 0.2


def test_an_interrupted_training_says_how_to_go_on(start: Start, lamcts: Call) -> None:
    command = (*TRAIN, "--epochs", "20000", "--out", "net")
    process = start(*command)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 2/"):
            process.send_signal(signal.SIGINT)
            break
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    last = errors.splitlines()[-1]
    assert last.startswith("interrupted; go on with: lamcts train ")
    assert last.endswith("--arch resnet --epochs 20000 --out net --set batch_size=100 --resume")
    unfinished = lamcts("export", "net")
    assert (unfinished.code, unfinished.err) == (
        2,
        "Error: net: its training is not finished; go on with --resume\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("train", "give PROBLEM --arch ARCH, or --run RUN"),
        (f"train {NASBENCH}", "give PROBLEM --arch ARCH, or --run RUN"),
        (f"train {NASBENCH} --arch resnet --resume", "--resume: give the folder"),
        (f"train {NASBENCH} --arch resnt", "did you mean 'resnet'"),
        (f"train {NASBENCH} --arch resnet --recipe digit", "--recipe: 'digit' .* 'digits'"),
        (f"train {NASBENCH} --arch resnet --set epoch=1", "--set epoch: .* 'epochs'"),
        (f"train {NASBENCH} --arch resnet --set momentum=big", "--set momentum: 'big' is not a"),
        (f"train {NASBENCH} --arch resnet --set momentum=1", r"momentum: 1.0 is not in \[0, 1\)"),
        (f"train {NASBENCH} --arch resnet --set data=nowhere", "no file or folder 'nowhere'"),
        (f"train {NASBENCH} --arch resnet --set distillation=0.5", "there is no teacher"),
        (f"run {NASBENCH} --budget 2 --set data=nowhere", "no file or folder 'nowhere'"),
        ("train bowl.py --arch [0,0]", "has no networks to train"),
        ("train --run none", "'none' is no run"),
        ("export bowl.py --format onnx", "--format: onnx is of a training, and 'bowl.py' is none"),
    ],
)
def test_mistakes_are_said_in_a_line(lamcts: Call, folder: Path, words: str, message: str) -> None:
    takes_out = not words.startswith("run") and "--resume" not in words
    outcome = lamcts(*words.split(), *(["--out", "net"] if takes_out else []))
    assert outcome.code == 2, outcome
    assert outcome.err.count("\n") == 1, outcome
    assert re.search(message, outcome.err), outcome
    assert not (folder / "net").exists()


def test_a_training_is_not_overwritten(lamcts: Call) -> None:
    assert lamcts(*TRAIN, "--epochs", "1", "--out", "net").code == 0
    outcome = lamcts(*TRAIN, "--epochs", "1", "--out", "net")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-1].startswith("Error: net: holds a training already; ")
    again = lamcts(*TRAIN, "--epochs", "1", "--out", "net", "--resume")
    assert again.code == 0, again
