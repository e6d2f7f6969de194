"""``convgrad backward`` and ``forward`` as a user runs them: files and pipes in, results out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests import reference

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Convgrad

X = np.array([[3, 1, 4, -2, 7], [2, 9, 5, 8, 0], [6, -5, 11, 13, 12], [10, 15, -7, 14, 16]])
W = np.array([[2, -1, 3], [4, 5, -6]])
dY = np.array([[1, -2, 5], [3, 7, 4]])
OPTIONS = ("--stride", "2,1")


def canonical(array: np.ndarray) -> np.ndarray:
    return array.reshape(1, 1, *array.shape)


def expected() -> dict[str, list]:
    dX, dW, db = reference.conv_backward(canonical(X), canonical(W), canonical(dY), stride=(2, 1))
    return {"dX": dX[0, 0].tolist(), "dW": dW[0, 0].tolist(), "db": db.tolist()}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for name, array in {"X": X, "W": W, "dY": dY}.items():
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


ARRAYS = ("-x", "X.npy", "-w", "W.npy", "-g", "dY.npy")


def test_json_holds_the_contracts_envelope_and_the_gradients(
    convgrad: Convgrad, files: Path
) -> None:
    done = convgrad("backward", *ARRAYS, *OPTIONS, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert {key: result[key] for key in ("dX", "dW", "db")} == expected()
    assert result["convgrad"] == 1
    assert result["operation"] == "conv_backward"
    assert result["geometry"] == {
        "dims": 2,
        "kernel": [2, 3],
        "stride": [2, 1],
        "padding": [[0, 0], [0, 0]],
        "dilation": [1, 1],
        "groups": 1,
    }
    assert result["shapes"] == {"input": [4, 5], "filter": [2, 3], "upstream": [2, 3]}
    assert result["dtypes"] == {"dX": "int64", "dW": "int64", "db": "int64"}
    assert list(result)[:5] == ["convgrad", "operation", "geometry", "shapes", "dtypes"]


def test_plain_backward_is_the_slides_and_stride_2_the_recitation(convgrad: Convgrad) -> None:
    plain = convgrad("backward", "--json")
    assert "slides" in plain.stderr
    strided = convgrad("backward", "--stride", "2", "--json")
    assert "recitation-2" in strided.stderr
    assert json.loads(strided.stdout)["shapes"]["input"] == [5, 5]
    none = convgrad("backward", "--stride", "3")
    assert (none.returncode, none.stdout) == (2, "")
    assert "no built-in example has this geometry" in none.stderr
    assert "uneven" in none.stderr


@pytest.mark.parametrize(
    "option", ["backward --stride 0", "maxpool --stride 0", "backward --dilation 1,-1"]
)
def test_what_no_layer_has_is_refused_without_arrays_too(convgrad: Convgrad, option: str) -> None:
    done = convgrad(*option.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert "must be positive whole numbers" in done.stderr


def test_no_upstream_means_ones_and_says_so(convgrad: Convgrad, files: Path) -> None:
    done = convgrad("backward", "-x", "X.npy", "-w", "W.npy", *OPTIONS, "--json")
    assert "dY = 1 everywhere" in done.stderr
    assert json.loads(done.stdout)["db"] == [6]


def test_quiet_silences_notes(convgrad: Convgrad) -> None:
    assert convgrad("backward", "--quiet").stderr == ""


@pytest.mark.parametrize("only", ["dW", "dX,db"])
def test_only_limits_what_is_printed(convgrad: Convgrad, files: Path, only: str) -> None:
    done = convgrad("backward", *ARRAYS, *OPTIONS, "--only", only, "--json")
    result = json.loads(done.stdout)
    assert {name for name in ("dX", "dW", "db") if name in result} == set(only.split(","))


def test_learning_rate_adds_the_update(convgrad: Convgrad, files: Path) -> None:
    done = convgrad("backward", *ARRAYS, *OPTIONS, "-b", "[3]", "--learning-rate", "0.5", "--json")
    result = json.loads(done.stdout)
    assert result["updated"]["W"] == (W - 0.5 * np.array(expected()["dW"])).tolist()
    assert result["updated"]["b"] == [3 - 0.5 * dY.sum()]


def test_a_bundle_and_standard_input(convgrad: Convgrad) -> None:
    bundle = {"X": X.tolist(), "W": W.tolist(), "dY": dY.tolist(), "stride": [2, 1]}
    done = convgrad("backward", "-", "--json", stdin=json.dumps(bundle).encode())
    result = json.loads(done.stdout)
    assert {key: result[key] for key in ("dX", "dW", "db")} == expected()
    wins = convgrad("backward", "-", "--stride", "1", stdin=json.dumps(bundle).encode())
    assert wins.returncode == 2
    assert "dY has the wrong shape" in wins.stderr


def test_forward_pipes_into_backward(convgrad: Convgrad, files: Path) -> None:
    forward = convgrad("forward", "-x", "X.npy", "-w", "W.npy", "-b", "[2]", *OPTIONS, "--json")
    Y = reference.conv_forward(canonical(X), canonical(W), np.array([2]), stride=(2, 1))
    assert json.loads(forward.stdout)["Y"] == Y[0, 0].tolist()
    piped = convgrad("backward", "-", "-g", "dY.npy", "--json", stdin=forward.stdout.encode())
    result = json.loads(piped.stdout)
    assert {key: result[key] for key in ("dX", "dW", "db")} == expected()


def test_results_in_npz_files_pipe_on(convgrad: Convgrad, files: Path) -> None:
    padded = (*OPTIONS, "--padding", "1:0,0")
    convgrad("forward", "-x", "X.npy", "-w", "W.npy", *padded, "-o", "layer.npz")
    result = json.loads(convgrad("backward", "layer.npz", "--json").stdout)
    direct = json.loads(
        convgrad("backward", "-x", "X.npy", "-w", "W.npy", *padded, "--json").stdout
    )
    for key in ("geometry", "dX", "dW", "db"):
        assert result[key] == direct[key]


def test_an_ascii_terminal_gets_ascii(convgrad: Convgrad) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for arguments in (("samples",), ("backward", "--format", "table"), ("backward",)):
        done = convgrad(*arguments, env=ascii_only)
        assert done.returncode == 0
        assert "?" not in done.stdout
        assert "\\x" not in done.stderr


def test_padding_as_a_word_of_the_command_line_in_a_bundle(convgrad: Convgrad) -> None:
    bundle = {"X": X.tolist(), "W": W.tolist(), "padding": "1:0,0:1"}
    done = convgrad("backward", "-", "--json", stdin=json.dumps(bundle).encode())
    assert json.loads(done.stdout)["geometry"]["padding"] == [[1, 0], [0, 1]]


def test_channels_last_pipes_on_as_channels_last(convgrad: Convgrad, tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3))
    np.save(tmp_path / "W.npy", np.arange(2 * 3 * 3 * 4).reshape(2, 3, 3, 4) - 20)
    words = ("--layout", "nhwc", "--filter-layout", "hwio")
    forward = convgrad("forward", "-x", "X.npy", "-w", "W.npy", *words, "--json")
    piped = convgrad("backward", "-", "--json", stdin=forward.stdout.encode())
    result = json.loads(piped.stdout)
    assert np.shape(result["dX"]) == (2, 4, 5, 3)
    assert np.shape(result["dW"]) == (2, 3, 3, 4)
    direct = convgrad("backward", "-x", "X.npy", "-w", "W.npy", *words, "--json")
    assert result["dW"] == json.loads(direct.stdout)["dW"]


def test_floats_read_back_identical(convgrad: Convgrad, tmp_path: Path) -> None:
    chance = np.random.default_rng(7)
    for name, shape in {"X": (1, 2, 6, 5), "W": (3, 2, 3, 2), "dY": (1, 3, 4, 4)}.items():
        np.save(tmp_path / f"{name}.npy", chance.normal(size=shape))
    done = convgrad("backward", *ARRAYS, "--json", "-o", "out.npz")
    printed = json.loads(done.stdout)
    with np.load(tmp_path / "out.npz") as saved:
        for name in ("dX", "dW", "db"):
            assert np.array_equal(np.array(printed[name]), saved[name])


def test_output_files_by_suffix_and_a_silent_stdout(convgrad: Convgrad, files: Path) -> None:
    assert convgrad("backward", *ARRAYS, *OPTIONS, "-o", "out/").stdout == ""
    assert np.load(files / "out" / "dX.npy").tolist() == expected()["dX"]
    convgrad("backward", *ARRAYS, *OPTIONS, "--only", "dW", "-o", "dW.npy")
    assert np.load(files / "dW.npy").tolist() == expected()["dW"]
    convgrad("backward", *ARRAYS, *OPTIONS, "-o", "r.json")
    assert json.loads((files / "r.json").read_text())["dX"] == expected()["dX"]
    for suffix, mark in ((".tex", "bmatrix"), (".md", "dX"), (".txt", "dX")):
        convgrad("backward", *ARRAYS, *OPTIONS, "-o", f"r{suffix}")
        assert mark in (files / f"r{suffix}").read_text()


def test_leftover_rows_are_named(convgrad: Convgrad, tmp_path: Path) -> None:
    done = convgrad("backward", "-x", str(X.tolist()), "-w", "[[1,2],[3,4]]", "--stride", "2")
    assert "No window reaches the input's columns 4: the gradient there is 0." in done.stderr


def test_verify_reports_its_deviation(convgrad: Convgrad, files: Path) -> None:
    done = convgrad("backward", *ARRAYS, *OPTIONS, "--verify", "--json")
    verdict = json.loads(done.stdout)["verify"]
    assert verdict["passed"] is True
    assert verdict["largest_deviation"] == 0.0
    assert set(verdict["gradients"]) == {"dX", "dW", "db"}
