"""Writing: whole or not at all, and never over what is read."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from convgrad_cli.arrays import Stdin, read_array, read_bundle, write_results
from convgrad_cli.arrays import write as write_module
from convgrad_cli.errors import ConvgradError, FileError, UsageError

ROOT = Path(__file__).parents[2]
GRADIENTS = {
    "dX": np.array([[0.1, -0.0], [5e-324, 1.7976931348623157e308]]),
    "dW": np.array([[[1, -(2**63)]]]),
    "db": np.array([1.5], np.float16),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(format: str) -> str:
    return f"the result as {format} ∂\n"


def refusal(path, arrays=GRADIENTS, inputs=(), text=shown) -> ConvgradError:
    before = snapshot()
    with pytest.raises(ConvgradError) as caught:
        write_results(path, arrays, text, inputs=inputs)
    assert snapshot() == before, "something was left behind or changed"
    return caught.value


def snapshot() -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(Path().rglob("*"))
    }


def equal(back: np.ndarray, array: np.ndarray) -> bool:
    return (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_npz_holds_everything_and_is_the_same_file_every_time():
    write_results("out.npz", GRADIENTS, None, inputs=[])
    held = read_bundle("out.npz", Stdin())
    assert list(held.arrays) == ["dX", "dW", "db"]
    assert all(equal(held.arrays[name].array, array) for name, array in GRADIENTS.items())
    first = Path("out.npz").read_bytes()
    write_results("again.NPZ", GRADIENTS, None, inputs=[])
    assert Path("again.NPZ").read_bytes() == first


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("size", [3, 200])
def test_npy_holds_one_array(order, size):
    array = np.asarray(np.random.default_rng(3).standard_normal((size, 50, 40)), order=order)
    write_results("out.npy", {"dX": array}, None, inputs=[])
    np.testing.assert_array_equal(np.load("out.npy"), array)
    assert snapshot().keys() == {"out.npy"}


@pytest.mark.parametrize("arrays", [GRADIENTS, {}])
def test_npy_refuses_several(arrays):
    error = refusal("out.npy", arrays)
    assert isinstance(error, UsageError)
    assert error.summary == f"A .npy file holds one array, and the result has {len(arrays)}."
    assert error.remedy == "pick one with --only dX, or write .npz or a directory"


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
def test_tables_hold_one_plane(suffix):
    write_results(f"out.{suffix}", {"dX": GRADIENTS["dX"]}, None, inputs=[])
    back = read_array(f"out.{suffix}", "dX", Stdin()).array
    assert equal(back, GRADIENTS["dX"])
    assert refusal(f"new.{suffix}").summary.startswith(f"A .{suffix} file holds one array")
    assert isinstance(refusal(f"new.{suffix}", {"dW": GRADIENTS["dW"]}), UsageError)


@pytest.mark.parametrize(
    ("suffix", "format"),
    [("json", "json"), ("tex", "latex"), ("md", "markdown"), ("txt", "text"), ("JSON", "json")],
)
@pytest.mark.parametrize("encode", [str, str.encode])
def test_what_is_shown_by_suffix(suffix, format, encode):
    write_results(f"out.{suffix}", GRADIENTS, lambda word: encode(shown(word)), inputs=[])
    assert Path(f"out.{suffix}").read_text("utf-8") == shown(format)


@pytest.mark.parametrize("spelled", ["out/", "out"])
def test_a_directory(spelled):
    os.mkdir("out")
    write_results(spelled, GRADIENTS, None, inputs=[])
    assert sorted(os.listdir("out")) == ["dW.npy", "dX.npy", "db.npy"]
    assert all(equal(np.load(f"out/{name}.npy"), array) for name, array in GRADIENTS.items())


def test_a_directory_is_made_but_not_its_parents():
    write_results("new/", GRADIENTS, None, inputs=[])
    assert len(os.listdir("new")) == 3
    assert str(refusal("a/b/")) == (
        "The output cannot be written: the directory 'a' does not exist.\n"
        "  found     in a/b\n"
        "  remedy    mkdir -p a"
    )


def test_a_missing_directory():
    error = refusal("nowhere/out.npz")
    assert isinstance(error, FileError)
    assert str(error) == (
        "The output cannot be written: the directory 'nowhere' does not exist.\n"
        "  found     in nowhere/out.npz\n"
        "  remedy    mkdir -p nowhere"
    )


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("out.pt", shown, ".npz .npy .json .tex .md .txt .csv .tsv, or a directory"),
        ("out", shown, ".npz .npy .json .tex .md .txt .csv .tsv, or a directory"),
        ("out.tex", None, ".npz .npy .csv .tsv, or a directory"),
    ],
)
def test_a_suffix_that_cannot_be_written(path, text, expected):
    error = refusal(path, text=text)
    assert isinstance(error, UsageError)
    assert error.expected == expected


def test_an_input_is_never_written_over():
    np.savez("layer.npz", X=np.ones(3))
    os.symlink("layer.npz", "link.npz")
    os.link("layer.npz", "hard.npz")
    for path in ("layer.npz", "./layer.npz", "link.npz", "hard.npz"):
        error = refusal(path, inputs=["other.npz", "layer.npz"])
        assert isinstance(error, FileError)
        assert error.summary == "The output would overwrite an input."
    os.mkdir("out")
    np.save("out/dW.npy", np.ones(3))
    assert refusal("out/", inputs=[Path("out/dW.npy")]).summary == (
        "The output would overwrite an input."
    )


def test_a_link_is_followed_and_stays_a_link():
    os.mkdir("there")
    Path("there/real.npz").write_bytes(b"old")
    os.symlink("there/real.npz", "link.npz")
    write_results("link.npz", GRADIENTS, None, inputs=[])
    assert os.path.islink("link.npz")
    assert list(np.load("there/real.npz")) == ["dX", "dW", "db"]


def test_permissions_are_kept_or_the_umasks():
    Path("old.npz").touch()
    os.chmod("old.npz", 0o604)
    previous = os.umask(0o027)
    try:
        write_results("old.npz", GRADIENTS, None, inputs=[])
        write_results("new.npz", GRADIENTS, None, inputs=[])
    finally:
        os.umask(previous)
    assert stat.S_IMODE(os.stat("old.npz").st_mode) == 0o604
    assert stat.S_IMODE(os.stat("new.npz").st_mode) == 0o666 & ~0o027


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everything")
def test_a_read_only_file_and_directory():
    Path("old.npz").write_bytes(b"old")
    os.chmod("old.npz", 0o400)
    assert refusal("old.npz").summary == "The output cannot be written: the file is read-only."
    os.mkdir("sealed", 0o500)
    assert refusal("sealed/out.npz").summary == "The output cannot be written: permission denied."


def test_a_read_only_file_for_root_too(monkeypatch):
    Path("old.npz").write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert refusal("old.npz").summary == "The output cannot be written: the file is read-only."


def test_a_directory_in_the_way():
    os.makedirs("out/dW.npy")
    assert refusal("out").summary == "The output cannot be written: is a directory."


def test_a_file_in_the_way_of_a_directory():
    Path("out").write_text("x")
    assert refusal("out/").summary == "The output cannot be written: not a directory."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_the_way():
    os.mkfifo("out.npz")
    assert refusal("out.npz").summary == "The output is a device or a pipe, not a file."


def test_a_name_too_long():
    assert refusal("x" * 300 + ".npz").summary == (
        "The output cannot be written: file name too long."
    )


def test_a_long_name_that_the_system_takes():
    name = "x" * 251 + ".npz"
    write_results(name, GRADIENTS, None, inputs=[])
    assert os.listdir() == [name]


def failing(call: int, error: BaseException, real):
    """``real``, that raises ``error`` at its n-th call."""
    calls = iter(range(1, 1000))

    def stand_in(*arguments, **options):
        if next(calls) == call:
            raise error
        return real(*arguments, **options)

    return stand_in


@pytest.mark.parametrize("path", ["out.npz", "out/", "new/"])
def test_a_full_disk_leaves_everything_as_it_was(monkeypatch, path):
    """The disk fills up in the middle of the second array."""
    os.mkdir("out")
    Path("out/dX.npy").write_bytes(b"old")
    Path("out.npz").write_bytes(b"old")
    full = OSError(errno.ENOSPC, "No space left on device")
    real = np.lib.format.write_array
    stand_in = failing(2, full, real)
    monkeypatch.setattr(np.lib.format, "write_array", stand_in)
    if path == "out.npz":
        monkeypatch.setattr(np, "savez", failing(1, full, np.savez))
    error = refusal(path)
    assert isinstance(error, FileError)
    assert str(error).splitlines()[0] == ("The output cannot be written: no space left on device.")
    assert error.remedy == "nothing was written: free some space, or choose another --output"


def test_ctrl_c_leaves_nothing(monkeypatch):
    for place in ("write_array", "replace"):
        owner = np.lib.format if place == "write_array" else write_module.os
        with monkeypatch.context() as patch:
            patch.setattr(owner, place, failing(1, KeyboardInterrupt(), getattr(owner, place)))
            with pytest.raises(KeyboardInterrupt):
                write_results("out/", GRADIENTS, None, inputs=[])
        assert snapshot() == {}


def test_a_crash_while_the_text_is_made_leaves_nothing():
    def crash(_format):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_results("out.json", GRADIENTS, crash, inputs=[])
    assert snapshot() == {}


SCRIPT = """
import resource, sys
import numpy as np
from convgrad_cli.arrays import write_results
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
arrays = {name: np.zeros(n) for name, n in (("dX", 10), ("dW", 50_000))}
if sys.argv[1].endswith(".npy"):
    arrays = {"dW": arrays["dW"]}
try:
    write_results(sys.argv[1], arrays, lambda word: "x" * 200_000, inputs=[])
except ValueError as error:
    print(error.summary)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("path", ["out.npz", "out.npy", "out.json", "out/"])
def test_a_real_refusal_by_the_system_in_mid_file(path):
    """Files may not grow beyond 100 kB: the system's own error, halfway through a file."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, path],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "The output cannot be written: file too large.\n"
    assert (done.returncode, done.stderr) == (0, "")
    assert snapshot() == {}
