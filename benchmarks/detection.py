"""A found detector against one with MobileNetV2 of the same cost, trained alike, by test AP.

    python benchmarks/detection.py runs/fcos_backbone/NAME --seeds 3
    python benchmarks/detection.py runs/fcos_backbone/NAME --seeds 3 --supernet FOLDER

Neck, head, input size and schedule are the found detector's; MobileNetV2 has the width that makes
the whole detector's multiply-adds nearest to its. A seed fixes initial weights and order; those
here are others than the search's, by which the detector was chosen. Both begin with random weights,
also where the search had a supernet: of that MobileNetV2 has none. The second command line compares
the found detector with itself, its backbone begun with a supernet's weights and with random ones.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

from lamcts.adapters.mmdet import Detector, FCOSBackbone, detector_cost
from lamcts.adapters.mmdet.config import of_run
from lamcts.adapters.mmdet.trunks import mobile_network, mobile_trunk


def mobilenet_v2(like: Detector, classes: int) -> Detector:
    """The same detector with MobileNetV2 for a backbone, as wide as costs least differ."""

    def flops(detector: Detector) -> int:
        return sum(part.macs for part in detector_cost(detector, classes).values())

    candidates = []
    for twentieths in range(2, 60):
        width = twentieths / 20
        config = {"type": "MobileBackbone", "arch": "mobilenet_v2", "width": width}
        trunk = mobile_trunk(mobile_network("mobilenet_v2", width=width), config)
        candidates.append(replace(like, trunk=trunk))
    return min(candidates, key=lambda detector: abs(flops(detector) - flops(like)))


def main() -> None:
    """Print test AP by detector and seed, mean and standard deviation."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="the folder of a run of fcos_backbone")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--supernet", type=Path, help="the folder of a supernet")
    given = parser.parse_args()
    settings = [] if given.supernet is None else [f"supernet={given.supernet}"]
    evaluator, x = of_run(str(given.run), settings)
    evaluator.prepare()
    found = from_random(evaluator.decode(x))
    seeds = range(evaluator.schedule.seed + 1, evaluator.schedule.seed + 1 + given.seeds)
    rivals = {"found": found, "MobileNetV2": mobilenet_v2(found, len(evaluator.classes))}
    if given.supernet is not None:
        rivals = {"inherited": evaluator.decode(x), "random": found}
    for name, detector in rivals.items():
        cost = evaluator.cost(detector)
        scores = [test_ap(evaluator, detector, seed) for seed in seeds]
        spread = f"{mean(scores):.3f} +- {stdev(scores):.3f}" if len(scores) > 1 else ""
        print(
            f"{name:<12}{cost['params'] / 1e6:.3f} M parameters, {cost['flops'] / 1e6:.2f} M "
            f"multiply-adds: test AP {', '.join(f'{score:.3f}' for score in scores)}  {spread}",
            flush=True,
        )


def from_random(detector: Detector) -> Detector:
    """The same detector without weights to begin with."""
    trunk = detector.trunk
    config = {name: value for name, value in trunk.config.items() if name != "init_cfg"}
    return replace(detector, trunk=replace(trunk, config=config))


def test_ap(evaluator: FCOSBackbone, detector: Detector, seed: int) -> float:
    """AP on the test images of a detector trained with a seed."""
    evaluator.schedule = replace(evaluator.schedule, seed=seed)
    return evaluator.test(detector)["test_AP"]


if __name__ == "__main__":
    main()
