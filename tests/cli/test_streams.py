"""Results that go to their files while they are computed: the same numbers, whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

STREAM_EVERYTHING = (
    "import sys, convgrad_cli.cli.streams as streams, convgrad_cli.layers.stream as layer\n"
    "streams.LARGE = 0\n"
    "layer.BLOCK_BYTES = 4096\n"
    "{more}"
    "sys.argv = ['convgrad', *sys.argv[1:]]\n"
    "from convgrad_cli.cli.main import main\nmain()"
)


def stream(directory: Path, *arguments: str, more: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STREAM_EVERYTHING.format(more=more), *arguments],
        capture_output=True,
        text=True,
        cwd=directory,
        check=False,
    )


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    chance = np.random.default_rng(3)
    shapes = {"X": (12, 3, 9, 8), "W": (4, 3, 3, 2), "dY": (12, 4, 4, 8), "b": (4,)}
    for name, shape in shapes.items():
        np.save(tmp_path / f"{name}.npy", chance.normal(size=shape).astype(np.float32))
    return tmp_path


ARRAYS = ("-x", "X.npy", "-w", "W.npy", "--stride", "2,1", "--padding", "0:1,1:0")
OUTPUTS = {"backward": ("-g", "dY.npy"), "forward": ("-b", "b.npy")}


@pytest.mark.parametrize("command", OUTPUTS)
def test_streamed_and_at_once_agree(layer: Path, convgrad, command: str) -> None:
    arguments = (command, *ARRAYS, *OUTPUTS[command])
    done = stream(layer, *arguments, "-o", "streamed/")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert convgrad(*arguments, "-o", "whole/").returncode == 0
    names = sorted(path.name for path in (layer / "whole").iterdir())
    assert sorted(path.name for path in (layer / "streamed").iterdir()) == names
    for name in names:
        streamed, whole = np.load(layer / "streamed" / name), np.load(layer / "whole" / name)
        assert streamed.dtype == whole.dtype == np.float32
        assert np.allclose(streamed, whole, rtol=1e-5, atol=1e-5)
        assert streamed.shape == whole.shape


def test_only_dX_into_one_file(layer: Path) -> None:
    arguments = ("backward", *ARRAYS, "-g", "dY.npy", "--only", "dX", "-o", "grad.npy")
    assert stream(layer, *arguments).returncode == 0
    assert np.load(layer / "grad.npy").shape == (12, 3, 9, 8)


def test_an_interrupt_midway_leaves_nothing(layer: Path) -> None:
    more = (
        "def stop(done, total):\n    raise KeyboardInterrupt\n"
        "from contextlib import contextmanager\n"
        "def bar(label):\n    yield stop\n"
        "streams.progress_bar = contextmanager(bar)\n"
    )
    before = sorted(layer.iterdir())
    done = stream(layer, "backward", *ARRAYS, "-g", "dY.npy", "-o", "out/", more=more)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert sorted(layer.iterdir()) == before


def test_an_output_over_an_input(layer: Path) -> None:
    before = (layer / "X.npy").read_bytes()
    done = stream(layer, "backward", *ARRAYS, "-g", "dY.npy", "--only", "dX", "-o", "X.npy")
    assert done.returncode == 2
    assert "overwrite an input" in done.stderr
    assert (layer / "X.npy").read_bytes() == before


def test_forward_writes_a_single_array(layer: Path, convgrad) -> None:
    assert convgrad("forward", *ARRAYS, "-o", "Y.npy").returncode == 0
    assert np.load(layer / "Y.npy").shape == (12, 4, 4, 8)
    convgrad("forward", *ARRAYS, "-b", "b.npy", "-o", "layer.npz")
    with np.load(layer / "layer.npz") as bundle:
        assert {"W", "X", "Y", "b", "stride", "padding"} <= set(bundle)
