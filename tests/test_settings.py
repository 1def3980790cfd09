"""Settings typed on the command line become values of the type the constructor declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest

from lamcts.errors import InvalidArgument, UnknownName
from lamcts.settings import (
    as_declared,
    keyword_parameters,
    parse_value,
    plain,
    split_settings,
    type_name,
)


class Options:
    """One option of every type that can be typed."""

    def __init__(
        self,
        *,
        count: int = 3,
        rate: float = 0.1,
        flag: bool = True,
        name: str = "a",
        maybe: Optional[int] = None,  # noqa: UP045  # both spellings must work
        number: int | float = 1,
        limit: float | Literal["auto"] = "auto",
        kernel: Literal["rbf", "poly", 3, None] = "rbf",
        sizes: tuple[int, ...] = (1, 2),
        pair: tuple[int, float] = (1, 2.0),
        words: list[str] | None = None,
        path: str | Path | None = None,
        table: dict[str, Any] | None = None,
        anything: Any = None,
        layers: Annotated[int | None, "hidden ones"] = None,
    ) -> None: ...


PARAMETERS = keyword_parameters(Options)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("count", "12", 12),
        ("layers", "12", 12),
        ("count", "1e3", 1000),
        ("count", "-2", -2),
        ("rate", "1e-3", 0.001),
        ("rate", "2", 2.0),
        ("flag", "no", False),
        ("flag", "TRUE", True),
        ("flag", "0", False),
        ("name", "none", "none"),
        ("name", "a=b", "a=b"),
        ("maybe", "none", None),
        ("maybe", "4", 4),
        ("number", "4", 4),
        ("number", "4.5", 4.5),
        ("limit", "auto", "auto"),
        ("limit", "0.5", 0.5),
        ("kernel", "poly", "poly"),
        ("kernel", "3", 3),
        ("kernel", "none", None),
        ("sizes", "64,32", (64, 32)),
        ("sizes", "(64, 32)", (64, 32)),
        ("sizes", "", ()),
        ("pair", "1,2", (1, 2.0)),
        ("words", "[a,b]", ["a", "b"]),
        ("words", "null", None),
        ("path", "data/x", "data/x"),
        ("path", "none", None),
        ("table", '{"a": 1}', {"a": 1}),
        ("anything", "7", 7),
        ("anything", "7.5", 7.5),
        ("anything", "true", True),
        ("anything", "rbf", "rbf"),
        ("anything", "none", None),
    ],
)
def test_value_has_the_declared_type(key: str, text: str, value: Any) -> None:
    parsed = parse_value(text, PARAMETERS[key])
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "wanted"),
    [
        ("count", "1.5", "an integer"),
        ("count", "many", "an integer"),
        ("count", "inf", "an integer"),
        ("rate", "nan", "a number"),
        ("rate", "fast", "a number"),
        ("flag", "maybe", "yes or no"),
        ("maybe", "x", "an integer or none"),
        ("limit", "x", "a number or one of 'auto'"),
        ("kernel", "rbff", "one of 'rbf', 'poly', 3, None"),
        ("sizes", "1,x", "a list (an integer, an integer, ...)"),
        ("pair", "1", "a list (an integer, a number)"),
        ("layers", "x", "an integer or none"),
        ("table", "[1]", "or none"),
    ],
)
def test_wrong_value_names_setting_value_and_type(key: str, text: str, wanted: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_value(text, PARAMETERS[key])
    message = str(caught.value)
    assert message.startswith(f"{key}: {text!r} is not ")
    assert wanted in message
    assert "\n" not in message


class Declared:
    """Settings of types that JSON does not have."""

    def __init__(  # type: ignore[no-untyped-def]
        self,
        sizes: tuple[int, ...] = (),
        pair: tuple[str, Path] | None = None,
        either: tuple[int, int] | tuple[int, int, int] = (1, 2),
        steps: list[tuple[int, int]] | None = None,
        data: Path | None = None,
        text: str | Path = "",
        default=(1,),
        loose: Any = None,
    ) -> None: ...


@pytest.mark.parametrize(
    ("key", "given", "declared"),
    [
        ("sizes", (64, 32), (64, 32)),
        ("sizes", [64, 32], (64, 32)),
        ("pair", ("a", "b"), ("a", Path("b"))),
        ("pair", ("a", "b", "c"), ["a", "b", "c"]),  # for the constructor to refuse
        ("either", [1, 2, 3], (1, 2, 3)),
        ("steps", ((1, 2), (3, 4)), [(1, 2), (3, 4)]),
        ("data", Path("x"), Path("x")),
        ("data", "x", Path("x")),
        ("data", None, None),
        ("text", Path("x"), "x"),
        ("default", [2, 3], (2, 3)),
        ("loose", (1, {"a": (2, Path("x"))}), [1, {"a": [2, "x"]}]),
        ("more", (1, 2), [1, 2]),
    ],
)
def test_a_setting_is_as_declared_whether_it_was_stored_or_not(
    key: str, given: Any, declared: Any
) -> None:
    parameters = keyword_parameters(Declared)
    for value in (given, json.loads(json.dumps(plain(given)))):
        assert repr(as_declared({key: value}, parameters)[key]) == repr(declared)


def test_type_comes_from_the_default_where_there_is_no_annotation() -> None:
    def build(count=2, rate=1.0, names=("a",), plain=None):  # type: ignore[no-untyped-def]
        """Unannotated, as users write."""

    parameters = keyword_parameters(build)
    assert parse_value("3", parameters["count"]) == 3
    assert type(parse_value("3", parameters["rate"])) is float
    assert parse_value("a,b", parameters["names"]) == ("a", "b")
    assert parse_value("3", parameters["plain"]) == 3


def test_annotation_that_cannot_be_resolved_falls_back_to_the_default() -> None:
    def build(count: NotImported = 2) -> None:  # type: ignore[name-defined]  # noqa: F821
        """A name imported under TYPE_CHECKING looks like this."""

    assert parse_value("3", keyword_parameters(build)["count"]) == 3


def test_keyword_parameters_leave_out_what_cannot_be_named() -> None:
    def build(a: int, /, b: int, *rest: int, c: int = 0, **more: int) -> None:
        """Every kind of parameter."""

    assert list(keyword_parameters(build)) == ["b", "c"]


def parameters(**defaults: Any) -> dict[str, Any]:
    return {k: v.replace(default=defaults[k]) for k, v in PARAMETERS.items() if k in defaults}


def test_keys_are_sorted_to_the_side_that_knows_them() -> None:
    problem, optimizer = parameters(count=1, name="a"), parameters(rate=0.1, name="b")
    pairs = ["count=5", "rate = 0.5", "problem.name=p", "optimizer.name=o"]
    assert split_settings(pairs, problem=problem, optimizer=optimizer) == (
        {"count": 5, "name": "p"},
        {"rate": 0.5, "name": "o"},
    )


@pytest.mark.parametrize(
    ("pair", "error", "message"),
    [
        ("cuont=5", UnknownName, "--set cuont: unknown setting; did you mean 'count'?"),
        ("problem.rate=5", UnknownName, "the problem has no setting 'rate'"),
        ("name=5", InvalidArgument, "write problem.name= or optimizer.name="),
        ("count", InvalidArgument, "--set: 'count' is not key=value"),
        ("=5", InvalidArgument, "--set: '=5' is not key=value"),
        ("count=x", InvalidArgument, "--set count: 'x' is not an integer"),
    ],
)
def test_wrong_key_is_named_with_the_mend(pair: str, error: type, message: str) -> None:
    problem, optimizer = parameters(count=1, name="a"), parameters(rate=0.1, name="b")
    with pytest.raises(error) as caught:
        split_settings([pair], problem=problem, optimizer=optimizer)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_key_given_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="--set count: given twice"):
        split_settings(["count=1", "count=2"], problem=parameters(count=1), optimizer={})


def test_type_name_of_a_class_is_its_name() -> None:
    assert type_name(Options) == "Options"
