"""``activation``, ``transposed``, ``separable``, and what forward and backward take from the
lectures' other layers, run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from convgrad_cli.cli.main import app
from convgrad_cli.layers.conv import conv_backward, conv_forward
from convgrad_cli.layers.separable import separable_backward
from convgrad_cli.layers.transforms import transforms_backward
from convgrad_cli.layers.transposed import transposed_backward, transposed_forward
from convgrad_cli.render.schema import schema

if TYPE_CHECKING:
    from tests.conftest import Convgrad

VALIDATOR = Draft202012Validator(schema())
X = [[1, 5, 2, -3], [7, 3, 8, 4], [4, 9, 6, -2], [2, -1, 5, 7]]
W = [[2, -1], [3, 4]]
G = [[1, -2, 3], [4, 0, -1], [2, 5, -3]]


def document(convgrad: Convgrad, *arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """The JSON of a command that must succeed; it must follow the schema."""
    done = convgrad(*arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    assert [error.message for error in VALIDATOR.iter_errors(read)] == []
    return read


def given(**arrays: object) -> list[str]:
    """Arrays as options with JSON text."""
    return [part for name, array in arrays.items() for part in (f"-{name}", json.dumps(array))]


def test_backward_through_an_activation(convgrad: Convgrad) -> None:
    found = document(
        convgrad, "backward", *given(x=X, w=W, b=[-30], g=G), "--activation", "relu", "--symbolic"
    )
    z = conv_forward(np.array(X), np.array(W), np.array([-30]))
    dz = np.where(z > 0, G, 0)
    assert 0 < (z > 0).sum() < z.size
    dX, dW, db = conv_backward(np.array(X), np.array(W), dz)
    assert found["A"] == np.maximum(z, 0).tolist()
    assert found["dY"] == dz.tolist()
    assert (found["dX"], found["dW"], found["db"]) == (dX.tolist(), dW.tolist(), db.tolist())
    values = {e["target"]: e["value"] for e in found["derivation"]["equations"]}
    assert values["dW"] == dW[1, 1]
    last = found["activation_derivation"]["equations"][-1]
    assert last["label"] == "∂L/∂O33"
    assert last["expression"] == "dL_dA33*sigma_prime(O33)"
    assert last["value"] == dz[2, 2]
    assert found["views"]["activation"]["derivative"] == (z > 0).astype(int).tolist()


def test_the_step_through_the_activation_is_shown(convgrad: Convgrad) -> None:
    done = convgrad("backward", *given(x=X, w=W, b=[-30], g=G), "--activation", "relu")
    assert "# dz = dA ∘ σ′(z)" in done.stdout
    for label in ("z = |", "A = σ(z) = |", "σ′(z) = |", "dA = |", "dz = |"):
        assert label in done.stdout


def test_forward_with_an_activation_pipes_into_backward(convgrad: Convgrad) -> None:
    first = convgrad(
        "forward", *given(x=X, w=W), "--activation", "leaky-relu", "--slope", "0.25", "--json"
    )
    piped = document(convgrad, "backward", "-", *given(g=G), stdin=first.stdout.encode())
    at_once = document(
        convgrad, "backward", *given(x=X, w=W, g=G), "--activation", "leaky-relu", "--slope", "0.25"
    )
    assert piped == at_once
    assert json.loads(first.stdout)["A"] == at_once["A"]


@pytest.mark.parametrize("key", ["dA", "dQ", "dY"])
def test_the_upstream_of_an_activation_in_a_bundle(convgrad: Convgrad, key: str) -> None:
    bundle = json.dumps({"X": X, "W": W, key: G, "activation": "tanh"})
    found = document(convgrad, "backward", bundle)
    z = conv_forward(np.array(X), np.array(W))
    np.testing.assert_allclose(found["dY"], G / np.cosh(z) ** 2, rtol=1e-13)


def test_zero_under_relu_is_told_on_stderr(convgrad: Convgrad) -> None:
    done = convgrad("activation", "relu", *given(x=[[0, 1]]))
    assert "relu has no derivative at 0, where z is at 1 position ([0, 0])" in done.stderr
    assert "derivative at 0" not in done.stdout
    assert convgrad("activation", "relu", *given(x=[[0, 1]]), "--quiet").stderr == ""


def test_activation_alone(convgrad: Convgrad) -> None:
    found = document(convgrad, "activation", "gelu", *given(x=[[1, -2]], g=[[3, 4]]), "--symbolic")
    np.testing.assert_allclose(found["A"], [[0.8413447460685429, -0.04550026389635842]], rtol=1e-15)
    np.testing.assert_allclose(found["dY"], np.multiply(found["dA"], found["derivative"]))
    assert found["derivation"]["equations"][1]["value"] == found["dY"][0][1]
    forward = document(convgrad, "activation", "identity", *given(x=[[1, -2]]), "--symbolic")
    assert forward["A"] == [[1, -2]]
    assert forward["derivation"]["equations"][1]["expression"] == "sigma(O12)"


def test_activation_takes_forwards_output(convgrad: Convgrad) -> None:
    first = convgrad("forward", *given(x=X, w=W), "--json").stdout.encode()
    found = document(convgrad, "activation", "relu", "-", stdin=first)
    assert found["Y"] == conv_forward(np.array(X), np.array(W)).tolist()


def test_transposed_against_the_layer(convgrad: Convgrad, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {"x": rng.integers(-9, 9, (2, 4, 3, 2)), "w": rng.integers(-9, 9, (4, 3, 2, 3))}
    arrays |= {"b": rng.integers(-9, 9, 6), "g": rng.integers(-9, 9, (2, 6, 6, 5))}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    options = {"stride": (2, 2), "padding": [(0, 1), (0, 1)], "output_padding": (1, 1), "groups": 2}
    files = [part for name in arrays for part in (f"-{name}", f"{name}.npy")]
    flags = ["--stride", "2", "--padding", "0:1,0:1", "--output-padding", "1", "--groups", "2"]
    found = document(convgrad, "transposed", *files, *flags, "--learning-rate", "2", "--view")
    X, W, b, dY = arrays.values()
    got = transposed_backward(X, W, dY, **options)
    assert found["Y"] == transposed_forward(X, W, b, **options).tolist()
    for name, array in got._asdict().items():
        assert found[name] == array.tolist(), name
    assert found["updated"]["W"] == (W - 2.0 * got.dW).tolist()
    assert found["updated"]["b"] == (b - 2.0 * got.db).tolist()
    assert found["geometry"]["output_padding"] == [1, 1]
    assert found["views"]["convolution"]["agrees"] is True


def test_the_examples_transposed_is_its_convolutions_dx(convgrad: Convgrad) -> None:
    transposed = document(convgrad, "transposed", "--sample", "recitation-2", "--symbolic")
    plain = document(convgrad, "backward", "--sample", "recitation-2")
    forward = document(convgrad, "forward", "--sample", "recitation-2")
    assert transposed["Y"] == plain["dX"]
    assert transposed["dX"] == forward["Y"]
    assert transposed["dW"] == plain["dW"]
    values = {e["label"]: e["value"] for e in transposed["derivation"]["equations"]}
    assert values["∂L/∂x11"] == forward["Y"][1][1]


def test_derive_a_transposed_convolution_step_by_step(convgrad: Convgrad) -> None:
    layer = ["--layer", "transposed", "--sample", "recitation-2"]
    shown = convgrad("derive", "dX[0,1]", *layer).stdout
    for line in (
        "# ∂L/∂x_mn = Σ_{i=0..4} Σ_{j=0..4} ∂L/∂y_ij·∂y_ij/∂x_mn",
        "∂y02/∂x01 = f00",
        "∂L/∂x01 = 7·1 + 21·(-2) + 9·3 + 23·4 + 11·0 + 1·(-1) + 3·5 + 15·2 + 25·(-3) = 53",
    ):
        assert line in shown.splitlines()
    found = document(convgrad, "derive", *layer[:2], "--input-shape", "2,2", "--filter-shape",
                     "2,2", "--stride", "2", "--output-padding", "1")  # fmt: skip
    assert found["shapes"]["upstream"] == [5, 5]
    assert convgrad("derive", "--output-padding", "1").returncode == 2


def test_check_equations_of_a_transposed_convolution(convgrad: Convgrad) -> None:
    layer = ["--layer", "transposed", "--sample", "recitation-2"]
    right = "dL/df22 = dL/dy22*x00 + dL/dy24*x01 + dL/dy42*x10 + dL/dy44*x11"
    assert convgrad("check", "equations", right, *layer).returncode == 0
    done = convgrad("check", "equations", right.replace("y24", "y23"), *layer)
    assert done.returncode == 1
    assert "wrong term: ∂L/∂y23·x01 should be ∂L/∂y24·x01" in done.stdout


def test_upsampling(convgrad: Convgrad) -> None:
    flags = ["--upsample", "nearest", "--stride", "2,1"]
    found = document(convgrad, "transposed", *given(x=[[1, 2]], g=[[1, 2], [3, 4]]), *flags)
    assert found["Y"] == [[1, 2], [1, 2]]
    assert found["dX"] == [[4, 6]]
    zeros = document(convgrad, "transposed", *given(x=[[1, 2]]), "--upsample", "zeros")
    assert zeros["Y"] == [[1, 0, 2]]


def test_separable_against_the_layer(convgrad: Convgrad) -> None:
    rng = np.random.default_rng(1)
    X, D, P = (rng.integers(-9, 9, s) for s in ((2, 4, 5), (2, 2, 2), (3, 2)))
    b, dY = rng.integers(-9, 9, 3), rng.integers(-9, 9, (3, 3, 4))
    arrays = given(x=X.tolist(), b=b.tolist(), g=dY.tolist())
    arrays += ["--depthwise", json.dumps(D.tolist()), "--pointwise", json.dumps(P.tolist())]
    found = document(convgrad, "separable", *arrays, "--symbolic", "--learning-rate", "1")
    got = separable_backward(X, D, P, dY)._asdict()
    for name, array in got.items():
        assert found[name] == array.tolist(), name
    assert found["counts"]["parameters"] == {
        "conventional": 24, "depthwise": 8, "pointwise": 6, "separable": 14,
    }  # fmt: skip
    assert found["updated"]["pointwise"] == (P - 1.0 * got["dPointwise"]).tolist()
    equations = found["depthwise_derivation"]["equations"]
    assert [e["value"] for e in equations if e["target"] == "dX"] == got["dX"].reshape(-1).tolist()
    equations = found["pointwise_derivation"]["equations"]
    assert [e["value"] for e in equations if e["target"] == "dX"] == got["dV"].reshape(-1).tolist()


def test_separable_shows_the_lectures_counts(convgrad: Convgrad) -> None:
    shown = convgrad("separable").stdout
    assert "# I·O·K·K = 2·3·2·2 = 24" in shown
    assert "# I·O + I·K·K = 2·3 + 2·2·2 = 6 + 8 = 14" in shown


def test_transforms_against_the_layer(convgrad: Convgrad) -> None:
    names = "identity,rot90,scale2"
    flags = ["--transforms", names, "--padding", "same"]
    rng = np.random.default_rng(2)
    dY = rng.integers(-5, 6, (3, 4, 4))
    found = document(
        convgrad, "backward", *given(x=X, w=W, g=dY.tolist()), *flags, "--symbolic", "--verify",
        "--learning-rate", "1",
    )  # fmt: skip
    got = transforms_backward(X, W, dY, transforms=names, padding="same")
    assert (found["dX"], found["dW"]) == (got.dX.tolist(), got.dW.tolist())
    assert found["db"] == got.db.tolist()
    assert found["verify"]["passed"] is True
    assert found["verify"]["largest_deviation"] == 0
    assert found["updated"]["W"] == (W - 1.0 * got.dW).tolist()
    equations = found["derivation"]["equations"]
    assert [e["value"] for e in equations if e["target"] == "dW"] == got.dW.reshape(-1).tolist()
    assert [each["transform"] for each in found["maps"]] == names.split(",")
    assert found["views"]["transforms"]["rot90"]["pulled_back"] == got.shares[1][1].tolist()


def test_transforms_pipe_from_forward_into_backward(convgrad: Convgrad) -> None:
    flags = ["--transforms", "transpose,scale2", "--padding", "same", "--activation", "silu"]
    first = convgrad("forward", *given(x=X, w=W), *flags, "--json")
    assert np.shape(json.loads(first.stdout)["Y"]) == (2, 4, 4)
    piped = document(convgrad, "backward", "-", stdin=first.stdout.encode())
    at_once = document(convgrad, "backward", *given(x=X, w=W), *flags)
    assert piped == at_once


VIEW = ["--view", "padding,stride,vectorized,toeplitz"]


@pytest.mark.parametrize("sample", ["slides", "recitation-2", "uneven", "batch"])
def test_views_agree_with_the_layer(convgrad: Convgrad, sample: str) -> None:
    views = document(convgrad, "backward", "--sample", sample, *VIEW)["views"]
    plain = document(convgrad, "backward", "--sample", sample)
    forward = document(convgrad, "forward", "--sample", sample)
    for name in ("stride", "vectorized", "toeplitz"):
        assert views[name]["agrees"] is True, name
        assert np.array_equal(np.squeeze(views[name]["dX"]), plain["dX"]), name
    assert np.array_equal(np.squeeze(views["stride"]["Y"]), forward["Y"])
    assert np.array_equal(np.reshape(views["vectorized"]["dW"], np.shape(plain["dW"])), plain["dW"])
    padded = np.squeeze(views["padding"]["padded_gradient"])
    (top, bottom), (left, right) = plain["geometry"]["padding"]
    rows, columns = padded.shape[-2:]
    inside = padded[..., top : rows - bottom, left : columns - right]
    assert np.array_equal(inside, plain["dX"])


def test_the_vectorised_view_shows_symbols_and_numbers(convgrad: Convgrad) -> None:
    shown = convgrad("backward", "--sample", "slides", *VIEW).stdout
    assert "# Q = | X12  X13  X22  X23 |" in shown
    assert "F11  F12    0  F21  F22    0    0    0    0 |" in shown
    assert "# dW = Qᵀ·dZ" in shown
    assert "# dQ = dZ·Wᵀ" in shown
    assert shown.count("leads to the same numbers as") == 3


@pytest.mark.parametrize("form", ["table", "text", "latex", "markdown"])
def test_every_form_of_every_command(convgrad: Convgrad, form: str) -> None:
    for command in (
        ["backward", "--activation", "gelu", "--symbolic", *VIEW],
        ["backward", "--transforms", "rot90,flipud", "--symbolic", "--sample", "slides"],
        ["transposed", "--view", "--symbolic"],
        ["separable", "--symbolic"],
        ["activation", "softplus"],
    ):
        done = convgrad(*command, "--format", form)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert len(done.stdout.splitlines()) > 4
        if form == "latex":
            assert done.stdout.count("{") == done.stdout.count("}")
            assert "σ" not in done.stdout
            assert "∘" not in done.stdout


def test_ascii_where_the_terminal_has_no_unicode(convgrad: Convgrad) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = convgrad("backward", "--activation", "tanh", *VIEW, "--format", "table", env=env)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "dz = dA o sigma'(z)" in done.stdout


def test_an_npz_of_forward_pipes_into_backward(convgrad: Convgrad, tmp_path: Path) -> None:
    flags = ["--transforms", "rot90,scale2", "--padding", "same", "--activation", "leaky-relu"]
    flags += ["--slope", "0.5"]
    done = convgrad("forward", *given(x=X, w=W), *flags, "-o", "out.npz")
    assert done.returncode == 0, done.stderr
    piped = document(convgrad, "backward", "out.npz")
    assert piped == document(convgrad, "backward", *given(x=X, w=W), *flags)


def test_output_files(convgrad: Convgrad, tmp_path: Path) -> None:
    convgrad("separable", "-o", "out.npz")
    held = np.load(tmp_path / "out.npz")
    assert {"V", "Y", "dX", "dDepthwise", "dPointwise", "db", "dV"} <= set(held)
    convgrad("backward", "--sample", "slides", "--activation", "relu", "-o", "out/")
    assert {p.name for p in (tmp_path / "out").iterdir()} >= {"A.npy", "dY.npy", "dX.npy"}


BAD = {
    "activation rleu": "Unknown activation 'rleu'.|did you mean 'relu'?",
    "activation relu -g [[1]]": "z is missing.",
    "activation relu -x [[1,2]] -g [[1]]": "dA has the wrong shape.|expected  (1, 2)",
    "activation relu --slope 0.1": "--slope is leaky-relu's.",
    'activation relu -x [["a"]]': "X",
    "backward --slope 0.1": "--slope is leaky-relu's.|add --activation leaky-relu",
    "backward --activation rellu": "did you mean 'relu'?",
    "backward --activation relu -x [[1,2],[3,4]] -w [[1]] -g [[1]]": "dY has the wrong shape.",
    "backward --transforms=": "Unknown transform ''.",
    "backward --activation=": "Unknown activation ''.",
    "backward --transforms rot45": "Unknown transform 'rot45'.|did you mean 'rot",
    "backward --transforms identity,scale2": "The filter under scale2|use --padding same",
    "backward --padding 1:0,1:0 --transforms identity,scale2": "do not stack|use --padding same",
    "backward --transforms rot90 -x [[1,2],[3,4]] -w [[1,2]]": "Transforms need a square filter",
    "backward --transforms rot90 --view stride": "--view shows one convolution",
    "backward --view strides": "--view does not know 'strides'|padding, stride, vectorized",
    'backward {"X":[[1]],"W":[[1]],"dA":[[1]]}': "dA is given, but no activation.",
    'backward {"X":[[1]],"W":[[1]],"transforms":3}': "transforms has a value of the wrong type",
    "transposed -x [[1,2]]": "W is missing.",
    "transposed -x [[1,2]] -w [[1]] --output-padding 1": "Output padding must be smaller",
    "transposed -x [[1,2]] -w [[1]] --output-padding x": "--output-padding takes whole numbers",
    "transposed -x [[1,2]] -w [[1]] --filter-layout hwio": "--filter-layout has no meaning here",
    "transposed -x [[1,2]] -w [[1]] -g [[1]]": "dY has the wrong shape.",
    "transposed -x [[1,2]] -w [[1]] --learning-rate 1": "there is no upstream gradient",
    "transposed -x [[1,2]] --upsample cubic": "Unknown upsampling 'cubic'.",
    "transposed -x [[1,2]] --upsample zeros -g [[1]]": "dY has the wrong shape.",
    "separable -x [[[1]]] --pointwise [[1]]": "The depthwise filter is missing.",
    "separable -x [[[1]]] --depthwise [[[1]]]": "The pointwise filter is missing.",
    "separable -x [[1]] --depthwise [[[1]]] --pointwise [[1]]": "needs an X with a channel axis",
    "separable -x [[[1]]] --depthwise [[[1]]] --pointwise [[1,2]]": "pointwise filter has the",
    "separable --groups 2": "--groups has no meaning here",
}


@pytest.mark.parametrize("command", BAD, ids=BAD)
def test_bad_input(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """In this process, for speed; anything but a clean exit with code 2 would raise here."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app([*command.split(" "), "-o", "result.json"])
    shown = capfd.readouterr()
    assert (ended.value.code, shown.out) == (2, "")
    for text in BAD[command].split("|"):
        assert text in shown.err
    assert list(tmp_path.iterdir()) == []
