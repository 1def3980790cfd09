"""Architecture search: Once-for-All's MobileNetV3 networks for ImageNet.

    lamcts run problems/mobilenetv3_imagenet.py --set predictor=FILE.npz --constraint "macs<=240e6"
    lamcts cost problems/mobilenetv3_imagenet.py --arch mobilenet_v3_large

With a predictor of accuracies nothing is trained; without one, narrow copies are, on handwritten
digits. To search for your own task, copy this file and override ``evaluate`` (your measure).
"""

from lamcts.adapters.mobile import MobileNetV3ImageNet


class MobileNetV3(MobileNetV3ImageNet):
    """Accuracy of a network of 5 elastic stages; settings as in `MobileNetV3ImageNet`."""
