"""The problem: find the cell whose network has the best validation accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import lamcts
from lamcts.adapters.nasbench101.architectures import parse_cell
from lamcts.adapters.nasbench101.cell import Cell
from lamcts.adapters.nasbench101.cost import network_cost
from lamcts.adapters.nasbench101.isomorphism import canonical_cell, cell_hash
from lamcts.adapters.nasbench101.measured import Draw, NASBench101Table
from lamcts.adapters.nasbench101.skeleton import SKELETONS, Skeleton
from lamcts.adapters.nasbench101.space import decode, encode, make_space
from lamcts.adapters.nasbench101.table import CellTable
from lamcts.adapters.scores import SIZES
from lamcts.adapters.training import ImageShape, NetworkEvaluator, Recipe, require_torch
from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NASBench101"]


class NASBench101(NetworkEvaluator):
    """NASBench-101 cells, compared by validation accuracy.

    Without a table every cell is trained for real, on the images of `load_data`: by default
    scikit-learn's 8x8 handwritten digits in a small skeleton, about a second a cell on one core.
    A cell and a seed always give the same accuracy. Test images are used by `test` alone.

    With a table cells are looked up: the validation accuracy is searched on, the test accuracy is
    only reported by `test`, and the metric ``training_time`` says what a training took.

    Args:
        epochs: Passes over the training images, by default 4; with a table, which of its trainings
            are meant, by default the longest.
        repeats: Trainings averaged in one evaluation, each from its own seed.
        channels: Channels of the stem and of the first stack; the skeleton's by default.
        stacks: Number of stacks; the skeleton's by default.
        modules: Cells in a stack; the skeleton's by default.
        skeleton: ``"digits"`` or ``"cifar"`` (NASBench-101's own): the network that `build` and
            `cost` mean, and the only images that it is trained on. By default digits where those
            are trained on, else cifar, fitted to the images that there are.
        data: Images to train on: a folder or file as `open_images` takes it; by default digits.
        device: Where to train: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the fastest at
            hand. Networks as small as the default ones are fastest on the CPU.
        table: Measured accuracies, looked up instead of trained: a name that ``lamcts data add``
            gave them, a folder or CSV (`NASBench101Table.open`), or an object that answers
            `CellTable.query`.
        score: A training-free score (`lamcts.adapters.scores`), or a cost, to compare by instead.
        draw: ``"mean"`` of a cell's trainings in the table, or ``"random"``: one of them, as the
            official API answers.
        select: ``"validation"`` accuracy, or ``"test"`` accuracy as LaNAS searched on: its results
            are too good to be compared with those of others.
        seed: Fixes the initial weights and the order of the images, the same for every cell; and
            which training of the table a trial draws.

    Raises:
        UnknownName: No such skeleton or table.
        InvalidArgument: A count, size or device that cannot be used, or a table that is damaged.
    """

    direction = "maximize"
    default_budget = 60
    notice: str | None = (
        "No NASBench-101 table given: training each cell for real on scikit-learn's 8x8 "
        "handwritten digits (a stand-in for CIFAR-10)."
    )

    def __init__(
        self,
        *,
        epochs: int | None = None,
        repeats: int = 2,
        channels: int | None = None,
        stacks: int | None = None,
        modules: int | None = None,
        skeleton: str | None = None,
        data: Path | None = None,
        device: str = "cpu",
        table: CellTable | str | None = None,
        score: str | None = None,
        draw: Draw = "mean",
        select: Literal["validation", "test"] = "validation",
        seed: int = 0,
    ) -> None:
        if repeats < 1:
            raise InvalidArgument(f"repeats: {repeats!r} trainings; use 1 or more")
        if select not in ("validation", "test"):
            raise InvalidArgument(f"select: {select!r} is not known; use validation or test")
        if select == "test" and table is None:
            raise InvalidArgument("select: test needs a table; give one, or use validation")
        self.space = make_space()
        if isinstance(table, str):
            table = NASBench101Table.open(table, epochs=epochs, draw=draw, seed=seed)
        self.table = None if table is None else _checked_table(table)
        self.data = data
        if self.table is not None:
            self.notice = _notice(self.table, select)
        elif data is not None:
            self.notice = f"Training each cell for real on {self.images}."
        self.optimum_value: float | None = None
        self.optimum_test: float | None = None
        if isinstance(self.table, NASBench101Table):
            self.clock = "training_time"
            self.optimum_value = _optimum(self.table, f"{select}_accuracy")
            self.optimum_test = _optimum(self.table, "test_accuracy")
        self.noisy = isinstance(self.table, NASBench101Table) and self.table.draw == "random"
        self.selected = f"{select}_accuracy"
        self._is_named = skeleton is not None
        self.skeleton = _skeleton(
            skeleton or ("digits" if table is None and data is None else "cifar"),
            {"channels": channels, "stacks": stacks, "modules": modules},
        )
        self.recipes = [
            Recipe(
                epochs=4 if epochs is None else epochs, seed=seed * repeats + repeat, device=device
            )
            for repeat in range(repeats)
        ]
        if score is not None and table is not None:
            raise InvalidArgument("score: there is a table already; give one of them")
        self.use_score(score)

    def prepare(self) -> None:
        """Refuse to search where PyTorch or the images are missing; looking cells up needs neither.

        Raises:
            DependencyNotInstalled: With the ``pip install`` line.
            InvalidArgument: No images, or others than the skeleton takes; or the table does not
                hold what is searched on.
        """
        if self.table is None:
            super().prepare()
            if self.score not in SIZES:
                self._skeleton_for(self.load_data().shape)
        elif isinstance(self.table, NASBench101Table) and not self.table.measures(self.selected):
            raise InvalidArgument(
                f"table: {self.table.columns.source} holds no {self.selected} after "
                f"{self.table.epochs} epochs; set epochs, or select=test for one of LaNAS"
            )

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """Validation accuracy in [0, 1], with the training accuracy as a metric."""
        if self.table is None:
            return super().evaluate(x)
        figures = self._looked_up(self.table, canonical_cell(self.decode(x)))
        return lamcts.Evaluation(figures[self.selected], metrics=figures)

    def test(self, x: Any) -> Mapping[str, float]:
        """Test accuracy in [0, 1]; the cell is trained again, from the same seeds."""
        if self.table is None:
            return super().test(x)
        # Held by NASBench101Table: a report is the mean of all trainings, and costs nothing.
        report = getattr(self.table, "report", self.table.query)
        return {"test_accuracy": report(canonical_cell(self.decode(x)))["test_accuracy"]}

    def cost(self, x: Any) -> dict[str, float]:
        """Size of the network that `build` makes.

        Returns:
            ``params``; ``macs``, the multiply-adds for one image; and ``flops``, which is the same
            number: architecture search papers call multiply-adds FLOPs.
        """
        found = network_cost(self.decode(x), self.skeleton)
        return {"params": found.params, "macs": found.macs, "flops": found.macs}

    def canonical(self, x: Any) -> dict[str, Any]:
        """The point that stands for every drawing of the same network."""
        return self.encode(canonical_cell(self.decode(x)))

    def render(self, x: Any) -> str:
        """The cell's operations and what each takes its input from, one a line."""
        cell = self.decode(x)
        head = f"{cell.vertices} vertices, {len(cell.edges)} edges, hash {cell_hash(cell)}"
        names = ["input", *(f"{v}" for v in range(1, cell.vertices))]
        lines = [head]
        for vertex in range(1, cell.vertices):
            label = "output" if vertex == cell.vertices - 1 else f"{vertex} {cell.ops[vertex]}"
            sources = ", ".join(names[source] for source in cell.predecessors(vertex))
            lines.append(f"  {label:<18} from {sources}")
        return "\n".join(lines)

    # -- The adapter's side: points and cells ---------------------------------------------------

    def encode(self, cell: Cell) -> dict[str, Any]:
        """The point of a cell; ``decode(encode(cell))`` is the pruned cell."""
        return encode(cell)

    def decode(self, x: Any) -> Cell:
        """The valid cell of a point; every point has one."""
        return decode(x)

    def parse(self, text: str) -> dict[str, Any]:
        """The point of a cell given by name (``inception``) or as JSON."""
        return self.encode(parse_cell(text))

    def describe(self, x: Any) -> dict[str, Any]:
        """The cell of a point as JSON: its adjacency matrix and operations."""
        cell = self.decode(x)
        return {"adjacency": [list(row) for row in cell.adjacency], "ops": list(cell.ops)}

    def target(self, x: Any, shape: ImageShape | None = None) -> Callable[[], nn.Module]:
        """What makes the network of a point."""
        return _builder(
            self.decode(x), self.skeleton if shape is None else _fitted(self.skeleton, shape)
        )

    def proxy(self, x: Any, shape: ImageShape) -> Callable[[], nn.Module]:
        """The same network: cells are compared by it.

        Raises:
            InvalidArgument: The skeleton is for other images.
        """
        # Isomorphic drawings differ in which branch gets a spare channel, so one stands for all.
        return _builder(canonical_cell(self.decode(x)), self._skeleton_for(shape))

    def _skeleton_for(self, shape: ImageShape) -> Skeleton:
        """The skeleton for the images; one that was asked for by name takes its own alone."""
        size = self.skeleton.image_size
        want, got = (self.skeleton.image_channels, size), (shape.channels, shape.size)
        if self._is_named and got != want:
            raise InvalidArgument(
                f"skeleton: it takes images of shape {(*want, size)}, the data have "
                f"{(*got, shape.size)}; leave skeleton out to train on these, or use this one "
                "with cost and build only"
            )
        return _fitted(self.skeleton, shape)

    def _looked_up(self, table: CellTable, cell: Cell) -> dict[str, float]:
        """Figures of the table that a search may see, the selected one among them."""
        if isinstance(table, NASBench101Table):
            # By the trial's number, so that workers and a resumed run draw the same training.
            found = table.query(cell, number=self.trial.number)
            del found["params"]  # a cost, not a measurement
        else:
            found = dict(table.query(cell))
        if self.selected not in found:
            raise lamcts.Infeasible(f"the table holds no {self.selected} of this cell")
        return {k: v for k, v in found.items() if "test" not in k or k == self.selected}


def _builder(cell: Cell, skeleton: Skeleton) -> Callable[[], nn.Module]:
    require_torch()
    from lamcts.adapters.nasbench101.network import CellNetwork

    return lambda: CellNetwork(cell, skeleton)


def _fitted(skeleton: Skeleton, shape: ImageShape) -> Skeleton:
    """The skeleton for the images and the classes of a data set."""
    return replace(
        skeleton,
        image_size=shape.size,
        image_channels=shape.channels,
        classes=shape.classes,
    )


def _checked_table(table: object) -> CellTable:
    if not isinstance(table, CellTable):
        raise InvalidArgument(
            f"table: {table!r} cannot answer query(cell); give the name of a table, an object with "
            "that method, or leave table out to train"
        )
    return table


def _optimum(table: NASBench101Table, figure: str) -> float | None:
    """The best of the mean figures of cells, where it was measured."""
    return table.best(figure)[1] if table.measures(figure) else None


def _notice(table: CellTable, select: str) -> str | None:
    """What must be known of a search on a table."""
    if isinstance(table, NASBench101Table) and table.columns.synthetic:
        return "A synthetic table: its accuracies are made up, and say nothing about NASBench-101."
    if select == "test":
        return (
            "Searching on test accuracy, as LaNAS did: not comparable with searches on validation "
            "accuracy."
        )
    return None


def _skeleton(name: str, sizes: Mapping[str, int | None]) -> Skeleton:
    """A skeleton by name, with the sizes that were given in place of its own."""
    if name not in SKELETONS:
        raise UnknownName(f"skeleton: {name!r} is not known; {did_you_mean(name, SKELETONS)}")
    return replace(
        SKELETONS[name], **{key: value for key, value in sizes.items() if value is not None}
    )
