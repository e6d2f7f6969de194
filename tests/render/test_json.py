"""JSON: the contract's envelope, exact numbers, words for what JSON has no number for."""

import json
import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from convgrad_cli.render import json_output, numbers
from convgrad_cli.render.numbers import exact_json
from convgrad_cli.render.result import Result, render
from tests.render.results import GEOMETRY, single, small

WORDS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def read_back(result: Result) -> dict[str, Any]:
    """By the standard library, not by the one that wrote it; a bare NaN is an error."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    document: dict[str, Any] = json.loads(render(result, "json"), parse_constant=refuse)
    return document


def numbers_in(nested: Any) -> list[float]:
    if isinstance(nested, list):
        return [number for entry in nested for number in numbers_in(entry)]
    return [WORDS[nested] if isinstance(nested, str) else nested]


def test_a_small_result_is_laid_out_for_reading() -> None:
    result = small()
    result.notes.append("a note")
    assert render(result, "json") == (
        b"{\n"
        b'  "convgrad": 1,\n'
        b'  "operation": "conv_backward",\n'
        b'  "geometry": {\n'
        b'    "dims": 2,\n'
        b'    "kernel": [2, 3],\n'
        b'    "stride": [2, 2],\n'
        b'    "padding": [[0, 0], [0, 0]],\n'
        b'    "dilation": [1, 1],\n'
        b'    "groups": 1\n'
        b"  },\n"
        b'  "shapes": {"input": [2, 4], "filter": [2, 3], "upstream": [1, 1]},\n'
        b'  "dtypes": {"dX": "int64", "dW": "int64", "db": "int64"},\n'
        b'  "dX": [[1, -20, 3, 0], [4, 5, 600, -7]],\n'
        b'  "dW": [[1, 2, 3], [-4, 5, 6]],\n'
        b'  "db": [10],\n'
        b'  "notes": ["a note"]\n'
        b"}\n"
    )


def test_a_matrix_too_wide_for_a_line_has_a_line_for_each_row() -> None:
    rows = np.arange(60).reshape(2, 30)
    text = render(single(rows), "json")
    lines = [f"    {row.tolist()}".encode() for row in rows]
    assert b'  "dX": [\n' + b",\n".join(lines) + b"\n  ],\n" in text


def test_a_large_result_is_one_line() -> None:
    text = render(single(np.arange(100_000)), "json")
    assert text.count(b"\n") == 1
    assert text.endswith(b"\n")


def test_fields_stand_in_the_order_of_the_contract() -> None:
    class Derived:
        def as_json(self) -> object:
            return {"notation": "slides", "equations": []}

    result = small()
    result.updated = {"W": np.array([[1.5]])}
    result.verify = {"passed": True, "largest_deviation": float("inf")}
    result.derivation = Derived()
    result.extra = {"verdict": "right", "count": np.int64(3)}
    document = read_back(result)
    assert list(document) == [
        "convgrad",
        "operation",
        "geometry",
        "shapes",
        "dtypes",
        "dX",
        "dW",
        "db",
        "updated",
        "verify",
        "verdict",
        "count",
        "derivation",
        "notes",
    ]
    assert document["updated"] == {"W": [[1.5]]}
    assert document["verify"]["largest_deviation"] == "Infinity"
    assert document["count"] == 3
    assert document["derivation"] == {"notation": "slides", "equations": []}


FLOATS = st.sampled_from(["float16", "float32", "float64", ">f8", ">f4"])


@settings(max_examples=60, deadline=None)
@given(FLOATS.flatmap(lambda dtype: arrays(dtype, array_shapes(max_dims=4, max_side=4))))
def test_every_float_reads_back_bit_for_bit(array: np.ndarray) -> None:
    document = read_back(single(array))
    native = array.astype(array.dtype.newbyteorder("="))
    with np.errstate(over="ignore"):
        back = np.array(numbers_in(document["dX"])).astype(native.dtype).reshape(native.shape)
    assert document["dtypes"]["dX"] == str(array.dtype)
    nan = np.isnan(native)
    assert np.array_equal(nan, np.isnan(back))
    assert np.where(nan, 0, back).tobytes() == np.where(nan, 0, native).tobytes()


@settings(max_examples=30, deadline=None)
@given(arrays("int64", array_shapes(max_dims=3, max_side=4)))
def test_every_integer_reads_back(array: np.ndarray) -> None:
    document = read_back(single(array))
    assert document["dX"] == array.tolist()
    assert all(type(number) is int for number in numbers_in(document["dX"]))


@pytest.mark.parametrize(
    "bits", [0x00000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x80000000, 0x3DCCCCCD, 0x4B800001]
)
def test_float32_edges(bits: int) -> None:
    """Subnormal, largest subnormal, smallest normal, largest, −0, 0.1, beyond 2**24."""
    value = np.array([bits], np.uint32).view(np.float32)
    (back,) = read_back(single(value))["dX"]
    assert struct.pack("<f", back) == value.tobytes()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_words_stand_where_the_numbers_were(dtype: str) -> None:
    array = np.array([[np.nan, 1.5], [-np.inf, np.inf]], dtype)
    assert read_back(single(array))["dX"] == [["NaN", 1.5], ["-Infinity", "Infinity"]]


@pytest.mark.parametrize("view", ["F", "strided", "transposed", "reversed"])
def test_views_are_written_in_their_own_order(view: str) -> None:
    base = np.arange(24.0).reshape(4, 6)
    array = {
        "F": np.asfortranarray(base),
        "strided": base[::2, 1::2],
        "transposed": base.T,
        "reversed": base[::-1, ::-1],
    }[view]
    assert read_back(single(array))["dX"] == array.tolist()


@pytest.mark.parametrize("at_once", [2, 1000])
def test_a_mapped_file_is_an_array_as_any(tmp_path, monkeypatch, at_once: int) -> None:
    """Large .npy files are read as np.memmap, a subclass that orjson does not take."""
    for module in (numbers, json_output):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
    np.save(tmp_path / "X.npy", np.arange(6.0).reshape(2, 3) / 4)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert type(mapped) is np.memmap
    for array in (mapped, mapped.T, mapped[:, ::2], mapped.astype(np.float16)):
        result = Result("conv_backward", GEOMETRY, {"dX": array})
        assert read_back(result)["dX"] == array.tolist()
        assert exact_json(array) == orjson.dumps(array.tolist())


@pytest.mark.parametrize("at_once", [1, 2, 5, 7, 12, 59, 60])
@pytest.mark.parametrize("shape", [(60,), (4, 15), (2, 5, 6), (1, 60), (60, 1), (2, 2, 3, 5)])
def test_large_arrays_are_written_in_parts(monkeypatch, at_once: int, shape: tuple) -> None:
    """The text is the same, and no call of the library gets more numbers than are allowed."""
    calls: list[int] = []
    dumps = orjson.dumps

    def arrays_in(value: Any) -> list[int]:
        if isinstance(value, dict):
            return [size for entry in value.values() for size in arrays_in(entry)]
        return [value.size] if isinstance(value, np.ndarray) else []

    def counted(value: Any, **options: Any) -> bytes:
        calls.extend(arrays_in(value))
        return dumps(value, **options)

    for module in (numbers, json_output):
        monkeypatch.setattr(module, "AT_ONCE", at_once)
    monkeypatch.setattr(orjson, "dumps", counted)
    array = np.arange(60.0).reshape(shape) / 8
    assert read_back(single(array))["dX"] == array.tolist()
    assert exact_json(array) == dumps(array.tolist())
    result = single(array)
    result.updated = {"W": array, "b": array[:1]}
    document = read_back(result)
    assert document["updated"] == {"W": array.tolist(), "b": array[:1].tolist()}
    assert list(document)[-2:] == ["updated", "notes"]
    assert render(result, "json").endswith(b"}\n")
    assert max(calls, default=0) <= at_once
    array[array == 2.5] = np.nan
    assert numbers_in(read_back(single(array))["dX"])[19:21] == [
        2.375,
        pytest.approx(WORDS["NaN"], nan_ok=True),
    ]
    assert b'2.375,"NaN"' in exact_json(array).replace(b"[", b"").replace(b"]", b"")


def test_products_beyond_64_bits_stay_exact() -> None:
    class Derived:
        def as_json(self) -> object:
            return orjson.Fragment(b'{"value":%d,"small":1e-7}' % -(10**19 + 1))

    result = single([[2**63 - 1, 1]])
    result.derivation = Derived()
    document = read_back(result)
    assert document["derivation"] == {"value": -(10**19) - 1, "small": 1e-7}
    assert document["dX"] == [[2**63 - 1, 1]]


def test_notes_and_keys_are_escaped() -> None:
    result = small()
    result.notes.append('a "quoted" \\ note\n</script> ∂')
    assert read_back(result)["notes"] == ['a "quoted" \\ note\n</script> ∂']


def test_geometry_is_passed_through() -> None:
    assert read_back(small())["geometry"] == GEOMETRY
