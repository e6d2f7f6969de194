"""The commands on the lectures' further layers: verdicts, JSON, pipes, suggestions, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from convgrad_cli.cli.main import app
from tests.check.test_check_command import piped, run, valid

Z, G = "[[1.5,-2,0],[0.5,3,-0.25]]", "[[1,2,3],[4,5,6]]"
ACTIVATION = ("--layer", "activation", "--activation", "relu", "-x", Z, "-g", G)
TRANSPOSED = ("--layer", "transposed", "-x", "[[1,2],[3,5]]", "-w", "[[1,2],[4,3]]", "-s", "2")
UPSAMPLE = ("--layer", "upsample", "-x", "[[1,2],[3,5]]")
TURNED = (
    "-x",
    "[[1,2,-3],[3,5,1],[0,2,4]]",
    "-w",
    "[[1,-2],[3,4]]",
    "--transforms",
    "identity,rot90",
)
CONV = ("-x", "[[1,2,-3],[3,5,1]]", "-w", "[[1,-2]]", "--activation", "relu", "-g", "[[1,2],[3,4]]")

# arguments, the array in the report, the id (None: right)
VERDICTS = [
    ((*ACTIVATION, "--dZ", "[[1,0,0],[4,5,0]]"), "dZ", None),
    ((*ACTIVATION, "--dZ", "[[1,0,3],[4,5,0]]"), "dZ", "A5"),
    ((*ACTIVATION, "--A", "[[1.5,-0.02,0],[0.5,3,-0.0025]]"), "A", "A4"),
    ((*TRANSPOSED, "--Y", "[[1,2,2,4],[4,3,8,6],[3,6,5,10],[12,9,20,15]]"), "Y", None),
    ((*TRANSPOSED, "--Y", "[[3,4,6,8],[2,1,4,2],[9,12,15,20],[6,3,10,5]]"), "Y", "T1"),
    ((*UPSAMPLE, "--Y", "[[1,1,2,2],[1,1,2,2],[3,3,5,5],[3,3,5,5]]"), "Y", None),
    ((*UPSAMPLE, "--Y", "[[1,2,1,2],[3,5,3,5],[1,2,1,2],[3,5,3,5]]"), "Y", "U5"),
    ((*UPSAMPLE, "--upsample", "zeros", "--Y", "[[1,0,2],[0,0,0],[3,0,5]]"), "Y", None),
    ((*CONV, "--dX", "[[0,2,-4],[0,4,-8]]"), "dX", None),
    ((*CONV, "--dX", "[[1,0,-4],[3,-2,-8]]"), "dX", "A1"),
    ((*TURNED, "--Y", "[[[26,27],[1,25]],[[24,-8],[20,8]]]"), "Y", None),
    ((*TURNED, "--Y", "[[[26,27],[1,25]],[[7,21],[10,16]]]"), "Y", "R4"),
]


@pytest.mark.parametrize(
    ("arguments", "name", "id"),
    VERDICTS,
    ids=[f"{v[1]}-{v[2]}-{k}" for k, v in enumerate(VERDICTS)],
)
def test_verdicts_exit_codes_and_json(arguments, name, id) -> None:
    done = run("arrays", *arguments, "--json", "--symbolic")
    assert done.exit_code == (0 if id is None else 1)
    document = json.loads(done.stdout)
    valid(document)
    report = document["gradients"][name]
    if id is None:
        assert report["verdict"] == "right"
    else:
        assert [id] in [d["mistakes"] for d in report["diagnosis"]]
    text = run("arrays", *arguments, "--long")
    assert text.exit_code == done.exit_code
    assert (f"{id}  your {name} equals" in text.stdout) == (id is not None)


def test_the_settings_of_a_layer_are_in_its_json() -> None:
    def document(*arguments: str) -> Any:
        return json.loads(run("arrays", *arguments, "--json").stdout)

    activation = document(*ACTIVATION, "--dZ", G)
    assert (activation["layer"], activation["activation"]) == ("activation", "relu")
    assert activation["geometry"] == {}
    assert activation["shapes"] == {"input": [2, 3], "upstream": [2, 3]}
    upsample = document(*UPSAMPLE, "--Y", G)
    assert (upsample["mode"], upsample["geometry"]) == ("nearest", {"dims": 2, "stride": [2, 2]})
    transposed = document(*TRANSPOSED, "--Y", G)
    assert transposed["geometry"]["output_padding"] == [0, 0]
    conv = document(*CONV, "--dX", G)
    assert (conv["layer"], conv["activation"]) == ("conv", "relu")
    assert conv["shapes"] == {"input": [2, 3], "filter": [1, 2], "upstream": [2, 2]}


def test_results_pipe_into_the_check() -> None:
    """Each layer's own command gives what its check calls right."""

    def output(*arguments: str) -> str:
        done = CliRunner().invoke(app, [*arguments, "--json", "--quiet"])
        assert done.exit_code == 0, done.output
        return done.stdout

    own = output("activation", "silu", "-x", Z, "-g", G)
    done = run("arrays", "-", stdin=own)
    assert (done.exit_code, done.stdout.split()[:2]) == (0, ["dZ", "right"])
    assert [line[:9] for line in done.stdout.splitlines()] == ["dZ  right", "A   right"]
    spoiled = json.loads(own)
    spoiled["dY"] = spoiled["dA"]
    done = run("arrays", "-", "--json", stdin=json.dumps(spoiled))
    diagnosis = json.loads(done.stdout)["gradients"]["dZ"]["diagnosis"]
    assert [d["mistakes"] for d in diagnosis] == [["A1"]]
    arrays = TRANSPOSED[2:]
    dY = "[[1,2,3,4],[5,6,7,8],[1,0,2,0],[3,1,4,1]]"
    own = output("transposed", *arrays, "-g", dY)
    done = run("arrays", "-", *arrays, "-g", dY, stdin=own)
    assert done.exit_code == 0
    assert [line[:2] for line in done.stdout.splitlines() if line[0] != " "] == [
        "dX", "dW", "db", "Y "
    ]  # fmt: skip
    own = output("transposed", "--upsample", "zeros", "-x", "[[1,2]]", "-g", "[[1,2,3]]")
    done = run("arrays", "-", "-x", "[[1,2]]", "-g", "[[1,2,3]]", stdin=own)
    assert done.exit_code == 0
    own = output("backward", *CONV)
    done = run("arrays", "-", *CONV, stdin=own)
    assert done.exit_code == 0, done.stdout
    assert "dX  right" in done.stdout


def test_without_arrays_the_examples_of_the_layers_own_commands() -> None:
    done = run("arrays", "--layer", "transposed", "--Y", "[[1]]")
    assert done.exit_code == 1
    assert "with X and Y exchanged" in done.stderr
    done = run("arrays", "--layer", "activation", "--activation", "tanh", "--dZ", "[[1]]")
    assert done.exit_code == 1
    assert "built-in z" in done.stderr
    assert "dA = 1 everywhere" in done.stderr


@pytest.mark.parametrize(
    "arguments", [ACTIVATION, TRANSPOSED, UPSAMPLE, CONV], ids=["A", "T", "U", "conv"]
)
def test_power_and_its_suggestion(arguments, tmp_path: Path) -> None:
    better = tmp_path / "better.json"
    done = run("power", *arguments, "--suggest", better, "--json")
    valid(json.loads(done.stdout))
    assert done.exit_code == 1
    again = run("power", better, "--json")
    document = json.loads(again.stdout)
    valid(document)
    assert document["shown"] > json.loads(done.stdout)["shown"]
    assert run("power", *arguments, "--only", "nonsense").exit_code == 2
    npz = tmp_path / "better.npz"
    run("power", *arguments, "--suggest", npz)
    assert run("power", npz, "--long").stdout == run("power", better, "--long").stdout


FUNCTIONS = """
import numpy as np

def relu_backward(dout, cache):
    return dout * (cache >= 0)

def conv_relu(X, W, b, dA):
    N, C, H, width = X.shape
    K, _, kh, kw = W.shape
    dX, dW, db = np.zeros_like(X), np.zeros_like(W), np.zeros(K)
    for n, o, i, j in np.ndindex(*dA.shape):
        window = (n, slice(None), slice(i, i + kh), slice(j, j + kw))
        z = (X[window] * W[o]).sum() + b[o]
        dX[window] += (z > 0) * dA[n, o, i, j] * W[o]
        dW[o] += (z > 0) * dA[n, o, i, j] * X[window]
        db[o] += (z > 0) * dA[n, o, i, j]
    return dX, dW, db

def upsample(X, dY, scale):
    N, C, H, width = X.shape
    return dY.reshape(N, C, H, scale, width, scale).mean(axis=(3, 5))
"""


def test_functions_of_the_further_layers(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FUNCTIONS)
    done = run(
        "function", f"{path}:relu_backward", "--layer", "activation", "--activation", "relu",
        "--signature", "cs231n", "--json", "--save", tmp_path / "failing.json",
    )  # fmt: skip
    document = json.loads(done.stdout)
    valid(document)
    assert done.exit_code == 1
    assert document["smallest_failure"]["name"] == "z = 0 among them"
    assert document["smallest_failure"]["diagnosis"][0]["mistakes"] == ["A5"]
    again = run("power", tmp_path / "failing.json")
    assert again.exit_code in (0, 1)
    assert run("function", f"{path}:conv_relu", "--activation", "relu").exit_code == 0
    done = run("function", f"{path}:upsample", "--layer", "upsample", "--upsample", "nearest")
    assert done.exit_code == 1
    assert (
        "U1  your dX equals the upsampling's gradient with the mean over the block" in done.stdout
    )


NOT_CHECKABLE = [
    (("--layer", "activation", "-x", Z, "--A", Z), "Which activation is it?"),
    (("--layer", "activation", "--activation", "rellu", "-x", Z, "--A", Z), "did you mean 'relu'"),
    ((*ACTIVATION, "--slope", "0.1", "--A", Z), "--slope is leaky-relu's"),
    ((*ACTIVATION[:6], "-g", "[[1,2]]", "--dZ", Z), "dA has the wrong shape"),
    ((*ACTIVATION, "--dX", Z), "An activation has no dX"),
    ((*ACTIVATION, "-w", "[[1]]", "--A", Z), "An activation has no filter"),
    ((*ACTIVATION, "--stride", "2", "--A", Z), "An activation does not take --stride"),
    (ACTIVATION, "your dZ or A"),
    ((*CONV[:6], "-g", "[[1]]", "--dX", Z), "dA has the wrong shape"),
    (("--activation", "relu", "--slope", "0.1", "--dX", Z), "--slope is leaky-relu's"),
    (("--slope", "0.1", "--dX", Z), "add --activation leaky-relu"),
    (("--A", Z), "A convolution has no A"),
    (("--layer", "transposed", "-x", Z, "--Y", Z), "W is missing"),
    ((*TRANSPOSED, "--output-padding", "2", "--Y", Z), "must be smaller than the stride"),
    ((*TRANSPOSED, "--activation", "relu", "--Y", Z), "does not take --activation"),
    ((*TRANSPOSED, "-g", "[[1]]", "--dX", Z), "dY has the wrong shape"),
    ((*TRANSPOSED, "--filter-layout", "oihw", "--Y", Z), "--filter-layout has no meaning"),
    ((*UPSAMPLE, "--upsample", "cubic", "--Y", Z), "Unknown upsampling 'cubic'"),
    ((*UPSAMPLE, "--window", "2", "--Y", Z), "Upsampling does not take --window"),
    (("--layer", "maxpool", "--output-padding", "1", "--dX", Z), "A pool does not take"),
]


@pytest.mark.parametrize(("arguments", "words"), NOT_CHECKABLE)
def test_what_cannot_be_checked_exits_2(arguments, words) -> None:
    done = run("arrays", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


def test_text_in_an_ascii_pipe_is_ascii() -> None:
    for arguments in (
        (*ACTIVATION, "--dZ", "[[1,2,3],[4,5,6]]"),
        (*TRANSPOSED, "--Y", "[[3,4,6,8],[2,1,4,2],[9,12,15,20],[6,3,10,5]]"),
    ):
        done = piped("arrays", *arguments, "--symbolic", "--long", PYTHONIOENCODING="ascii")
        assert done.returncode == 1
        assert done.stdout.isascii()
        assert b"?" not in done.stdout


def test_numbers_of_the_reports_are_the_arrays_own() -> None:
    wrong = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    done = run("arrays", *ACTIVATION, "--dZ", json.dumps(wrong.tolist()), "--json")
    report = json.loads(done.stdout)["gradients"]["dZ"]
    assert report["worst_index"] == [1, 2]
    assert (report["expected"], report["found"]) == (0, 6)
    assert report["differing"] == 3
