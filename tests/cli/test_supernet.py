"""Supernets by commands: trained, resumed, split, searched, ranked; and what can go wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call

pytest.importorskip("torch")

PROBLEM = """
from lamcts.adapters.nasnet_cifar import NASNetCIFAR
from lamcts.adapters.training import ImageData, Split, digits

class Few(NASNetCIFAR):
    def load_data(self):
        whole = digits()
        few = [Split(part.images[:96], part.labels[:96]) for part in (whole.train, whole.test)]
        return ImageData(few[0], few[1], few[1], name="a few digits")
"""
SIZE = [
    word
    for setting in ("encoding=one-shot", "nodes=2", "proxy_channels=4", "proxy_cells=2")
    for word in ("--set", setting)
]


@pytest.fixture
def supernet(folder: Path, lamcts: Call) -> Path:
    """The problem and its supernet, in the current folder."""
    (folder / "few.py").write_text(PROBLEM)
    words = ("supernet", "train", "few.py", "--out", "net", "--epochs", "2", *SIZE)
    outcome = lamcts(*words)
    assert outcome.code == 0, outcome
    assert "epoch 2/2" in outcome.err
    assert "now: lamcts supernet search few.py --supernet net" in outcome.err
    assert outcome.out.splitlines()[0].split() == ["part", "validation", "accuracy"]
    return folder / "net"


@pytest.mark.usefixtures("supernet")
def test_a_search_takes_the_settings_of_the_supernet(lamcts: Call) -> None:
    words = ("few.py", "--budget", "5", "--seed", "0", "--name", "one", "--json")
    limited = ("--constraint", "params<=1.4e6", "--set", "channels=32", "--set", "leaf_size=3")
    outcome = lamcts("supernet", "search", *words, *limited, "--supernet", "net", "--quiet")
    assert outcome.code == 0, outcome
    result = json.loads(outcome.out)
    assert result["trials"]["complete"] == 5
    assert result["test"].keys() == {"inherited_test_accuracy"}
    trials = json.loads(lamcts("export", "one").out)
    assert all(trial["cost"]["params"] <= 1.4e6 for trial in trials)
    again = ("few.py", "--set", "channels=32", "--set", "leaf_size=3", "--name", "other", *SIZE)
    same = lamcts("run", *again, "--set", "supernet=net", *words[1:5], *limited[:2], "--quiet")
    assert same.code == 0, same
    others = json.loads(lamcts("export", "other").out)
    assert [(t["x"], t["value"]) for t in others] == [(t["x"], t["value"]) for t in trials]
    resumed = lamcts("resume", "one", "--budget", "6", "--quiet", "--json")
    assert json.loads(resumed.out)["trials"]["complete"] == 6


@pytest.mark.usefixtures("supernet")
def test_few_shot_and_one_shot_are_ranked_side_by_side(lamcts: Call) -> None:
    words = ("few.py", "--supernet", "net", "--by", "normal.0", "--out", "few", "--epochs", "1")
    recipe = ("--set", "learning_rate=0.05")
    split = lamcts("supernet", "split", *words, *recipe, "--json", "--quiet")
    assert split.code == 0, split
    record = json.loads(split.out)
    assert record["split"] == {"choice": "normal.0"}
    assert (record["recipe"]["learning_rate"], record["recipe"]["epochs"]) == (0.05, 1)
    assert len(record["scores"]) == 4
    compared = ("--supernet", "net", "--supernet", "few", "--networks", "3", "--set", "epochs=1")
    ranked = lamcts("supernet", "rank", "few.py", *compared, "--again")
    assert ranked.code == 0, ranked
    header, *rows = ranked.out.splitlines()
    assert header.split()[:2] == ["supernet", "spearman"]
    assert [row.split()[0] for row in rows] == ["net", "few", "trained"]
    assert "3 networks trained alone" in ranked.err


@pytest.mark.usefixtures("supernet")
def test_mistakes_are_one_line(lamcts: Call) -> None:
    search = ("supernet", "search", "few.py", "--supernet")
    for words, message in (
        (("supernet", "train", "few.py", "--out", "net", *SIZE), "holds a supernet already"),
        (("supernet", "train", "bowl.py", "--out", "x"), "its networks do not share weights"),
        (("supernet", "train", "few.py", "--out", "x"), "use one-shot or darts"),
        ((*search, "nothing"), "'nothing' holds none; train one: lamcts supernet train"),
        ((*search, "net", "--set", "nodes=3"), "use --set nodes=2"),
        ((*search, "net", "--set", "node=3"), "node"),
        (("supernet", "train", "few.py", "--out", "x", "--set", "epoch=3"), "epoch"),
        (("supernet", "rank", "few.py", "--supernet", "net", "--networks", "2"), "too few"),
        (("supernet", "rank", "few.py", "--supernet", "net", "--set", "clip=1"), "as in any"),
        (("run", "few.py", "--set", "supernet=net"), "use --set encoding=one-shot"),
    ):
        outcome = lamcts(*words)
        assert outcome.code == 2, outcome
        assert message in outcome.err, outcome
        assert len(outcome.err.splitlines()) == 1, outcome


def test_an_interrupted_training_goes_on(
    lamcts: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lamcts.adapters.training import loop

    (folder / "few.py").write_text(PROBLEM)
    words = ("supernet", "train", "few.py", "--out", "net", "--epochs", "3", *SIZE)
    run_epoch = loop._Training.run_epoch

    def interrupted(training: loop._Training) -> loop.Row:
        if len(training.history) == 1:
            raise KeyboardInterrupt
        return run_epoch(training)

    monkeypatch.setattr(loop._Training, "run_epoch", interrupted)
    outcome = lamcts(*words)
    assert outcome.code == 130
    assert "interrupted; go on with the same command and --resume" in outcome.err
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    outcome = lamcts(*words, "--resume")
    assert outcome.code == 0, outcome
    assert "epoch 2/3" in outcome.err
    assert "epoch 1/3" not in outcome.err
