"""Hand derivations of the further layers: activations, separable layers, upsampling.

What ``derive`` writes reads back as right in every notation and script; the mistakes that students
make with each layer are planted by hand and must be named.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from convgrad_cli import check_equations, derive
from convgrad_cli.check.equations_report import EquationsReport
from convgrad_cli.derivation import NOTATIONS
from convgrad_cli.render.schema import schema

if TYPE_CHECKING:
    from tests.conftest import Convgrad

SIGMA: dict[str, Any] = {"layer": "activation", "activation": "relu", "input_shape": (2, 2)}
SIGMOID: dict[str, Any] = {**SIGMA, "activation": "sigmoid"}
CONV: dict[str, Any] = {"activation": "tanh", "input_shape": (3, 3), "filter_shape": (2, 2)}
UP: dict[str, Any] = {"layer": "upsample", "input_shape": (2, 2)}
ZEROS: dict[str, Any] = {**UP, "upsample": "zeros"}
STEPS: dict[str, Any] = {
    "layer": "separable",
    "input_shape": (2, 3, 3),
    "depthwise_shape": (2, 2, 2),
    "pointwise_shape": (3, 2),
}
LAYERS = {"activation": SIGMA, "activated": CONV, "nearest": UP, "zeros": ZEROS, "separable": STEPS}
TARGETS = {
    "activation": ("A", "dY"),
    "activated": ("Y", "A", "dY", "dW", "dX", "db"),
    "nearest": ("Y", "dX"),
    "zeros": ("Y", "dX"),
    "separable": ("V", "Y", "dD", "dX", "dP", "dV", "db"),
}


@pytest.mark.parametrize("script", ["unicode", "ascii", "latex"])
@pytest.mark.parametrize("notation", sorted(NOTATIONS))
@pytest.mark.parametrize("name", LAYERS)
def test_what_derive_writes_reads_back(name: str, notation: str, script: str) -> None:
    derivation = derive(*TARGETS[name], notation=notation, with_bias=True, **LAYERS[name])
    equations = [derivation[target][place] for target in TARGETS[name] for place in (0, -1)]
    text = "\n".join(
        f"{writer.left_side(e)} = {writer.right_side(e)}"
        for e in equations
        for writer in [e.derivation.writer(script)]
    )
    report = check_equations(text, notation=notation, **LAYERS[name])
    assert report, str(report)
    assert report.count("right") == len(equations)
    assert sum(c.right for c in report.coverage.values()) == len({e.name for e in equations})


RIGHT = {
    "sigma by its name": (SIGMA, "A12 = relu(O12)"),
    "as ReLU": (SIGMA, "A12 = ReLU(O_{12})"),
    "as a maximum": (SIGMA, "A12 = max(0, O12)"),
    "f of lecture 12": (SIGMA, "dDiv/dz(l,0,1) = dDiv/dY(l,0,1) * f'(z(l,0,1))"),
    "in LaTeX": (SIGMA, r"\frac{\partial L}{\partial O_{12}} = \frac{\partial L}{\partial A_{12}}"
                 r" \cdot \sigma^{\prime}\left(O_{12}\right)"),
    "Diba, eq. 10": (SIGMA, "dz(0,1) = dq(0,1)·σ′(z(0,1))"),
    "chain rule": (SIGMA, "dL/dO12 = dL/dA12 * dA12/dO12 = dL/dA12 * relu'(O12)"),
    "local gradient": (SIGMA, "dA12/dO12 = σ'(O12)"),
    "nothing from elsewhere": (SIGMA, "dA12/dO11 = 0"),
    "both steps of a convolution": (CONV, "A11 = tanh(O11)\nO11 = X11*F11+X12*F12+X21*F21+X22*F22\n"
                                    "dL/dO11 = dL/dA11*tanh'(O11)\ndL/dX11 = dL/dO11*F11"),
    "sigma put in": (CONV, "dL/dX12 = dL/dA11*σ'(O11)*F12 + dL/dA12*σ'(O12)*F11"),
    "both chain rules": (CONV, "dL/dX11 = dL/dA11*dA11/dO11*dO11/dX11"),
    "a pointwise filter of two axes": (STEPS, "dL/dP32 = dL/dY311*V211 + dL/dY312*V212 + "
                                       "dL/dY321*V221 + dL/dY322*V222"),
    "dV put in": (STEPS, "dL/dX_{1,3,3} = (dL/dY_{1,2,2}*P_{1,1} + dL/dY_{2,2,2}*P_{2,1}"
                  " + dL/dY_{3,2,2}*P_{3,1})*D_{1,2,2}"),
    "V put in, with its bias": (STEPS, "Y_{1,1,1} = b_1 + P_{1,1}*(X_{1,1,1}*D_{1,1,1} + X_{1,1,2}*"
                                "D_{1,1,2} + X_{1,2,1}*D_{1,2,1} + X_{1,2,2}*D_{1,2,2}) + P_{1,2}*"
                                "V_{2,1,1}"),
    "a sigmoid's slope by its output": (SIGMOID, "dL/dO12 = dL/dA12*A12*(1 - A12)"),
    "by itself": (SIGMOID, "dL/dO12 = dL/dA12*σ(O12)*(1 - σ(O12))"),
    "tanh's, all put in": (CONV, "dL/dX11 = dL/dA11*(1 - A11*A11)*F11"),
    "an inserted zero": (ZEROS, "O12 = 0\ndL/dX12 = dL/dO13"),
    "a block": (UP, "O22 = X11\ndL/dX22 = dL/dO33 + dL/dO34 + dL/dO43 + dL/dO44"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    layer, text = RIGHT[name]
    report = check_equations(text, **layer)
    assert report, str(report)
    assert report.count("right") == len(report.equations)


WRONG: dict[str, tuple[dict[str, Any], str, list[str], str | None]] = {
    "sigma for its derivative (Diba, eq. 11 as printed)": (
        SIGMA, "dL/dO12 = dL/dA12*σ(O12)", ["∂L/∂A12·σ(O12) should be ∂L/∂A12·σ′(O12)"],
        "σ stands where its derivative σ′ belongs: the chain rule multiplies by ∂A/∂O",
    ),
    "sigma' of the output": (
        SIGMA, "dL/dO12 = dL/dA12*σ'(A12)", ["∂L/∂A12·σ′(A12) should be ∂L/∂A12·σ′(O12)"],
        "σ′ is taken at A; it belongs at the pre-activation O",
    ),
    "sigma' forgotten": (
        SIGMA, "dL/dO12 = dL/dA12", ["∂L/∂A12 should be ∂L/∂A12·σ′(O12)"],
        "σ′(O) is missing: the chain rule multiplies by ∂A/∂O",
    ),
    "another element": (
        SIGMA, "dL/dO12 = dL/dA21*σ'(O21)", ["∂L/∂A21·σ′(O21) should be ∂L/∂A12·σ′(O12)"],
        "this is the right side of ∂L/∂O21",
    ),
    "a sigmoid's slope after tanh": (
        {**SIGMA, "activation": "tanh"}, "dL/dO12 = dL/dA12*A12*(1 - A12)",
        ["∂L/∂A12·A12 should be ∂L/∂A12·σ′(O12)", "-∂L/∂A12·A12·A12 does not belong here"], None,
    ),
    "no sigma": (SIGMA, "A12 = O12", ["O12 should be σ(O12)"], None),
    "the maximum of another": (SIGMA, "A12 = max(O21, 0)", ["O21 should be O12"], None),
    "a local gradient": (SIGMA, "dA12/dO12 = σ(O12)", ["σ(O12) should be σ′(O12)"], None),
    "dA for dY": (
        CONV, "dL/dX12 = dL/dA11*F12 + dL/dA12*F11",
        ["∂L/∂A11·F12 should be ∂L/∂O11·F12", "∂L/∂A12·F11 should be ∂L/∂O12·F11"],
        "the gradient that arrives at this step is ∂L/∂O, not ∂L/∂A",
    ),
    "one product of a sum put in": (
        CONV, "dL/dX12 = dL/dA11*σ'(O11)*F12 + dL/dA12*σ'(O12)*F21",
        ["∂L/∂A12·F21·σ′(O12) should be ∂L/∂A12·F11·σ′(O12)"], None,
    ),
    "dY for dV": (
        STEPS, "dL/dX_{1,3,3} = dL/dY_{1,2,2}*D_{1,2,2}",
        ["∂L/∂Y_{1,2,2}·D_{1,1,2,2} should be ∂L/∂V_{1,2,2}·D_{1,1,2,2}"],
        "the gradient that arrives at this step is ∂L/∂V, not ∂L/∂Y",
    ),
    "X for V": (
        STEPS, "Y_{1,2,2} = X_{1,2,2}*P_{1,1} + X_{2,2,2}*P_{1,2}",
        ["X_{1,2,2}·P_{1,1,1,1} should be V_{1,2,2}·P_{1,1,1,1}",
         "X_{2,2,2}·P_{1,2,1,1} should be V_{2,2,2}·P_{1,2,1,1}"],
        "the input of this step is V, not X",
    ),
    "a depthwise filter not rotated": (
        STEPS, "dL/dX_{1,3,3} = dL/dV_{1,2,2}*D_{1,1,1}",
        ["∂L/∂V_{1,2,2}·D_{1,1,1,1} should be ∂L/∂V_{1,2,2}·D_{1,1,2,2}"],
        "D is not rotated by 180°: every D stands at the opposite place",
    ),
    "one output channel alone": (
        STEPS, "dL/dV_{1,1,1} = dL/dY_{1,1,1}*P_{1,1}",
        ["∂L/∂Y_{2,1,1}·P_{2,1,1,1} is missing", "∂L/∂Y_{3,1,1}·P_{3,1,1,1} is missing"], None,
    ),
    "a mean": (
        UP, "dL/dX11 = 1/4*(dL/dO11 + dL/dO12 + dL/dO21 + dL/dO22)",
        [f"1/4·∂L/∂O{i}{j} should be ∂L/∂O{i}{j}" for i in (1, 2) for j in (1, 2)],
        "the mean of the block stands where its sum belongs: every copy adds its gradient",
    ),
    "the corner alone": (
        UP, "dL/dX12 = dL/dO13", [f"∂L/∂O{at} is missing" for at in (14, 23, 24)],
        "only the corner of the block: that is upsampling with zeros, not nearest",
    ),
    "the whole block": (
        ZEROS, "dL/dX11 = dL/dO11 + dL/dO12", ["∂L/∂O12 does not belong here"], None,
    ),
    "the whole block of four": (
        ZEROS, "dL/dX11 = dL/dO11 + dL/dO12 + dL/dO21 + dL/dO22",
        [f"∂L/∂O{at} does not belong here" for at in (12, 21, 22)],
        "the inserted zeros pass no gradient back: only the corner of the block does",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    layer, text, problems, hint = WRONG[name]
    (equation,) = check_equations(text, notation="slides", **layer).equations
    assert equation.verdict == "wrong"
    assert [problem.text for problem in equation.problems] == problems
    if hint is not None:
        assert hint in equation.notes


NUMBERS: dict[str, Any] = {
    "layer": "activation", "activation": "leaky-relu", "slope": 0.25, "X": [[1.5, -2.0]],
    "dA": [[2.0, 3.0]],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("A11 = σ(O11) = σ(1.5) = 1.5", "right"),
        ("A12 = σ(-2) = -0.5", "right"),
        ("A12 = σ(-2) = -2", "wrong"),
        ("A12 = σ(2)", "wrong"),
        ("dL/dO12 = dL/dA12*σ'(O12) = 3*σ'(-2) = 3*0.25 = 0.75", "right"),
        ("dL/dO12 = 3*σ'(-2) = 3", "wrong"),
        ("dL/dO12 = 3*σ'(2)", "wrong"),
    ],
)
def test_numbers_of_an_activation(text: str, verdict: str) -> None:
    assert check_equations(text, **NUMBERS).verdict == verdict


def test_numbers_that_pass_between_the_steps() -> None:
    """z = 1·2 − 3·1 = −1 and 3·2 − 4·1 = 2: ReLU lets the second gradient through alone."""
    layer: dict[str, Any] = {"X": [[1, 3], [3, 4]], "W": [[2, -1]], "activation": "relu"}
    layer |= {"dA": [[5], [7]]}
    assert check_equations("O11 = -1\nO21 = 2\nA11 = 0\ndL/dO11 = 0\ndL/dO21 = 7", **layer)
    assert check_equations("dL/dF11 = 7*3 = 21\ndL/dX22 = 7*(-1) = -7", **layer)
    assert check_equations("dL/dF11 = 5*1 + 7*3 = 26", **layer).verdict == "wrong"


UNREADABLE = {
    "A11 = σ(O11 + O12)": "one entry of the pre-activation alone, as in σ(O11) was expected",
    "A11 = σ(dL/dO11)": "one entry of the pre-activation alone",
    "A11 = max(O11)": "max(z, 0) was expected",
    "A11 = σ(": "one entry of the pre-activation alone",
    "A99 = σ(O99)": "there is no A99",
}


@pytest.mark.parametrize("text", UNREADABLE)
def test_unreadable(text: str) -> None:
    (equation,) = check_equations(text, notation="slides", **SIGMA).equations
    assert equation.verdict == "unreadable"
    assert UNREADABLE[text] in equation.problems[0].text


def test_a_letter_of_the_layer_is_not_taken_for_sigma() -> None:
    """The recitation's filter is f: f00(…) is a product, and f'(y00) is refused as it stands."""
    layer = {**CONV, "notation": "recitation"}
    assert check_equations("dL/dx00 = dL/dy00*f00", **layer)
    assert check_equations("dL/dy00 = dL/dA00*f'(y00)", **layer).verdict == "not_checkable"


def report_of(convgrad: Convgrad, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = convgrad("check", "equations", *arguments, "--json")
    read: dict[str, Any] = json.loads(done.stdout)
    assert Draft202012Validator(schema()).is_valid(read)
    return done.returncode, read


def test_the_command_takes_every_layer(convgrad: Convgrad) -> None:
    shapes = ["--input-shape", "2,3,3", "--depthwise-shape", "2,2,2", "--pointwise-shape", "3,2"]
    code, read = report_of(convgrad, "dL/dX[0,2,2] = dL/dY[0,1,1]*D[0,1,1]", *shapes)
    assert (code, read["layer"], read["notation"]) == (1, "separable", "slides")
    assert read["equations"][0]["notes"] == [
        "the gradient that arrives at this step is ∂L/∂V, not ∂L/∂Y"
    ]
    assert set(read["coverage"]) == {"V", "dDepthwise", "dX", "Y", "dPointwise", "dV", "db"}
    right = "dL/dO11 = dL/dA11*σ'(O11)"
    layer = ["--layer", "activation", "--activation", "gelu", "--input-shape", "2,2"]
    code, read = report_of(convgrad, right, *layer)
    assert (code, read["layer"], read["coverage"]["dY"]["right"]) == (0, "activation", 1)
    code, read = report_of(convgrad, right, "--sample", "slides", "--activation", "relu")
    assert (code, read["layer"]) == (0, "conv")


def test_derive_pipes_into_check(convgrad: Convgrad) -> None:
    layer = ["--layer", "separable", "--input-shape", "2,3,3"]
    layer += ["--depthwise-shape", "2,2,2", "--pointwise-shape", "3,2"]
    written = convgrad("derive", *layer, "--steps", "forward,chain,local,substituted").stdout
    done = convgrad("check", "equations", "-", *layer, stdin=written.encode())
    assert done.returncode == 0, done.stdout
    assert " wrong" not in done.stdout
    assert "unreadable" not in done.stdout


def test_a_layer_must_be_named(convgrad: Convgrad) -> None:
    done = convgrad("check", "equations", "A11 = σ(O11)", "--layer", "activation")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no layer to check the equations against." in done.stderr


def test_a_report_is_a_report() -> None:
    assert isinstance(check_equations("A11 = σ(O11)", **SIGMA), EquationsReport)
