"""The problem: find the detector with the best COCO AP, within limits on what it costs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import lamcts
from lamcts.adapters.mmdet.data import DetectionData, coco, voc
from lamcts.adapters.mmdet.detector import Detector, detector_cost
from lamcts.adapters.mmdet.families import MobileFamily, make_family
from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.adapters.mmdet.schedule import Schedule, as_text, make_config
from lamcts.adapters.mmdet.shapes import CLASSES, Shapes, shapes
from lamcts.adapters.mmdet.space import DetectorSpace
from lamcts.errors import InvalidArgument, Pruned

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FCOSBackbone"]


class FCOSBackbone(lamcts.Evaluator):
    """Backbone, neck width, head depth and input size of a detector, by its COCO AP.

    Each detector is trained for a short schedule by mmengine's Runner, on the images given or on
    generated ones. Validation images decide; test images, where there are any, are for `test`.

    Args:
        family: Backbones to choose from: ``"mobilenetv3"``, ``"efficientnet"`` or ``"nasnet"``.
        width: Factor on the channels of mobile networks.
        encoding: Of NASNet cells: ``"lanas"``, ``"one-shot"`` or ``"darts"``.
        channels: Of the first NASNet cells.
        cells: Number of NASNet cells.
        necks: Channels of neck and head to choose from.
        depths: Convolutions in the towers of the head to choose from.
        sizes: Pixels that images are fitted into: ``"512"`` for a square, or ``"1333x800"``.
        detector: ``"fcos"``, ``"retinanet"`` or ``"atss"``.
        supernet: The folder of a trained supernet of mobile networks (``lamcts supernet train``),
            with whose weights backbones begin, instead of random ones.
        images: With ``train`` and ``val``: the folder of the images, or two.
        train: A COCO file to train on.
        val: A COCO file to validate on.
        voc: A folder in the layout of PASCAL VOC, instead.
        iterations: Batches that each detector is trained for.
        validations: How often it is validated meanwhile, which is its learning curve.
        batch_size: Images in a batch.
        learning_rate: The highest.
        workers: Processes that load images.
        amp: Whether to use half precision on CUDA.
        threads: Of the CPU, in a trial.
        keep: Whether to leave the weights of every detector in its trial's folder.
        seed: Of initial weights and order, the same for all detectors.

    Raises:
        UnknownName: No such family or encoding.
        InvalidArgument: A setting that cannot be used, or data that cannot be read.
        RunError: The folder of a supernet holds none.
    """

    direction: Literal["maximize", "minimize"] = "maximize"
    default_budget = 30

    def __init__(
        self,
        *,
        family: str = "mobilenetv3",
        width: float = 0.35,
        encoding: str = "lanas",
        channels: int = 16,
        cells: int = 6,
        necks: tuple[int, ...] = (16, 32, 48),
        depths: tuple[int, ...] = (1, 2),
        sizes: tuple[str, ...] = ("96", "128"),
        detector: Literal["fcos", "retinanet", "atss"] = "fcos",
        supernet: Path | None = None,
        images: tuple[str, ...] = (),
        train: str | None = None,
        val: str | None = None,
        voc: str | None = None,
        iterations: int = 300,
        validations: int = 3,
        batch_size: int = 8,
        learning_rate: float = 6e-3,
        workers: int = 0,
        amp: bool = True,
        threads: int = 1,
        keep: bool = False,
        seed: int = 0,
    ) -> None:
        self.family = make_family(
            family,
            width=width,
            encoding=encoding,
            channels=channels,
            cells=cells,
            supernet=supernet,
        )
        self.detectors = DetectorSpace(
            self.family,
            necks=necks,
            depths=depths,
            sizes=sizes,
            kind=detector,
        )
        self.space = self.detectors.make_space()
        self.schedule = Schedule(
            iterations=iterations,
            validations=validations,
            batch_size=batch_size,
            learning_rate=learning_rate,
            workers=workers,
            seed=seed,
        )
        if threads < 1:
            raise InvalidArgument(f"threads: {threads} is no count; use an integer from 1 up")
        self.amp, self.threads, self.keep = amp, threads, keep
        self._paths = _data_settings(images, train, val, voc)
        notes = []
        if not any(self._paths):
            plan = Shapes()
            notes.append(
                f"No data given: training on {plan.train} generated images of shapes (a stand-in "
                "for COCO); for your own, --set images=FOLDER --set train=FILE --set val=FILE."
            )
        if supernet is not None:
            notes.append(f"Backbones begin with the weights of the supernet in {supernet}.")
        self.notice = " ".join(notes) or None

    # -- The evaluator's contract --------------------------------------------------------------

    def prepare(self) -> None:
        """Look for libraries and data, and generate images where none are given.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
            InvalidArgument: Data that is not there or cannot be read, or a supernet that does not
                fit.
            RunError: A supernet that cannot be read.
        """
        require_mmdet()
        self.data  # noqa: B018 - read and kept
        if isinstance(self.family, MobileFamily) and self.family.supernet is not None:
            from lamcts.adapters.mmdet.inherit import load_supernet

            load_supernet(self.family.supernet, self.family.choices)

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """COCO AP in [0, 1] on the validation images after a short training, reported meanwhile."""
        found = self.decode(x)
        if self.trial.folder is None:
            with tempfile.TemporaryDirectory() as temporary:
                metrics = self._train(found, Path(temporary), self.report)
            return lamcts.Evaluation(metrics["AP"], metrics=metrics)
        folder = self.trial.folder
        (folder / "config.py").write_text(self.config_text(x), encoding="utf-8")
        metrics = self._train(found, folder, self.report)
        return lamcts.Evaluation(
            metrics["AP"], metrics=metrics, artifacts={"config": str(folder / "config.py")}
        )

    def test(self, x: Any) -> dict[str, float]:
        """AP on the test images, if there are any, of the detector trained again, as before."""
        if self.data.test is None:
            return {}
        with tempfile.TemporaryDirectory() as folder:
            metrics = self._train(self.decode(x), Path(folder), _to_nobody, test=True)
        return {"test_AP": metrics["AP"], "test_AP50": metrics["AP50"]}

    def cost(self, x: Any) -> dict[str, float]:
        """What the whole detector costs at its input size, by formula.

        Returns:
            ``params``; ``flops``, the multiply-adds for one image, as detection papers and
            mmdetection count; both for ``backbone_``, ``neck_`` and ``head_`` apart.
        """
        parts = detector_cost(self.decode(x), len(self.classes))
        found: dict[str, float] = {
            "params": sum(part.params for part in parts.values()),
            "flops": sum(part.macs for part in parts.values()),
        }
        for name, part in parts.items():
            found |= {f"{name}_params": part.params, f"{name}_flops": part.macs}
        return found

    def canonical(self, x: Any) -> Any:
        """The point that stands for every point of the same detector."""
        return self.detectors.canonical(x)

    def render(self, x: Any) -> str:
        """Sizes and costs in words, and how to get the configuration."""
        found, cost = self.decode(x), self.cost(x)
        (width, height), parts = found.size, ("backbone", "neck", "head")
        shares = ", ".join(f"{part} {cost[f'{part}_flops'] / 1e6:.4g}" for part in parts)
        backbone = json.dumps(dict(found.trunk.config))
        return (
            f"{found.kind}, {width}x{height} px, neck of {found.neck} channels, towers of "
            f"{found.depth}\n"
            f"{cost['params'] / 1e6:.3g} M parameters, {cost['flops'] / 1e6:.4g} M multiply-adds "
            f"({shares})\n"
            f"backbone {backbone}\n"
            "for mmdetection: python -m lamcts.adapters.mmdet.config --run RUN > fcos_found.py"
        )

    # -- The adapter's side: points and detectors ----------------------------------------------

    @cached_property
    def data(self) -> DetectionData:
        """Images of the settings, or generated ones; override it, and `classes`, for others.

        Raises:
            InvalidArgument: Data that is not there or cannot be read.
        """
        images, train, val, folder = self._paths
        if folder is not None:
            return voc(folder)
        if train is not None and val is not None:
            return coco(images, train, val)
        return shapes()

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of what is detected; costs need nothing else of the data."""
        return self.data.classes if any(self._paths) else CLASSES

    def decode(self, x: Any) -> Detector:
        """The detector of a point; every point has one."""
        return self.detectors.decode(x)

    def describe(self, x: Any) -> dict[str, Any]:
        """A point as the JSON that `parse` takes."""
        return self.detectors.describe(x)

    def parse(self, text: str) -> Any:
        """What ``text`` means: a point, or a `Detector` with a backbone that is of no point.

        Args:
            text: The name of a backbone (``mobilenet_v2``, ``lanet``, ...), with the greatest
                neck, head and size; or JSON: ``{"backbone": ..., "neck": 32, "depth": 2,
                "size": "128"}``, where what is left out is the greatest; or a point.

        Raises:
            UnknownName: No backbone has this name.
            InvalidArgument: It is no detector of the space.
        """
        return self.detectors.parse(text)

    def build(self, x: Any) -> nn.Module:
        """The detector of a point, fresh, as mmdetection builds it.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
        """
        require_mmdet()
        from lamcts.adapters.mmdet.counting import build

        return build(self.config(x)["model"])

    def config(self, x: Any, schedule: Schedule | None = None) -> dict[str, Any]:
        """The whole configuration of a point for mmdetection."""
        return make_config(self.decode(x), self.data, schedule or self.schedule)

    def config_text(self, x: Any, schedule: Schedule | None = None) -> str:
        """The same as the text of a file that stock mmdetection trains and tests."""
        cost = self.cost(x)
        comment = (
            f"Found by lamcts: {cost['params'] / 1e6:.4g} M parameters, "
            f"{cost['flops'] / 1e6:.5g} M multiply-adds."
        )
        return as_text(self.config(x, schedule), comment)

    # -- Inside --------------------------------------------------------------------------------

    def _train(
        self,
        found: Detector,
        folder: Path,
        report: Callable[[int, float], None],
        *,
        test: bool = False,
    ) -> dict[str, float]:
        require_mmdet()
        import torch

        from lamcts.adapters.mmdet.training import clean, train_detector

        schedule = replace(self.schedule, amp=self.amp and torch.cuda.is_available())
        config = make_config(found, self.data, schedule)
        try:
            metrics = train_detector(config, folder, report, threads=self.threads, test=test)
        except Pruned:
            clean(folder, keep=False)
            raise
        clean(folder, keep=self.keep)
        return metrics


def _data_settings(
    images: tuple[str, ...], train: str | None, val: str | None, voc: str | None
) -> tuple[tuple[str, ...], str | None, str | None, str | None]:
    """The settings that say where data is: all of one way, or none."""
    given = {"images": bool(images), "train": train is not None, "val": val is not None}
    if any(given.values()) and voc is not None:
        raise InvalidArgument("voc: given beside images, train or val; give one or the other")
    if any(given.values()) and not all(given.values()):
        missing = next(name for name, there in given.items() if not there)
        raise InvalidArgument(f"{missing}: missing; data in COCO's format needs images, train, val")
    return images, train, val, voc


def _to_nobody(step: int, value: float) -> None:
    """A training that is no trial reports to nobody."""
