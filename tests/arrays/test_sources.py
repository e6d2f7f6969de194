"""Every way of giving an array: paths, standard input, pipes, JSON text; and what is none."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from convgrad_cli.arrays import Stdin, read_array, read_bundle
from convgrad_cli.errors import ConvgradError, DataError, FileError, UsageError

X = np.array([[3, -1, 2], [5, 0, 7]])

DTYPES = st.sampled_from(
    ["f2", "f4", "f8", ">f4", ">f8", "i1", "i2", "i4", "i8", ">i4", "u1", "u2", "u4", "u8"]
)
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(
        dtype,
        hnp.array_shapes(min_dims=1, max_dims=5, min_side=1, max_side=4),
        elements=(
            hnp.from_dtype(np.dtype(dtype), allow_nan=False, allow_infinity=False)
            if "f" in dtype
            else None
        ),
    )
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(spec: str, name: str = "X", stdin: Stdin | None = None) -> ConvgradError:
    with pytest.raises(ConvgradError) as caught:
        read_array(spec, name, stdin or Stdin())
    assert caught.value.array in (name, None)
    return caught.value


def same(back: np.ndarray, array: np.ndarray) -> None:
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(ARRAYS, st.booleans())
def test_npy_and_npz_round_trip_bit_for_bit(array, fortran):
    """-0.0, subnormals and the ends of the integers too, in both memory orders."""
    array = np.asfortranarray(array) if fortran else array
    for save in (
        lambda stream: np.save(stream, array),
        lambda stream: np.savez(stream, X=array),
        lambda stream: np.savez_compressed(stream, other=np.ones(3), X=array),
    ):
        stream = io.BytesIO()
        save(stream)
        same(read_array("-", "X", Stdin(io.BytesIO(stream.getvalue()))).array, array)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(array=ARRAYS)
def test_safetensors_round_trip_bit_for_bit(tmp_path_factory, array):
    numpy_io = pytest.importorskip("safetensors.numpy")
    path = tmp_path_factory.mktemp("tensors") / "layer.safetensors"
    native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("=")))
    numpy_io.save_file({"dY": native, "X": native[:1].copy()}, path)
    same(read_array(f"{path}:dY", "dY", Stdin()).array, native)


def test_safetensors_as_a_bundle_and_its_refusals():
    numpy_io = pytest.importorskip("safetensors.numpy")
    numpy_io.save_file({"weight": X, "stride": np.array([2, 1])}, "layer.safetensors")
    bundle = read_bundle("layer.safetensors", Stdin())
    assert bundle.arrays["W"].array.tolist() == X.tolist()
    assert bundle.options == {"stride": [2, 1]}
    Path("bad.safetensors").write_bytes(Path("layer.safetensors").read_bytes()[:-3])
    error = refusal("bad.safetensors")
    assert error.summary == "X cannot be read: the .safetensors file is truncated or damaged."
    head = b'{"X":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    Path("b.safetensors").write_bytes(len(head).to_bytes(8, "little") + head + bytes(4))
    assert refusal("b.safetensors").found == "dtype BF16"
    numpy_io.save_file({"X": X > 0}, "flags.safetensors")
    assert refusal("flags.safetensors").summary == "X holds booleans, not real numbers."


def test_safetensors_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    Path("layer.safetensors").write_bytes(b"x" * 20)
    error = refusal("layer.safetensors")
    assert isinstance(error, UsageError)
    assert str(error) == (
        "X is a .safetensors file, and the package that reads those is missing.\n"
        "  found     in layer.safetensors\n"
        "  remedy    pip install 'convgrad[safetensors]'"
    )


def test_suffixes_in_capitals():
    np.save("x.npy", X)
    os.rename("x.npy", "X.NPY")
    assert read_array("X.NPY", "X", Stdin()).array.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("text", "array"),
    [("[[1,2],[3,4]]", [[1, 2], [3, 4]]), (" [1.5]", [1.5]), ('{"X": [1], "W": [2]}', [1])],
)
def test_json_text_itself(text, array):
    loaded = read_array(text, "X", Stdin())
    assert loaded.array.tolist() == array
    assert loaded.source.startswith("--input (text)")
    assert loaded.path is None


@pytest.mark.parametrize("text", ["3", "-2", "1.5e3"])
def test_a_number_as_a_bias(text):
    assert read_array(text, "b", Stdin()).array.tolist() == [float(text)]


def test_text_that_is_broken_json():
    assert str(refusal("[[1,2],[3,4]", "W")) == (
        "W cannot be read: it is not valid JSON.\n"
        "  found     unexpected end of data (line 1, column 13)   in --filter (text)"
    )
    assert isinstance(refusal("[1, \udcff]"), FileError)


def test_a_file_called_like_json_wins():
    Path("[1].json").write_text("[2]")
    assert read_array("[1].json", "X", Stdin()).array.tolist() == [2]


def test_missing_file_text():
    np.save("input.npy", X)
    assert str(refusal("inptu.npy")) == (
        "X cannot be read: there is no such file.\n"
        "  expected  a path, FILE.npz:name, - for standard input, or JSON text\n"
        "  found     'inptu.npy'\n"
        "  remedy    did you mean 'input.npy'?"
    )
    assert refusal("nowhere/x.npy").remedy is None
    assert refusal("a\0b.npy").summary == "X cannot be read: there is no such file."
    assert refusal("").summary == "X cannot be read: there is no such file."


def test_a_directory():
    os.mkdir("x.npy")
    assert str(refusal("x.npy")) == (
        "X cannot be read: the path is a directory.\n  expected  a file\n  found     in x.npy"
    )


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_file(device):
    assert refusal(device).summary == "X cannot be read: the path is a device, not a file."


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may read everything")
def test_an_unreadable_file():
    np.save("x.npy", X)
    os.chmod("x.npy", 0)
    assert refusal("x.npy").summary == "X cannot be read: permission denied."


def test_a_refusal_by_the_system_is_one_error(monkeypatch):
    np.save("x.npy", X)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    error = refusal("x.npy")
    assert str(error) == "X cannot be read: permission denied.\n  found     in x.npy"


@pytest.mark.parametrize("suffix", ["npy", "npz", "json", "csv", "tsv", "txt", "safetensors"])
def test_an_empty_file(suffix):
    Path(f"x.{suffix}").touch()
    assert str(refusal(f"x.{suffix}")) == (
        f"X cannot be read: the file is empty.\n  found     0 bytes   in x.{suffix}"
    )


@pytest.mark.parametrize("name", ["x.foo", "x", "x.pt", "x.pkl"])
def test_a_suffix_that_is_no_format(name):
    Path(name).write_text("1")
    error = refusal(name)
    assert isinstance(error, FileError)
    assert error.expected == ".npy .npz .json .safetensors .csv .tsv .txt"
    assert error.found == (os.path.splitext(name)[1] or "no suffix")


@pytest.mark.parametrize(
    ("suffix", "content", "found"),
    [
        ("csv", b"\x93NUMPY\x01\x00", "a .npy file"),
        ("json", b"PK\x03\x04....", "a zip file, as .npz is"),
        ("npy", b"PK\x03\x04....", "a zip file, as .npz is"),
        ("npy", b"[1, 2]", "data that starts with b'[1, 2]'"),
        ("npz", b"\x80\x04\x95", "a Python pickle, which is never loaded"),
        ("npz", b"\x89HDF\r\n", "an HDF5 file"),
        ("txt", b"\x1f\x8b\x08", "a gzip file"),
    ],
)
def test_a_suffix_that_is_not_true(suffix, content, found):
    Path(f"x.{suffix}").write_bytes(content)
    error = refusal(f"x.{suffix}")
    assert error.summary == f"X cannot be read: the file is not what its suffix .{suffix} says."
    assert error.found == found


def test_a_name_in_a_file_without_names():
    Path("x.json").write_text("[1]")
    assert refusal("x.json:X").summary == "X cannot be read: the file holds nothing called 'X'."


# Standard input and pipes


def test_standard_input_is_read_in_each_format():
    npy, npz = io.BytesIO(), io.BytesIO()
    np.save(npy, X)
    np.savez(npz, first=X + 1, X=X)
    for data in (npy.getvalue(), npz.getvalue(), orjson.dumps(X.tolist()), b"\xef\xbb\xbf [[3]]"):
        loaded = read_array("-", "X", Stdin(io.BytesIO(data)))
        assert loaded.array[0, 0] == 3
        assert loaded.source.split(":")[0] == "stdin"
        assert loaded.path is None


def test_standard_input_twice():
    stdin = Stdin(io.BytesIO(b"[1]"))
    read_array("-", "X", stdin)
    error = refusal("-", "W", stdin)
    assert isinstance(error, UsageError)
    assert str(error) == (
        "--input and --filter both read standard input.\n"
        "  expected  standard input used once\n"
        "  remedy    give one of them as a file, or both in one bundle"
    )
    with pytest.raises(UsageError) as caught:
        read_bundle("-", stdin)
    assert caught.value.summary == "--input and the bundle both read standard input."


def test_standard_input_twice_with_the_bundle_first():
    stdin = Stdin(io.BytesIO(b'{"X": [1]}'))
    read_bundle("-", stdin)
    error = refusal("-", "dY", stdin)
    assert error.summary == "The bundle and --upstream both read standard input."


def test_standard_input_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    error = refusal("-")
    assert isinstance(error, FileError)
    assert str(error) == (
        "--input reads standard input, but that is closed.\n"
        "  expected  JSON, .npy or .npz data\n"
        "  remedy    pipe the data in, or name a file"
    )
    stream = io.BytesIO()
    stream.close()
    assert refusal("-", "X", Stdin(stream)).summary == error.summary


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


def test_standard_input_is_a_terminal():
    error = refusal("-", "X", Stdin(Terminal(b"[1]")))
    assert isinstance(error, UsageError)
    assert error.summary == "--input reads standard input, but that is a terminal."


def test_standard_input_empty():
    error = refusal("-", "X", Stdin(io.BytesIO()))
    assert error.summary == "X cannot be read: there is nothing in it."
    assert (error.found, error.source) == ("0 bytes", "stdin")


class Endless(io.RawIOBase):
    """``yes |``, or ``< /dev/zero``: reading it to its end never ends."""

    def __init__(self, line: bytes) -> None:
        self.line = line
        self.given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self.given += len(buffer)
        assert self.given < 10 << 20, "reads on and on"
        buffer[:] = (self.line * (len(buffer) // len(self.line) + 1))[: len(buffer)]
        return len(buffer)


@pytest.mark.parametrize("line", [b"y\n", b"\0"])
def test_an_endless_stream_of_nonsense_is_refused_at_once(line):
    error = refusal("-", "X", Stdin(io.BufferedReader(Endless(line))))
    assert error.summary == "X cannot be read: it is none of the formats read from a stream."
    assert error.found == f"data that starts with {(line * 8)[:8]!r}"


def test_the_systems_error_on_standard_input():
    class Broken(io.BytesIO):
        def read(self, _size=-1):
            raise OSError(9, "Bad file descriptor")

    assert str(refusal("-", "X", Stdin(Broken()))) == (
        "X cannot be read: bad file descriptor.\n  found     in stdin"
    )


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["pipe", "pipe.npy"])
def test_a_pipe_is_read_by_its_first_bytes(name):
    os.mkfifo(name)
    stream = io.BytesIO()
    np.savez(stream, dY=X, X=X + 1)
    writer = threading.Thread(target=lambda: Path(name).write_bytes(stream.getvalue()))
    writer.start()
    loaded = read_array(name, "dY", Stdin())
    writer.join()
    assert loaded.array.tolist() == X.tolist()
    assert (loaded.source, loaded.path) == (f"{name}:dY", None)


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
def test_a_process_substitution():
    """``-x <(command)`` gives a path such as /dev/fd/63."""
    read_end, write_end = os.pipe()
    os.write(write_end, b"[[1, 2]]")
    os.close(write_end)
    loaded = read_array(f"/dev/fd/{read_end}", "X", Stdin())
    os.close(read_end)
    assert loaded.array.tolist() == [[1, 2]]


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="no /dev/fd here")
def test_a_redirected_file_has_no_suffix():
    np.save("x.npy", X)
    with open("x.npy", "rb") as stream:
        loaded = read_array(f"/dev/fd/{stream.fileno()}", "X", Stdin())
    assert loaded.array.tolist() == X.tolist()


def test_out_of_memory_is_one_error(monkeypatch):
    Path("x.json").write_text("[1]")

    def refuse(_text):
        raise MemoryError

    monkeypatch.setattr(orjson, "loads", refuse)
    error = refusal("x.json")
    assert error.summary == "X cannot be read: it does not fit into memory."
    assert not isinstance(error, DataError)
