"""The further layers' equations: against sympy.diff of a loss built from plain loops, and against
the numeric layers."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

from convgrad_cli.derivation import Derivation, notation_named
from convgrad_cli.derivation.activation import trace_activation
from convgrad_cli.derivation.dense import TracedDense, TracedFlatten, TracedUpsample
from convgrad_cli.derivation.model import Frame
from convgrad_cli.derivation.transforms import TracedTransforms
from convgrad_cli.derivation.transposed import TracedTransposed
from convgrad_cli.derivation.vectorize import filter_matrix, toeplitz_matrix, window_matrix
from convgrad_cli.geometry import ArrayLayout, plan_conv
from convgrad_cli.geometry.transforms import TRANSFORMS, plan_transforms
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers import activation as act
from convgrad_cli.layers import dense, transforms, transposed, upsample, vectorize
from tests import reference_layers


def derived(traced, targets, values=None, notation="plain"):
    from convgrad_cli.derivation.derivation import canonical

    return Derivation.of(traced, targets, notation_named(notation), canonical(traced, values or {}))


def symbols(derivation, role):
    """An array of the symbols that the equations use for an array's entries (canonical axes)."""
    frame = derivation.traced.frames[role]
    writer = derivation.writer("expression")
    found = np.empty(frame.shape, dtype=object)
    for index in np.ndindex(*frame.shape):
        found[index] = sympy.Symbol(writer.entry(role, index))
    return found


def upstream(derivation):
    role = derivation.traced.upstream
    frame = derivation.traced.frames[role]
    writer = derivation.writer("expression")
    found = np.empty(frame.shape, dtype=object)
    for index in np.ndindex(*frame.shape):
        found[index] = sympy.Symbol(writer.gradient(role, index))
    return found


def check_against(derivation, Y, arrays):
    """Every equation is the derivative of Σ dY·Y, and reads back from its own text."""
    loss = sum((upstream(derivation) * Y).reshape(-1))
    checked = 0
    for equation in derivation:
        got = equation.to_sympy()
        if equation.is_forward:
            expected = Y[equation.index]
        else:
            expected = sympy.diff(loss, arrays[equation.role][equation.index])
        assert sympy.expand(got - expected) == 0, equation
        assert sympy.sympify(equation.expression) == got
        checked += 1
    assert checked == len(derivation) > 0
    for target in derivation.traced.targets:
        listed = sum(len(list(equation.terms)) for equation in derivation[target])
        assert derivation.traced.count(target) == listed, target


TRANSPOSED = [
    ((2, 2, 3), (2, 2, 2, 2), {"stride": [2, 1], "padding": [(0, 0), (1, 0)]}),
    ((1, 2, 2, 2), (2, 1, 2, 2), {"stride": [1, 2], "groups": 2, "dilation": [2, 1]}),
    ((2, 1, 3), (1, 2, 3), {"stride": [2], "padding": [(1, 2)], "output_padding": [1]}),
    ((1, 1, 2), (1, 1, 2), {"dilation": [3], "output_padding": [2], "padding": [(0, 1)]}),
]


def transposed_options(dims, options):
    plain = {
        "stride": [1] * dims,
        "padding": [(0, 0)] * dims,
        "dilation": [1] * dims,
        "output_padding": [0] * dims,
        "groups": 1,
    }
    return {**plain, **options}


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), TRANSPOSED)
def test_transposed_equations_are_the_derivatives(x_shape, w_shape, options):
    dims = len(w_shape) - 2
    plan = plan_transposed(x_shape, w_shape, dims=dims, **options)
    derivation = derived(TracedTransposed(plan, bias=True), ["Y", "dW", "dX", "db"])
    arrays = {role: symbols(derivation, role) for role in ("X", "W", "b")}
    Y = reference_layers.transposed_forward(
        arrays["X"], arrays["W"], arrays["b"], **transposed_options(dims, options)
    )
    check_against(derivation, Y, arrays)


@pytest.mark.parametrize(("x_shape", "w_shape", "options"), TRANSPOSED)
def test_transposed_numbers_are_the_layers(x_shape, w_shape, options):
    dims = len(w_shape) - 2
    plan = plan_transposed(x_shape, w_shape, dims=dims, **options)
    rng = np.random.default_rng(1)
    X, W = rng.integers(-9, 10, x_shape), rng.integers(-9, 10, w_shape)
    b = rng.integers(-9, 10, plan.geometry.out_channels)
    Y = transposed.planned_forward(plan, X, W, b)
    dY = rng.integers(-9, 10, Y.shape)
    found = derived(
        TracedTransposed(plan, bias=True),
        ["Y", "dW", "dX", "db"],
        {"X": X, "W": W, "b": b, "dY": dY},
    ).evaluate()
    layer = {"Y": Y, **transposed.planned_backward(plan, X, W, dY)._asdict()}
    assert found.keys() == layer.keys()
    for name, array in layer.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_transposed_terms_are_row_major_over_the_outputs():
    traced = TracedTransposed(plan_transposed((2, 3, 3), (2, 2, 2, 2), stride=2))
    for target, index in (("dW", (1, 0, 1, 0)), ("dX", (0, 1, 2, 1)), ("db", (1,))):
        places = [term.upstream for term in traced.terms(target, index)]
        assert places == sorted(places)
        assert len(places) > 1


def test_transform_equations_are_the_derivatives():
    names = ("rot90", "fliplr", "scale2")
    plan = plan_transforms((2, 3, 3), (1, 2, 2, 2), names, padding="same")
    derivation = derived(TracedTransforms(plan, bias=True), ["Y", "dW", "dX", "db"])
    arrays = {role: symbols(derivation, role) for role in ("X", "W", "b")}
    maps = [
        reference_layers.same_convolution(
            arrays["X"], reference_layers.transformed(name, arrays["W"])
        )
        for name in names
    ]
    Y = np.stack(maps, axis=1) + arrays["b"].reshape(-1, 1, 1)
    check_against(derivation, Y, arrays)


def test_transform_numbers_are_the_layers():
    plan = plan_transforms((2, 2, 5, 4), (3, 2, 3, 3), TRANSFORMS, padding="same", stride=2)
    rng = np.random.default_rng(2)
    X, W = rng.integers(-9, 10, (2, 2, 5, 4)), rng.integers(-9, 10, (3, 2, 3, 3))
    b = rng.integers(-9, 10, 3)
    Y = transforms.planned_forward(plan, X, W, b)
    dY = rng.integers(-9, 10, Y.shape)
    traced = TracedTransforms(plan, bias=True)
    given = {"X": X, "W": W, "b": b, "dY": dY}
    found = derived(traced, ["Y", "dW", "dX", "db"], given).evaluate()
    got = transforms.planned_backward(plan, X, W, dY)
    for name, array in (("Y", Y), ("dX", got.dX), ("dW", got.dW), ("db", got.db)):
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    places = [term.upstream for term in traced.terms("dW", (1, 0, 1, 2))]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sigmoid", lambda z: 1 / (1 + sympy.exp(-z))),
        ("tanh", sympy.tanh),
        ("softplus", lambda z: sympy.log(1 + sympy.exp(z))),
        ("gelu", lambda z: z * (1 + sympy.erf(z / sympy.sqrt(2))) / 2),
        ("silu", lambda z: z / (1 + sympy.exp(-z))),
    ],
)
def test_activation_equation_is_the_chain_rule(name, formula):
    """∂L/∂z of L = Σ dA·σ(z), with sympy's own σ′ for σ′, and its number by the numeric layer."""
    frame = Frame((2, 2), "ss", ArrayLayout((0, 1), 2))
    chosen = act.activation(name)
    z, dA = np.array([[0.5, -1.25], [2.0, -0.75]]), np.array([[2.0, -3.0], [1.5, 4.0]])
    traced = trace_activation(
        name,
        frame,
        lambda v: act.forward(chosen, np.array(v)).item(),
        lambda v: act.derivative(chosen, np.array(v)).item(),
    )
    derivation = derived(traced, ["A", "dY"], {"Y": z, "dA": dA})
    argument = sympy.Symbol("z")
    slope = sympy.diff(formula(argument), argument)
    Y = symbols(derivation, "Y")
    loss = sum((upstream(derivation) * np.vectorize(formula, otypes=[object])(Y)).reshape(-1))
    for equation in derivation["dY"]:
        got = equation.to_sympy().replace(
            sympy.Function("sigma_prime"), lambda at: slope.subs(argument, at)
        )
        assert sympy.simplify(got - sympy.diff(loss, Y[equation.index])) == 0
        assert sympy.sympify(equation.expression) == equation.to_sympy()
    found = derivation.evaluate()
    np.testing.assert_array_equal(found["dY"], act.grad_input(chosen, z, dA))
    np.testing.assert_array_equal(found["A"], act.forward(chosen, z))
    assert traced.count("dY") == 4


def test_activation_in_the_lectures_notations():
    frame = Frame((2, 2), "ss", ArrayLayout((0, 1), 2))
    traced = trace_activation("relu", frame)
    assert str(derived(traced, ["dY[1,0]"], notation="slides")) == "∂L/∂O21 = ∂L/∂A21·σ′(O21)"
    assert str(derived(traced, ["dY[1,0]"], notation="diba")) == "dz(1,0) = dq(1,0)·σ′(z(1,0))"
    assert str(derived(traced, ["A[1,0]"], notation="plain")) == "A[1,0] = sigma(Y[1,0])"


@pytest.mark.parametrize("x_shape", [(2, 3), (3,)])
def test_dense_equations(x_shape):
    traced = TracedDense(x_shape, (2, 3), bias=True)
    derivation = derived(traced, ["Y", "dW", "dX", "db"])
    arrays = {role: symbols(derivation, role) for role in ("X", "W", "b")}
    check_against(derivation, arrays["X"] @ arrays["W"].T + arrays["b"], arrays)
    rng = np.random.default_rng(3)
    X, W, b = (rng.integers(-9, 10, shape) for shape in (x_shape, (2, 3), 2))
    Y = dense.forward(X, W, b)
    found = derived(traced, ["Y", "dW"], {"X": X, "W": W, "b": b, "dY": Y}).evaluate()
    np.testing.assert_array_equal(found["Y"], Y)
    np.testing.assert_array_equal(found["dW"], dense.backward(X, W, Y).dW)


@pytest.mark.parametrize("mode", ["nearest", "zeros"])
def test_upsampling_equations(mode):
    traced = TracedUpsample((1, 2, 2, 3), (2, 3), mode == "nearest")
    derivation = derived(traced, ["Y", "dX"])
    X = symbols(derivation, "X")
    check_against(derivation, reference_layers.upsample(X, (2, 3), mode), {"X": X})
    values = np.arange(12).reshape(1, 2, 2, 3)
    Y = upsample.nearest(values, (2, 3)) if mode == "nearest" else upsample.zeros(values, (2, 3))
    np.testing.assert_array_equal(derived(traced, ["Y"], {"X": values}).evaluate()["Y"], Y)


@pytest.mark.parametrize("shapes", [((2, 2, 1, 3), (2, 6)), ((2, 3), (6,)), ((2, 2, 2), (8,))])
def test_flatten_equations(shapes):
    derivation = derived(TracedFlatten(*shapes), ["Y", "dX"])
    X = symbols(derivation, "X")
    check_against(derivation, X.reshape(shapes[1]), {"X": X})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stride": 2, "padding": [(1, 0), (0, 1)]},
        {"dilation": 2, "padding": 1},
        {"groups": 2, "stride": (1, 2)},
    ],
)
def test_the_vectorised_symbols_stand_where_the_numbers_do(options):
    groups = options.get("groups", 1)
    rng = np.random.default_rng(4)
    X = rng.permutation(np.arange(1, 81)).reshape(2, 2, 4, 5)
    W = rng.permutation(np.arange(1, 2 * (2 // groups) * 4 + 1)).reshape(2, 2 // groups, 2, 2)
    geometry = plan_conv(X.shape, W.shape, **options).geometry
    view = vectorize.vectorized(X, W, geometry)
    for n in range(2):
        for group in range(groups):
            own = view.Q[n].reshape(groups, -1, *view.Q.shape[2:])[group]
            numbers = own.transpose(1, 0, 2).reshape(own.shape[1], -1)
            matrix = window_matrix(geometry, n, group)
            assert put(matrix, X) == numbers.tolist()
    weights = filter_matrix(geometry, groups - 1)
    last = W.reshape(groups, -1, *W.shape[1:])[-1]
    assert put(weights, W) == last.reshape(len(last), -1).T.tolist()
    assert put(toeplitz_matrix(geometry), W) == vectorize.toeplitz(W, geometry).tolist()


def put(matrix, array):
    return [[0 if at is None else int(array[at]) for at in row] for row in matrix.entries]
