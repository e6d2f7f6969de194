"""JSON arrays: the same numbers back, and a name and a place for everything that is not one."""

from __future__ import annotations

import gc
import io
import json

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convgrad_cli.arrays import Stdin, json_keys, read_array
from convgrad_cli.errors import ConvgradError, DataError, FileError

SHAPES = hnp.array_shapes(min_dims=1, max_dims=5, min_side=1, max_side=4)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1, 0])
)


def read(text: str | bytes, name: str = "X", *, allow_nonfinite: bool = False) -> np.ndarray:
    data = text.encode() if isinstance(text, str) else text
    stdin = Stdin(io.BytesIO(data))
    return read_array("-", name, stdin, allow_nonfinite=allow_nonfinite).array


def refusal(text: str | bytes, name: str = "X") -> ConvgradError:
    with pytest.raises(ConvgradError) as caught:
        read(text, name)
    return caught.value


@settings(max_examples=150, deadline=None, derandomize=True)
@given(hnp.arrays(np.float64, SHAPES, elements=FLOATS))
def test_floats_read_back_bit_for_bit(array):
    """Minus zero and subnormals too; written by the standard library, another hand than orjson."""
    back = read(json.dumps(array.tolist()))
    assert back.dtype == np.float64
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(hnp.arrays(np.int64, SHAPES, elements=INTEGERS))
def test_integers_read_back_exactly(array):
    back = read(json.dumps(array.tolist()))
    assert back.dtype == np.int64
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape


@settings(max_examples=60, deadline=None, derandomize=True)
@given(hnp.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False)))
def test_float32_comes_back_where_dtypes_says_so(array):
    finite = np.nan_to_num(array, posinf=3e38, neginf=-3e38)
    result = {"convgrad": 1, "dtypes": {"dX": "float32"}, "dX": finite}
    text = orjson.dumps(result, option=orjson.OPT_SERIALIZE_NUMPY)
    back = read(text, "dX")
    assert back.dtype == np.float32
    assert back.tobytes() == finite.tobytes()


@pytest.mark.parametrize(
    ("values", "word", "dtype"),
    [
        ("[1, -2]", "int8", "int8"),
        ("[1, 300]", "int8", "int64"),
        ("[1, -2]", "uint16", "int64"),
        ("[1, 2]", "float16", "float16"),
        ("[16777217]", "float32", "int64"),
        ("[1.0, 2.5]", "int64", "float64"),
        ("[1e39]", "float32", "float64"),
        ("[1.5]", "complex128", "float64"),
        ("[1.5]", "no such thing", "float64"),
        ("[1.5]", 7, "float64"),
    ],
)
def test_a_dtype_is_restored_only_where_nothing_is_lost(values, word, dtype):
    back = read(f'{{"dX": {values}, "dtypes": {{"dX": {json.dumps(word)}}}}}', "dX")
    assert back.dtype == dtype
    assert back.tolist() == json.loads(values)


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("[1, 2, -0]", "int64"),
        ("[1, 2.0]", "float64"),
        ("[1e2]", "float64"),
        ("[1E2, 5]", "float64"),
        ('{"X": [1, 2]}', "int64"),
        ('{"X": [1, 2.0]}', "float64"),
        (" \n\t[ 1 , 2 ] \n", "int64"),
        ("\ufeff[1]", "int64"),
    ],
)
def test_int64_when_every_literal_is_an_integer(text, dtype):
    assert read(text).dtype == dtype


@pytest.mark.parametrize("literal", ["9223372036854775807", "-9223372036854775808"])
def test_the_ends_of_int64(literal):
    assert read(f"[{literal}, 1]").tolist() == [int(literal), 1]
    assert read(f'{{"X": [{literal}, 1]}}').tolist() == [int(literal), 1]


@pytest.mark.parametrize(
    "frame", ["[[1, {}]]", "[[1.5, {}]]", '{{"X": [[1, {}]], "notes": ["a"]}}']
)
@pytest.mark.parametrize(
    "literal",
    [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "-18446744073709551617",
        "1" * 400,
        "9" * 5000,
    ],
    ids=lambda literal: literal[:22],
)
def test_integers_beyond_64_bits_are_refused_and_never_rounded(frame, literal):
    error = refusal(frame.format(literal))
    assert error.summary.startswith("X ") or "not valid JSON" in error.summary
    if len(literal) < 300:
        assert error.summary == (
            "X holds an integer beyond 64 bits, which would have to be rounded."
        )
        assert error.found == f"{literal} at [0, 1]"
        assert error.expected == "integers from -2**63 to 2**63 - 1"


@pytest.mark.parametrize("text", ["[1e300, 2]", "[1e19, -3e25, 1]", "[-9223372036854775808.0]"])
def test_large_floats_are_no_integers(text):
    assert read(text).tolist() == json.loads(text)


@pytest.mark.parametrize(
    ("text", "summary", "expected", "found"),
    [
        (
            "[[1, 2], [3]]",
            "X is ragged: its rows differ in length.",
            "2 entries at [1], as at [0]",
            "1 entry",
        ),
        (
            "[[[1], [2]], [[3], [4, 5]]]",
            "X is ragged: its rows differ in length.",
            "1 entry at [1, 1], as at [0, 0]",
            "2 entries",
        ),
        (  # as many numbers as three rows of eight
            f"[{[0] * 8}, {[0] * 4}, {[0] * 12}]",
            "X is ragged: its rows differ in length.",
            "8 entries at [1], as at [0]",
            "4 entries",
        ),
        (
            "[[1, 2], 3]",
            "X is ragged: numbers and lists stand side by side.",
            "a list of 2 entries at [1], as at [0]",
            "a number",
        ),
        (
            "[1, [2, 3]]",
            "X is ragged: numbers and lists stand side by side.",
            "a number at [1], as at [0]",
            "a list of 2 entries",
        ),
        (
            "[[], [1]]",
            "X is ragged: its rows differ in length.",
            "0 entries at [1], as at [0]",
            "1 entry",
        ),
        ("[1, true]", "X holds a boolean where a number belongs.", "a number", "true at [1]"),
        (
            "[[1, false]]",
            "X holds a boolean where a number belongs.",
            "a number",
            "false at [0, 1]",
        ),
        ("[true, false]", "X holds a boolean where a number belongs.", "a number", "true at [0]"),
        ('[1, "2"]', "X holds text where a number belongs.", "a number", "'2' at [1]"),
        ("[null]", "X holds null where a number belongs.", "a number", "null at [0]"),
        ("[1.5, null]", "X holds null where a number belongs.", "a number", "null at [1]"),
        ("[1, {}]", "X holds an object where a number belongs.", "a number", "{…} at [1]"),
        ('{"X": "hello"}', "X holds text where a number belongs.", "a number", "'hello'"),
        ('{"X": null}', "X holds null where a number belongs.", "a number", "null"),
        (
            '[[1.5, "NaN"], ["Infinity", 1]]',
            "X holds a value that is not finite.",
            "finite numbers",
            "NaN at [0, 1]",
        ),
        (
            "[]",
            "X is empty: axis 0 has size 0.",
            "at least one element along every axis",
            "shape (0,)",
        ),
        (
            "[[], []]",
            "X is empty: axis 1 has size 0.",
            "at least one element along every axis",
            "shape (2, 0)",
        ),
        (
            "[[[[[[1]]]]]]",
            "X is nested too deep.",
            "at most 5 axes: (N, C, D, H, W)",
            "more than 5 levels",
        ),
        (
            "7",
            "X is a single number, not an array.",
            "an array with one to five axes",
            "a number",
        ),
    ],
)
def test_what_is_not_an_array_of_numbers(text, summary, expected, found):
    error = refusal(text)
    assert isinstance(error, DataError)
    assert (error.summary, error.expected, error.found) == (summary, expected, found)
    assert error.array == "X"
    assert error.source in ("stdin", "stdin:X")


def test_a_whole_text():
    assert str(refusal('{"X": [[1, true]]}')) == (
        "X holds a boolean where a number belongs.\n"
        "  expected  a number\n"
        "  found     true at [0, 1]   in stdin:X"
    )


@pytest.mark.parametrize("depth", [900, 1024, 1025, 100_000])
@pytest.mark.parametrize("frame", ["{}", "[1, {}]", "[18446744073709551616.5, {}]"])
def test_bottomless_nesting_is_no_crash(depth, frame):
    error = refusal(frame.format("[" * depth + "1" + "]" * depth))
    assert isinstance(error, DataError)
    assert error.summary.startswith(("X is nested too deep", "X is ragged"))


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("[1, 2", None),
        ("[1, 2,]", None),
        ("[1 2]", None),
        ("[01]", None),
        ("[1] [2]", None),
        (
            "[1, NaN]",
            'JSON has no NaN and no infinities: write "NaN" and pass --allow-nonfinite',
        ),
        (
            "[-Infinity]",
            'JSON has no NaN and no infinities: write "NaN" and pass --allow-nonfinite',
        ),
        ("[1e999]", "a number must fit float64, which ends at 1.8e308"),
    ],
)
def test_what_is_not_json(text, remedy):
    error = refusal(text)
    assert isinstance(error, FileError)
    assert error.summary == "X cannot be read: it is not valid JSON."
    assert error.found is not None
    assert "line 1, column" in error.found
    assert error.remedy == remedy


def test_nonfinite_words_where_they_are_allowed():
    back = read('[[1, "NaN"], ["-Infinity", "Infinity"]]', allow_nonfinite=True)
    np.testing.assert_array_equal(back, [[1, np.nan], [-np.inf, np.inf]])
    assert back.dtype == np.float64
    with pytest.raises(DataError, match="holds text"):
        read('["nan"]', allow_nonfinite=True)


def test_long_text_among_numbers_costs_no_wide_array():
    """numpy alone would make every element as wide as the text: gigabytes."""
    text = '["' + "a" * 1_000_000 + '"' + ", 1" * 100_000 + "]"
    assert refusal(text).found == repr("a" * 60 + "…") + " at [0]"


def test_the_garbage_collector_is_left_as_it_was():
    for was_enabled in (True, False):
        (gc.enable if was_enabled else gc.disable)()
        try:
            read("[1]")
            refusal("[1,")
            assert gc.isenabled() is was_enabled
        finally:
            gc.enable()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"X": [1], "X": [2]}', "X"),
        ('{"X": [1], "\\u0058": [2]}', "X"),
        ('{"X": [1], "geometry": {"stride": 1, "stride": 2}}', "stride"),
        ('{"a": [{"k": "{"}, {"k": 1, "j": 2, "j": 3}]}', "j"),
        ('{"a\\"": 1, "b": 2, "a\\"": 3}', 'a"'),
        ('{"a\\\\": 1, "b": "}", "a\\\\": 3}', "a\\"),
        ('{"a": {"b": {"c": 1}}, "b": 1, "a": 2}', "a"),
        ('{"x" \n:1, "x"\t: 2}', "x"),
    ],
)
def test_a_key_given_twice_is_found(text, key):
    assert json_keys.read_keys(text.encode()).duplicate == key


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"a": "a", "b": ["a", "b", "b"]}',
        '{"a": {"a": {"a": 1}}, "b": {"a": 1}}',
        '[{"a": 1}, {"a": 2}]',
        '{"a": "\\"a\\": 1, \\"a\\": 2", "b": "{\\"a\\":"}',
        '{"a": ": ", "b": ":"}',
    ],
)
def test_no_key_is_called_twice_by_mistake(text):
    json.loads(text)
    assert json_keys.read_keys(text.encode()).duplicate is None


VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text('ab"\\{}:,[]', max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\{', max_size=2), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.text('abc"\\{', max_size=2), VALUES), max_size=4))
def test_the_search_for_keys_agrees_with_the_standard_library(pairs):
    text = "{" + ",".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs) + "}"
    keys = [key for key, _ in pairs]
    duplicates = [key for place, key in enumerate(keys) if key in keys[:place]]
    assert json_keys.read_keys(text.encode()).duplicate == next(iter(duplicates), None)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(st.text('abc"\\{', max_size=2), VALUES, max_size=4), st.sampled_from([0, 2]))
def test_a_stretch_holds_its_value_and_nothing_else(document, indent):
    text = json.dumps(document, indent=indent or None).encode()
    stretches = json_keys.read_keys(text).stretches
    assert set(stretches) == {k for k, value in document.items() if '"' not in json.dumps(value)}
    for key, (start, end) in stretches.items():
        rest = text[start:end].decode().lstrip().removeprefix(":").lstrip()
        value, stop = json.JSONDecoder().raw_decode(rest)
        assert value == document[key]
        assert set(rest[stop:]) <= set(", }\n")


AMONG_NUMBERS = ["true", "false", "null", '"1"', '"NaN"', "{}", '{"a": 1}', "[2]", "1" * 30]


@pytest.mark.parametrize("fault", AMONG_NUMBERS)
@pytest.mark.parametrize(
    "document", ['{{"X": {0}}}', '{{"X": {0}, "W": [1.5]}}', '{{"W": [[2]], "X":{0}, "b": 2}}']
)
def test_a_fault_in_a_member_is_found_as_in_a_lone_array(document, fault):
    """The types of a member's numbers are told from its own stretch of the text."""
    for rows in ([["1", fault]], [[fault, "1.5"]], [["1.5", "2"], ["3", fault]]):
        array = "[" + ", ".join(f"[{', '.join(row)}]" for row in rows) + "]"
        alone, member = refusal(array), refusal(document.format(array))
        assert (member.summary, member.found) == (alone.summary, alone.found)


def test_members_have_each_a_dtype_of_their_own():
    text = '{"X": [[1, 2]], "W": [[1.5, 2]], "b": [1e3], "dY": [3, 4], "Y": [["NaN", 1]]}'
    found = {name: read(text, name).dtype for name in ("X", "W", "b", "dY")}
    assert found == {"X": np.int64, "W": np.float64, "b": np.float64, "dY": np.int64}
    assert read(text, "Y", allow_nonfinite=True).dtype == np.float64


def test_a_key_given_twice_text():
    assert str(refusal('{"X": [1], "W": [1], "X": [2]}')) == (
        "X cannot be read: the key 'X' is given twice.\n"
        "  expected  every key once\n"
        "  found     in stdin\n"
        "  remedy    take one of the two out"
    )


def test_bytes_that_are_no_text():
    assert refusal(b"[1, \xff]").summary == "X cannot be read: it is not UTF-8 text."


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_called_by_its_name(encoding: str, tmp_path):
    path = tmp_path / "X.json"
    path.write_bytes("[[1, 2]]".encode(encoding))
    with pytest.raises(FileError, match="not UTF-8 text") as caught:
        read_array(str(path), "X", Stdin(io.BytesIO()))
    assert caught.value.found == "text in UTF-16"
