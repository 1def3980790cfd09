"""What docs/own-task.md promises: own files, four commands, and a model that needs no lamcts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytest.importorskip("safetensors")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]

IMAGES = """
import json, sys, numpy, onnxruntime
from PIL import Image
model = onnxruntime.InferenceSession("final/model.onnx")
facts = model.get_modelmeta().custom_metadata_map
classes, size = json.loads(facts["classes"]), json.loads(facts["input"])["size"]
for name, shade in (("dark", 40), ("light", 220)):
    image = Image.fromarray(numpy.full((9, 9, 3), shade, numpy.uint8))
    pixels = numpy.asarray(image.resize((size, size)), numpy.float32) / 255
    [scores] = model.run(None, {"inputs": pixels.transpose(2, 0, 1)[None]})
    assert classes[scores.argmax()] == name, (name, scores)
assert not any(name.startswith(("lamcts", "torch")) for name in sys.modules)
"""

TEXTS = """
import json, re, sys, numpy, onnxruntime
model = onnxruntime.InferenceSession("final/model.onnx")
facts = model.get_modelmeta().custom_metadata_map
classes, told = json.loads(facts["classes"]), json.loads(facts["tokenizer"])
numbers = {word: i for i, word in enumerate(told["vocabulary"], start=2)}
for name, text in (("good", "A fine day"), ("bad", "a poor day")):
    found = [numbers.get(word, 1) for word in re.findall(told["pattern"], text.lower())]
    row = numpy.zeros((1, told["length"]), numpy.int64)
    row[0, : len(found)] = found
    [scores] = model.run(None, {"inputs": row})
    assert classes[scores.argmax()] == name, (name, scores)
assert not any(name.startswith(("lamcts", "torch")) for name in sys.modules)
"""


def run(*words: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def make_images(folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    for name, shade in (("dark", 0), ("light", 150)):
        (folder / "data" / name).mkdir(parents=True)
        for i in range(60):
            pixels = rng.integers(shade, shade + 100, (9, 9, 3), dtype=np.uint8)
            image.fromarray(pixels).save(folder / "data" / name / f"{i}.png")


def make_texts(folder: Path) -> None:
    lines = [
        f"{'good' if i % 2 else 'bad'}\ta {'fine' if i % 2 else 'poor'} day, number {i}"
        for i in range(200)
    ]
    (folder / "data").write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize(
    ("template", "make", "use"), [("vision", make_images, IMAGES), ("text", make_texts, TEXTS)]
)
def test_four_commands_to_a_model(
    template: str, make: Callable[[Path], None], use: str, tmp_path: Path
) -> None:
    make(tmp_path)
    lamcts = ("-m", "lamcts")
    run(*lamcts, "init", "mine.py", "--template", template, folder=tmp_path)
    data = ("--set", "data=data", "--set", "epochs=4")
    run(*lamcts, "run", "mine.py", *data, "--budget", "4", "--name", "a", folder=tmp_path)
    told = run(*lamcts, "train", "--run", "a", "--out", "final", folder=tmp_path)
    assert "test_score" in told
    told = run(*lamcts, "export", "final", "--format", "onnx", folder=tmp_path)
    assert "ONNX, inputs (n, " in told
    run("-c", use, folder=tmp_path)
