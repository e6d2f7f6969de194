"""The .npz reader: names, and the ways a zip file can lie."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.arrays import Stdin, npz, read_array, read_bundle
from convgrad_cli.errors import ConvgradError, DataError, FileError, UsageError

X = np.arange(6, dtype=np.int32).reshape(2, 3)
dY = np.array([[1.5, -2.0]])


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path("layer.npz")


def npy_bytes(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def refusal(spec: str, name: str = "dY") -> ConvgradError:
    with pytest.raises(ConvgradError) as caught:
        read_array(spec, name, Stdin())
    return caught.value


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_member_by_name(file, save):
    save(file, X=X, other=dY)
    loaded = read_array("layer.npz:other", "dY", Stdin())
    assert loaded.array.tolist() == dY.tolist()
    assert (loaded.source, loaded.path) == ("layer.npz:other", "layer.npz")


def test_the_member_that_carries_one_of_the_names(file):
    np.savez(file, X=X, grad_output=dY)
    loaded = read_array("layer.npz", "dY", Stdin())
    assert loaded.array.tolist() == dY.tolist()
    assert loaded.source == "layer.npz:grad_output"


def test_the_only_member_needs_no_name(file):
    np.savez(file, anything=dY, stride=2)
    assert read_array("layer.npz", "dY", Stdin()).array.tolist() == dY.tolist()


def test_which_of_several_is_not_guessed(file):
    np.savez(file, first=X, second=dY)
    assert str(refusal("layer.npz")) == (
        "dY is given as a file of several arrays, and none of them is called dY.\n"
        "  expected  one array, or one that is named dY\n"
        "  found     'first', 'second'   in layer.npz\n"
        "  remedy    say which: FILE.npz:name"
    )


def test_two_members_with_names_of_one_array(file):
    np.savez(file, dY=dY, upstream=dY)
    assert refusal("layer.npz").summary == (
        "The bundle has two names for one array: 'dY' and 'upstream' are both dY."
    )


def test_a_name_that_is_not_there(file):
    np.savez(file, input=X, upstream=dY)
    assert str(refusal("layer.npz:upstraem")) == (
        "dY cannot be read: the file holds nothing called 'upstraem'.\n"
        "  expected  one of 'input', 'upstream'\n"
        "  found     'upstraem'   in layer.npz\n"
        "  remedy    did you mean 'upstream'?"
    )


def test_colons_in_paths(file):
    os.mkdir("a:b")
    np.savez("a:b/layer.npz", X=X)
    np.savez("c.npz:d.npz", X=X + 1)
    assert read_array("a:b/layer.npz:X", "X", Stdin()).array.tolist() == X.tolist()
    assert read_array("a:b/layer.npz", "X", Stdin()).array.tolist() == X.tolist()
    assert read_array("c.npz:d.npz", "X", Stdin()).array[0, 0] == 1
    assert read_array("c.npz:d.npz:X", "X", Stdin()).array[0, 0] == 1


def test_a_bundle_with_options(file):
    np.savez(file, input=X, w=dY, stride=2, padding=[[0, 1], [1, 0]], layout="nhwc", ceil_mode=True)
    bundle = read_bundle("layer.npz", Stdin())
    assert set(bundle.arrays) == {"X", "W"}
    assert bundle.arrays["X"].source == "layer.npz:input"
    assert bundle.options == {
        "stride": 2,
        "padding": [[0, 1], [1, 0]],
        "layout": "nhwc",
        "ceil_mode": True,
    }
    assert (bundle.source, bundle.path) == ("layer.npz", "layer.npz")


def test_truncated_at_any_place(file):
    np.savez(file, X=X, dY=dY)
    whole = file.read_bytes()
    for kept in range(8, len(whole), 37):
        file.write_bytes(whole[:kept])
        error = refusal("layer.npz")
        assert isinstance(error, FileError)
        assert error.summary == "dY cannot be read: the .npz file is truncated or damaged."
        assert error.source == "layer.npz"


def test_a_damaged_member_is_noticed(file):
    np.savez(file, dY=np.arange(100.0))
    raw = bytearray(file.read_bytes())
    raw[raw.index(struct.pack("<d", 57.0)) + 3] ^= 1
    file.write_bytes(raw)
    assert refusal("layer.npz").summary == (
        "dY cannot be read: the .npz file is truncated or damaged."
    )


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_any_damage_is_one_of_our_errors(data):
    stream = io.BytesIO()
    np.savez_compressed(stream, dY=np.arange(40.0))
    raw = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        loaded = read_array("-", "dY", Stdin(io.BytesIO(bytes(raw))))
    except ConvgradError:
        return
    np.testing.assert_array_equal(loaded.array, np.arange(40.0))


def test_encrypted(file):
    np.savez(file, dY=dY)
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1  # the flag in the central directory
    file.write_bytes(raw)
    assert refusal("layer.npz").summary == (
        "dY cannot be read: 'dY.npy' in the .npz file is encrypted."
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("dY.npy", npy_bytes(dY))
        archive.writestr("dY.npy", npy_bytes(dY + 1))
    assert str(refusal("layer.npz")) == (
        "dY cannot be read: the .npz file holds 'dY' 2 times.\n"
        "  expected  every name once\n"
        "  found     in layer.npz\n"
        "  remedy    save the arrays again with numpy.savez"
    )


def test_a_zip_file_of_other_things(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal("layer.npz").summary == (
        "dY cannot be read: 'readme.txt' in the .npz file is not a .npy array."
    )


def test_a_packing_that_numpy_does_not_write(file):
    """Two more methods are in the zip format, with memory needs of their own."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("dY.npy", npy_bytes(dY))
    assert refusal("layer.npz").summary == (
        "dY cannot be read: 'dY.npy' in the .npz file is packed in a way that numpy does not use."
    )


def test_a_zip_file_of_nothing(file):
    zipfile.ZipFile(file, "w").close()
    assert refusal("layer.npz").summary == "dY cannot be read: the .npz file holds no arrays."


def test_pickles_in_members_are_never_loaded(file):
    np.savez(file, dY=np.array([{"a": 1}], dtype=object))
    error = refusal("layer.npz")
    assert isinstance(error, DataError)
    assert error.summary == "dY holds pickled Python objects, which are never loaded."
    assert error.source == "layer.npz:dY"


def test_a_header_that_claims_more_than_its_member(file):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }\n"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(
            "dY.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 80
        )
    error = refusal("layer.npz")
    assert error.summary == "dY cannot be read: the .npy data is truncated."
    assert error.found == "80 bytes"


def bomb(path: Path, size: int) -> None:
    """A .npz file of ``size`` zero bytes, written without ever holding them."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (size,)}
    )
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("dY.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(size >> 24):
            member.write(b"\0" * (1 << 24))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(file, monkeypatch):
    monkeypatch.setattr(npz, "FREE", 1 << 20)
    bomb(file, 32 << 20)
    unpacked = (32 << 20) + 128
    packed = file.stat().st_size
    assert packed * 100 < unpacked
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # unpacking would fail otherwise
    assert str(refusal("layer.npz")) == (
        "dY cannot be read: the .npz file would unpack to far more than it is.\n"
        f"  expected  at most {max(1 << 20, packed * 100)} bytes\n"
        f"  found     {unpacked} bytes, packed into {packed}   in layer.npz\n"
        "  remedy    if it is no zip bomb, save the arrays with numpy.save"
    )


def test_a_member_that_lies_about_its_size(file):
    """Its entry and its header claim half a gigabyte of elements; there are a hundred bytes."""
    size = 1 << 29
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": (size,)}
    )
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dY.npy", header.getvalue() + b"\1" * 100)
    raw = bytearray(file.read_bytes())
    entry = raw.index(b"PK\x01\x02") + 24
    raw[entry : entry + 4] = struct.pack("<I", len(header.getvalue()) + size)
    file.write_bytes(raw)
    error = refusal("layer.npz")
    assert error.summary == "dY cannot be read: the .npy data is truncated."
    assert error.found == "100 bytes"


def test_the_wrong_kind_of_file(file):
    file.write_bytes(npy_bytes(dY))
    assert str(refusal("layer.npz")) == (
        "dY cannot be read: the file is not what its suffix .npz says.\n"
        "  expected  a .npz file\n"
        "  found     a .npy file   in layer.npz\n"
        "  remedy    give the file the suffix of its format"
    )
    assert isinstance(refusal("layer.npz:X"), FileError)


def test_a_bundle_is_not_one_member(file):
    np.savez(file, X=X, dY=dY)
    with pytest.raises(UsageError, match="one array without a name"):
        read_bundle("layer.npz:X", Stdin())
