"""Architecture search: EfficientNet's block space for ImageNet, at the scales B0 to B7.

    lamcts cost problems/efficientnet_imagenet.py --arch efficientnet_b3
    lamcts run problems/efficientnet_imagenet.py --set models=b0 --constraint "macs<=300e6"

With a predictor of accuracies nothing is trained; without one, narrow copies are, on handwritten
digits. To search for your own task, copy this file and override ``evaluate`` (your measure).
"""

from lamcts.adapters.mobile import EfficientNetImageNet


class EfficientNet(EfficientNetImageNet):
    """Accuracy of a network of 7 chosen stages; settings as in `EfficientNetImageNet`."""
