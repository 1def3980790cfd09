"""Recipes by name, with the settings that were published and where they come from.

Batch size and learning rate belong together: with other batches scale the rate in proportion
(Goyal et al., "Accurate, Large Minibatch SGD", 2017). What a paper does not say is said here.
"""

from __future__ import annotations

from lamcts.adapters.training.recipe import Recipe
from lamcts.errors import UnknownName, did_you_mean

__all__ = ["RECIPES", "find_recipe"]

#: A quick one, for small images and a CPU; no paper's.
DIGITS = Recipe(epochs=20, warmup=0.1, auxiliary_weight=0.4)

#: Cells retrained on CIFAR-10: Liu et al., "DARTS", ICLR 2019, section A.2, and its released code
#: (cutout of 16 pixels, auxiliary head 0.4, drop path to 0.2). It reports the last epoch on test
#: images, of all 50,000 to train; here a tenth of them selects the epoch.
DARTS_CIFAR = Recipe(
    epochs=600,
    batch_size=96,
    learning_rate=0.025,
    nesterov=False,
    weight_decay=3e-4,
    clip=5.0,
    warmup=0.0,
    auxiliary_weight=0.4,
    drop_path=0.2,
    crop="pad",
    flip=True,
    cutout=16,
    device="auto",
)

#: LaNet's long training: the command and code of the original repository (99.03 % on CIFAR-10 at
#: 128 channels and 24 cells is what it reports; the paper had 600 epochs). CutMix is drawn twice
#: for a batch, each time with probability 0.5. The original keeps the best epoch on test images.
LANET_CIFAR = Recipe(
    epochs=1500,
    batch_size=32,
    learning_rate=0.025,
    nesterov=False,
    weight_decay=3e-4,
    clip=5.0,
    warmup=0.0,
    auxiliary_weight=0.4,
    drop_path=0.2,
    ema=0.9999,
    crop="pad",
    flip=True,
    policy="autoaugment-cifar10",
    cutmix=1.0,
    mix_probability=0.5,
    mixes=2,
    device="auto",
)

#: Tan, Le, "EfficientNet", ICML 2019, section 5.2, and its released code: RMSprop with decay and
#: momentum 0.9, 0.256 a batch of 4,096 falling by 0.97 every 2.4 epochs after a warm-up of 5,
#: batch norm momentum 0.99 (0.01 as PyTorch counts it), AutoAugment, stochastic depth to 0.2,
#: label smoothing 0.1, a moving average of 0.9999, tests on the middle 87.5 %. Dropout is the
#: network's.
EFFICIENTNET_IMAGENET = Recipe(
    epochs=350,
    batch_size=4096,
    optimizer="rmsprop",
    learning_rate=0.256,
    weight_decay=1e-5,
    decay_norms=False,
    schedule="exponential",
    warmup=5 / 350,
    decay_rate=0.97,
    decay_epochs=2.4,
    label_smoothing=0.1,
    drop_path=0.2,
    drop_path_rises=False,
    norm_momentum=0.01,
    ema=0.9999,
    crop="resized",
    flip=True,
    policy="autoaugment-imagenet",
    test_crop=0.875,
    amp="bf16",
    channels_last=True,
    deterministic=False,
    workers=16,
    device="auto",
)

#: Howard et al., "Searching for MobileNetV3", ICCV 2019, section 6.1.1: RMSprop with momentum 0.9,
#: 0.1 a batch of 4,096 falling by 0.99 ("decay rate of 0.01") every 3 epochs, L2 penalty 1e-5,
#: Inception's crops, a moving average of 0.9999, batch norm "average decay" 0.99. The paper gives
#: no number of epochs, and no warm-up: 600 and 5 are torchvision's reference training's.
MOBILENETV3_IMAGENET = Recipe(
    epochs=600,
    batch_size=4096,
    optimizer="rmsprop",
    learning_rate=0.1,
    weight_decay=1e-5,
    schedule="exponential",
    warmup=5 / 600,
    decay_rate=0.99,
    decay_epochs=3.0,
    norm_momentum=0.01,
    ema=0.9999,
    crop="resized",
    flip=True,
    test_crop=0.875,
    amp="bf16",
    channels_last=True,
    deterministic=False,
    workers=16,
    device="auto",
)

RECIPES = {
    "digits": DIGITS,
    "darts-cifar": DARTS_CIFAR,
    "lanet-cifar": LANET_CIFAR,
    "efficientnet-imagenet": EFFICIENTNET_IMAGENET,
    "mobilenetv3-imagenet": MOBILENETV3_IMAGENET,
}


def find_recipe(name: str) -> Recipe:
    """A recipe by name.

    Raises:
        UnknownName: No recipe has it.
    """
    if name not in RECIPES:
        raise UnknownName(f"--recipe: {name!r} is not known; {did_you_mean(name, RECIPES)}")
    return RECIPES[name]
