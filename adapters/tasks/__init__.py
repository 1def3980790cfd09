"""Your own task: data and a model of yours, tuned, retrained and exported.

`SklearnTask` needs scikit-learn alone; `TorchTask` and what is made of it need PyTorch, which is
not loaded until a network is built.
"""

from lamcts.adapters.tasks.data import Data, split_data
from lamcts.adapters.tasks.images import read_image_folder
from lamcts.adapters.tasks.pretrained_task import PretrainedTextClassification
from lamcts.adapters.tasks.sklearn_task import SAMPLES, SklearnTask
from lamcts.adapters.tasks.tables import read_csv
from lamcts.adapters.tasks.text_task import LanguageModel, TextClassification
from lamcts.adapters.tasks.texts import Tokenizer, read_tsv
from lamcts.adapters.tasks.torch_task import TorchTask
from lamcts.adapters.tasks.vision_task import ImageClassification, Segmentation

__all__ = [
    "SAMPLES",
    "Data",
    "ImageClassification",
    "LanguageModel",
    "PretrainedTextClassification",
    "Segmentation",
    "SklearnTask",
    "TextClassification",
    "Tokenizer",
    "TorchTask",
    "read_csv",
    "read_image_folder",
    "read_tsv",
    "split_data",
]
