"""A Hugging Face model of a few thousand weights, made here: tuned, merged, without any network."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("peft")

from lamcts.adapters.tasks import read_tsv  # noqa: E402
from lamcts.adapters.tasks.points import some_point  # noqa: E402
from lamcts.errors import DependencyNotInstalled, InvalidArgument  # noqa: E402
from lamcts.problem import load_problem  # noqa: E402

PROBLEM = Path(__file__).parents[3] / "problems" / "my_pretrained_task.py"
WORDS = ("good", "fine", "bad", "poor", "day", "night", "indeed")
HEAD, LORA, ALL = range(3)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError(f"a connection to {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """BERT of two layers with random weights, and a tokenizer of seven words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    folder = tmp_path_factory.mktemp("model")
    known = {word: i for i, word in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    cut = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    cut.pre_tokenizer = pre_tokenizers.Whitespace()
    cut.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "sep_token": "[SEP]"}
    transformers.PreTrainedTokenizerFast(tokenizer_object=cut, **named).save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    config = transformers.BertConfig(
        vocab_size=len(known), num_attention_heads=2, max_position_embeddings=64, **shape
    )
    torch.manual_seed(0)
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    lines = []
    for i in range(100):
        word = WORDS[2 * (i % 2) + rng.integers(2)]
        lines.append(f"{'no' if i % 2 else 'yes'}\ta {word} {' '.join(rng.choice(WORDS[4:], 2))}")
    file = tmp_path_factory.mktemp("texts") / "texts.tsv"
    file.write_text("\n".join(lines))
    return file


def task(model: Path | None, texts: Path, **settings: Any) -> Any:
    return load_problem(PROBLEM, model=str(model) if model else None, data=str(texts), **settings)


def point(of: Any, tuned: int, **others: Any) -> Any:
    fixed = {"dropout": 0.0, "batch_size": 8, "learning_rate": 0.004, "weight_decay": 1e-3}
    return {**some_point(of.space), "tuned": tuned, "rank": 1, "targets": 1, **fixed, **others}


def trained_names(network: Any) -> set[str]:
    return {name for name, weights in network.named_parameters() if weights.requires_grad}


def test_what_is_trained_is_searched(model: Path, texts: Path) -> None:
    of = task(model, texts)
    of.prepare()
    costs = {tuned: of.cost(point(of, tuned)) for tuned in (HEAD, LORA, ALL)}
    whole = costs[ALL]["params"]
    head = 32 * 32 + 32 + 32 * 2 + 2  # the pooler, and the classes' layer
    assert costs[HEAD] == {"params": whole, "trained": head, "macs": costs[ALL]["macs"]}
    assert costs[ALL]["trained"] == whole
    # Rank 2, beside each of the 12 linear layers inside: in each half four of 32 by 32 and two of
    # 32 by 64. The last layers stand beside their copies, which are not trained.
    changes = 2 * (8 * (32 + 32) + 4 * (32 + 64))
    assert costs[LORA]["trained"] == changes + head
    assert costs[LORA]["params"] == whole + changes + head

    fewer = trained_names(of.network(point(of, LORA, targets=0)))
    changed = {name for name in fewer if "lora" in name}
    assert changed
    assert all(".query." in name or ".value." in name for name in changed)
    assert any("classifier" in name for name in fewer - changed)
    assert of.canonical(point(of, ALL, rank=3)) == of.canonical(point(of, ALL, targets=0))
    assert of.canonical(point(of, LORA)) == point(of, LORA)
    dropped = of.network(point(of, ALL, dropout=0.25)).modules()
    assert {part.p for part in dropped if isinstance(part, torch.nn.Dropout)} == {0.25}


def test_lora_learns_and_leaves_the_weights(model: Path, texts: Path) -> None:
    of = task(model, texts, epochs=12)
    x = point(of, LORA, rank=4)
    value = of.evaluate(x).value
    assert value > 0.9
    assert task(model, texts, epochs=12).evaluate(x).value == value
    untouched = of.network(point(of, ALL)).model.state_dict()["bert.pooler.dense.weight"]
    there = transformers.BertModel.from_pretrained(model).state_dict()["pooler.dense.weight"]
    assert torch.equal(untouched, there)


def test_the_final_model_loads_without_this_package(
    model: Path, texts: Path, tmp_path: Path
) -> None:
    of = task(model, texts)
    x = point(of, LORA, rank=4)
    scores = of.train(x, tmp_path, recipe=of.make_recipe(None, {"epochs": 12}))
    assert scores["test_score"] > 0.9
    of.export(tmp_path, "huggingface", tmp_path / "hf")
    classify = transformers.pipeline("text-classification", str(tmp_path / "hf"))
    wanted, labels = read_tsv(texts)
    found = [answer["label"] for answer in classify(wanted)]
    assert np.mean([a == b for a, b in zip(found, labels, strict=True)]) > 0.9
    assert not list((tmp_path / "hf").glob("*adapter*"))

    # The tokenizer beside the weights cuts and fills up by itself.
    from tokenizers import Tokenizer

    told = json.loads((tmp_path / "tokenizer.json").read_text())
    rows = [row.ids for row in Tokenizer.from_str(json.dumps(told)).encode_batch(wanted[:3])]
    assert len(rows[0]) == 6  # the longest text has four words, and two marks
    assert rows == of._pretrained.encode(wanted[:3]).tolist()


def test_a_folder_that_is_no_model_is_said(
    model: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidArgument, match="model: none given; --set model=FOLDER"):
        task(None, texts).prepare()
    with pytest.raises(InvalidArgument, match="is no folder of a model: it has no config"):
        task(tmp_path, texts).prepare()
    config = json.loads((model / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config))
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(InvalidArgument, match="no weights as safetensors"):
        task(tmp_path, texts).prepare()
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((model / name).read_bytes())
    with pytest.raises(InvalidArgument, match="cannot be used: SafetensorError"):
        task(tmp_path, texts).prepare()
    code = {"AutoModelForSequenceClassification": "mine.Mine", "AutoConfig": "mine.Config"}
    strange = {**config, "model_type": "mine", "auto_map": code}
    (tmp_path / "config.json").write_text(json.dumps(strange))
    (tmp_path / "mine.py").write_text("raise SystemExit('the code of the folder runs')")
    with pytest.raises(InvalidArgument, match=r"ValueError: .* contains custom code"):
        task(tmp_path, texts).prepare()
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InvalidArgument, match="has an adapter in it"):
        task(tmp_path, texts).prepare()
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(DependencyNotInstalled, match=r'needs peft.*pip install "lamcts\[hf\]"'):
        task(model, texts).prepare()
