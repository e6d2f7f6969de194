"""Text files: .csv, .tsv, .txt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convgrad_cli.arrays import Stdin, read_array, table_text
from convgrad_cli.errors import ConvgradError, DataError, FileError, UsageError

PLANES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1])
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(hnp.arrays(np.float64, PLANES, elements=FLOATS), st.sampled_from([",", "\t", ";", " "]))
def test_floats_read_back_bit_for_bit(array, separator):
    text = table_text.to_text(array, separator)
    back = table_text.from_bytes(text.encode(), "X")
    assert back.dtype == np.float64
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(hnp.arrays(np.int64, PLANES, elements=INTEGERS), st.sampled_from([",", "\t"]))
def test_integers_read_back_exactly(array, separator):
    back = table_text.from_bytes(table_text.to_text(array, separator).encode(), "X")
    assert back.dtype == np.int64
    assert back.tolist() == array.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "1, 2, 3\r\n4, 5, 6",
        "1\t2\t3\n4\t5\t6\n",
        "1;2;3\n4;5;6\n",
        "  1 2   3\n4 5 6  \n",
        "1 \t 2\t3\n4\t5 6\n",
        "# a comment\n\n1,2,3   # the first row\n   \n4,5,6\n\n",
        "\ufeff1,2,3\n4,5,6\n",
        "+1,02,3\n4,5,6",
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "txt"])
def test_separators_comments_and_blank_lines(tmp_path, text, suffix):
    path = tmp_path / f"X.{suffix}"
    path.write_bytes(text.encode())
    array = read_array(str(path), "X", Stdin()).array
    assert array.dtype == np.int64
    assert array.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_one_number_with_a_point_makes_them_all_floats():
    array = table_text.from_bytes(b"1 2\n3 4.0", "X")
    assert array.dtype == np.float64
    assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(("name", "row", "column"), [("X", (1, 3), (3, 1)), ("b", (3,), (3,))])
def test_a_bias_may_be_a_row_or_a_column(name, row, column):
    assert table_text.from_bytes(b"1,2,3", name).shape == row
    assert table_text.from_bytes(b"1\n2\n3\n", name).shape == column


@pytest.fixture
def refusal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def of(data: str | bytes) -> ConvgradError:
        (tmp_path / "W.csv").write_bytes(data.encode() if isinstance(data, str) else data)
        with pytest.raises(ConvgradError) as caught:
            read_array("W.csv", "W", Stdin())
        assert caught.value.source == "W.csv"
        assert caught.value.array == "W"
        return caught.value

    return of


def test_ragged_text(refusal):
    assert str(refusal("# size 3\n1,2,3\n\n4,5\n")) == (
        "W is ragged: its rows differ in length.\n"
        "  expected  3 numbers, as in line 2\n"
        "  found     2 in line 4   in W.csv"
    )


@pytest.mark.parametrize(
    ("text", "found", "remedy"),
    [
        (
            "a,b\n1,2\n",
            "'a' in line 1, column 1",
            "take the header line out, or start it with #",
        ),
        ("1,2\n3,x\n", "'x' in line 2, column 2", None),
        (
            "1,,2\n3,4,5\n",
            "nothing in line 1, column 2",
            "fill the empty cell, or take the separator out",
        ),
        (
            "1,2,\n3,4,\n",
            "nothing in line 1, column 3",
            "fill the empty cell, or take the separator out",
        ),
        ("1,5;2,5\n", "'1,5' in line 1, column 1", "write numbers with a decimal point"),
        ("1_000,2\n", "'1_000' in line 1, column 1", None),
        ("1.5,1_0\n", "'1_0' in line 1, column 2", None),
        ("0x10,2\n", "'0x10' in line 1, column 1", None),
        ("1+2j\n", "'1+2j' in line 1, column 1", None),
        ("True,1\n", "'True' in line 1, column 1", "take the header line out, or start it with #"),
        ('"1",2\n', "'\"1\"' in line 1, column 1", None),
        ("1 2, 3\n", "'1 2' in line 1, column 1", None),
    ],
)
def test_what_is_not_a_number_is_named_with_its_place(refusal, text, found, remedy):
    error = refusal(text)
    assert isinstance(error, DataError)
    assert error.summary == "W holds something that is not a number."
    assert (error.found, error.remedy) == (found, remedy)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,2\n9223372036854775808,3", "9223372036854775808 in line 2, column 1"),
        ("1.5, -9223372036854775809", "-9223372036854775809 in line 1, column 2"),
        ("1.5, " + "7" * 6000, "7" * 40 + "… in line 1, column 2"),
    ],
)
def test_integers_beyond_64_bits_are_refused(refusal, text, found):
    error = refusal(text)
    assert error.summary == "W holds an integer beyond 64 bits, which would have to be rounded."
    assert error.found == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,nan\n2,3", "NaN at [0, 1]"),
        ("1,2\ninf,3", "Infinity at [1, 0]"),
        ("-1e999 2", "-Infinity at [0, 0]"),
    ],
)
def test_not_finite(refusal, text, found):
    error = refusal(text)
    assert error.summary == "W holds a value that is not finite."
    assert error.found == found


def test_nan_where_it_is_allowed(tmp_path):
    path = tmp_path / "X.txt"
    path.write_text("1 nan\n-inf 2\n")
    array = read_array(str(path), "X", Stdin(), allow_nonfinite=True).array
    np.testing.assert_array_equal(array, [[1, np.nan], [-np.inf, 2]])


@pytest.mark.parametrize("text", ["\n\n", "# nothing\n", "\ufeff", "   "])
def test_a_file_without_numbers(refusal, text):
    assert refusal(text).summary == "W is empty: the file holds no numbers."


def test_not_text_at_all(refusal):
    error = refusal(b"1,2\n3,\xff4\n")
    assert isinstance(error, FileError)
    assert error.summary == "W cannot be read: the file is not UTF-8 text."
    assert error.found == "byte 0xff at offset 6"


def test_json_in_the_wrong_file(refusal):
    error = refusal("[[1, 2], [3, 4]]")
    assert error.summary == "W cannot be read: the file looks like JSON, not like rows of numbers."
    assert error.remedy == "give it the suffix .json"


def test_only_planes_are_written():
    with pytest.raises(UsageError, match="at most two axes"):
        table_text.to_text(np.zeros((1, 2, 3)), ",")
