"""``derive`` in Python: every layer of the command, with the same equations and the same numbers.

What it evaluates is held against plain loops and formulas that import nothing of convgrad.
"""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation, LayerDerivation
from convgrad_cli.errors import ConvgradError
from tests import reference_layers

if TYPE_CHECKING:
    from tests.conftest import Convgrad

X = np.array([[1, 5, 2, -3], [7, 3, 8, 4], [4, 9, 6, -2], [2, -1, 5, 7]])
W = np.array([[2, -1], [3, 4]])
G = np.array([[1, -2, 3], [4, 0, -1], [2, 5, -3]])
MAPS = np.array([[[3, 1, 4], [5, -9, 2], [6, 5, 3]], [[2, 7, 1], [8, 2, -8], [1, 8, 2]]])
DEEP = np.array([[[1, -2], [3, 0]], [[2, 1], [-1, 4]]])
POINT = np.array([[1, 2], [-3, 1], [0, 5]])
ABOVE = np.array([[[1, 2], [0, 3]], [[-1, 4], [2, 1]], [[2, 1], [-3, 5]]])
SEPARABLE: dict[str, Any] = {"layer": "separable", "depthwise": DEEP, "pointwise": POINT}
SHAPES: dict[str, Any] = {
    "layer": "separable",
    "input_shape": (2, 3, 3),
    "depthwise_shape": (2, 2, 2),
    "pointwise_shape": (3, 2),
}

# The same layer for Python and for the command.
LAYERS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "conv": ({"input_shape": (5, 4), "filter_shape": (2, 3), "stride": 2, "padding": 1},
             ["--input-shape", "5,4", "--filter-shape", "2,3", "--stride", "2", "--padding", "1"]),
    "activated": ({"input_shape": (3, 3), "filter_shape": (2, 2), "activation": "relu"},
                  ["--input-shape", "3,3", "--filter-shape", "2,2", "--activation", "relu"]),
    "transforms": ({"input_shape": (3, 3), "filter_shape": (2, 2), "transforms": "rot90,fliplr"},
                   ["--input-shape", "3,3", "--filter-shape", "2,2",
                    "--transforms", "rot90,fliplr"]),
    "avgpool": ({"layer": "avgpool", "input_shape": (5, 5), "window": 3, "stride": 2,
                 "padding": 1, "count_include_pad": True, "ceil_mode": True},
                ["--layer", "avgpool", "--input-shape", "5,5", "--window", "3", "--stride", "2",
                 "--padding", "1", "--count-include-pad", "--ceil-mode"]),
    "transposed": ({"layer": "transposed", "input_shape": (2, 2), "filter_shape": (3, 3),
                    "stride": 2, "output_padding": 1, "with_bias": True},
                   ["--layer", "transposed", "--input-shape", "2,2", "--filter-shape", "3,3",
                    "--stride", "2", "--output-padding", "1", "--with-bias"]),
    "activation": ({"layer": "activation", "activation": "leaky-relu", "slope": 0.5,
                    "input_shape": (2, 3)},
                   ["--layer", "activation", "--activation", "leaky-relu", "--slope", "0.5",
                    "--input-shape", "2,3"]),
    "upsample": ({"layer": "upsample", "upsample": "zeros", "stride": 3, "input_shape": (2, 2)},
                 ["--layer", "upsample", "--upsample", "zeros", "--stride", "3",
                  "--input-shape", "2,2"]),
    "separable": (SHAPES,
                  ["--layer", "separable", "--input-shape", "2,3,3", "--depthwise-shape", "2,2,2",
                   "--pointwise-shape", "3,2"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_python_and_the_command_write_the_same_equations(convgrad: Convgrad, name: str) -> None:
    keywords, options = LAYERS[name]
    every = derive(**keywords)
    shown = convgrad("derive", *options, "--steps", "substituted").stdout.splitlines()
    assert str(every).splitlines() == [line for line in shown if line and line[0] != "#"]


def test_every_option_of_the_command_is_one_of_python(convgrad: Convgrad) -> None:
    python = set(inspect.signature(derive).parameters) - {"targets", "dA"}
    flags = {word.rstrip(",") for word in convgrad("derive", "--help").stdout.split()}
    names = {"X": "input", "W": "filter", "b": "bias", "dY": "upstream"}
    missing = {f"--{names.get(each, each).replace('_', '-')}" for each in python} - flags
    assert missing == set()


def test_an_activation_has_numbers() -> None:
    z, dA = np.array([[1.5, -2.0, 0.25]]), np.array([[3.0, 4.0, -1.0]])
    layer: dict[str, Any] = {"layer": "activation", "activation": "sigmoid", "X": z, "dA": dA}
    found = derive("A", "dY", **layer)
    assert isinstance(found, Derivation)
    s = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(found.evaluate()["A"], s, rtol=1e-14)
    np.testing.assert_allclose(found.evaluate()["dY"], dA * s * (1 - s), rtol=1e-14)
    only = derive("dY[0,2]", notation="diba", **layer)
    assert str(only) == "dz(0,2) = dq(0,2)·σ′(z(0,2))"


def test_an_activation_after_a_convolution_has_numbers() -> None:
    """Y by loops, A and dY by ReLU's definition, dX and dW from that dY by loops."""
    Y = np.array([[(X[i : i + 2, j : j + 2] * W).sum() - 30 for j in range(3)] for i in range(3)])
    dY = np.where(Y > 0, G, 0)
    assert 0 < (Y > 0).sum() < Y.size
    dX, dW = np.zeros_like(X), np.zeros_like(W)
    for i, j, p, q in np.ndindex(3, 3, 2, 2):
        dX[i + p, j + q] += dY[i, j] * W[p, q]
        dW[p, q] += dY[i, j] * X[i + p, j + q]
    expected = {"Y": Y, "A": np.maximum(Y, 0), "dY": dY, "dW": dW, "dX": dX, "db": [dY.sum()]}
    found = derive(*expected, X=X, W=W, b=[-30], dA=G, activation="relu")
    assert isinstance(found, LayerDerivation)
    assert list(found.evaluate()) == list(expected)
    for name, array in found.evaluate().items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


def test_a_separable_layer_has_numbers_under_its_own_names() -> None:
    V, dV = np.zeros((2, 2, 2), int), np.zeros((2, 2, 2), int)
    dP, dX, dD = np.zeros_like(POINT), np.zeros_like(MAPS), np.zeros_like(DEEP)
    for c, i, j, p, q in np.ndindex(2, 2, 2, 2, 2):
        V[c, i, j] += MAPS[c, i + p, j + q] * DEEP[c, p, q]
    for o, c, i, j in np.ndindex(3, 2, 2, 2):
        dV[c, i, j] += ABOVE[o, i, j] * POINT[o, c]
        dP[o, c] += ABOVE[o, i, j] * V[c, i, j]
    for c, i, j, p, q in np.ndindex(2, 2, 2, 2, 2):
        dX[c, i + p, j + q] += dV[c, i, j] * DEEP[c, p, q]
        dD[c, p, q] += dV[c, i, j] * MAPS[c, i + p, j + q]
    b = np.array([1, 0, -2])
    Y = reference_layers.separable_forward(MAPS[None], DEEP, POINT, b, stride=1)[0]
    expected = {"V": V, "Y": Y, "dPointwise": dP, "dV": dV, "db": ABOVE.sum((1, 2))}
    expected |= {"dDepthwise": dD, "dX": dX}
    found = derive("V", "Y", "dP", "dD", "dX", "dV", "db", X=MAPS, b=b, dY=ABOVE, **SEPARABLE)
    values = found.evaluate()
    assert values.keys() == expected.keys()
    for name, array in values.items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)
    assert found["dD[1,0,1]"].value == dD[1, 0, 1]
    assert found["dV", (1, 0, 1)].value == dV[1, 0, 1]
    assert derive("dP[2,1]", X=MAPS, dY=ABOVE, **SEPARABLE).evaluate() == {
        "dPointwise[2,1]": dP[2, 1]
    }


def test_what_passes_back_needs_no_input() -> None:
    """dV and dD's upstream come from dY and the pointwise filter alone."""
    layer = {**SHAPES, "pointwise": POINT, "dY": ABOVE}
    dV = np.einsum("oij,oc->cij", ABOVE, POINT)
    np.testing.assert_array_equal(derive("dV", **layer).evaluate()["dV"], dV)
    assert (
        derive("dD[0,0,0]", X=MAPS, **layer)["dD[0,0,0]"].value == (dV[0] * MAPS[0, :2, :2]).sum()
    )
    with pytest.raises(ConvgradError, match="dDepthwise needs numbers for X"):
        derive("dD", **layer).evaluate()


@pytest.mark.parametrize("mode", ["nearest", "zeros"])
def test_upsampling_and_its_gradient(mode: str) -> None:
    x = np.arange(1, 13).reshape(2, 3, 2)
    Y = reference_layers.upsample(x, (2, 3), mode)
    dY = np.random.default_rng(7).integers(-9, 10, Y.shape)
    units = np.eye(x.size, dtype=int).reshape(-1, *x.shape)
    dX = [(reference_layers.upsample(unit, (2, 3), mode) * dY).sum() for unit in units]
    found = derive("Y", "dX", layer="upsample", upsample=mode, stride=(2, 3), X=x, dY=dY)
    values = found.evaluate()
    np.testing.assert_array_equal(values["Y"], Y)
    np.testing.assert_array_equal(values["dX"].reshape(-1), dX)


def test_transforms_have_numbers() -> None:
    names = ["rot90", "scale2"]
    maps = [
        reference_layers.same_convolution(
            X[None, None], reference_layers.transformed(name, W[None, None])
        )[0, 0]
        for name in names
    ]
    found = derive("Y", X=X, W=W, transforms=names, padding="same")
    np.testing.assert_array_equal(found.evaluate()["Y"], np.stack(maps))


def test_several_stages_are_used_like_one() -> None:
    every = derive(**SHAPES)
    assert isinstance(every, LayerDerivation)
    assert [str(every[i]) for i in range(len(every))] == [str(each) for each in every]
    assert str(every[-1]) == "∂L/∂X_{2,3,3} = ∂L/∂V_{2,2,2}·D_{2,1,2,2}"
    assert every["dX[1,2,2]"].name == "dX[1,2,2]"
    assert every["dD", (1, 0, 1)].name == "dDepthwise[1,0,1]"
    assert isinstance(every["dP"], Derivation)
    assert len(every["dP"]) == 6
    assert every.term_count == sum(len(list(each.terms)) for each in every)
    assert set(every.parts) == {"depthwise_derivation", "pointwise_derivation"}
    assert repr(derive("V[0,0,1]", "dP", **SHAPES)) == (
        "<derivation of V[0,0,1], dPointwise: 7 equations, slides notation>"
    )
    plain = derive("dX[1,2,2]", **SHAPES).with_notation("plain")
    assert str(plain) == "dL/dX[1,2,2] = dL/dV[1,1,1]*D[1,1,1]"
    assert every._repr_latex_().startswith("\\begin{align*}\n\\frac{\\partial L}{\\partial P")
    with pytest.raises(IndexError, match="43 equations"):
        every[43]


def test_the_order_is_that_of_the_pass() -> None:
    layer: dict[str, Any] = {"input_shape": (2,), "filter_shape": (1,), "activation": "relu"}
    found = derive("dX", "A", "dY", "Y", **layer)
    assert [each.name for each in found] == [
        "Y[0]", "Y[1]", "A[0]", "A[1]", "dY[0]", "dY[1]", "dX[0]", "dX[1]",
    ]  # fmt: skip


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no activation": ({"layer": "activation", "input_shape": (2,)}, "Which activation is it?"),
    "a misspelt one": ({"layer": "activation", "activation": "rleu", "input_shape": (2,)},
                       "did you mean 'relu'"),
    "dY after sigma": ({"X": X, "W": W, "dY": G, "activation": "relu"},
                       "the gradient from above is dA"),
    "dA without sigma": ({"X": X, "W": W, "dA": G}, "dA is given, but no activation."),
    "dA of a wrong shape": ({"X": X, "W": W, "dA": G[:2], "activation": "relu"},
                            r"dA has the wrong shape.\n  expected  \(3, 3\)"),
    "a bias of a wrong shape": ({"X": X, "W": W, "b": [1, 2]}, "b has the wrong shape"),
    "a filter too many": ({"layer": "upsample", "X": X, "W": W}, "The layer upsample has no W."),
    "another's option": ({"layer": "separable", "X": X, "window": 2, "depthwise": DEEP,
                          "pointwise": POINT},
                         "(?s)separable does not take window.*for the layer maxpool or avgpool"),
    "upsampling's mode": ({"X": X, "W": W, "upsample": "zeros"},
                          "conv does not take upsample"),
    "a slope for nothing": ({"X": X, "W": W, "slope": 0.1}, "--slope is leaky-relu's"),
    "half a separable layer": ({"layer": "separable", "X": MAPS, "depthwise": DEEP},
                               "pointwise is missing.\n  expected  pointwise, or pointwise_shape"),
    "an unknown mode": ({"layer": "upsample", "upsample": "cubic", "X": X}, "Unknown upsampling"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str) -> None:
    keywords, message = BAD[name]
    with pytest.raises(ConvgradError, match=message):
        derive(**keywords)


def test_an_unknown_target_names_the_layers_own() -> None:
    with pytest.raises(ConvgradError, match="V, dDepthwise, dX, Y, dPointwise, dV, db"):
        derive("dQ", **SHAPES)


def test_the_commands_json_holds_what_python_evaluates(convgrad: Convgrad) -> None:
    arguments = ["--layer", "separable", "-x", json.dumps(MAPS.tolist())]
    arguments += ["--depthwise", json.dumps(DEEP.tolist()), "-g", json.dumps(ABOVE.tolist())]
    done = convgrad("derive", *arguments, "--pointwise", json.dumps(POINT.tolist()), "--json")
    read = json.loads(done.stdout)
    found = derive(X=MAPS, dY=ABOVE, **SEPARABLE)
    for field, part in found.parts.items():
        shown = [each["value"] for each in read[field]["equations"]]
        assert shown == [each.value for each in part]


@pytest.mark.parametrize("target", [3, None, ["dX"], X])
def test_a_target_is_a_text(target: Any) -> None:
    with pytest.raises(ConvgradError, match="A target is a text"):
        derive(target, input_shape=(3, 3), filter_shape=(2, 2))


@pytest.mark.parametrize("shape", [5, "5,5", (5, -1), (5.5, 5), ()])
def test_a_shape_is_whole_numbers(shape: Any) -> None:
    with pytest.raises(ConvgradError, match="input_shape must be positive whole numbers"):
        derive(input_shape=shape, filter_shape=(2, 2))
