"""CSV files as features and targets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamcts.adapters.tasks import read_csv
from lamcts.adapters.tasks.tables import columns_encoded
from lamcts.errors import InvalidArgument, UnknownName

PEOPLE = "age;town;pay\n31;Rome;2\n;Oslo;1\n52;Rome;2\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    return file


def test_numbers_texts_and_gaps(people: Path) -> None:
    features, target = read_csv(people)
    assert features.dtype == object
    assert features[0].tolist() == [31.0, "Rome"]
    assert np.isnan(features[1, 0])
    assert target.dtype == np.int64
    assert target.tolist() == [2, 1, 2]


def test_the_target_may_be_any_column(people: Path) -> None:
    features, target = read_csv(people, "town")
    assert features.dtype == np.float64
    assert features[2].tolist() == [52.0, 2.0]
    assert target.tolist() == ["Rome", "Oslo", "Rome"]


def test_columns_are_encoded_by_scikit_learn_alone(people: Path) -> None:
    features, _ = read_csv(people)
    encoder = columns_encoded(features).fit(features)
    assert encoder.transform(features).tolist() == [[31, 0, 1], [41.5, 1, 0], [52, 0, 1]]
    new = np.array([[20.0, "Paris"]], dtype=object)
    assert encoder.transform(new).tolist() == [[20, 0, 0]]


@given(
    st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
)
def test_any_numbers_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[float]], delimiter: str
) -> None:
    file = tmp_path_factory.mktemp("csv") / "numbers.csv"
    lines = [delimiter.join("abc"), *(delimiter.join(map(repr, row)) for row in rows)]
    file.write_text("\n".join(lines))
    features, target = read_csv(file, "b")
    assert features.tolist() == [[row[0], row[2]] for row in rows]
    assert target.tolist() == [row[1] for row in rows]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1: column names"),
        ("a,a\n1,2\n", "line 1: column names ['a', 'a'] are not all different"),
        ("a,b\n", "has no rows under its line of names"),
        ("a,b\n1,2\n\n3\n", "line 4: 1 cells under 2 names"),
        ("a,b\n1,2\n3,\n", "line 3: column 'b' is empty"),
        ("b\n1\n2\n", "has no column beside 'b'"),
        ("a,b\n1,2\n3,inf\n", "line 3: column 'b' has 'inf', which is no finite number"),
        ("a,b\n1,NaN\n3,4\n", "line 2: column 'b' has 'NaN'"),
        ("a;b\n1,5;2\n;3\n", "column 'a' has numbers with commas, such as 1,5; write points"),
    ],
)
def test_a_damaged_table_is_said_by_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(text)
    with pytest.raises(InvalidArgument) as wrong:
        read_csv(file)
    assert words in str(wrong.value)


def test_a_great_target_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "great.csv").write_text("a,b\n1,1e300\n2,2\n")
    assert read_csv(tmp_path / "great.csv")[1].tolist() == [1e300, 2.0]


def test_a_wrong_column_or_file(people: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="no column 'tow'; did you mean 'town'"):
        read_csv(people, "tow")
    with pytest.raises(InvalidArgument, match="cannot be read: No such file"):
        read_csv(tmp_path / "gone.csv")
    (tmp_path / "latin.csv").write_bytes(b"a,b\n\xe9,1\n")
    with pytest.raises(InvalidArgument, match="no text in UTF-8"):
        read_csv(tmp_path / "latin.csv")
