"""``convgrad derive`` of every layer of the lectures, as a user runs it.

The values of the equations are those of plain loops (tests/reference_layers.py) or of the formula
written out here; the forms are looked at for what a reader would miss.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from convgrad_cli.render.schema import schema
from tests import reference_layers

if TYPE_CHECKING:
    from tests.conftest import Convgrad

VALIDATOR = Draft202012Validator(schema())
X = [[1, 5, 2, -3], [7, 3, 8, 4], [4, 9, 6, -2], [2, -1, 5, 7]]
W = [[2, -1], [3, 4]]
G = [[1, -2, 3], [4, 0, -1], [2, 5, -3]]
MAPS = {
    "x": [[[3, 1, 4], [5, -9, 2], [6, 5, 3]], [[2, 7, 1], [8, 2, -8], [1, 8, 2]]],
    "b": [1, 0, -2],
    "g": [[[1, 2], [0, 3]], [[-1, 4], [2, 1]], [[2, 1], [-3, 5]]],
}
DEEP = [[[1, -2], [3, 0]], [[2, 1], [-1, 4]]]
POINT = [[1, 2], [-3, 1], [0, 5]]
SEPARABLE = ["--layer", "separable", "--depthwise", json.dumps(DEEP), "--pointwise"]
SEPARABLE += [json.dumps(POINT)]


def given(**arrays: object) -> list[str]:
    """Arrays as options with JSON text."""
    return [part for name, array in arrays.items() for part in (f"-{name}", json.dumps(array))]


def document(convgrad: Convgrad, *arguments: str) -> dict[str, Any]:
    """The JSON of ``derive``, which must succeed and follow the schema."""
    done = convgrad("derive", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    assert [error.message for error in VALIDATOR.iter_errors(read)] == []
    return read


def values(derivation: dict[str, Any], target: str) -> list[Any]:
    return [each["value"] for each in derivation["equations"] if each["target"] == target]


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_an_activation_alone(convgrad: Convgrad) -> None:
    z, dA = [[1.5, -2.0, 0.25]], [[3.0, 4.0, -1.0]]
    layer = ["--layer", "activation", "--activation", "sigmoid"]
    found = document(convgrad, "A", "dY", *layer, *given(x=z, g=dA))
    s = 1 / (1 + np.exp(-np.array(z[0])))
    np.testing.assert_allclose(values(found["derivation"], "A"), s, rtol=1e-14)
    np.testing.assert_allclose(
        values(found["derivation"], "dY"), np.array(dA[0]) * s * (1 - s), rtol=1e-14
    )
    assert (found["operation"], found["activation"], found["geometry"]) == ("derive", "sigmoid", {})
    equation = found["derivation"]["equations"][-1]
    assert equation["index"] == [0, 2]
    assert equation["terms"] == [
        {
            "upstream": [0, 2], "operand": None, "coefficient": 1, "value": equation["value"],
            "factors": [{"operand": "Y", "index": [0, 2], "function": "σ′"}],
        }
    ]  # fmt: skip


def test_every_step_of_an_activation(convgrad: Convgrad) -> None:
    layer = ["--layer", "activation", "--activation", "silu"]
    shown = convgrad("derive", "dY[0,1]", *layer, "--input-shape", "2,2").stdout.splitlines()
    for line in (
        "# A_ij = σ(O_ij)",
        "# σ(z) = z/(1 + e^−z)",
        "# ∂L/∂O_ij = ∂L/∂A_ij·∂A_ij/∂O_ij = ∂L/∂A_ij·σ′(O_ij)",
        "# σ′(z) = s + z·s·(1 − s), s = 1/(1 + e^−z)",
        "∂L/∂O12 = ∂L/∂A12·∂A12/∂O12",
        "∂A12/∂O12 = σ′(O12)",
        "∂L/∂O12 = ∂L/∂A12·σ′(O12)",
    ):
        assert line in shown, line


@pytest.mark.parametrize(
    ("notation", "expected"),
    [
        ("diba", "dz(0,1) = dq(0,1)·σ′(z(0,1))"),  # Diba, eq. 10
        ("lecture12", "∂Div/∂z(l,0,0,1) = ∂Div/∂Y(l,0,0,1)·σ′(z(l,0,0,1))"),
        ("tutorial", "z′_2 = a′_2·σ′(z_2)"),
        ("recitation", "∂L/∂y01 = ∂L/∂A01·σ′(y01)"),
        ("plain", "dL/dY[0,1] = dL/dA[0,1]*sigma'(Y[0,1])"),
    ],
)
def test_an_activation_in_every_notation(convgrad: Convgrad, notation: str, expected: str) -> None:
    layer = ["--layer", "activation", "--activation", "tanh", "--input-shape", "2,2"]
    shown = convgrad("derive", "dY[0,1]", *layer, "--notation", notation, "--steps", "substituted")
    assert lines(shown.stdout) == [expected]


def test_a_convolution_with_an_activation(convgrad: Convgrad) -> None:
    """Y by loops, A and dY by ReLU's definition, dX and dW from that dY by loops."""
    layer = [*given(x=X, w=W, b=[-30], g=G), "--activation", "relu"]
    found = document(convgrad, "A", "Y", "dY", "dX", "dW", "db", *layer)
    x, w, dA = np.array(X), np.array(W), np.array(G)
    Y = np.array([[(x[i : i + 2, j : j + 2] * w).sum() - 30 for j in range(3)] for i in range(3)])
    dY = np.where(Y > 0, dA, 0)
    assert 0 < (Y > 0).sum() < Y.size
    dX, dW = np.zeros_like(x), np.zeros_like(w)
    for i, j, p, q in np.ndindex(3, 3, 2, 2):
        dX[i + p, j + q] += dY[i, j] * w[p, q]
        dW[p, q] += dY[i, j] * x[i + p, j + q]
    conv, sigma = found["derivation"], found["activation_derivation"]
    assert values(sigma, "A") == np.maximum(Y, 0).reshape(-1).tolist()
    assert values(sigma, "dY") == dY.reshape(-1).tolist()
    assert values(conv, "Y") == Y.reshape(-1).tolist()
    assert values(conv, "dX") == dX.reshape(-1).tolist()
    assert values(conv, "dW") == dW.reshape(-1).tolist()
    assert values(conv, "db") == [dY.sum()]
    assert {each["target"] for each in sigma["equations"]} == {"A", "dY"}
    assert found["views"]["activation"]["derivative"] == (Y > 0).astype(int).tolist()


def test_the_order_is_that_of_the_pass(convgrad: Convgrad) -> None:
    """Forward through the convolution, then σ; back through σ, then the convolution."""
    done = convgrad("derive", "--activation", "relu", "--sample", "slides", "--steps",
                    "forward,substituted")  # fmt: skip
    titles = [line for line in done.stdout.splitlines() if line.startswith(("# Fo", "# Gr"))]
    assert titles == [
        "# Forward pass: O",
        "# Forward pass: A",
        "# Gradient with respect to the pre-activation: ∂L/∂O",
        "# Gradient with respect to the filter: ∂L/∂F",
        "# Gradient with respect to the input: ∂L/∂X",
        "# Gradient with respect to the bias: ∂L/∂B",
    ]


@pytest.mark.parametrize(
    ("target", "first"),
    [
        ("A", "A11 = σ(O11)"),
        ("Z", "O11 = X11·F11 + X12·F12 + X21·F21 + X22·F22 + B"),
        ("dZ[0,0]", "∂L/∂O11 = ∂L/∂A11·σ′(O11)"),
        ("∂L/∂O11", "∂L/∂O11 = ∂L/∂A11·σ′(O11)"),
        ("O11", "O11 = X11·F11 + X12·F12 + X21·F21 + X22·F22 + B"),
        ("A11", "A11 = σ(O11)"),
        ("F11", "∂L/∂F11 = ∂L/∂O11·X11 + ∂L/∂O12·X12 + ∂L/∂O21·X21 + ∂L/∂O22·X22"),
    ],
)
def test_targets_and_labels_find_their_stage(convgrad: Convgrad, target: str, first: str) -> None:
    layer = ["--input-shape", "3,3", "--filter-shape", "2,2", "--with-bias", "--activation", "gelu"]
    done = convgrad("derive", target, *layer, "--steps", "substituted")
    assert lines(done.stdout)[0] == first


def test_an_upstream_that_is_not_given_is_dA(convgrad: Convgrad) -> None:
    done = convgrad("derive", "dW", *given(x=X, w=W), "--activation", "relu", "--steps", "numbers")
    assert "No upstream gradient was given: dA = 1 everywhere, that is L = ΣA." in done.stderr


def test_only_takes_A_and_dY_under_an_activation(convgrad: Convgrad) -> None:
    done = convgrad("backward", "--sample", "slides", "--activation", "relu", "--only", "dY,dW",
                    "--symbolic", "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert {"dY", "dW"} == {"A", "dY", "dX", "dW", "db"} & found.keys()
    assert {e["target"] for e in found["derivation"]["equations"]} == {"dW"}
    assert {e["target"] for e in found["activation_derivation"]["equations"]} == {"dY"}
    assert VALIDATOR.is_valid(found)
    refused = convgrad("backward", "--sample", "slides", "--only", "dY")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--only does not know 'dY'.\n  expected  some of dX, dW, db" in refused.stderr


@pytest.mark.parametrize("mode", ["nearest", "zeros"])
def test_upsampling(convgrad: Convgrad, mode: str) -> None:
    x = np.arange(1, 13).reshape(2, 3, 2)
    Y = reference_layers.upsample(x, (2, 3), mode)
    dY = np.random.default_rng(7).integers(-9, 10, Y.shape)
    layer = ["--layer", "upsample", "--upsample", mode, "--stride", "2,3"]
    found = document(convgrad, "Y", "dX", *layer, *given(x=x.tolist(), g=dY.tolist()))
    derivation = found["derivation"]
    assert values(derivation, "Y") == Y.reshape(-1).tolist()
    dX = [
        ((reference_layers.upsample(unit, (2, 3), mode)) * dY).sum()
        for unit in np.eye(x.size, dtype=int).reshape(-1, *x.shape)
    ]
    assert values(derivation, "dX") == dX
    assert found["geometry"] == {"dims": 2, "stride": [2, 3]}
    assert (found["mode"], found["shapes"]["upstream"]) == (mode, list(Y.shape))


def test_upsampling_is_shown_as_a_matrix(convgrad: Convgrad) -> None:
    layer = ["--layer", "upsample", "--input-shape", "1,2"]
    nearest = convgrad("derive", "Y", *layer, "--steps", "convolution").stdout
    assert "# O = | X1  X1  X2  X2 |\n#     | X1  X1  X2  X2 |\n" in nearest.replace(
        "X11", "X1"
    ).replace("X12", "X2")
    zeros = convgrad("derive", "dX", *layer, "--upsample", "zeros", "--steps", "convolution").stdout
    assert "# ∂L/∂O = | [∂L/∂O11]  ∂L/∂O12  [∂L/∂O13] |" in zeros


def test_both_steps_of_a_separable_layer(convgrad: Convgrad) -> None:
    found = document(convgrad, "V", "Y", "dX", "dD", "dP", "dV", "db", *SEPARABLE, *given(**MAPS))
    x, b, dY = (np.array(MAPS[name]) for name in ("x", "b", "g"))
    deep, point = np.array(DEEP), np.array(POINT)
    V = np.zeros((2, 2, 2), int)
    for c, i, j, p, q in np.ndindex(2, 2, 2, 2, 2):
        V[c, i, j] += x[c, i + p, j + q] * deep[c, p, q]
    Y = reference_layers.separable_forward(x[None], deep, point, b, stride=1)[0]
    dV, dP = np.zeros_like(V), np.zeros_like(point)
    for o, c, i, j in np.ndindex(3, 2, 2, 2):
        dV[c, i, j] += dY[o, i, j] * point[o, c]
        dP[o, c] += dY[o, i, j] * V[c, i, j]
    dX, dD = np.zeros_like(x), np.zeros_like(deep)
    for c, i, j, p, q in np.ndindex(2, 2, 2, 2, 2):
        dX[c, i + p, j + q] += dV[c, i, j] * deep[c, p, q]
        dD[c, p, q] += dV[c, i, j] * x[c, i + p, j + q]
    first, second = found["depthwise_derivation"], found["pointwise_derivation"]
    expected = {"Y": (first, V), "dX": (first, dX), "dW": (first, dD)}
    for target, (derivation, array) in expected.items():
        assert values(derivation, target) == array.reshape(-1).tolist(), target
    expected = {"Y": (second, Y), "dX": (second, dV), "dW": (second, dP)}
    for target, (derivation, array) in expected.items():
        assert values(derivation, target) == array.reshape(-1).tolist(), target
    assert values(second, "db") == dY.sum((1, 2)).tolist()
    # indices in the ranks that were given: (I, kh, kw) and (O, I)
    assert {len(e["index"]) for e in first["equations"] if e["target"] == "dW"} == {3}
    assert {len(e["index"]) for e in second["equations"] if e["target"] == "dW"} == {2}
    assert found["counts"]["parameters"]["separable"] == 14


def test_a_separable_layer_from_shapes_alone(convgrad: Convgrad) -> None:
    shapes = ["--input-shape", "2,3,3", "--depthwise-shape", "2,2,2", "--pointwise-shape", "3,2"]
    for target, expected in (
        ("dP[2,1]", "∂L/∂P_{3,2,1,1} = ∂L/∂Y_{3,1,1}·V_{2,1,1} + ∂L/∂Y_{3,1,2}·V_{2,1,2} + "
         "∂L/∂Y_{3,2,1}·V_{2,2,1} + ∂L/∂Y_{3,2,2}·V_{2,2,2}"),
        ("dDepthwise[1,0,1]", "∂L/∂D_{2,1,1,2} = ∂L/∂V_{2,1,1}·X_{2,1,2} + ∂L/∂V_{2,1,2}·X_{2,1,3}"
         " + ∂L/∂V_{2,2,1}·X_{2,2,2} + ∂L/∂V_{2,2,2}·X_{2,2,3}"),
        ("Y[0,1,1]", "Y_{1,2,2} = V_{1,2,2}·P_{1,1,1,1} + V_{2,2,2}·P_{1,2,1,1}"),
        ("X_{1,3,3}", "∂L/∂X_{1,3,3} = ∂L/∂V_{1,2,2}·D_{1,1,2,2}"),
    ):  # fmt: skip
        done = convgrad("derive", target, *shapes, "--steps", "substituted")
        assert lines(done.stdout) == [expected], done.stderr


def test_transforms(convgrad: Convgrad) -> None:
    names = ("rot90", "transpose", "scale2")
    x, w = np.array(X)[None, None], np.array(W)[None, None]
    maps = [reference_layers.same_convolution(x, reference_layers.transformed(n, w)) for n in names]
    Y = np.stack([each[0, 0] for each in maps])
    dY = np.random.default_rng(5).integers(-9, 10, Y.shape)
    layer = ["--transforms", ",".join(names), "--padding", "same"]
    found = document(convgrad, "Y", "dW", "dX", *layer, *given(x=X, w=W, g=dY.tolist()))
    derivation = found["derivation"]
    assert values(derivation, "Y") == Y.reshape(-1).tolist()
    units = np.eye(4, dtype=int).reshape(4, 1, 1, 2, 2)
    dW = [
        sum(
            (
                reference_layers.same_convolution(x, reference_layers.transformed(n, unit)) * dY[s]
            ).sum()
            for s, n in enumerate(names)
        )
        for unit in units
    ]
    assert values(derivation, "dW") == dW
    dX = sum(
        reference_layers.same_convolution(x, reference_layers.transformed(n, w), dY[s][None, None])[
            0
        ]
        for s, n in enumerate(names)
    )
    assert values(derivation, "dX") == dX.reshape(-1).tolist()
    assert found["transforms"] == list(names)
    assert {len(e["index"]) for e in derivation["equations"] if e["target"] == "Y"} == {3}


def test_the_matrices_of_the_transforms(convgrad: Convgrad) -> None:
    layer = ["--transforms", "rot90,scale2", "--padding", "same", *given(x=X, w=W)]
    shown = convgrad("derive", "dW", *layer, "--steps", "convolution").stdout
    for line in (
        "# ∂L/∂F = Σ_{t=1..2} T*_t(conv(pad(X), ∂L/∂O_t))",
        "# rot90 is pulled back by rot270.",
        "# scale2 is pulled back by sums of 2×2 blocks.",
        "# Checked: the convolution multiplies exactly the terms of the equations, in all 4 "
        "elements.",
    ):
        assert line in shown.splitlines(), line
    got = convgrad("backward", *layer, "--json")
    dW = json.loads(got.stdout)["dW"]
    width = max(len(str(n)) for row in dW for n in row)
    rows = ["  ".join(str(n).rjust(width) for n in row) for row in dW]
    assert f"# ∂L/∂F = | {rows[0]} |\n#         | {rows[1]} |" in shown


def test_a_local_gradient_under_scale2_is_a_sum(convgrad: Convgrad) -> None:
    """One filter entry meets one output several times: ∂O/∂F is all of these at once."""
    layer = ["--transforms", "scale2", "--padding", "same", "--input-shape", "3,3"]
    layer += ["--filter-shape", "2,2"]
    shown = lines(convgrad("derive", "dW[0,0]", *layer, "--steps", "chain,local").stdout)
    assert shown[0].count("∂O22/∂F11") == 1
    assert "∂O22/∂F11 = X11 + X12 + X21 + X22" in shown


def test_a_transposed_convolution_as_a_convolution(convgrad: Convgrad) -> None:
    layer = ["--layer", "transposed", "--sample", "recitation-2", "--steps", "convolution"]
    shown = convgrad("derive", "Y", "dX", "dW", *layer).stdout.splitlines()
    for line in (
        "# y = conv(rot180(f), pad(dilate(x)))",
        "# ∂L/∂x = conv(f, ∂L/∂y)",
        "# ∂L/∂f = conv(∂L/∂y, dilate(x))",
    ):
        assert line in shown, line
    said = [line for line in shown if line.startswith("# Checked")]
    assert [line.rsplit(" in ", 1)[1] for line in said] == [
        "all 25 elements.", "all 4 elements.", "all 9 elements.",
    ]  # fmt: skip


FORMS = [
    ["--layer", "activation", "--activation", "softplus"],
    ["--activation", "leaky-relu", "--sample", "slides"],
    ["--layer", "upsample", "--input-shape", "2,2"],
    [*SEPARABLE, *given(**MAPS)],
    ["--transforms", "fliplr,scale2", "--padding", "same", "--sample", "slides"],
    ["--layer", "transposed", "--sample", "recitation-2", "Y", "dX"],
]


@pytest.mark.parametrize("form", ["table", "text", "latex", "markdown", "json"])
@pytest.mark.parametrize("layer", FORMS, ids=lambda layer: " ".join(layer)[:30])
def test_every_form(convgrad: Convgrad, layer: list[str], form: str) -> None:
    env = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = convgrad("derive", *layer, "--format", form, env=env if form == "table" else {})
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stdout) > 300
    if form == "table":
        assert done.stdout.isascii()
        assert "?" not in done.stdout
    if form == "latex":
        assert done.stdout.count("{") == done.stdout.count("}")
        assert done.stdout.isascii()
    if form == "json":
        assert VALIDATOR.is_valid(json.loads(done.stdout))


BAD = {
    "--layer activation": "Which activation is it?\n  expected  --activation NAME",
    "--layer activation --activation rleu": "did you mean 'relu'?",
    "--layer activation --activation relu --padding 1": "The layer activation does not take --padd",
    "--layer maxpool --groups 2": "--groups is for --layer conv or transposed",
    "--layer upsample --upsample cubic --input-shape 2,2": "Unknown upsampling 'cubic'.",
    "--layer upsample -x [[1]] -g [[1]]": "dY has the wrong shape.\n  expected  (2, 2)",
    "--layer separable --input-shape 2,3,3": "depthwise is missing.\n  expected  --depthwise,",
    "--layer separable --sample slides": "No built-in example is a separable layer.",
    "--layer separable dQ": "expected  V, dDepthwise, dX, Y, dPointwise, dV, db",
    "--layer separable dD[7,0,0]": "dDepthwise[0,0,0] to dDepthwise[1,1,1]",
    "--layer separable --symbols D=V": "V for both D and V",
    "--layer separable --symbols Q=V": "expected  some of X, D, V, P, Y, b",
    "--activation relu --symbols X=A": "A for both A and X",
    "--activation relu dQ": "expected  Y, dW, dX, db, A, dY",
    "--transforms rot45": "Unknown transform 'rot45'.",
    "--layer transposed --activation relu": "--activation is for --layer conv or activation",
    "--slope 0.5": "--slope is leaky-relu's.",
}  # fmt: skip


@pytest.mark.parametrize("command", BAD, ids=BAD)
def test_bad_input(convgrad: Convgrad, command: str) -> None:
    done = convgrad("derive", *command.split(" "))
    assert (done.returncode, done.stdout) == (2, "")
    assert BAD[command] in done.stderr
    assert "Traceback" not in done.stderr


def test_check_equations_takes_a_filter_under_transforms(convgrad: Convgrad) -> None:
    shapes = ["--input-shape", "2,2", "--filter-shape", "2,2"]
    right = "dL/dF11 = dL/dO_{1,1,1}*X21 + dL/dO_{2,1,1}*X22"
    turned = [*shapes, "--transforms", "rot90,rot180"]
    assert convgrad("check", "equations", right, *turned).returncode == 0
    assert convgrad("check", "equations", right.replace("X22", "X12"), *turned).returncode == 1
