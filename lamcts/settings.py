"""Typed settings from ``key=value`` strings: ``--set cp=0.1``, ``--set hidden=64,32``.

What a setting may hold is read from the constructor it goes to, so a class declares its options
once, as annotated keyword parameters with defaults, and the command line follows.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import math
import numbers
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from lamcts.errors import InvalidArgument, UnknownName, did_you_mean

__all__ = [
    "all_parameters",
    "as_declared",
    "check_number",
    "keyword_parameters",
    "parse_value",
    "plain",
    "split_settings",
    "type_name",
]

Parameters = Mapping[str, inspect.Parameter]

_BOOLS = {"true": True, "yes": True, "on": True, "1": True}
_BOOLS |= {"false": False, "no": False, "off": False, "0": False}
_NONES = ("none", "null")
_PREFIXES = ("problem", "optimizer")


def all_parameters(function: Any) -> dict[str, inspect.Parameter]:
    """The parameters of ``function`` by name, annotations resolved; a class's constructor's.

    Annotations that cannot be resolved (a name imported for type checkers only) stay strings.
    """
    is_class = isinstance(function, type)
    callee = function.__init__ if is_class else function
    if callee is object.__init__:
        return {}
    try:
        signature = inspect.signature(callee, eval_str=True)
    except Exception:  # evaluating annotations runs foreign code: it may raise anything
        signature = inspect.signature(callee)
    return dict(list(signature.parameters.items())[is_class:])


def keyword_parameters(function: Any) -> dict[str, inspect.Parameter]:
    """The parameters of ``function`` that can be given by name: its settings."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: p for name, p in all_parameters(function).items() if p.kind in by_name}


def plain(value: Any) -> Any:
    """A setting as JSON has it: lists for tuples, text for paths; anything else as it is.

    >>> plain({"sizes": (64, 32)})
    {'sizes': [64, 32]}
    """
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def as_declared(settings: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """Settings as the constructor declares them: tuples and paths, which JSON does not have.

    So a constructor gets the same whether its settings were typed, given in Python, or read back
    from a run file or a worker's order; where it declares no type, it gets `plain` values.

    >>> p = keyword_parameters(lambda sizes=(1,), plain=None: None)
    >>> as_declared({"sizes": [64, 32], "plain": (1, 2)}, p)
    {'sizes': (64, 32), 'plain': [1, 2]}
    """
    return {
        name: _restored(plain(value), _type_of(parameters[name]) if name in parameters else Any)
        for name, value in settings.items()
    }


def _restored(value: Any, wanted: Any) -> Any:
    """A plain value with the tuples and paths that the type ``wanted`` asks for."""
    is_union = get_origin(wanted) in (Union, types.UnionType)
    options = get_args(wanted) if is_union else (wanted,)
    if isinstance(value, str) and Path in options and str not in options:
        return Path(value)
    if isinstance(value, list):
        for option in filter(_is_sequence, options):
            with contextlib.suppress(ValueError):  # of another length
                kind, items = _items(option, len(value))
                return kind(map(_restored, value, items))
    return value


def check_number(value: Any, parameter: inspect.Parameter) -> None:
    """Refuse what is no number where one is declared; other types are left to the constructor.

    Raises:
        InvalidArgument: It is none.
    """
    wanted = _type_of(parameter)
    is_union = get_origin(wanted) in (Union, types.UnionType)
    options = set(get_args(wanted) if is_union else (wanted,))
    if not options <= {int, float, type(None)}:
        return
    kind = numbers.Real if float in options else numbers.Integral
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if not is_number and not (value is None and type(None) in options):
        raise InvalidArgument(f"{parameter.name}: {value!r} is not {type_name(wanted)}")


def split_settings(
    pairs: Iterable[str], *, problem: Parameters, optimizer: Parameters
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parse ``key=value`` strings and sort them into the problem's and the optimizer's settings.

    Args:
        pairs: ``key=value``; a key that both sides know is written ``problem.key`` or
            ``optimizer.key``.
        problem: The settings the problem takes.
        optimizer: The settings the optimizer takes.

    Returns:
        Keyword arguments for the problem and for the optimizer.

    Raises:
        InvalidArgument: A pair without ``=``, an ambiguous or repeated key, or a value that does
            not fit the setting's type.
        UnknownName: A key that neither side knows.

    >>> p = keyword_parameters(lambda dim=2, noise=0.0: None)
    >>> split_settings(["dim=5"], problem=p, optimizer={})
    ({'dim': 5}, {})
    """
    sides = {"problem": problem, "optimizer": optimizer}
    found: dict[str, dict[str, Any]] = {"problem": {}, "optimizer": {}}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InvalidArgument(f"--set: {pair!r} is not key=value; write for example cp=0.1")
        side, name = _side_of(key, sides)
        if name in found[side]:
            raise InvalidArgument(f"--set {key}: given twice; give it once")
        found[side][name] = parse_value(text.strip(), sides[side][name], label=f"--set {key}")
    return found["problem"], found["optimizer"]


def _side_of(key: str, sides: Mapping[str, Parameters]) -> tuple[str, str]:
    """Which side a key belongs to, and its name there."""
    prefix, dot, rest = key.partition(".")
    if dot and prefix in _PREFIXES:
        if rest not in sides[prefix]:
            mend = did_you_mean(rest, sides[prefix])
            raise UnknownName(f"--set {key}: the {prefix} has no setting {rest!r}; {mend}")
        return prefix, rest
    known_by = [side for side, parameters in sides.items() if key in parameters]
    if len(known_by) == 2:
        raise InvalidArgument(
            f"--set {key}: both the problem and the optimizer have a setting {key!r}; "
            f"write problem.{key}= or optimizer.{key}="
        )
    if not known_by:
        known = {name for parameters in sides.values() for name in parameters}
        raise UnknownName(f"--set {key}: unknown setting; {did_you_mean(key, known)}")
    return known_by[0], key


def parse_value(text: str, parameter: inspect.Parameter, *, label: str | None = None) -> Any:
    """The value that ``text`` stands for, of the type ``parameter`` asks for.

    Args:
        text: As typed: ``3``, ``1e-3``, ``yes``, ``none``, ``64,32``, ``rbf``.
        parameter: Its annotation decides; without one, the type of its default.
        label: What to call the setting in a message.

    Raises:
        InvalidArgument: ``text`` is no value of that type.
    """
    wanted = _type_of(parameter)
    try:
        return _convert(text, wanted)
    except ValueError:
        raise InvalidArgument(
            f"{label or parameter.name}: {text!r} is not {type_name(wanted)}"
        ) from None


def _type_of(parameter: inspect.Parameter) -> Any:
    """The type to convert to: the annotation, else the default's type, else ``Any``."""
    wanted = parameter.annotation
    if get_origin(wanted) is Annotated:
        wanted = get_args(wanted)[0]
    if wanted is not parameter.empty and not isinstance(wanted, str):
        return wanted
    if parameter.default is parameter.empty or parameter.default is None:
        return Any
    return type(parameter.default)


def type_name(wanted: Any) -> str:
    """A type in words: ``an integer``, ``one of 'rbf', 'poly'``."""
    words = {
        int: "an integer",
        float: "a number",
        bool: "yes or no (true, false)",
        str: "text",
        Path: "a path",
        type(None): "none",
        Any: "a value",
    }
    if wanted in words:
        return words[wanted]
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        return type_name(arguments[0])
    if origin is Literal:
        return "one of " + ", ".join(repr(a) for a in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(a) for a in arguments)
    if _is_sequence(wanted):
        if origin is tuple and arguments[-1] is not Ellipsis:
            return f"a list ({', '.join(map(type_name, arguments))})"
        item = type_name(arguments[0]) if arguments else "a value"
        return f"a list ({item}, {item}, ...)"
    if (origin or wanted) in (dict, Mapping):
        return 'a JSON object, {"name": value}'
    return getattr(wanted, "__name__", str(wanted))


def _convert(text: str, wanted: Any) -> Any:
    """Convert ``text`` to the type ``wanted``, or raise ValueError."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Literal:
        return _literal(text, arguments)
    if origin in (Union, types.UnionType):
        return _first_that_fits(text, arguments)
    if _is_sequence(wanted):
        return _sequence(text, wanted)
    if wanted is Any:
        return _guess(text)
    simple: dict[Any, Callable[[str], Any]] = {
        bool: _bool,
        int: _integer,
        float: _number,
        str: str,
        Path: Path,
        type(None): _none,
        dict: _mapping,
        Mapping: _mapping,
    }
    convert = simple.get(origin or wanted)
    if convert is None:
        raise ValueError
    return convert(text)


def _is_sequence(wanted: Any) -> bool:
    return (get_origin(wanted) or wanted) in (tuple, list, Sequence)


def _literal(text: str, choices: Iterable[Any]) -> Any:
    for choice in choices:
        if text == str(choice) or (choice is None and text.lower() in _NONES):
            return choice
    raise ValueError


def _first_that_fits(text: str, options: Iterable[Any]) -> Any:
    """Try the members of a union, the strictest first: text and paths accept anything."""
    for option in sorted(options, key=lambda t: (t in (str, Path), t is not type(None))):
        try:
            return _convert(text, option)
        except ValueError:
            continue
    raise ValueError


def _sequence(text: str, wanted: Any) -> Any:
    """A comma-separated list, brackets optional, of the container and item type asked for."""
    inner = text.strip()
    if inner[:1] + inner[-1:] in ("()", "[]"):
        inner = inner[1:-1]
    parts = [part.strip() for part in inner.split(",") if part.strip()]
    kind, items = _items(wanted, len(parts))
    return kind(map(_convert, parts, items))


def _items(wanted: Any, count: int) -> tuple[type[list[Any]] | type[tuple[Any, ...]], list[Any]]:
    """The container that a sequence type means, and the types of ``count`` items in it."""
    kind, items = get_origin(wanted) or wanted, get_args(wanted)
    if kind is tuple and items and items[-1] is not Ellipsis:
        if len(items) != count:
            raise ValueError
        return tuple, list(items)
    return (list if kind is list else tuple), [items[0] if items else Any] * count


def _bool(text: str) -> bool:
    if text.lower() not in _BOOLS:
        raise ValueError
    return _BOOLS[text.lower()]


def _integer(text: str) -> int:
    """An integer, ``1e3`` included."""
    try:
        return int(text)
    except ValueError:
        number = _number(text)
    if not number.is_integer():
        raise ValueError
    return int(number)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _none(text: str) -> None:
    if text.lower() not in _NONES:
        raise ValueError


def _mapping(text: str) -> dict[str, Any]:
    value = json.loads(text)  # JSONDecodeError is a ValueError
    if not isinstance(value, dict):
        raise ValueError
    return value


def _guess(text: str) -> Any:
    """The value a person would mean where the type is not declared."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for convert in (_none, _integer, _number):
        try:
            return convert(text)
        except ValueError:
            continue
    return text
