"""What bad input gets: one clear error, exit code 2, nothing on stdout, nothing written."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.conftest import Convgrad

W = "[[1,2],[3,4]]"
X = "[[1,2,3],[4,5,6],[7,8,9]]"


def refuse(convgrad: Convgrad, *arguments: str, **options: object) -> str:
    """The error text of a command that must be refused, without a traceback."""
    done = convgrad(*arguments, **options)
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def write_claiming(path: Path, shape: str) -> None:
    """A .npy file whose header claims a shape and whose body is 8 bytes."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    padded = header + " " * (63 - (10 + len(header)) % 64) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode())
    with path.open("ab") as file:
        file.write(b"\0" * 8)


FILES = {
    "missing": (lambda p: None, "there is no such file"),
    "directory": (lambda p: p.mkdir(), "directory"),
    "empty": (lambda p: p.write_bytes(b""), "empty"),
    "giant": (lambda p: write_claiming(p, "(1000000, 1000000)"), "truncated"),
    "truncated": (lambda p: write_claiming(p, "(3, 3)"), "truncated"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps([1, 2])), ""),
    "objects": (
        lambda p: np.save(p, np.array([[1, None], [2, 3]], dtype=object), allow_pickle=True),
        "pickle",
    ),
    "complex": (lambda p: np.save(p, np.ones((3, 3), complex)), "complex"),
    "text": (lambda p: np.save(p, np.array([["a", "b"]])), ""),
    "booleans": (lambda p: np.save(p, np.ones((3, 3), bool)), "bool"),
    "nan": (lambda p: np.save(p, np.array([[1, 2], [np.nan, 3.0]])), "[1, 0]"),
    "zero-size": (lambda p: np.save(p, np.ones((3, 0))), "0"),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_bad_file(convgrad: Convgrad, tmp_path: Path, kind: str) -> None:
    make, words = FILES[kind]
    make(tmp_path / "X.npy")
    before = sorted(tmp_path.iterdir())
    text = refuse(convgrad, "backward", "-x", "X.npy", "-w", W, "-o", "out.npz")
    assert "X.npy" in text
    assert words in text
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file(convgrad: Convgrad, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.ones((3, 3)))
    (tmp_path / "X.npy").chmod(0)
    assert "permission" in refuse(convgrad, "backward", "-x", "X.npy", "-w", W).lower()


GEOMETRIES = {
    "zero stride": (("--stride", "0"), "Stride must be positive whole numbers."),
    "negative stride": (("--stride", "-1"), "Stride must be positive whole numbers."),
    "words": (("--stride", "two"), "--stride takes whole numbers"),
    "three strides": (("--stride", "1,2,3"), "Stride must be positive whole numbers."),
    "negative padding": (("--padding", "-1"), "Padding must not be negative."),
    "padding word": (("--padding", "some"), "--padding cannot be read."),
    "too large": (("-w", "[[1,2,3,4]]"), "larger than the padded input"),
    "dilated": (("--dilation", "3"), "larger than the padded input"),
    "groups": (("--groups", "2"), "Groups must divide"),
    "no groups": (("--groups", "0"), "Groups must be a positive whole number."),
    "channels": (("-w", "[[[[1]],[[2]]]]"), "channels of X and W do not match"),
    "layout": (("--layout", "chwn"), "Unknown layout 'chwn'."),
    "filter layout": (("--filter-layout", "ohwi"), "Unknown filter layout 'ohwi'."),
    "dims": (("--dims", "4"), "--dims must be 1, 2 or 3."),
    "wrong dims": (("--dims", "3"), "ranks of X and W do not fit"),
    "format": (("--format", "yaml"), "Unknown format 'yaml'."),
    "only": (("--only", "dZ"), "--only does not know 'dZ'."),
    "precision": (("--precision", "99"), "--precision takes 1 to 17"),
    "output size": (("--output-size", "1,1"), "No padding gives the output size"),
    "sample": (("--sample", "lecture"), "no built-in example 'lecture'"),
    "rate for nothing": (("--only", "dX", "--learning-rate", "1"), "--only leaves out"),
    "two paddings": (("--padding", "1", "--output-size", "3"), "are both given"),
    "rate": (("-b", "[1]", "--learning-rate", "nan"), "learning rate must be a finite number"),
}


@pytest.mark.parametrize("kind", GEOMETRIES)
def test_bad_options(convgrad: Convgrad, kind: str) -> None:
    options, words = GEOMETRIES[kind]
    filters = () if "-w" in options else ("-w", W)
    assert words in refuse(convgrad, "backward", "-x", X, *filters, *options)


def test_the_wrong_upstream_is_told_in_full(convgrad: Convgrad, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.arange(25).reshape(5, 5))
    np.save(tmp_path / "dY.npy", np.arange(9).reshape(3, 3))
    filters = "[[1,2,3],[4,5,6],[7,8,9]]"
    text = refuse(
        convgrad, "backward", "-x", "X.npy", "-w", filters, "-g", "dY.npy", "--stride", "2"
    )
    assert text == (
        "dY has the wrong shape.\n"
        "  expected  (2, 2)   from X (5, 5), W (3, 3), stride 2, padding 0\n"
        "  found     (3, 3)   in dY.npy\n"
        "  remedy    pass the options of the forward pass: this dY fits stride 2, padding 1\n"
    )


@pytest.mark.parametrize("command", ["forward", "backward"])
def test_a_layer_that_cannot_fit(convgrad: Convgrad, command: str) -> None:
    text = refuse(convgrad, command, "-x", X, "-w", W, "--padding", "9000000000")
    assert text.startswith("Not enough memory for this layer.")
    assert "(18000000002, 18000000002)" in text


def test_a_bias_of_the_wrong_shape(convgrad: Convgrad) -> None:
    for command in ("forward", "backward"):
        text = refuse(convgrad, command, "-x", X, "-w", W, "-b", "[1,2]")
        assert "b has the wrong shape." in text
        assert "--bias" in text


JSON = {
    "ragged": ('{"X": [[1,2],[3]], "W": [[1]]}', "ragged"),
    "strings": ('{"X": [["a","b"]], "W": [[1]]}', "X"),
    "booleans": ('{"X": [[1,true]], "W": [[1]]}', "X"),
    "nulls": ('{"X": [[1,null]], "W": [[1]]}', "X"),
    "deep": ('{"X": ' + "[" * 5000 + "]" * 5000 + ', "W": [[1]]}', ""),
    "huge integers": ('{"X": [[99999999999999999999]], "W": [[1]]}', "64"),
    "two names": ('{"X": [[1]], "x": [[2]], "W": [[1]]}', "X"),
    "twice": ('{"X": [[1]], "X": [[2]], "W": [[1]]}', "X"),
    "unknown key": ('{"X": [[1]], "W": [[1]], "strid": 2}', "stride"),
    "not JSON": ('{"X": [[1]', ""),
    "infinity": ('{"X": [["Infinity"]], "W": [[1]]}', "--allow-nonfinite"),
}


@pytest.mark.parametrize("kind", JSON)
def test_a_bad_bundle(convgrad: Convgrad, tmp_path: Path, kind: str) -> None:
    content, words = JSON[kind]
    (tmp_path / "layer.json").write_text(content)
    text = refuse(convgrad, "backward", "layer.json")
    assert "layer.json" in text
    assert words in text
    refuse(convgrad, "backward", "-", stdin=content.encode())


def test_standard_input_given_twice_or_not_there(convgrad: Convgrad) -> None:
    twice = refuse(convgrad, "backward", "-x", "-", "-w", "-", stdin=b"[[1]]")
    assert "standard input" in twice.lower()
    refuse(convgrad, "backward", "-", stdin=b"")


def test_a_closed_standard_input(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m convgrad_cli backward - <&-"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_output_that_cannot_be_written(convgrad: Convgrad, tmp_path: Path) -> None:
    arrays = ("backward", "-x", X, "-w", W)
    assert "nowhere" in refuse(convgrad, *arrays, "-o", "nowhere/out.npz")
    assert ".npy" in refuse(convgrad, *arrays, "-o", "out.npy")
    assert ".pt" in refuse(convgrad, *arrays, "-o", "out.pt")
    assert list(tmp_path.iterdir()) == []


def test_an_output_over_an_input(convgrad: Convgrad, tmp_path: Path) -> None:
    np.savez(tmp_path / "layer.npz", X=np.arange(9).reshape(3, 3), W=np.arange(4).reshape(2, 2))
    before = (tmp_path / "layer.npz").read_bytes()
    refuse(convgrad, "backward", "layer.npz", "-o", "layer.npz")
    os.link(tmp_path / "layer.npz", tmp_path / "same.npz")
    refuse(convgrad, "backward", "layer.npz", "-o", "same.npz")
    assert (tmp_path / "layer.npz").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", ["backward --json", "--help"])
def test_a_full_disk_under_standard_output(tmp_path: Path, arguments: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m convgrad_cli {arguments} > /dev/full"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_standard_output(tmp_path: Path) -> None:
    def run(arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", f"{sys.executable} -m convgrad_cli backward -q {arguments} >&-"],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )

    for arguments in ("", "--json", "-f table"):
        done = run(arguments)
        assert (done.returncode, done.stderr) == (
            2,
            "Cannot write the result: Bad file descriptor.\n",
        )
    done = run("-o out.npz")
    assert (done.returncode, done.stderr) == (0, "")
    assert set(np.load(tmp_path / "out.npz")) == {"dX", "dW", "db"}


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe_ends_quietly(tmp_path: Path, unbuffered: str) -> None:
    np.save(tmp_path / "X.npy", np.arange(160_000).reshape(400, 400))
    pipe = f"{sys.executable} -m convgrad_cli backward -x X.npy -w '{W}' -q --json | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"{pipe}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    assert (done.returncode, done.stderr) == (141, "")


# A shell ignores Ctrl-C for what it starts in the background, and its children inherit that.
_HEEDING_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from convgrad_cli.cli.console import run; run()"
)


def test_an_interrupt_ends_quietly_and_leaves_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.ones((16, 64, 224, 224), np.float32))
    np.save(tmp_path / "W.npy", np.ones((64, 64, 3, 3), np.float32))
    arguments = ["backward", "-x", "X.npy", "-w", "W.npy", "-o", "out.npz"]
    process = subprocess.Popen(
        [sys.executable, "-c", _HEEDING_CTRL_C, *arguments],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["W.npy", "X.npy"]


def test_a_crash_is_not_hidden(convgrad: Convgrad) -> None:
    """A bug shows its traceback: here one is planted in the process, not in the product."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, convgrad_cli.layers.stream as conv\n"
            "def broken(*a, **k): raise ZeroDivisionError('planted')\n"
            "conv.backward_into = broken\n"
            "sys.argv = ['convgrad', 'backward']\n"
            "from convgrad_cli.cli.main import main\nmain()",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "ZeroDivisionError: planted" in done.stderr


def test_a_failed_verification_exits_3(tmp_path: Path) -> None:
    """Planted in the process: a gradient with one wrong element."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, convgrad_cli.layers.stream as conv\n"
            "right = conv.backward_into\n"
            "def wrong(*a, **k):\n"
            "    gradients = right(*a, **k)\n"
            "    gradients.dW[0, 1] += 1\n"
            "    return gradients\n"
            "conv.backward_into = wrong\n"
            "sys.argv = ['convgrad', 'backward', '--verify', '--json']\n"
            "from convgrad_cli.cli.main import main\nmain()",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "verification failed" in done.stderr
    verdict = json.loads(done.stdout)["verify"]
    assert verdict["passed"] is False
    assert verdict["gradients"]["dX"]["passed"] is True
    assert verdict["gradients"]["dW"]["passed"] is False


LAYER = ("-x", "[[1,2,3],[4,5,6],[7,8,9]]", "-w", "[[1,2],[3,4]]")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("backward", ("--stride", "0")),
        ("backward", ("--dilation", "1,2,3")),
        ("forward", ("--padding", "1,2,3")),
        ("forward", ("--padding", "-1")),
        ("backward", ("--groups", "0")),
        ("backward", ("--groups", "3")),
        ("backward", ("--output-size", "1")),
        ("transposed", ("--output-padding", "3")),
        ("transposed", ("--padding", "9")),
        ("transposed", ("--output-size", "99")),
        ("transposed", ("--groups", "0")),
        ("derive", ("--stride", "0")),
        ("check power", ("--stride", "0")),
    ],
)
def test_a_fault_of_the_geometry_names_its_option(
    convgrad: Convgrad, command: str, options: tuple[str, str]
) -> None:
    done = convgrad(*command.split(), *LAYER, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"   in {options[0]}\n" in done.stderr


@pytest.mark.parametrize("options", [("--window", "0"), ("--window", "2", "--padding", "2")])
def test_a_fault_of_a_pools_geometry_names_its_option(
    convgrad: Convgrad, options: tuple[str, ...]
) -> None:
    done = convgrad("maxpool", *LAYER[:2], *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"   in {options[-2]}\n" in done.stderr


@pytest.mark.parametrize(
    ("command", "operation", "right"),
    [
        ("forward", "maxpool_backward", "convgrad maxpool takes it"),
        ("backward", "transposed_forward", "convgrad transposed takes it"),
        ("maxpool --window 2", "avgpool_forward", "convgrad avgpool takes it"),
        ("maxpool --window 2", "conv_forward", "convgrad forward or convgrad backward takes it"),
        ("avgpool --window 2", "upsample_forward", "convgrad transposed --upsample takes it"),
        ("transposed", "conv_backward", "convgrad forward or convgrad backward takes it"),
        ("transposed --upsample zeros", "transposed_backward", "convgrad transposed takes it"),
    ],
)
def test_a_bundle_of_another_layer_is_sent_to_its_command(
    convgrad: Convgrad, command: str, operation: str, right: str
) -> None:
    bundle = json.dumps({"operation": operation, "X": [[1, 2], [3, 4]], "W": [[1]]})
    name, *options = command.split()
    done = convgrad(name, bundle, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"The bundle is another layer's: its operation is {operation}." in done.stderr
    assert right in done.stderr
    own = {
        "forward": "conv_forward",
        "maxpool": "maxpool_forward",
        "transposed": "transposed_forward",
    }
    if command in own:
        held = json.loads(bundle) | {"operation": own[command]}
        assert convgrad(name, json.dumps(held), *options).returncode == 0
