"""Object detection: backbone, neck, head and input size of an FCOS detector, by COCO AP.

    lamcts run problems/fcos_backbone.py --budget 6 --constraint "flops<=60e6"
    lamcts run problems/fcos_backbone.py --set images=IMAGES --set train=T.json --set val=V.json

Each detector is trained by mmdetection, for a short time; without data, on generated images of
shapes. To search at the sizes of COCO: ``--set sizes=512,640 --set necks=128,256 --set width=1``.
"""

from lamcts.adapters.mmdet import FCOSBackbone


class FCOS(FCOSBackbone):
    """COCO AP of a detector; settings as in `FCOSBackbone`."""
