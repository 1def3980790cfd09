"""Your own network on your own data: searched, then trained in full, then exported."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

import lamcts
from lamcts.adapters.tasks.data import Data
from lamcts.adapters.tasks.points import as_json, from_text, plain, some_point
from lamcts.adapters.training import Recipe, require_torch
from lamcts.errors import InvalidArgument, LamctsError, ProblemError, UnknownName
from lamcts.settings import keyword_parameters

if TYPE_CHECKING:
    from torch import Tensor, nn

    from lamcts.adapters.tasks.supervised import Supervised
    from lamcts.adapters.training.loop import Trained

__all__ = ["TorchTask"]


class TorchTask(lamcts.Evaluator):
    """Architecture and hyper-parameters of a network, compared by short trainings.

    A subclass has a space, data, and a network for each point::

        class MyTask(TorchTask):
            space = lamcts.spaces.Dict(
                width=lamcts.spaces.Box(8, 64, dtype=int),
                learning_rate=lamcts.spaces.Box(1e-4, 1e-2, scale="log"),
            )

            def load_data(self):
                return Data(train=(x, y), validation=(x_val, y_val), test=(x_test, y_test))

            def build(self, x):
                return nn.Sequential(nn.Linear(20, x["width"]), nn.ReLU(), nn.Linear(x["width"], 2))

    Variables named as a field of `lamcts.adapters.training.Recipe` (``learning_rate``,
    ``weight_decay``, ``batch_size``, ``label_smoothing``, ...) set it. For anything but
    classification override `loss`, `metric` and ``direction``.

    Args:
        data: Where the data is, for `load_data` to read.
        epochs: Passes over the training data, in a trial; those of ``base`` by default.
        patience: Epochs without a better score after which a trial ends; ``None`` for no end.
        amp: Type of numbers inside the network: ``"off"``, ``"bf16"`` or ``"fp16"``.
        device: Where to train: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"``.
        threads: Of the CPU, in a trial. More cores are better used by more workers.
        seed: Fixes initial weights and the order of the data, the same for all points.

    Attributes:
        base: The recipe of a trial where neither the settings nor a point say otherwise.
        final_epochs: Passes of the final training, unless it is told otherwise.
        follows: Fields of the recipe that a point may set.
        classes: Names of the classes, for whoever uses the network later; set by `load_data`.
    """

    direction: Literal["maximize", "minimize"] = "maximize"
    default_budget = 40
    base = Recipe(epochs=5, optimizer="adamw", learning_rate=3e-3, weight_decay=1e-2, workers=0)
    final_epochs: int = 20
    follows: Collection[str] = (
        *("epochs", "batch_size", "optimizer", "learning_rate", "momentum", "nesterov"),
        *("weight_decay", "decay_norms", "clip", "schedule", "warmup", "final_rate"),
        *("label_smoothing", "norm_momentum", "ema"),
    )
    classes: tuple[str, ...] = ()

    def __init__(
        self,
        *,
        data: str | None = None,
        epochs: int | None = None,
        patience: int | None = None,
        amp: Literal["off", "bf16", "fp16"] = "off",
        device: str = "cpu",
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        for name, value in (("patience", patience), ("threads", threads)):
            if value is not None and value < 1:
                raise InvalidArgument(f"{name}: {value} is no count; use an integer from 1 up")
        if epochs is not None:
            self.base = replace(self.base, epochs=epochs)
        self.base = replace(self.base, amp=amp, device=device, seed=seed)
        self.data, self.patience, self.threads = data, patience, threads
        self._data: Data | None = None
        self._costs: dict[str, dict[str, float]] = {}

    # -- What a subclass says ----------------------------------------------------------------

    def load_data(self) -> Data:
        """The data, read once in a process."""
        raise ProblemError(f"{type(self).__name__}: write load_data(self), which returns a Data")

    def build(self, x: Any) -> nn.Module:
        """A network with fresh weights for a point, whose numbers are Python's own."""
        raise ProblemError(f"{type(self).__name__}: write build(self, x), which returns a network")

    def data_for(self, x: Any) -> Data:
        """What the network of a point is given: override it where a tokenizer is searched too."""
        if self._data is None:
            self._data = self.load_data()
        return self._data

    def augment(self, inputs: Tensor, recipe: Recipe) -> Tensor:
        """Training inputs changed at random, with PyTorch's default generator; as they are here."""
        return inputs

    def loss(self, outputs: Any, targets: Tensor, recipe: Recipe) -> Tensor:
        """The mean loss of a batch: cross-entropy, where classes are dimension 1."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, label_smoothing=recipe.label_smoothing)

    def metric(self, outputs: Any, targets: Tensor) -> Tensor:
        """(n,) a figure for each example, whose mean is the score: whether its class is right."""
        right: Tensor = outputs.argmax(1) == targets
        return right.float()

    def recipe(self, x: Any) -> Recipe:
        """How the network of a point is trained: ``base``, with what the point says of it.

        For a choice of names (``optimizer``) a point says the place of its name.

        Raises:
            ProblemError: The point sets a field that nothing here follows.
        """
        kinds = get_type_hints(Recipe)
        x = plain(x)
        named = set(kinds) & set(x if isinstance(x, Mapping) else ())
        if ignored := sorted(named - set(self.follows)):
            raise ProblemError(
                f"space: {ignored[0]!r} is a field of Recipe that {type(self).__name__} does not "
                "follow; name the variable otherwise"
            )
        return replace(self.base, **{name: _choice(kinds[name], x[name]) for name in named})

    def sizes(self, model: nn.Module) -> dict[str, float]:
        """What a network's weights cost: ``params``, how many there are."""
        return {"params": float(sum(weights.numel() for weights in model.parameters()))}

    def assets(self, x: Any) -> Mapping[str, Any]:
        """JSON data that the trained network is used with, by file name (a tokenizer, say)."""
        return {"classes.json": list(self.classes)} if self.classes else {}

    # -- What is made of it ------------------------------------------------------------------

    def prepare(self) -> None:
        """Load the data and try one network on an example: what fails would fail every trial.

        Raises:
            LamctsError: What is wrong, in one line.
        """
        require_torch()
        from lamcts.adapters.training.distributed import pick_device

        pick_device(self.base.device)
        x = some_point(self.space)
        try:
            self._try(x)
        except LamctsError:
            raise
        except Exception as error:
            why = str(error).strip().partition("\n")[0]
            raise ProblemError(
                f"{type(self).__name__}: the network of {as_json(self.space, x)} fails on the "
                f"first training example: {type(error).__name__}: {why}"
            ) from error

    def evaluate(self, x: Any) -> lamcts.Evaluation:
        """The best validation score of a short training, reported after every epoch."""
        with self._thread_limit():
            trained = self._short_training(x, self.report)
        value = trained.history[trained.epoch - 1]["score"]
        metrics = {"best_epoch": float(trained.epoch), "epochs": float(len(trained.history))}
        return lamcts.Evaluation(value, metrics=metrics)

    def test(self, x: Any) -> dict[str, float]:
        """The test score of the same short training, at its best epoch."""
        from lamcts.adapters.training.loop import evaluating

        recipe = self.recipe(x)
        with self._thread_limit():
            model = self._short_training(x, lambda step, value: None).model
            with evaluating(model, recipe):
                score = self.supervised(x, recipe).score(model, "test")
        return {} if score is None else {"test_score": score}

    def cost(self, x: Any) -> dict[str, float]:
        """Size of the network of a point, counted without training it.

        Returns:
            ``params``, and ``macs``, the multiply-adds of convolutions, matrix products and
            attention for one example.
        """
        require_torch()
        key = as_json(self.space, x)
        if key not in self._costs:
            from lamcts.adapters.tasks.counting import count

            inputs, _ = self.supervised(x, self.recipe(x)).example()
            model, _, macs = count(lambda: self.network(x), inputs)
            self._costs[key] = {**self.sizes(model), "macs": macs}
        return dict(self._costs[key])

    # -- The final network -------------------------------------------------------------------

    def describe(self, x: Any) -> Any:
        """A point as JSON data; ``parse(json.dumps(describe(x)))`` is ``x``."""
        return json.loads(as_json(self.space, x))

    def parse(self, text: str) -> Any:
        """The point of a line of JSON.

        Raises:
            InvalidArgument: It is no point of the space.
        """
        return from_text(self.space, text)

    def recipe_fields(self) -> Mapping[str, inspect.Parameter]:
        """What ``lamcts train --set`` may set beside the settings above."""
        named = {*self.follows, "amp", "compile", "device", "seed"}
        return {name: p for name, p in keyword_parameters(Recipe).items() if name in named}

    def make_recipe(self, name: str | None, values: Mapping[str, Any]) -> Recipe:
        """``base`` for ``final_epochs``, with some fields set: how ``lamcts train`` trains.

        What is set goes before what a point says, even where it is as in ``base``.

        Raises:
            UnknownName: There is a name: a task has a recipe of its own.
            InvalidArgument: A value that cannot be followed.
        """
        if name is not None:
            raise UnknownName(
                f"--recipe: {type(self).__name__} has its own recipe, and knows no {name!r}; "
                "change it with --set learning_rate=..."
            )
        fields = {**self.base.to_json(), "epochs": self.final_epochs, **values}
        return _Asked(frozenset(values), **fields)

    def train(
        self,
        x: Any,
        folder: Path,
        *,
        recipe: Recipe | None = None,
        teacher: Path | None = None,
        resume: bool = False,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, float]:
        """Train the network of a point in full; the best epoch on the validation part is kept.

        Args:
            x: The point.
            folder: Takes the weights, ``model.json``, the learning curve, a checkpoint, and the
                task's assets.
            recipe: What `make_recipe` was told to set, and what is otherwise than in ``base``,
                goes before what the point says.
            teacher: Nothing here learns from another network.
            resume: Whether to go on with the training in the folder, if there is one.
            progress: Takes a short line an epoch.

        Returns:
            ``validation_score`` and ``epoch`` of the best epoch, and its ``test_score``, measured
            once, at the end.

        Raises:
            InvalidArgument: There is a teacher.
            RunError: The folder cannot be used, or the training diverged.
        """
        require_torch()
        from lamcts.adapters.tasks.final import retrain

        if teacher is not None:
            raise InvalidArgument(f"--teacher: {type(self).__name__} learns from data alone")

        recipe = self.make_recipe(None, {}) if recipe is None else recipe
        asked = recipe.asked if isinstance(recipe, _Asked) else frozenset()
        given = {
            name: value
            for name, value in recipe.to_json().items()
            if name in asked or value != getattr(self.base, name)
        }
        recipe = replace(self.recipe(x), **given)
        return retrain(self, x, folder, recipe, resume=resume, progress=progress)

    def export(self, folder: Path, form: str, out: Path) -> str:
        """Write what `train` left for other tools: ``arch``, ``safetensors`` or ``onnx``.

        Returns:
            A line about the file.

        Raises:
            InvalidArgument: No such form.
            RunError: The folder is of no finished training.
        """
        require_torch()
        from lamcts.adapters.tasks.final import export

        return export(self, folder, form, out)

    # -- Inside ------------------------------------------------------------------------------

    def network(self, x: Any) -> nn.Module:
        """What `build` makes of a point as a search has it."""
        return self.build(plain(x))

    def supervised(self, x: Any, recipe: Recipe) -> Supervised:
        """Data, loss and metric of a point as `lamcts.adapters.training.loop.fit` takes them."""
        from lamcts.adapters.tasks.supervised import Supervised

        return Supervised(self.data_for(x), self, recipe)

    def _short_training(self, x: Any, report: Callable[[int, float], None]) -> Trained:
        """That of a trial, which ends where patience does."""
        from lamcts.adapters.training.loop import Enough, fit

        best = max if self.direction == "maximize" else min
        scores: list[float] = []

        def on_epoch(model: nn.Module, row: Mapping[str, Any]) -> None:
            scores.append(row["score"])
            report(row["epoch"], row["score"])
            waited = len(scores) - 1 - scores.index(best(scores))
            if self.patience is not None and waited >= self.patience:
                raise Enough

        recipe = self.recipe(x)
        task = self.supervised(x, recipe)
        return fit(lambda: self.network(x), task, recipe, on_epoch=on_epoch)

    def _try(self, x: Any) -> None:
        """One example through network, loss and metric."""
        import torch

        task = self.supervised(x, self.recipe(x))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            model = self.network(x)
            if not isinstance(model, torch.nn.Module):
                raise ProblemError(
                    f"build: returns {type(model).__name__}; return a torch.nn.Module"
                )
            loss = task.loss(model.eval(), task.example())
            if loss.shape != ():
                shape = tuple(loss.shape)
                raise ProblemError(f"loss: gives a tensor of shape {shape}; give its mean")
            task.score(model, "validation")

    @contextmanager
    def _thread_limit(self) -> Iterator[None]:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


class _Asked(Recipe):
    """A recipe that knows which of its fields were asked for."""

    asked: frozenset[str]

    def __init__(self, asked: frozenset[str] = frozenset(), **fields: Any) -> None:
        super().__init__(**fields)
        object.__setattr__(self, "asked", asked)  # as dataclasses do where they are frozen


def _choice(kind: Any, value: Any) -> Any:
    """A value of a point as the type of a field of `Recipe`."""
    if get_origin(kind) is Literal:
        return get_args(kind)[int(value)]
    return bool(value) if kind is bool else value
