"""Random small layers: the equations against SymPy's derivative and against plain loops."""

from fractions import Fraction
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convgrad_cli import derive
from convgrad_cli.derivation import Derivation
from tests import reference
from tests.derivation.geometries import Layer, Pool, convolutions, pools

FEW = settings(max_examples=30, deadline=None, derandomize=True)
SOME = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def traced(layer: Layer, *targets: str, **arrays: Any) -> Derivation:
    dims = len(layer.x_shape) - 2
    return derive(
        *targets,
        input_shape=layer.x_shape,
        filter_shape=layer.w_shape,
        dims=dims,
        notation="plain",
        **layer.options,
        **arrays,
    )


def symbols(name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """An array of symbols, named as the plain notation's expressions are."""
    found = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        found[index] = sympy.Symbol("_".join([name, *map(str, index)]))
    return found


def forward_in_symbols(layer: Layer) -> tuple[Any, Any, Any, Any]:
    """X, W, b and Y of symbols; Y by its definition: pad, slide, multiply, add."""
    x, w, b = (
        symbols("X", layer.x_shape),
        symbols("W", layer.w_shape),
        symbols("b", layer.w_shape[:1]),
    )
    o = layer.options
    padded = np.pad(x, [(0, 0), (0, 0), *o["padding"]], constant_values=sympy.Integer(0))
    per_group, filters = layer.w_shape[1], layer.w_shape[0] // o["groups"]
    extents = [d * (k - 1) + 1 for k, d in zip(layer.w_shape[2:], o["dilation"], strict=True)]
    out = [
        (size - extent) // s + 1
        for size, extent, s in zip(padded.shape[2:], extents, o["stride"], strict=True)
    ]
    y = np.empty((x.shape[0], w.shape[0], *out), dtype=object)
    for n, k, *place in np.ndindex(*y.shape):
        total = b[k]
        for c, *at in np.ndindex(*w.shape[1:]):
            where = [
                i * s + p * d
                for i, s, p, d in zip(place, o["stride"], at, o["dilation"], strict=True)
            ]
            total += padded[(n, k // filters * per_group + c, *where)] * w[(k, c, *at)]
        y[(n, k, *place)] = total
    return x, w, b, y


@FEW
@given(convolutions(most_places=12), st.data())
def test_equations_are_sympys_derivatives(layer: Layer, data: st.DataObject) -> None:
    x, w, b, y = forward_in_symbols(layer)
    dy = symbols("dL_dY", y.shape)
    loss = sympy.Add(*(a * z for a, z in zip(dy.flat, y.flat, strict=True)))
    derivation = traced(layer, "dW", "dX", "db", "Y", with_bias=True)
    for target, array in (("dX", x), ("dW", w), ("db", b)):
        index = tuple(data.draw(st.integers(0, size - 1)) for size in array.shape)
        equation = derivation[target, index]
        expected = sympy.diff(loss, array[index])
        assert sympy.expand(equation.to_sympy() - expected) == 0
        assert sympy.sympify(equation.expression) == equation.to_sympy()
    index = tuple(data.draw(st.integers(0, size - 1)) for size in y.shape)
    assert sympy.expand(derivation["Y", index].to_sympy() - y[index]) == 0


@SOME
@given(convolutions(), st.integers(0, 2**32))
def test_numbers_are_those_of_plain_loops(layer: Layer, seed: int) -> None:
    random = np.random.default_rng(seed)
    X, W = (random.integers(-9, 10, shape) for shape in (layer.x_shape, layer.w_shape))
    b = random.integers(-9, 10, layer.w_shape[0])
    Y = reference.conv_forward(X, W, b, **layer.options)
    dY = random.integers(-9, 10, Y.shape)
    dX, dW, db = reference.conv_backward(X, W, dY, **layer.options)
    found = traced(layer, "Y", "dW", "dX", "db", X=X, W=W, b=b, dY=dY).evaluate()
    for name, expected in (("Y", Y), ("dX", dX), ("dW", dW), ("db", db)):
        assert found[name].dtype.kind == "i"
        np.testing.assert_array_equal(found[name], expected)


@SOME
@given(convolutions())
def test_term_counts_are_the_closed_form(layer: Layer) -> None:
    """Every pair (output, filter place) whose input place is real is one term of Y, dW and dX."""
    o = layer.options
    axes = zip(
        layer.x_shape[2:], layer.w_shape[2:], o["stride"], o["padding"], o["dilation"], strict=True
    )
    along, outputs = 1, 1
    for size, kernel, s, (before, after), d in axes:
        out = (size + before + after - d * (kernel - 1) - 1) // s + 1
        outputs *= out
        along *= sum(
            max(
                0,
                min(out - 1, (size - 1 + before - p * d) // s)
                - max(0, -((p * d - before) // s))
                + 1,
            )
            for p in range(kernel)
        )
    batch = layer.x_shape[0]
    expected = batch * layer.w_shape[0] * layer.w_shape[1] * along
    outputs *= batch * layer.w_shape[0]
    for target, count in (
        ("dW", expected), ("dX", expected), ("db", outputs), ("Y", expected + outputs),
    ):  # fmt: skip
        derivation = traced(layer, target, with_bias=True)
        assert derivation.term_count == count
        assert sum(len(list(equation.terms)) for equation in derivation) == count


@SOME
@given(convolutions())
def test_terms_stand_in_the_order_of_the_outputs(layer: Layer) -> None:
    for equation in traced(layer, "dW", "dX", "db"):
        outputs = [term.upstream for term in equation.terms]
        assert outputs == sorted(outputs)  # type: ignore[type-var]
        assert len(set(outputs)) == len(outputs)


@SOME
@given(pools(), st.sampled_from(["first", "last", "split"]), st.integers(0, 2**32))
def test_max_pools_are_those_of_plain_loops(pool: Pool, ties: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    X = random.integers(-2, 3, pool.x_shape)  # few values, so that ties are common
    Y, _ = reference.max_pool(X, pool.window, ties=ties, **pool.options)
    dY = random.integers(-9, 10, Y.shape)
    expected = reference.max_pool_backward(X, dY, pool.window, ties=ties, **pool.options)
    derivation = derive(
        "Y", "dX", layer="maxpool", X=X, dY=dY, window=pool.window, ties=ties,
        dims=len(pool.window), **pool.options,
    )  # fmt: skip
    found = derivation.evaluate()
    np.testing.assert_array_equal(found["Y"], Y)
    np.testing.assert_allclose(found["dX"], np.asarray(expected, dtype=float), rtol=0, atol=1e-12)


@SOME
@given(pools(), st.booleans(), st.integers(0, 2**32))
def test_average_pools_are_those_of_plain_loops(pool: Pool, counted: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    X = random.integers(-9, 10, pool.x_shape)
    options = pool.options | {"count_include_pad": counted}
    Y = reference.avg_pool(X, pool.window, **options)
    dY = random.integers(-9, 10, Y.shape)
    derivation = derive(
        "Y", "dX", layer="avgpool", X=X, dY=dY, window=pool.window, dims=len(pool.window), **options
    )
    found = derivation.evaluate()
    expected = reference.avg_pool_backward(X, dY, pool.window, **options)
    np.testing.assert_allclose(found["Y"], np.asarray(Y, dtype=float), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["dX"], np.asarray(expected, dtype=float), rtol=0, atol=1e-12)
    assert sum(len(list(e.terms)) for e in derivation["dX"]) == derivation["dX"].term_count


def test_an_average_of_floats() -> None:
    X = np.array([[0.5, 1.25, -3.0], [2.0, 0.125, 7.5], [1.0, 1.0, 4.0]])
    derivation = derive("Y", "dX", layer="avgpool", X=X, dY=[[4.5]], window=3)
    found = derivation.evaluate()
    assert found["Y"].tolist() == [[X.sum() / 9]]
    assert found["dX"].tolist() == [[0.5] * 3] * 3


def test_an_average_pools_fraction_is_exact() -> None:
    derivation = derive("dX[1,1]", layer="avgpool", input_shape=(3, 3), window=3)
    (term,) = derivation[0].terms
    assert term.coefficient == Fraction(1, 9)
    assert derivation[0].to_sympy() == sympy.Rational(1, 9) * sympy.Symbol("dL_dO11")


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.float16, np.float32])
def test_numbers_do_not_wrap(dtype: Any) -> None:
    X = np.full((3, 3), 120, dtype=dtype)
    W, dY = np.full((2, 2), 100, dtype=dtype), np.full((2, 2), 110, dtype=dtype)
    found = derive("dW", "dX", "Y", X=X, W=W, dY=dY).evaluate()
    assert found["Y"].tolist() == [[48_000, 48_000]] * 2
    assert found["dX"].tolist()[1][1] == 44_000
    assert found["dW"].tolist() == [[52_800, 52_800]] * 2


def test_three_dimensions() -> None:
    options = {
        "stride": [1, 2, 1],
        "padding": [(1, 0), (0, 0), (1, 1)],
        "dilation": [1, 1, 2],
        "groups": 1,
    }
    layer = Layer((2, 2, 3, 4, 5), (3, 2, 2, 1, 3), options)
    random = np.random.default_rng(3)
    X, W = (random.integers(-9, 10, shape) for shape in (layer.x_shape, layer.w_shape))
    Y = reference.conv_forward(X, W, **layer.options)
    dY = random.integers(-9, 10, Y.shape)
    dX, dW, _ = reference.conv_backward(X, W, dY, **layer.options)
    found = traced(layer, "Y", "dW", "dX", X=X, W=W, dY=dY).evaluate()
    for name, expected in (("Y", Y), ("dX", dX), ("dW", dW)):
        np.testing.assert_array_equal(found[name], expected)


def test_every_element_of_a_result_is_derived_once() -> None:
    options = {"stride": [1], "padding": [(1, 0)], "dilation": [1], "groups": 2}
    layer = Layer((2, 4, 3), (2, 2, 2), options)
    indices = [equation.index for equation in traced(layer, "dX")]
    assert indices == list(product(range(2), range(4), range(3)))
    assert len(indices) == prod(layer.x_shape)
