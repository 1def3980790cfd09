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
from lamcts.adapters.mmdet.config import Schedule, as_text, make_config
from lamcts.adapters.mmdet.data import DetectionData, coco, voc
from lamcts.adapters.mmdet.detector import Detector, detector_cost, parse_size
from lamcts.adapters.mmdet.families import make_family
from lamcts.adapters.mmdet.requirements import require_mmdet
from lamcts.adapters.mmdet.shapes import Shapes, shapes
from lamcts.adapters.mmdet.trunks import Trunk
from lamcts.errors import InvalidArgument, Pruned
from lamcts.spaces import Dict, Discrete, Space, from_json

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
    """

    direction: Literal["maximize", "minimize"] = "maximize"
    default_budget = 30

    def __init__(
        self,
        *,
        family: str = "mobilenetv3",
        width: float = 0.5,
        encoding: str = "lanas",
        channels: int = 16,
        cells: int = 6,
        necks: tuple[int, ...] = (16, 32, 48),
        depths: tuple[int, ...] = (1, 2),
        sizes: tuple[str, ...] = ("96", "128"),
        detector: Literal["fcos", "retinanet", "atss"] = "fcos",
        images: tuple[str, ...] = (),
        train: str | None = None,
        val: str | None = None,
        voc: str | None = None,
        iterations: int = 240,
        validations: int = 3,
        batch_size: int = 8,
        learning_rate: float = 4e-3,
        workers: int = 0,
        amp: bool = True,
        threads: int = 1,
        keep: bool = False,
        seed: int = 0,
    ) -> None:
        self.family = make_family(
            family, width=width, encoding=encoding, channels=channels, cells=cells
        )
        self.options: dict[str, tuple[Any, ...]] = {
            "neck": _distinct("necks", necks),
            "depth": _distinct("depths", depths),
            "size": _distinct("sizes", tuple(map(str, sizes))),
        }
        self.sizes = {text: parse_size(text) for text in self.options["size"]}
        self.kind = detector
        self.space = self._make_space()
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
        if not any(self._paths):
            plan = Shapes()
            self.notice = (
                f"No data given: training on {plan.train} generated images of shapes (a stand-in "
                "for COCO); for your own, --set images=FOLDER --set train=FILE --set val=FILE."
            )

    # -- The evaluator's contract --------------------------------------------------------------

    def prepare(self) -> None:
        """Look for libraries and data, and generate images where none are given.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
            InvalidArgument: Data that is not there or cannot be read.
        """
        require_mmdet()
        self.data  # noqa: B018 - read and kept

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """COCO AP in [0, 1] on the validation images after a short training, reported meanwhile."""
        found = self.decode(x)
        if self.trial.folder is None:
            with tempfile.TemporaryDirectory() as folder:
                metrics = self._train(found, Path(folder), self.report)
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
        return {**x, "backbone": self.family.canonical(x["backbone"])}

    def render(self, x: Any) -> str:
        """Sizes and costs in words, and how to get the configuration."""
        found, cost = self.decode(x), self.cost(x)
        shares = ", ".join(f"{p} {cost[p + '_flops'] / 1e6:.4g}" for p in ("backbone", "neck", "head"))
        width, height = found.size
        return (
            f"{found.kind}, {width}x{height} px, neck of {found.neck} channels, towers of "
            f"{found.depth}\n"
            f"{cost['params'] / 1e6:.3g} M parameters, {cost['flops'] / 1e6:.4g} M multiply-adds "
            f"({shares})\n"
            f"backbone {json.dumps(self.describe(x)['backbone'])}\n"
            "for mmdetection: python -m lamcts.adapters.mmdet.config --run RUN > fcos_found.py"
        )

    # -- The adapter's side: points and detectors ----------------------------------------------

    @cached_property
    def data(self) -> DetectionData:
        """The images: those of the settings, or generated ones. Override it to use others.

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
        """Names of what is detected."""
        return self.data.classes

    def decode(self, x: Any) -> Detector:
        """The detector of a point; every point has one."""
        if isinstance(x, Detector):
            return x
        return Detector(
            trunk=self.family.trunk(x["backbone"]),
            neck=self._chosen("neck", x),
            depth=self._chosen("depth", x),
            size=self.sizes[self._chosen("size", x)],
            kind=self.kind,
        )

    def describe(self, x: Any) -> dict[str, Any]:
        """A point as the JSON that `parse` takes."""
        if isinstance(x, Detector):
            raise InvalidArgument("arch: a published backbone is no point of the space; give one")
        chosen = {name: self._chosen(name, x) for name in self.options}
        return {"backbone": self.family.describe(x["backbone"]), **chosen}

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
        form = '{"backbone": NAME or {...}, "neck": 32, "depth": 2, "size": "128"}'
        if not text.lstrip().startswith("{"):
            return self._of_backbone(text, {})
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidArgument(f"arch: not JSON ({error}); write {form}") from None
        if given.keys() - {"backbone", *self.options} or "backbone" not in given:
            raise InvalidArgument(f"arch: {sorted(given)} are not the parts; write {form}")
        try:
            return from_json(self.space, given)
        except (ValueError, TypeError, KeyError, IndexError):
            pass  # no point, so it is in words
        backbone = given.pop("backbone")
        return self._of_backbone(
            backbone if isinstance(backbone, str) else json.dumps(backbone), given
        )

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

    def _make_space(self) -> Dict:
        several = {name: n for name, n in self.options.items() if len(n) > 1}
        parts: list[tuple[str, Space[Any]]] = [("backbone", self.family.space)]
        parts += [(name, Discrete(len(values))) for name, values in several.items()]
        return Dict(parts)

    def _chosen(self, name: str, x: Any) -> Any:
        return self.options[name][int(x.get(name, 0))]

    def _of_backbone(self, text: str, given: dict[str, Any]) -> Any:
        """The point, or the detector, of a backbone and values."""
        places: dict[str, int] = {}
        for name, options in self.options.items():
            value = given.get(name, options[-1])
            if value not in options:
                known = ", ".join(map(str, options))
                raise InvalidArgument(f"arch: {name} {value!r} is not to choose; use one of {known}")
            places[name] = options.index(value)
        backbone = self.family.parse(text)
        if isinstance(backbone, Trunk):
            neck, depth, size = (self.options[name][places[name]] for name in self.options)
            return Detector(backbone, neck, depth, self.sizes[size], self.kind)
        return {"backbone": backbone, **{n: i for n, i in places.items() if n in self.space.keys()}}


def _distinct(setting: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) < len(values):
        raise InvalidArgument(f"{setting}: {values!r} are not different values; give 32,64 say")
    return values


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
