"""``check`` of activations, alone and after a convolution."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import conv_backward, conv_forward
from convgrad_cli.check import check_arrays, check_function, check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.catalogue_activation import ACTIVATION_ROWS
from convgrad_cli.check.pointwise import PLAIN
from convgrad_cli.check.suggest import bundle_of, suggested
from convgrad_cli.errors import ConvgradError
from convgrad_cli.layers import activation as layers
from tests.check import mutants
from tests.check.mutants_activation import LOCAL, SIGMA, VALUE, each
from tests.check.test_check_mutants import (
    GROUPED,
    PADDED,
    STRIDED,
    conv_arrays,
    layer,
    options,
)
from tests.check.test_check_mutants import (
    PLAIN as PLAIN_LAYER,
)

NAMES = tuple(SIGMA)
SHAPES = {1: (7,), 2: (3, 4), 3: (2, 3, 4), 4: (2, 3, 2, 3), 5: (2, 2, 1, 2, 3)}


def z_and_dA(rank: int = 2, dtype: Any = np.float64) -> tuple[Any, Any]:
    rng = np.random.default_rng(rank)
    Z = rng.normal(size=SHAPES[rank]) * 2
    Z.flat[1] = 0.0
    return Z.astype(dtype), rng.normal(size=SHAPES[rank]).astype(dtype)


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


def check(name: str, Z: Any, dA: Any = None, **more: Any) -> Any:
    return check_arrays(Z, dA=dA, layer="activation", activation=name, **more)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rank", [1, 2, 4])
@pytest.mark.parametrize(
    ("name", "id", "local"), LOCAL, ids=[f"{n}-{i}-{k}" for k, (n, i, _) in enumerate(LOCAL)]
)
def test_a_planted_mistake_of_dZ_is_named(name, id, local, rank, dtype) -> None:
    Z, dA = z_and_dA(rank, dtype)
    report = check(name, Z, dA, dZ=each(local, Z, dA).astype(dtype))
    assert report.verdict == "wrong"
    assert (id,) in named(report, "dZ"), str(report)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "id", "value"), VALUE, ids=[f"{n}-{i}-{k}" for k, (n, i, _) in enumerate(VALUE)]
)
def test_a_planted_mistake_of_A_is_named(name, id, value, dtype) -> None:
    Z, _ = z_and_dA(3, dtype)
    report = check(name, Z, A=each(value, Z).astype(dtype))
    assert report.verdict == "wrong"
    assert (id,) in named(report, "A"), str(report)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.integers(1, 5),
    st.lists(st.floats(-60, 60, width=32), min_size=4, max_size=12),
    st.sampled_from([np.float32, np.float64]),
)
def test_the_right_arrays_are_never_accused(name, rank, numbers, dtype) -> None:
    shape = SHAPES[rank]
    Z = np.resize(np.array(numbers), shape).astype(dtype)
    dA = np.random.default_rng(1).normal(size=shape).astype(dtype)
    value, slope = SIGMA[name]
    right = {"A": each(value, Z), "dZ": each(lambda z, d: d * slope(z), Z, dA)}
    rounded = {key: array.astype(dtype) for key, array in right.items()}
    report = check(name, Z, dA, **rounded)
    assert report, str(report)


@pytest.mark.parametrize("name", NAMES)
def test_a_naive_float32_formula_is_right(name) -> None:
    """As a user would write it, in single precision throughout."""
    Z, dA = z_and_dA(4, np.float32)
    one = np.float32(1)
    s = one / (one + np.exp(-Z))
    t = np.tanh(Z)
    naive = {
        "relu": dA * (Z > 0),
        "leaky-relu": dA * np.where(Z > 0, one, np.float32(0.01)),
        "sigmoid": dA * s * (one - s),
        "tanh": dA * (one - t * t),
        "softplus": dA * s,
        "silu": dA * (s + Z * s * (one - s)),
        "identity": dA,
    }
    if name in naive:
        assert naive[name].dtype == np.float32
        assert check(name, Z, dA, dZ=naive[name])


def test_integers_stay_exact() -> None:
    Z, dA = np.array([[3, -1, 0]]), np.array([[5, 7, 9]])
    assert check("relu", Z, dA, dZ=np.array([[5, 0, 0]]), A=np.array([[3, 0, 0]]))
    report = check("relu", Z, dA, dZ=np.array([[5, 0, 9]]))
    assert named(report, "dZ") == [("A5",)]
    assert "relu has no derivative at 0" in report.gradients["dZ"].notes[0]


def test_the_approximation_is_named_with_its_size() -> None:
    Z, dA = np.linspace(-3, 3, 13), np.ones(13)
    from tests.check.mutants_activation import gelu, gelu_tanh

    wrong = each(gelu_tanh, Z)
    (diagnosis,) = check("gelu", Z, dA, A=wrong).gradients["A"].diagnosis
    size = float(np.abs(wrong - each(gelu, Z)).max())
    assert f"(off by at most {size:.1e} here)" in diagnosis.text
    assert "tanh approximation" in diagnosis.text


def test_another_slope_is_checked_against() -> None:
    Z, dA = z_and_dA()
    right = np.where(Z > 0, dA, 0.3 * dA)
    assert check("leaky-relu", Z, dA, slope=0.3, dZ=right)
    report = check("leaky-relu", Z, dA, dZ=right)
    assert "the slope 0.3 below 0 instead of 0.01" in report.gradients["dZ"].diagnosis[0].text


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_formulas_are_the_layers(name) -> None:
    """Two implementations of every σ and σ′, held against each other."""
    z = np.linspace(-20, 20, 401)
    chosen = layers.activation(name)
    assert np.allclose(PLAIN[name].value(z), layers.forward(chosen, z), rtol=1e-9, atol=1e-12)
    assert np.allclose(PLAIN[name].slope(z), layers.derivative(chosen, z), rtol=1e-9, atol=1e-12)


def test_equations_stand_side_by_side_where_they_can_be_written() -> None:
    Z, dA = np.array([1.5, -2.0]), np.array([1.0, 3.0])
    sigma = SIGMA["sigmoid"][0]
    report = check("sigmoid", Z, dA, dZ=each(lambda z, d: d * sigma(z), Z, dA), symbolic=True)
    (equation,) = report.gradients["dZ"].equations
    assert (equation.right, equation.mistaken) == ("∂L/∂A1·σ′(O1)", "∂L/∂A1·σ(O1)")
    unwritten = check("sigmoid", Z, dA, dZ=dA * Z * (1 - Z), symbolic=True)
    assert named(unwritten, "dZ") == [("A3",)]
    assert unwritten.gradients["dZ"].equations == []


@pytest.mark.parametrize("name", NAMES)
def test_power_and_its_suggestion(name) -> None:
    arrays = {"X": np.arange(1.0, 7.0).reshape(2, 3), "dA": np.ones((2, 3))}
    problem = problem_for("activation", arrays, {}, {"activation": name})
    report = check_power(problem, problem.targets)
    better = suggested(problem)
    again = check_power(better, better.targets)
    assert [row.id for row in again.rows if row.verdict == "hidden"] == []
    assert len([r for r in again.rows if r.verdict == "shown"]) > len(
        [r for r in report.rows if r.verdict == "shown"]
    )
    bundle = bundle_of(better)
    assert (bundle["operation"], bundle["activation"]) == ("activation_backward", name)
    if name == "relu":
        reasons = {row.id: row.reasons for row in report.rows if row.target == "dZ"}
        assert reasons["A5"] == ["z is positive everywhere"]


def test_every_row_is_planted_somewhere() -> None:
    planted = {id for _, id, _ in (*LOCAL, *VALUE)} | {"A10"}  # A10 needs a bias, see below
    assert planted == set(ACTIVATION_ROWS)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({}, "Which activation"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"activation": "relu", "slope": 0.1}, "--slope is leaky-relu's"),
        ({"activation": "relu", "dA": [[1, 2, 3]]}, "wrong shape"),
        ({"activation": "relu", "upsample": "nearest"}, "does not take --upsample"),
        ({"activation": "relu", "dX": [[1, 2]]}, "An activation has no dX"),
    ],
)
def test_what_cannot_be_checked_is_refused(keywords, words) -> None:
    upstream = {"dA": [[1, 2]]} | keywords
    with pytest.raises(ConvgradError, match=words):
        check_arrays([[1, 2]], layer="activation", dZ=[[1, 2]], **upstream)
    with pytest.raises(ConvgradError, match="dY is missing"):
        check_arrays([[1, 2]], layer="activation", activation="relu", dZ=[[1, 2]])
    with pytest.raises(ConvgradError, match="does not take --slope"):
        check_arrays([[1, 2]], [[1]], [[1, 2]], dX=[[1, 2]], slope=0.1)


# ---- functions


def test_functions_of_an_activation() -> None:
    def relu_backward(dout, cache):
        return dout * (cache > 0)

    def at_zero(dout, cache):
        return dout * (cache >= 0)

    def leaky(Z, dA, slope=0.01):
        return np.where(Z > 0, dA, slope * dA)

    for signature in ("cs231n", "dlai"):
        assert check_function(
            relu_backward, layer="activation", activation="relu", signature=signature
        )
    assert check_function(leaky, layer="activation", activation="leaky-relu", slope=0.2)
    report = check_function(at_zero, layer="activation", activation="relu", signature="cs231n")
    smallest = report.smallest
    assert smallest is not None
    assert smallest.case.name == "z = 0 among them"
    assert [d.mistakes for d in smallest.gradients["dZ"].diagnosis] == [("A5",)]
    for dims in (1, 2, 3):
        assert check_function(leaky, layer="activation", activation="leaky-relu", dims=dims)


def test_a_function_that_overflows_is_caught_on_large_numbers() -> None:
    def tanh_by_exponentials(Z, dA):
        with np.errstate(over="ignore", invalid="ignore"):
            t = (np.exp(Z) - np.exp(-Z)) / (np.exp(Z) + np.exp(-Z))
        return dA * (1 - t**2)

    report = check_function(tanh_by_exponentials, layer="activation", activation="tanh")
    assert [case.case.name for case in report.failures] == ["large |z|"]
    assert report.smallest.gradients["dZ"].nonfinite > 0


# ---- after a convolution


def activated(name: str, spec: Any, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Arrays with dA, and z and σ′(z) by the mutants' own loops."""
    arrays = conv_arrays(spec, dtype)
    Z = mutants.right_y(spec, arrays["X"], arrays["W"], arrays["b"])
    dA = arrays.pop("dY")
    return {**arrays, "dA": dA}, Z, each(SIGMA[name][1], Z)


def gradients(spec: Any, arrays: Any, dY: Any) -> dict[str, Any]:
    return {
        "dX": mutants.right_dx(spec, arrays["W"], dY),
        "dW": mutants.right_dw(spec, arrays["X"], dY),
        "db": dY.sum(axis=(0, *mutants.spatial(spec))),
    }


def check_conv(name: str, spec: Any, arrays: Any, **answers: Any) -> Any:
    return check_arrays(**arrays, **answers, activation=name, groups=spec.groups, **options(spec))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("spec", [PLAIN_LAYER, STRIDED, PADDED, GROUPED], ids=str)
@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_right_gradients_through_an_activation_pass(name, spec, dims, dtype) -> None:
    """z summed naively in the dtype; 40 seeds' worth of z near a kink must not be accused."""
    made = layer(dims, **spec)
    arrays, Z, slope = activated(name, made, dtype)
    assert Z.dtype == dtype
    dZ = (arrays["dA"] * slope).astype(dtype)
    A = each(SIGMA[name][0], Z).astype(dtype)
    report = check_conv(name, made, arrays, **gradients(made, arrays, dZ), dZ=dZ, Y=Z, A=A)
    assert report, str(report)


def test_a_z_that_is_0_up_to_rounding_may_fall_on_either_side() -> None:
    """0.1 + 0.2 − 0.3 is 5.6e-17 or 0 or −2.8e-17, as the sum is taken."""
    X, W = np.array([[0.1, 0.2, 0.3]]), np.array([[1.0, 1.0, -1.0]])
    for side in (0.0, 1.0):
        report = check_arrays(
            X, W, dA=[[2.0]], activation="relu", dX=2.0 * side * W, dZ=[[2.0 * side]]
        )
        assert report, str(report)
        assert "0 up to rounding at 1 position" in report.gradients["dX"].notes[0]
    whole = check_arrays(
        [[1.0, 2.0, 3.0]], W, dA=[[2.0]], activation="relu", dX=2.0 * W, dZ=[[2.0]]
    )
    assert ("A5",) in named(whole, "dX")
    assert ("A5",) in named(whole, "dZ")


LEFT_OUT = [("relu", "dX"), ("sigmoid", "dW"), ("tanh", "db"), ("gelu", "dX"), ("silu", "dZ")]


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize(("name", "target"), LEFT_OUT)
def test_a_derivative_left_out_is_named_in_every_gradient(name, target, dims) -> None:
    spec = layer(dims, **PADDED)
    arrays, _, _ = activated(name, spec)
    wrong = {**gradients(spec, arrays, arrays["dA"]), "dZ": arrays["dA"]}[target]
    report = check_conv(name, spec, arrays, **{target: wrong})
    assert ("A1",) in named(report, target), str(report)


def test_a_derivative_at_A_and_one_before_the_bias_are_named() -> None:
    spec = layer(2)
    arrays, Z, _ = activated("tanh", spec)
    at_A = arrays["dA"] * (1 - np.tanh(np.tanh(Z)) ** 2)
    assert ("A3",) in named(
        check_conv("tanh", spec, arrays, dW=mutants.right_dw(spec, arrays["X"], at_A)), "dW"
    )
    bare = Z - arrays["b"].reshape(1, -1, 1, 1)
    early = arrays["dA"] * (1 - np.tanh(bare) ** 2)
    assert ("A10",) in named(
        check_conv("tanh", spec, arrays, dX=mutants.right_dx(spec, arrays["W"], early)), "dX"
    )
    A = np.tanh(bare) + arrays["b"].reshape(1, -1, 1, 1)
    assert ("A10",) in named(check_conv("tanh", spec, arrays, A=A), "A")


def _left_out_and_flipped(spec, arrays, Z):
    return "dX", {"A1", "X1"}, mutants.dx_recipe(spec, arrays["W"], arrays["dA"], flip=())


def _left_out_and_uncropped(spec, arrays, Z):
    return "dX", {"A1", "X8"}, mutants.dx_padded(spec, arrays["W"], arrays["dA"])


def _left_out_and_mean(spec, arrays, Z):
    return "dW", {"A1", "W2"}, mutants.right_dw(spec, arrays["X"], arrays["dA"]) / spec.N


def _at_A_and_one_sample(spec, arrays, Z):
    A = each(SIGMA["sigmoid"][0], Z)
    dZ = arrays["dA"] * each(SIGMA["sigmoid"][1], A)
    return "dW", {"A3", "W3"}, mutants.right_dw(spec, arrays["X"], dZ, samples=[0])


def _sigma_and_rotated(spec, arrays, Z):
    dZ = arrays["dA"] * each(SIGMA["sigmoid"][0], Z)
    dW = mutants.right_dw(spec, arrays["X"], dZ)
    return "dW", {"A2", "W1"}, np.flip(dW, mutants.spatial(spec))


def _left_out_and_axes(spec, arrays, Z):
    return "db", {"A1", "B2"}, arrays["dA"].sum(axis=mutants.spatial(spec))


def _true_convolution(spec, arrays, Z):
    Y = mutants.right_y(spec, arrays["X"], np.flip(arrays["W"], mutants.spatial(spec)), arrays["b"])
    return "A", {"F1"}, each(SIGMA["sigmoid"][0], Y)


PAIRS = [
    _left_out_and_flipped,
    _left_out_and_uncropped,
    _left_out_and_mean,
    _at_A_and_one_sample,
    _sigma_and_rotated,
    _left_out_and_axes,
    _true_convolution,
]


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("make", PAIRS)
def test_a_mistake_of_each_stage_at_once_is_named(make, dims) -> None:
    spec = layer(dims, **PADDED)
    arrays, Z, _ = activated("sigmoid", spec)
    target, ids, wrong = make(spec, arrays, Z)
    report = check_conv("sigmoid", spec, arrays, **{target: wrong})
    assert ids in [set(found) for found in named(report, target)], str(report)


def test_the_convolutions_own_mistakes_are_still_named() -> None:
    spec = layer(2, **STRIDED)
    arrays, _, slope = activated("silu", spec)
    dZ = arrays["dA"] * slope
    report = check_conv("silu", spec, arrays, dX=mutants.dx_recipe(spec, arrays["W"], dZ, flip=()))
    assert ("X1",) in named(report, "dX")
    symbolic = check_arrays(
        **arrays,
        dX=mutants.dx_recipe(spec, arrays["W"], dZ, flip=()),
        activation="silu",
        symbolic=True,
        **options(spec),
    )
    assert symbolic.gradients["dX"].equations


def test_a_large_layer_is_diagnosed_on_a_part_of_it() -> None:
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(4, 24, 40, 40)), rng.normal(size=(24, 24, 3, 3)) / 15
    dA = rng.normal(size=(4, 24, 38, 38))
    Y = conv_forward(X, W)
    dZ = dA * each(SIGMA["tanh"][1], Y)
    right = conv_backward(X, W, dZ)
    flipped = conv_backward(X, W[..., ::-1, ::-1], dA)
    report = check_arrays(
        X, W, dA=dA, dW=right.dW[..., ::-1, ::-1], dX=flipped.dX, activation="tanh"
    )
    assert named(report, "dW") == [("W1",)]
    assert {"A1", "X1"} in [set(ids) for ids in named(report, "dX")]
    assert "windows along each axis" in report.gradients["dX"].tried
    forgetful = check_arrays(X, W, dA=dA, dW=conv_backward(X, W, dA).dW, activation="tanh")
    assert named(forgetful, "dW") == [("A1",)]
    assert "on a part of the layer (filters" in forgetful.gradients["dW"].tried
    assert check_arrays(X, W, dA=dA, dX=right.dX, dW=right.dW, activation="tanh")


def test_functions_of_a_convolution_with_an_activation() -> None:
    def backward(X, W, b, dA, stride=1, padding=0):
        Z = conv_forward(X, W, b, stride=stride, padding=padding)
        return conv_backward(X, W, dA * (Z > 0), stride=stride, padding=padding)

    def forgetful(X, W, b, dA, stride=1, padding=0):
        return conv_backward(X, W, dA, stride=stride, padding=padding)

    report = check_function(backward, activation="relu")
    assert report, str(report)
    assert report.passed == 9
    smallest = check_function(forgetful, activation="relu").smallest
    assert smallest is not None
    assert ("A1",) in [d.mistakes for d in smallest.gradients["dX"].diagnosis]


def test_power_of_a_convolution_with_an_activation() -> None:
    X, W = np.arange(1.0, 10.0).reshape(3, 3), np.array([[1.0, 2.0], [4.0, 3.0]])
    arrays = {"X": X, "W": W, "b": np.array([1.0])}
    arrays["dA"] = np.array([[1.0, 2.0], [4.0, 3.0]])
    problem = problem_for("conv", arrays, {}, {"activation": "relu"})
    rows = {(row.id, row.target): row for row in check_power(problem).rows}
    assert rows["A1", "dX"].reasons == ["z is positive everywhere"]
    assert rows["A1", "dX"].suggestion
    assert ("A6", "dX") not in rows
    assert rows["X5", "dX"].reasons == ["the stride is 1"]
    better = suggested(problem)
    assert math.isfinite(float(np.abs(better.Z).max()))
    bundle = bundle_of(better)
    assert bundle["activation"] == "relu"
