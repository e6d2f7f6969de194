"""The .npy reader: believes a header only where the file bears it out, and never unpickles."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.arrays import Stdin, npy, read_array
from convgrad_cli.errors import ConvgradError, DataError, FileError


def npy_bytes(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version, allow_pickle=True)
    return stream.getvalue()


def header_bytes(literal: str, version: int = 1) -> bytes:
    """A .npy header with any text for its dictionary."""
    text = literal.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return npy.MAGIC + bytes([version, 0]) + length + text


def claim(shape: str, descr: str = "'<f8'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n"


def refusal(path: Path, name: str = "dY") -> ConvgradError:
    with pytest.raises(ConvgradError) as caught:
        read_array(str(path), name, Stdin())
    return caught.value


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("dY.npy")


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_format_version_is_read(file, version):
    array = np.arange(6, dtype=np.int16).reshape(2, 3)
    file.write_bytes(npy_bytes(array, version))
    loaded = read_array("dY.npy", "dY", Stdin())
    assert loaded.array.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loaded.array.dtype == np.int16
    assert (loaded.source, loaded.path) == ("dY.npy", "dY.npy")


def test_truncated_file_text(file):
    file.write_bytes(npy_bytes(np.arange(36.0).reshape(6, 6))[:-100])
    error = refusal(file)
    assert isinstance(error, FileError)
    assert error.array == "dY"
    assert str(error) == (
        "dY cannot be read: the .npy data is truncated.\n"
        "  expected  288 bytes of elements   from its header (shape (6, 6), float64)\n"
        "  found     188 bytes   in dY.npy\n"
        "  remedy    save or copy the file again"
    )


@pytest.mark.parametrize("kept", range(0, 129, 8))
def test_a_file_cut_anywhere_is_one_error(file, kept):
    data = npy_bytes(np.arange(4.0))
    assert len(data) == 160
    file.write_bytes(data[:kept])
    assert isinstance(refusal(file), FileError)


def test_bytes_after_the_array_are_refused(file):
    array = npy_bytes(np.arange(4.0))
    file.write_bytes(array + array)
    error = refusal(file)
    assert error.summary == "dY cannot be read: the .npy data goes on after its array."
    assert error.found == "192 bytes"


def test_a_header_that_claims_10_to_the_12_elements_costs_no_memory(file):
    file.write_bytes(header_bytes(claim("(1000000, 1000000)")) + b"\0" * 64)
    tracemalloc.start()
    error = refusal(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.expected is not None
    assert error.expected.startswith("8000000000000 bytes")
    assert error.found == "64 bytes"
    assert peak < 4 << 20


@pytest.mark.parametrize(
    "literal",
    [
        "not a dictionary",
        "{",
        "{'descr': '<f8'}",
        claim("(-1, -8)"),
        claim("(2, 'a')"),
        claim("()", "'<q9'"),
        claim("(2,)", "'|U0'"),
        claim("(2,)", "None"),
        "(" * 500,
        "__import__('os').abort()",
    ],
)
def test_damaged_headers(file, literal):
    file.write_bytes(header_bytes(literal) + b"\0" * 16)
    error = refusal(file)
    assert isinstance(error, FileError)
    assert error.summary == "dY cannot be read: the header of the .npy file is damaged."


def test_unknown_version(file):
    data = bytearray(npy_bytes(np.arange(4.0)))
    data[6] = 9
    file.write_bytes(data)
    assert refusal(file).found == "format version (9, 0)"


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_any_damage_to_the_bytes_is_a_clear_error_or_an_array(data):
    """Fuzz: nothing but our own errors may escape, whatever byte is changed."""
    raw = bytearray(npy_bytes(np.arange(12, dtype=np.int32).reshape(3, 4)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, 127))] = data.draw(st.integers(0, 255))
    stream = Stdin(io.BytesIO(bytes(raw)))
    try:
        loaded = read_array("-", "X", stream)
    except ConvgradError:
        return
    assert loaded.array.nbytes == 48


class Bomb:
    """Unpickling this creates a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_object_arrays_are_never_unpickled(file):
    array = np.empty(2, object)
    array[:] = [Bomb("planted"), 1]
    file.write_bytes(npy_bytes(array))
    error = refusal(file)
    assert isinstance(error, DataError)
    assert str(error) == (
        "dY holds pickled Python objects, which are never loaded.\n"
        "  expected  real numbers (float16/32/64 or integers)\n"
        "  found     dtype object   in dY.npy\n"
        "  remedy    save the array with a numeric dtype: numpy.save(path, array.astype(float))"
    )
    assert not os.path.exists("planted")


def test_a_bare_pickle_is_never_loaded(file):
    file.write_bytes(pickle.dumps(Bomb("planted")))
    assert refusal(file).found == "a Python pickle, which is never loaded"
    assert not os.path.exists("planted")


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.ones(3, bool), "booleans"),
        (np.ones(3, complex), "complex numbers"),
        (np.array(["1", "2"]), "text"),
        (np.array([b"1", b"2"]), "text"),
        (np.zeros(2, [("a", float)]), "records or raw bytes"),
        (np.zeros(2, "datetime64[s]"), "dates"),
        (np.zeros(2, "timedelta64[s]"), "time spans"),
        pytest.param(
            np.ones(3, np.longdouble),
            "extended-precision numbers",
            marks=pytest.mark.skipif(
                np.dtype(np.longdouble).itemsize == 8, reason="long double is double here"
            ),
        ),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, np.ndarray) else None,
)
def test_what_is_not_a_real_number_is_refused(file, array, what):
    file.write_bytes(npy_bytes(array))
    error = refusal(file)
    assert isinstance(error, DataError)
    assert error.summary == f"dY holds {what}, not real numbers."
    assert error.found == f"dtype {array.dtype}"
    assert error.source == "dY.npy"


def test_an_empty_axis_is_named(file):
    file.write_bytes(npy_bytes(np.zeros((2, 0, 3))))
    error = refusal(file)
    assert isinstance(error, DataError)
    assert str(error) == (
        "dY is empty: axis 1 has size 0.\n"
        "  expected  at least one element along every axis\n"
        "  found     shape (2, 0, 3)   in dY.npy"
    )


def test_an_empty_axis_beside_an_impossible_one(file):
    file.write_bytes(header_bytes(claim("(0, 10000000000000000000000)")))
    assert refusal(file).summary == "dY is empty: axis 0 has size 0."


@pytest.mark.parametrize("ndim", [6, 40, 400])
def test_too_many_axes(file, ndim):
    file.write_bytes(header_bytes(claim("(" + "1," * ndim + ")")) + b"\0" * 8)
    error = refusal(file)
    assert error.summary == "dY has too many axes."
    assert error.found == f"{ndim} axes"


def test_a_lone_number_is_a_bias_and_nothing_else(file):
    file.write_bytes(npy_bytes(np.array(3)))
    assert read_array(str(file), "b", Stdin()).array.tolist() == [3]
    assert refusal(file).summary == "dY is a single number, not an array."


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["<f4", ">f4", ">i8"])
def test_byte_order_and_memory_order(file, order, kind):
    array = np.asarray(np.arange(30).reshape(2, 3, 5), dtype=kind, order=order)
    file.write_bytes(npy_bytes(array))
    read = read_array(str(file), "dY", Stdin()).array
    assert read.dtype.isnative
    assert read.dtype.itemsize == array.dtype.itemsize
    np.testing.assert_array_equal(read, np.arange(30).reshape(2, 3, 5))


@pytest.mark.parametrize("order", ["C", "F"])
def test_large_files_are_mapped_and_not_copied(file, order):
    array = np.asarray(
        np.random.default_rng(1).standard_normal((3, 700, 1000)), np.float64, order=order
    )
    assert array.nbytes >= npy.MAP_FROM
    np.save(file, array)
    tracemalloc.start()
    read = read_array(str(file), "dY", Stdin()).array
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(read, np.memmap)
    assert not read.flags.writeable
    assert peak < array.nbytes / 4
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_first_value_that_is_not_finite_is_named_in_row_major_order(file, order):
    array = np.zeros((3, 4, 5), np.float32, order=order)
    array[2, 0, 0] = np.nan
    array[1, 3, 2] = -np.inf
    array[1, 3, 4] = np.nan
    np.save(file, array)
    assert str(refusal(file)) == (
        "dY holds a value that is not finite.\n"
        "  expected  finite numbers\n"
        "  found     -Infinity at [1, 3, 2]   in dY.npy\n"
        "  remedy    pass --allow-nonfinite to compute with NaN and infinities"
    )
    allowed = read_array(str(file), "dY", Stdin(), allow_nonfinite=True).array
    np.testing.assert_array_equal(allowed, array)


def test_the_search_for_nan_crosses_its_blocks(file):
    array = np.zeros((1 << 20) + 10, np.float16)
    array[-1] = np.inf
    np.save(file, array)
    assert refusal(file).found == f"Infinity at [{(1 << 20) + 9}]"
