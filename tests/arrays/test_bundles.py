"""Bundles: names, options, metadata, and every key that means nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli.arrays import Stdin, read_bundle
from convgrad_cli.arrays.names import ARRAY_OF_KEY
from convgrad_cli.errors import ConvgradError, DataError, FileError, UsageError

# The contract's table, written out once more so that a change of it is noticed.
SPELLINGS = {
    "X": ["input", "X", "x"],
    "W": ["filter", "weight", "kernel", "W", "F", "w"],
    "b": ["bias", "b", "B"],
    "dY": ["upstream", "dY", "dZ", "dO", "dout", "grad_output"],
    "dA": ["dA", "dQ"],
    "Y": ["Y"],
    "dX": ["dX"],
    "dW": ["dW"],
    "db": ["db"],
    "switches": ["switches"],
    "A": ["A"],
    "depthwise": ["depthwise"],
    "pointwise": ["pointwise"],
    "dDepthwise": ["dDepthwise", "dD"],
    "dPointwise": ["dPointwise", "dP"],
    "V": ["V"],
    "dV": ["dV"],
}
PAIRS = [(key, name) for name, keys in SPELLINGS.items() for key in keys]


def bundle(content, **options):
    text = content if isinstance(content, str) else json.dumps(content)
    return read_bundle("-", Stdin(io.BytesIO(text.encode())), **options)


def refusal(content) -> ConvgradError:
    with pytest.raises(ConvgradError) as caught:
        bundle(content)
    assert caught.value.source is not None
    assert caught.value.source.startswith("stdin")
    return caught.value


@pytest.mark.parametrize(("key", "name"), PAIRS)
def test_every_name(key, name):
    held = bundle({key: [[1, 2]]})
    assert list(held.arrays) == [name]
    assert held.arrays[name].array.tolist() == [[1, 2]]
    assert held.arrays[name].source == f"stdin:{key}"


def test_no_name_is_missing_from_the_contracts_table():
    assert dict(PAIRS) == ARRAY_OF_KEY


def test_arrays_and_options_from_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("layer.json").write_text(
        '{"input": [[1, 2.5]], "filter": [[3]], "stride": 2, "padding": "same", "dims": 2}'
    )
    held = read_bundle("layer.json", Stdin())
    assert held.options == {"stride": 2, "padding": "same", "dims": 2}
    assert held.arrays["X"].array.dtype == np.float64
    assert held.arrays["W"].array.dtype == np.int64
    assert held.arrays["W"].source == "layer.json:filter"
    assert (held.arrays["W"].path, held.path, held.source) == ("layer.json",) * 3


def test_json_text_as_a_bundle():
    held = read_bundle('{"x": [1, 2], "w": [3]}', Stdin())
    assert sorted(held.arrays) == ["W", "X"]
    assert held.source == "the bundle (text)"


def test_our_own_convolution_result_reads_back():
    """The example in the contract, in full."""
    held = bundle(
        {
            "convgrad": 1,
            "operation": "conv_backward",
            "geometry": {
                "dims": 2,
                "kernel": [3, 3],
                "stride": [2, 2],
                "padding": [[0, 0], [0, 0]],
                "dilation": [1, 1],
                "groups": 1,
            },
            "shapes": {"input": [5, 5]},
            "dtypes": {"dX": "float32", "dW": "int64"},
            "dX": [[0.1, 2.0]],
            "dW": [[7]],
            "db": [10],
            "notes": ["a note"],
            "verify": {"max": 0},
            "updated": {"W": [[1]]},
            "derivation": {"equations": [{"target": "dW"}, {"target": "dX"}]},
            "convolution": {},
        }
    )
    assert held.options == {
        "operation": "conv_backward",
        "dims": 2,
        "stride": [2, 2],
        "padding": [[0, 0], [0, 0]],
        "dilation": [1, 1],
        "groups": 1,
    }
    assert sorted(held.arrays) == ["dW", "dX", "db"]
    assert held.arrays["dX"].array.dtype == np.float32
    assert held.arrays["dX"].array[0, 0] == np.float32(0.1)
    assert held.arrays["dW"].array.dtype == np.int64


def test_our_own_pool_result_reads_back():
    held = bundle(
        {
            "operation": "maxpool_forward",
            "geometry": {
                "dims": 2,
                "kernel": [2, 2],
                "stride": [2, 2],
                "ceil_mode": False,
                "ties": "first",
            },
            "Y": [[4]],
            "switches": [[3]],
            "X": [[1, 2], [3, 4]],
        }
    )
    assert held.options == {
        "operation": "maxpool_forward",
        "dims": 2,
        "window": [2, 2],
        "stride": [2, 2],
        "ceil_mode": False,
        "ties": "first",
    }


def test_the_geometry_of_a_derived_pool_is_known_by_its_keys():
    held = bundle({"operation": "derive", "geometry": {"kernel": [3], "ceil_mode": True}})
    assert held.options == {"operation": "derive", "window": [3], "ceil_mode": True}


def test_updated_parameters_in_a_npz_result_are_information(tmp_path):
    np.savez(tmp_path / "r.npz", dW=np.ones(2), updated_W=np.ones(2), updated_b=np.ones(1))
    assert list(read_bundle(str(tmp_path / "r.npz"), Stdin()).arrays) == ["dW"]


def test_geometry_and_a_flat_option_must_agree():
    assert bundle({"geometry": {"stride": 2}, "stride": 2}).options == {"stride": 2}
    error = refusal({"geometry": {"stride": 2}, "stride": 3})
    assert error.summary == "The bundle gives stride twice, in geometry and by itself."
    assert error.found == "2 and 3"


def test_a_null_array_is_not_given():
    held = bundle({"X": [1], "b": None, "dY": None, "bias": [2]})
    assert set(held.arrays) == {"X", "b"}
    assert held.arrays["b"].array.tolist() == [2]


def test_null_stands_for_the_default():
    assert bundle({"stride": None, "geometry": None, "X": [1]}).options == {}


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("inptu", "input"),
        ("filtre", "filter"),
        ("strides", "stride"),
        ("grad_input", "grad_output"),
        ("Stride", "stride"),
        ("upstreem", "upstream"),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest_known(key, near):
    error = refusal({"X": [1], key: [2]})
    assert isinstance(error, UsageError)
    assert error.summary == f"The bundle has a key that means nothing here: {key!r}."
    assert error.remedy == f"did you mean {near!r}?"


def test_unknown_key_text():
    assert str(refusal({"X": [1], "zzzzqqq": [2]})) == (
        "The bundle has a key that means nothing here: 'zzzzqqq'.\n"
        "  expected  arrays (input X, filter W, bias b, upstream dY, …), options (stride, padding, "
        "…) or the keys of convgrad's own results\n"
        "  found     'zzzzqqq'   in stdin\n"
        "  remedy    rename it, or take it out"
    )


@pytest.mark.parametrize(("first", "second"), [("X", "x"), ("input", "X"), ("weight", "kernel")])
def test_two_names_for_one_array(first, second):
    error = refusal({first: [1], second: [2]})
    assert isinstance(error, UsageError)
    assert error.summary == (
        f"The bundle has two names for one array: {first!r} and {second!r} are both "
        f"{dict(PAIRS)[first]}."
    )


def test_a_key_given_twice():
    error = refusal('{"X": [1], "stride": 1, "stride": 2}')
    assert isinstance(error, FileError)
    assert error.summary == "The bundle cannot be read: the key 'stride' is given twice."


@pytest.mark.parametrize("content", ["[[1, 2], [3, 4]]", "3"])
def test_a_bare_array_is_no_bundle(content):
    assert str(refusal(content)) == (
        "The bundle is one array without a name.\n"
        '  expected  a .npz file or a JSON object: {"input": …, "filter": …}\n'
        "  found     an array   in stdin\n"
        "  remedy    pass it with --input, --filter, --bias or --upstream"
    )


def test_a_npy_file_is_no_bundle(tmp_path):
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(UsageError, match="one array without a name"):
        read_bundle(str(tmp_path / "x.npy"), Stdin())


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("stride", [2, [2, 1]], [True, 1.5, "2", [], [1, 2.0], [[1, 2]], {}, [True]]),
        ("dilation", [1, [1, 3]], [1.0, [None]]),
        ("window", [2, [2, 3, 4]], ["2x2"]),
        ("padding", [1, [1, 2], [[1, 0], [2, 1]], "same", [1, [0, 1]]], [1.5, [[1]], [["a", 1]]]),
        ("groups", [2], [[2], "2", True]),
        ("dims", [3], [2.0]),
        ("layout", ["nhwc"], [1, ["nchw"]]),
        ("filter_layout", ["hwio"], [True]),
        ("ceil_mode", [True, False], [1, "yes"]),
        ("count_include_pad", [True], [0]),
        ("ties", ["split"], [1]),
        ("activation", ["relu"], [["relu"]]),
    ],
)
def test_the_types_of_options(option, good, bad):
    for value in good:
        assert bundle({option: value}).options == {option: value}
        assert bundle({"geometry": {option: value}}).options == {option: value}
    for value in bad:
        error = refusal({option: value})
        assert isinstance(error, UsageError)
        assert error.summary == f"The bundle's {option} has a value of the wrong type."


def test_option_text():
    assert str(refusal({"ceil_mode": 1})) == (
        "The bundle's ceil_mode has a value of the wrong type.\n"
        "  expected  true or false\n"
        "  found     1   in stdin"
    )


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        ({"geometry": 3}, "The bundle's geometry is not an object."),
        (
            {"geometry": {"strode": 1}},
            "The bundle's geometry has a key that means nothing here: 'strode'.",
        ),
        ({"operation": 1}, "The bundle's operation is not text."),
    ],
)
def test_a_geometry_that_is_none(content, summary):
    assert refusal(content).summary == summary


def test_a_fault_in_an_array_names_the_array_and_its_key():
    error = refusal({"input": [1], "kernel": [[1, 2], [3]]})
    assert isinstance(error, DataError)
    assert str(error) == (
        "W is ragged: its rows differ in length.\n"
        "  expected  2 entries at [1], as at [0]\n"
        "  found     1 entry   in stdin:kernel"
    )
    assert error.array == "W"


def test_nonfinite_words_only_where_they_are_allowed():
    content = {"Y": [1, "-Infinity"], "notes": ["NaN"]}
    assert refusal(content).summary == "Y holds a value that is not finite."
    held = bundle(content, allow_nonfinite=True)
    np.testing.assert_array_equal(held.arrays["Y"].array, [1, -np.inf])


def test_an_empty_bundle_is_empty():
    held = bundle({})
    assert (held.arrays, held.options) == ({}, {})
