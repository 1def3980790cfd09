"""Published tables of trained networks as problems.

Each needs its file: ``path``, or its usual name in the data directory (``lamcts data list`` shows
where that is) or in a folder there. The columns each expects are those of its call below.

| problem | searched on | reported | source |
| --- | --- | --- | --- |
| `NASBench201` | validation accuracy after 12 epochs | test accuracy after 200 | Dong, Yang 2020 |
| `NASBench101Small` | validation accuracy after 4 epochs | test accuracy after 4 | EC-NAS: Bakhtiarifard et al. 2024 |
| `NASBenchGraph` | validation accuracy | test accuracy | Qin et al. 2022 |
| `NASBenchNLP` | validation perplexity on WikiText-2 | test perplexity | Klyuchnikov et al. 2022 |
| `AccelNASBench` | ImageNet top-1 accuracy of a short training | - | Ahmad et al. 2024 |
| `LaNASTrace` | CIFAR-10 test accuracy of a short training | - | Wang et al. 2021 |
"""  # noqa: E501 - a table

from __future__ import annotations

import json
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lamcts import spaces
from lamcts._rows import read_rows
from lamcts.adapters.nasbench101 import Cell, NASBench101
from lamcts.adapters.nasbench101.space import FRAME_EDGES
from lamcts.adapters.nasnet_cifar import LANAS
from lamcts.datasets import data_folder
from lamcts.errors import InvalidArgument
from lamcts.tabular import TabularEvaluator

__all__ = [
    "AccelNASBench",
    "LaNASTrace",
    "NASBench101Small",
    "NASBench201",
    "NASBenchGraph",
    "NASBenchNLP",
]

#: What the nodes of a recurrent cell of NAS-Bench-NLP compute.
_RECURRENT = (
    "linear",
    "blend",
    "elementwise_prod",
    "elementwise_sum",
    "activation_tanh",
    "activation_sigm",
    "activation_leaky_relu",
)


class NASBench201(TabularEvaluator):
    """NAS-Bench-201: five operations on six edges; 15,625 cells, 6,466 different ones.

    Args:
        path: A CSV file with ``arch`` in the official notation, ``cifar10_val_12ep``,
            ``cifar10_test_200ep``, the same of ``cifar100``, ``iso_class`` (equal for cells that
            compute the same), ``params`` and ``flops``.
        dataset: ``"cifar10"`` or ``"cifar100"``.
    """

    def __init__(
        self, path: str | Path | None = None, dataset: Literal["cifar10", "cifar100"] = "cifar10"
    ) -> None:
        super().__init__(
            _file(path, "nasbench201.csv"),
            x=["arch"],
            split={"arch": r"\w+(?=~)"},
            value=f"{dataset}_val_12ep",
            test=[f"{dataset}_test_200ep"],
            cost=["params", "flops"],
            same="iso_class",
        )


class NASBenchGraph(TabularEvaluator):
    """NAS-Bench-Graph: graph neural networks of four operations and where each gets its input.

    Args:
        path: A CSV file with ``links`` (four digits), ``ops`` (four words, between commas),
            ``valid_perf``, ``test_perf``, ``latency_s``, ``params_M``.
        dataset: The file is called ``cora.csv`` or ``arxiv.csv``.
    """

    def __init__(
        self, path: str | Path | None = None, dataset: Literal["cora", "arxiv"] = "cora"
    ) -> None:
        super().__init__(
            _file(path, f"{dataset}.csv"),
            x=["links", "ops"],
            split={"links": "[0-9]", "ops": "[^,]+"},
            value="valid_perf",
            test=["test_perf"],
            cost=["latency_s", "params_M"],
        )


class NASBenchNLP(TabularEvaluator):
    """NAS-Bench-NLP: recurrent cells trained on WikiText-2, as a pool.

    The cells are graphs of any size. A point says what a cell is made of: how many nodes of each
    operation, states and layers; it means the cell in the table with the fewest differences.

    Args:
        path: A CSV file with ``recipe_json``, a cell as ``{node: {"op": ..., "input": [...]}}``,
            ``best_val_ppl``, ``test_ppl_at_best_val``, ``num_params`` and ``wall_time_s``.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        file = _file(path, "nas_bench_nlp_wikitext2.csv")
        rows = [row for _, row in read_rows(file, field="path", text=["recipe_json"])]
        super().__init__(
            [{**row, **_made_of(str(row.get("recipe_json")), str(file))} for row in rows],
            x=[*_RECURRENT, "states", "layers"],
            value="best_val_ppl",
            direction="minimize",
            test=["test_ppl_at_best_val"],
            cost=["num_params"],
            seconds="wall_time_s",
        )


class AccelNASBench(TabularEvaluator):
    """Accel-NASBench: 5,125 networks of the MnasNet space trained on ImageNet, as a pool.

    Args:
        path: A CSV file with ``b0_e`` to ``b6_se``, ``val_top1``, ``params_M`` and ``macs_M``.
        missing: As in `TabularEvaluator`: ``"predicted"`` opens the whole space of 1e11.
    """

    def __init__(self, path: str | Path | None = None, missing: str = "nearest") -> None:
        super().__init__(
            _file(path, "accel_nasbench_imagenet.csv"),
            x=[f"b{block}_{choice}" for choice in ("e", "k", "l", "se") for block in range(7)],
            value="val_top1",
            cost=["params_M", "macs_M"],
            seconds="train_time_s",
            missing=missing,
        )


class LaNASTrace(TabularEvaluator):
    """What LaNAS trained while it found LaNet: 5,402 codes of its NASNet space, as a pool.

    The file is not shipped (its licence is non-commercial): ``total_trace.json`` of the authors'
    repository. The accuracies are on test images, so nothing is held out.

    Args:
        path: A JSON object that maps lists of 28 integers, as text, to accuracies in per cent.
        missing: As in `TabularEvaluator`: ``"predicted"`` opens the whole space of 4.4e17.
    """

    def __init__(self, path: str | Path | None = None, missing: str = "nearest") -> None:
        file = _file(path, "total_trace.json")
        try:
            entries = json.loads(file.read_text(encoding="utf-8")).items()
            # In canonical form, so that codes of one network are one row; words are categories.
            codes = [(LANAS.canonical(json.loads(code)), value) for code, value in entries]
        except (OSError, ValueError, AttributeError) as error:
            raise InvalidArgument(f"path: {str(file)!r} is no trace of LaNAS ({error})") from None
        names = [f"{part}{i}" for part in ("op", "input") for i in range(14)]
        super().__init__(
            [{**dict(zip(names, map(str, c), strict=True)), "accuracy": v} for c, v in codes],
            x=names,
            value="accuracy",
            missing=missing,
        )


class NASBench101Small(NASBench101):
    """The NASBench-101 cells of at most five vertices, 2,532 different ones.

    Args:
        path: A CSV file of cells that `NASBench101` can take as its table.
    """

    #: Edges of the frame of seven vertices without the fifth and the sixth.
    _EDGES = tuple(i for i, edge in enumerate(FRAME_EDGES) if not {4, 5} & {*edge})

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__(table=str(_file(path, "ecnas_5v_4epochs.csv")), epochs=4)
        self.space = spaces.Dict(
            edges=spaces.MultiBinary(len(self._EDGES)), ops=spaces.MultiDiscrete([3, 3, 3])
        )

    def encode(self, cell: Cell) -> dict[str, Any]:
        """The point of a cell.

        Raises:
            InvalidArgument: It has more than five vertices.
        """
        point, kept = super().encode(cell), list(self._EDGES)
        if np.delete(point["edges"], kept).any():
            raise InvalidArgument("cell: it has more than five vertices; choose a smaller one")
        return {"edges": point["edges"][kept], "ops": point["ops"][:3]}

    def decode(self, x: Any) -> Cell:
        """The valid cell of a point.

        Raises:
            InvalidArgument: When ``x`` is not a point of the space.
        """
        if x not in self.space:
            raise InvalidArgument(f"x: {x!r} is not in {self.space!r}")
        edges = np.zeros(len(FRAME_EDGES), dtype=np.int8)
        edges[list(self._EDGES)] = x["edges"]
        return super().decode({"edges": edges, "ops": np.array([*x["ops"], 0, 0])})


def _made_of(recipe: str, file: str) -> dict[str, int]:
    """How many nodes of each operation a recurrent cell has, and its states and layers.

    Raises:
        InvalidArgument: It is no cell.
    """
    try:
        nodes = {name: (node["op"], node["input"]) for name, node in json.loads(recipe).items()}
        counts = {op: sum(own == op for own, _ in nodes.values()) for op in _RECURRENT}
        depth: dict[str, int] = {}
        for name in TopologicalSorter(
            {n: inputs for n, (_, inputs) in nodes.items()}
        ).static_order():
            inputs = nodes[name][1] if name in nodes else []
            depth[name] = 1 + max((depth[i] for i in inputs), default=-1)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidArgument(
            f"path: {file!r} has a recipe_json that is no cell ({error})"
        ) from None
    states = sum(
        name.startswith("h_new_") for name in nodes if name.removeprefix("h_new_").isdigit()
    )
    return {**counts, "states": states, "layers": max(depth.values(), default=0)}


def _file(path: str | Path | None, name: str) -> Path:
    """The file that is given, or the one of this name in the data directory."""
    if path is not None:
        return Path(path)
    folder = data_folder()
    found = [folder / name, *sorted(folder.glob(f"*/{name}"))]
    for file in found:
        if file.is_file():
            return file
    raise InvalidArgument(f"path: {name} is not in {folder}; put it there, or give path=FILE")
