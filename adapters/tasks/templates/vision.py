"""A classifier of images: its architecture and how it is trained.

    lamcts check my_task.py
    lamcts run my_task.py --set data=FOLDER

FOLDER holds a folder of images for each class. Without it, handwritten digits are read.
"""

from torch import nn

from lamcts.adapters.tasks import ImageClassification
from lamcts.spaces import Box, Dict, Discrete


class MyTask(ImageClassification):
    """Change the space, the limit, and the network; `load_data` too, for data from elsewhere."""

    space = Dict(
        depth=Box(1, 3, dtype=int),
        width=Box(8, 48, dtype=int),
        kernel=Discrete(2),  # 3 or 5: a point has the place, 0 or 1
        dropout=Box(0.0, 0.5),
        # Variables named as fields of a training recipe are followed by the training:
        crop=Discrete(2),  # none, pad
        learning_rate=Box(3e-4, 3e-2, scale="log"),
        weight_decay=Box(1e-4, 1.0, scale="log"),
    )
    constraints = ("params<=100e3",)
    size = 32  # height and width that images of FOLDER are resized to
    final_epochs = 20  # of `lamcts train`; a trial has `--set epochs=5`

    def build(self, x):
        """A network from images (n, channels, height, width) in [0, 1] to scores (n, classes)."""
        channels, classes = self.shape
        layers = []
        for stage in range(x["depth"]):
            width = x["width"] * 2**stage
            layers += [
                nn.Conv2d(channels, width, (3, 5)[x["kernel"]], padding="same"),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
            ]
            channels = width
        pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(x["dropout"])]
        return self.normalised(nn.Sequential(*layers, *pooled, nn.Linear(channels, classes)))
