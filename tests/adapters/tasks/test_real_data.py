"""The ready-made tasks beside simple scikit-learn baselines, on real texts and images.

The data is in a folder that LAMCTS_DATA names; without it these tests are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

from lamcts.adapters.tasks import Data, read_tsv  # noqa: E402
from lamcts.problem import load_problem  # noqa: E402

PROBLEMS = Path(__file__).parents[3] / "problems"
ROOT = Path(os.environ.get("LAMCTS_DATA", "data"))
QUESTIONS, CIFAR = ROOT / "trec_questions", ROOT / "cifar10_4k" / "cifar10_4k.npz"
CONVOLUTIONS = {
    **{"tokens": 0, "min_count": 2, "embedding": 6, "reader": 1, "width": 64, "layers": 1},
    **{"dropout": 0.5, "batch_size": 32, "learning_rate": 2e-3, "weight_decay": 0.1},
}
NETWORK = {
    **{"width": 3, "stages": 3, "depth": 1, "kernel": 0, "block": 1, "squeeze": 0},
    **{"attention": 0, "dropout": 0.0, "crop": 0, "learning_rate": 1e-2},
    **{"weight_decay": 0.05, "label_smoothing": 0.05},
}


@pytest.mark.skipif(not QUESTIONS.exists(), reason="no TREC questions under LAMCTS_DATA")
def test_questions_are_classified_as_well_as_by_words_and_pairs_of_words() -> None:
    texts, labels = read_tsv(QUESTIONS / "train.tsv")
    test, truth = read_tsv(QUESTIONS / "test.tsv")
    scores = []
    for pairs in (1, 2):
        words = TfidfVectorizer(ngram_range=(1, pairs), token_pattern=r"\w+|[^\w\s]")
        model = make_pipeline(words, LogisticRegression(max_iter=1000, C=10 if pairs == 2 else 1))
        scores.append(model.fit(texts, labels).score(test, truth))
    task = load_problem(PROBLEMS / "my_text_task.py", data=str(QUESTIONS), epochs=4)
    found = task.test(CONVOLUTIONS)["test_score"]
    assert min(scores) - 0.03 <= found <= max(scores) + 0.05, (scores, found)


@pytest.mark.skipif(not CIFAR.exists(), reason="no images of CIFAR-10 under LAMCTS_DATA")
def test_images_are_classified_better_than_by_their_principal_components() -> None:
    stored = np.load(CIFAR)
    train, test = (stored[f"x_{part}"].astype(np.float32) / 255 for part in ("train", "test"))
    labels, truth = (stored[f"y_{part}"].astype(np.int64) for part in ("train", "test"))
    linear = make_pipeline(
        StandardScaler(), PCA(60, random_state=0), LogisticRegression(max_iter=500)
    )
    linear.fit(train.reshape(len(train), -1), labels)
    baseline = linear.score(test.reshape(len(test), -1), truth)

    task: Any = load_problem(PROBLEMS / "my_cv_task.py", epochs=4)
    task.classes = tuple(map(str, range(10)))
    images, others = (part.transpose(0, 3, 1, 2).copy() for part in (train, test))
    parts = [(images[:2500], labels[:2500]), (images[2500:], labels[2500:]), (others, truth)]
    task.load_data = lambda: Data(*parts)
    found = task.test(NETWORK)["test_score"]
    assert found > baseline + 0.03, (baseline, found)
