"""Activations: values against 40-digit mathematics, derivatives by the complex step."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from convgrad_cli.errors import ShapeError, UsageError
from convgrad_cli.layers import activation as act

FORMULAS = {
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "softplus": lambda z: mp.log(1 + mp.exp(z)),
    "gelu": lambda z: z * (1 + mp.erf(z / mp.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + mp.exp(-z)),
}
POINTS = [-700.0, -37.5, -6.25, -2.5, -1.2784645, -0.7517916, -0.3, -1e-9, 0.0, 1e-7, 0.5, 1.75]
POINTS += [4.0, 9.5, 36.0, 700.0]


def tolerance(name, z, *, slope):
    """The bounds that the module's text states (relative, absolute)."""
    if name == "gelu":
        return ((z * z + 8) * 3e-16, 5e-16) if slope else ((z * z + 8) * 3e-16, 1e-307)
    return 9e-16, 5e-16 if slope and name == "silu" else 1e-307


@pytest.mark.parametrize("name", FORMULAS)
def test_value_equals_the_formula_in_sixty_digits(name):
    got = act.forward(act.activation(name), np.array(POINTS))
    with mp.workdps(700):
        expected = [float(FORMULAS[name](mp.mpf(z))) for z in POINTS]
    for z, value, wanted in zip(POINTS, got, expected, strict=True):
        relative, absolute = tolerance(name, z, slope=False)
        assert abs(value - wanted) <= relative * abs(wanted) + absolute, (z, value, wanted)


@pytest.mark.parametrize("name", FORMULAS)
def test_derivative_equals_the_complex_step(name):
    """σ′(z) = Im σ(z + ih)/h, with an error of order h² and no cancellation."""
    got = act.derivative(act.activation(name), np.array(POINTS))
    with mp.workdps(700):
        step = mp.mpf(10) ** -300
        expected = [float(mp.im(FORMULAS[name](mp.mpc(z, step))) / step) for z in POINTS]
    for z, value, wanted in zip(POINTS, got, expected, strict=True):
        relative, absolute = tolerance(name, z, slope=True)
        assert abs(value - wanted) <= relative * abs(wanted) + absolute, (z, value, wanted)


@pytest.mark.parametrize(
    ("name", "values", "slopes"),
    [
        ("relu", [0, 0, 5], [0, 0, 1]),
        ("leaky-relu", [-0.03, 0, 5], [0.01, 0.01, 1]),
        ("identity", [-3, 0, 5], [1, 1, 1]),
    ],
)
def test_piecewise_linear_activations(name, values, slopes):
    chosen = act.activation(name)
    z = np.array([-3.0, 0.0, 5.0])
    np.testing.assert_array_equal(act.forward(chosen, z), values)
    np.testing.assert_array_equal(act.derivative(chosen, z), slopes)


def test_leaky_slope_is_the_one_given():
    chosen = act.activation("leaky-relu", slope=0.25)
    z = np.array([-8.0, 2.0])
    np.testing.assert_array_equal(act.forward(chosen, z), [-2.0, 2.0])
    np.testing.assert_array_equal(act.grad_input(chosen, z, np.array([4.0, 4.0])), [1.0, 4.0])


@pytest.mark.parametrize("name", ["relu", "identity"])
def test_integers_beyond_doubles_stay_exact(name):
    z = np.array([2**62 + 1, -(2**62) - 1], dtype=np.int64)
    dA = np.array([2**61 + 3, 2**61 + 5], dtype=np.int64)
    chosen = act.activation(name)
    A, dZ = act.forward(chosen, z), act.grad_input(chosen, z, dA)
    expected_a = [max(v, 0) if name == "relu" else v for v in z.tolist()]
    expected_d = [
        d if name == "identity" or v > 0 else 0
        for v, d in zip(z.tolist(), dA.tolist(), strict=True)
    ]
    assert A.dtype == dZ.dtype == np.int64
    assert A.tolist() == expected_a
    assert dZ.tolist() == expected_d


@pytest.mark.parametrize("name", act.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_and_rounded_once(name, dtype):
    chosen = act.activation(name)
    z = np.array([-2.3, 0.7, 1.9], dtype)
    A = act.forward(chosen, z)
    assert A.dtype == dtype
    np.testing.assert_array_equal(A, act.forward(chosen, z.astype(np.float64)).astype(dtype))
    assert act.grad_input(chosen, z, z).dtype == dtype


@pytest.mark.parametrize("name", act.ACTIVATIONS)
def test_infinities_give_the_limits_and_nan_stays(name):
    chosen = act.activation(name)
    z = np.array([-np.inf, -1e300, 1e300, np.inf, np.nan])
    A, slope = act.forward(chosen, z), act.derivative(chosen, z)
    low = {"tanh": -1.0, "identity": -np.inf, "leaky-relu": -np.inf}.get(name, 0.0)
    high = {"tanh": 1.0, "sigmoid": 1.0}.get(name, np.inf)
    np.testing.assert_array_equal(A[[0, 3]], [low, high])
    low_slope = {"leaky-relu": 0.01, "identity": 1.0}.get(name, 0.0)
    high_slope = {"tanh": 0.0, "sigmoid": 0.0}.get(name, 1.0)
    np.testing.assert_array_equal(slope[:4], [low_slope] * 2 + [high_slope] * 2)
    assert np.isnan(A[4])
    assert np.isnan(slope[4]) or name in ("identity", "leaky-relu")


def test_relu_at_zero_is_noted():
    z = np.array([[1, 0, 2], [0, -1, 0]])
    note = act.kink_note(act.activation("relu"), z)
    assert note == (
        "relu has no derivative at 0, where z is at 3 positions (the first is [0, 1]); "
        "0 is taken there."
    )
    assert act.kink_note(act.activation("relu"), z + 5) is None
    assert act.kink_note(act.activation("tanh"), z) is None
    assert act.kink_note(act.activation("leaky-relu", slope=1), z) is None


def test_unknown_activation_names_the_nearest_word():
    with pytest.raises(UsageError, match="Unknown activation 'leakyrelu'") as caught:
        act.activation("leakyrelu")
    assert "did you mean 'leaky-relu'?" in str(caught.value)


def test_upstream_of_another_shape_is_refused():
    with pytest.raises(ShapeError, match="dA has the wrong shape"):
        act.grad_input(act.activation("relu"), np.ones((2, 3)), np.ones((3, 2)))


def test_onnx_computes_the_same():
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    z = np.random.default_rng(3).normal(scale=3, size=(2, 3, 5)).astype(np.float32)
    nodes = {
        "relu": ("Relu", {}),
        "leaky-relu": ("LeakyRelu", {"alpha": 0.01}),
        "sigmoid": ("Sigmoid", {}),
        "tanh": ("Tanh", {}),
        "softplus": ("Softplus", {}),
        "gelu": ("Gelu", {}),
        "silu": ("Swish", {}),
        "identity": ("Identity", {}),
    }
    assert set(nodes) == set(act.ACTIVATIONS)
    for name, (op, attributes) in nodes.items():
        node = helper.make_node(op, ["z"], ["a"], **attributes)
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, z.shape) for n in "za"]
        graph = helper.make_graph([node], "one", values[:1], values[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)])
        (expected,) = ReferenceEvaluator(model).run(None, {"z": z})
        got = act.forward(act.activation(name), z)
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-7, err_msg=name)


def test_leaky_relu_tells_its_kink_and_the_slope_taken_there():
    chosen = act.activation("leaky-relu", slope=0.25)
    note = act.kink_note(chosen, np.array([[1.0, 0.0], [-2.0, 0.0]]))
    assert note is not None
    assert "leaky-relu has no derivative at 0, where z is at 2 positions" in note
    assert "0.25 is taken there" in note
    assert act.kink_note(act.activation("leaky-relu", slope=1.0), np.zeros((1, 2))) is None
