"""The lectures' further layers against JAX: its layers forward, its automatic differentiation back.

Whole numbers in float64, so that sums of products are exact and must be equal; only activations and
losses have a tolerance. Geometries are drawn at random.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from convgrad_cli.derivation import Derivation, notation_named
from convgrad_cli.derivation.derivation import canonical
from convgrad_cli.derivation.transforms import TracedTransforms
from convgrad_cli.derivation.transposed import TracedTransposed
from convgrad_cli.geometry import plan_conv
from convgrad_cli.geometry.transforms import plan_transforms
from convgrad_cli.geometry.transposed import plan_transposed
from convgrad_cli.layers import activation, dense, strided, upsample, vectorize
from convgrad_cli.layers.activation import ACTIVATIONS
from convgrad_cli.layers.chain import run
from convgrad_cli.layers.chain_spec import read_chain
from convgrad_cli.layers.loss import loss
from convgrad_cli.layers.separable import separable_backward, separable_forward
from convgrad_cli.layers.transforms import transforms_backward, transforms_forward
from convgrad_cli.layers.transposed import transposed_backward, transposed_forward

jax.config.update("jax_enable_x64", True)
FEW = settings(max_examples=5)  # every new shape is compiled anew


def whole(rng, *shape):
    """Whole numbers from -5 to 5; unequal, so that no exchange goes unseen."""
    return rng.integers(-5, 6, shape)


def with_gradients(function, arrays, dY):
    """Y and the gradient of sum(dY * Y) with respect to every array."""
    Y, back = jax.vjp(function, *(jnp.asarray(array, float) for array in arrays))
    return np.asarray(Y), [np.asarray(g) for g in back(jnp.asarray(dY, float))]


def equal(ours, theirs):
    np.testing.assert_array_equal(np.asarray(ours, float), theirs)


@st.composite
def axes(draw, dims):
    """(kernel, stride, padding, dilation, leftover) per dimension."""
    found = []
    for _ in range(dims):
        k, s, d = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(1, 2))
        pads = draw(st.integers(0, k)), draw(st.integers(0, k))
        found.append((k, s, pads, d, draw(st.integers(0, max(s, d) - 1))))
    return [list(each) for each in zip(*found, strict=True)]


@FEW
@given(st.integers(1, 2).flatmap(axes), st.integers(1, 2), st.integers(0, 99))
def test_transposed(drawn, groups, seed):
    kernel, stride, padding, dilation, more = drawn
    rng = np.random.default_rng(seed)
    X, W = whole(rng, 2, 2 * groups, *(4, 3)[: len(kernel)]), whole(rng, 2 * groups, 3, *kernel)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    sides = [
        (r - before, r - after + extra)
        for r, (before, after), extra in zip(reach, padding, more, strict=True)
    ]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "output_padding": more}
    b = whole(rng, 3 * groups)
    spec = ("NCH", "OIH", "NCH") if len(kernel) == 1 else None

    def layer(X, W, b):
        flipped = jnp.flip(W, range(2, W.ndim)).reshape(groups, 2, 3, *kernel).swapaxes(1, 2)
        Y = lax.conv_general_dilated(
            X, flipped.reshape(3 * groups, 2, *kernel), [1] * len(kernel), sides,
            lhs_dilation=stride, rhs_dilation=dilation, feature_group_count=groups,
            dimension_numbers=spec,
        )  # fmt: skip
        return Y + b.reshape(-1, *(1,) * len(kernel))

    shape = jax.eval_shape(layer, *(jnp.asarray(a, float) for a in (X, W, b))).shape
    if min(shape) < 1:
        return
    dY = whole(rng, *shape)
    Y, gradients = with_gradients(layer, (X, W, b), dY)
    own = {**options, "groups": groups, "dims": len(kernel)}
    equal(transposed_forward(X, W, b, **own), Y)
    for ours, theirs in zip(transposed_backward(X, W, dY, **own), gradients, strict=True):
        equal(ours, theirs)
    traced = TracedTransposed(plan_transposed(X.shape, W.shape, **own), bias=True)
    values = canonical(traced, {"X": X, "W": W, "b": b, "dY": dY})
    notation = notation_named("plain")
    found = Derivation.of(traced, ["Y", "dX", "dW", "db"], notation, values).evaluate()
    for ours, theirs in zip(found.values(), (Y, *gradients), strict=True):
        equal(ours, theirs)


def test_transposed_is_jaxs_own():
    rng = np.random.default_rng(1)
    X, W = whole(rng, 1, 3, 4, 3), whole(rng, 3, 2, 3, 2)

    def layer(X, W):
        # Its padding is that of the dilated input: d(k-1) - p on each side.
        return lax.conv_transpose(
            X, W, (2, 1), [(1, 2), (1, 0)], dimension_numbers=("NCHW", "OIHW", "NCHW"),
            transpose_kernel=True,
        )  # fmt: skip

    dY = whole(rng, *layer(jnp.asarray(X, float), jnp.asarray(W, float)).shape)
    Y, (dX, dW) = with_gradients(layer, (X, W), dY)
    options = {"stride": (2, 1), "padding": [(1, 0), (0, 1)]}
    equal(transposed_forward(X, W, **options), Y)
    ours = transposed_backward(X, W, dY, **options)
    equal(ours.dX, dX)
    equal(ours.dW, dW)


TURNS = {
    "identity": lambda W: W,
    "rot90": lambda W: jnp.rot90(W, 1, (2, 3)),
    "rot180": lambda W: jnp.rot90(W, 2, (2, 3)),
    "rot270": lambda W: jnp.rot90(W, 3, (2, 3)),
    "fliplr": lambda W: W[..., ::-1],
    "flipud": lambda W: W[:, :, ::-1],
    "transpose": lambda W: jnp.transpose(W, (0, 1, 3, 2)),
    "scale2": lambda W: jnp.kron(W, jnp.ones((2, 2))),
}


@FEW
@given(
    st.lists(st.sampled_from(sorted(TURNS)), min_size=1, max_size=4, unique=True),
    st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.integers(0, 99),
)  # fmt: skip
def test_transforms(names, size, stride, groups, seed):
    rng = np.random.default_rng(seed)
    X, W = whole(rng, 2, 2 * groups, 5, 4), whole(rng, 2 * groups, 2, size, size)
    b = whole(rng, 2 * groups)

    def layer(X, W, b):
        maps = [
            lax.conv_general_dilated(
                X, TURNS[n](W), (stride,) * 2, "SAME", feature_group_count=groups
            )
            for n in names
        ]
        return jnp.stack(maps, axis=1) + b.reshape(-1, 1, 1)

    out = [-(-n // stride) for n in (5, 4)]
    dY = whole(rng, 2, len(names), 2 * groups, *out)
    Y, (dX, dW, db) = with_gradients(layer, (X, W, b), dY)
    options = {"padding": "same", "stride": stride, "groups": groups}
    equal(transforms_forward(X, W, b, transforms=names, **options), Y)
    ours = transforms_backward(X, W, dY, transforms=names, **options)
    for got, wanted in ((ours.dX, dX), (ours.dW, dW), (ours.db, db)):
        equal(got, wanted)
    traced = TracedTransforms(plan_transforms(X.shape, W.shape, names, **options))
    values = canonical(traced, {"X": X, "W": W, "dY": dY})
    found = Derivation.of(traced, ["dX", "dW"], notation_named("plain"), values).evaluate()
    equal(found["dX"], dX)
    equal(found["dW"], dW)


@FEW
@given(axes(2), st.integers(1, 2), st.integers(0, 99))
def test_separable(drawn, many, seed):
    kernel, stride, padding, dilation, _ = drawn
    rng = np.random.default_rng(seed)
    size = [d * (k - 1) + 3 for k, d in zip(kernel, dilation, strict=True)]
    X, D, P = whole(rng, 2, 3, *size), whole(rng, 3 * many, 1, *kernel), whole(rng, 4, 3 * many)
    b = whole(rng, 4)

    def layer(X, D, P, b):
        V = lax.conv_general_dilated(
            X, D, stride, padding, rhs_dilation=dilation, feature_group_count=3
        )
        return jnp.einsum("ncij,oc->noij", V, P) + b.reshape(-1, 1, 1)

    arrays = (X, D, P, b)
    dY = whole(rng, *jax.eval_shape(layer, *(jnp.asarray(a, float) for a in arrays)).shape)
    Y, (dX, dD, dP, db) = with_gradients(layer, arrays, dY)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    equal(separable_forward(*arrays, **options).Y, Y)
    ours = separable_backward(X, D, P, dY, **options)
    for got, wanted in ((ours.dX, dX), (ours.dDepthwise, dD), (ours.dPointwise, dP), (ours.db, db)):
        equal(got, wanted)


@pytest.mark.parametrize("scale", [(1, 2), (3, 2), (2, 1)])
def test_upsampling(scale):
    rng = np.random.default_rng(2)
    X, size = whole(rng, 2, 3, 4, 3), (4, 3)
    grown = tuple(n * s for n, s in zip(size, scale, strict=True))
    dY = whole(rng, 2, 3, *grown)
    Y, (dX,) = with_gradients(lambda X: jax.image.resize(X, (2, 3, *grown), "nearest"), (X,), dY)
    equal(upsample.nearest(X, scale), Y)
    equal(upsample.grad_nearest(dY, scale), dX)
    inside = [(0, 0, 0), (0, 0, 0), *((0, 0, s - 1) for s in scale)]
    long = [(n - 1) * s + 1 for n, s in zip(size, scale, strict=True)]
    dY = whole(rng, 2, 3, *long)
    Y, (dX,) = with_gradients(lambda X: lax.pad(X, 0.0, inside), (X,), dY)
    equal(upsample.zeros(X, scale), Y)
    equal(upsample.grad_zeros(dY, scale, size), dX)


THEIRS = {
    "relu": jax.nn.relu,
    "leaky-relu": jax.nn.leaky_relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "silu": jax.nn.silu,
    "identity": lambda z: z,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    z = np.concatenate([np.linspace(-30, 30, 241), [-700.0, -100.0, 1e-9, 100.0, 700.0]])
    z = z[(z != 0) | (name not in ("leaky-relu",))]  # at the kink the slope is a choice
    chosen = activation.activation(name)
    dA = np.random.default_rng(3).normal(size=z.shape)
    A, (dZ,) = with_gradients(THEIRS[name], (z,), dA)
    np.testing.assert_allclose(activation.forward(chosen, z), A, rtol=3e-13, atol=1e-300)
    np.testing.assert_allclose(activation.grad_input(chosen, z, dA), dZ, rtol=3e-12, atol=3e-15)


def test_dense():
    rng = np.random.default_rng(4)
    X, W, b, dY = whole(rng, 4, 3), whole(rng, 5, 3), whole(rng, 5), whole(rng, 4, 5)
    Y, gradients = with_gradients(lambda X, W, b: X @ W.T + b, (X, W, b), dY)
    equal(dense.forward(X, W, b), Y)
    for ours, theirs in zip(dense.backward(X, W, dY), gradients, strict=True):
        equal(ours, theirs)


def cross_entropy(Y, target):
    return -(target * jax.nn.log_softmax(Y, axis=-1)).sum() / Y.shape[0]


@pytest.mark.parametrize(
    ("name", "theirs", "target"),
    [
        ("sum", lambda Y, _: Y.sum(), False),
        ("mse", lambda Y, T: jnp.mean((Y - T) ** 2), True),
        ("neg-log", lambda Y, _: -jnp.log(Y).sum(), False),
        ("cross-entropy", cross_entropy, True),
    ],
)
def test_losses(name, theirs, target):
    rng = np.random.default_rng(5)
    Y, T = rng.uniform(0.1, 9, (3, 4)), rng.dirichlet(np.ones(4), 3)
    ours = loss(name, Y, T if target else None)
    value, gradient = jax.value_and_grad(theirs)(jnp.asarray(Y), jnp.asarray(T))
    np.testing.assert_allclose(ours.value, value, rtol=1e-14)
    np.testing.assert_allclose(ours.gradient, gradient, rtol=1e-13)


def test_cross_entropy_of_classes():
    Y, classes = np.random.default_rng(6).normal(size=(3, 5)) * 40, np.array([4, 0, 2])
    ours = loss("cross-entropy", Y, classes)
    value, gradient = jax.value_and_grad(cross_entropy)(Y, jax.nn.one_hot(classes, 5))
    np.testing.assert_allclose(ours.value, value, rtol=1e-14)
    np.testing.assert_allclose(ours.gradient, gradient, rtol=1e-12, atol=1e-16)


@FEW
@given(axes(2), st.integers(1, 2), st.integers(0, 99))
def test_the_roads_of_a_convolution(drawn, groups, seed):
    """Stride as downsampling, the windows as rows and the one sparse matrix."""
    kernel, stride, padding, dilation, _ = drawn
    rng = np.random.default_rng(seed)
    size = [d * (k - 1) + 4 for k, d in zip(kernel, dilation, strict=True)]
    X, W = whole(rng, 2, 2 * groups, *size), whole(rng, 3 * groups, 2, *kernel)

    def layer(X, W):
        return lax.conv_general_dilated(
            X, W, stride, padding, rhs_dilation=dilation, feature_group_count=groups
        )

    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    geometry = plan_conv(X.shape, W.shape, **options).geometry
    dY = whole(rng, *geometry.output_shape)
    Y, (dX, dW) = with_gradients(layer, (X, W), dY)
    equal(strided.forward(X, W, None, geometry).Y, Y)
    back = strided.backward(X, W, dY, geometry)
    equal(back.dX, dX)
    equal(back.dW, dW)
    view, dZ = vectorize.vectorized(X, W, geometry), dY.reshape(*dY.shape[:2], -1)
    equal(vectorize.forward(view).reshape(Y.shape), Y)
    equal(vectorize.grad_weight(view, dZ).reshape(dW.shape), dW)
    equal(vectorize.col2im(view, vectorize.grad_windows(view, dZ)), dX)
    T = vectorize.toeplitz(W, geometry)
    equal(vectorize.times(T, X).reshape(Y.shape), Y)
    equal(vectorize.times(T.T, dY).reshape(dX.shape), dX)


def test_a_chain_of_every_layer():
    """conv, gelu, max pool, transposed, silu, separable, upsample, average pool, flatten, dense."""
    rng = np.random.default_rng(7)
    shapes = {
        "conv": (3, 2, 3, 3), "conv_b": (3,), "up": (3, 2, 2, 2), "up_b": (2,),
        "deep": (2, 1, 3, 3), "point": (3, 2), "point_b": (3,), "dense": (4, 6), "dense_b": (4,),
    }  # fmt: skip
    p = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    X, classes = rng.normal(size=(2, 2, 7, 6)), [3, 0]
    layers = [
        {"type": "conv", "filter": p["conv"], "bias": p["conv_b"], "padding": [[1, 0], [0, 1]],
         "stride": 2},
        {"type": "gelu"},
        {"type": "maxpool", "window": 2, "stride": 1},
        {"type": "transposed", "filter": p["up"], "bias": p["up_b"], "stride": [2, 1]},
        {"type": "silu"},
        {"type": "separable", "depthwise": p["deep"], "pointwise": p["point"], "bias": p["point_b"],
         "padding": 1},
        {"type": "upsample", "mode": "nearest", "scale": 2},
        {"type": "avgpool", "window": 4},
        {"type": "flatten"},
        {"type": "dense", "weight": p["dense"], "bias": p["dense_b"]},
    ]  # fmt: skip

    def net(X, p):
        Z = lax.conv_general_dilated(X, p["conv"], (2, 2), [(1, 0), (0, 1)])
        A = jax.nn.gelu(Z + p["conv_b"].reshape(-1, 1, 1), approximate=False)
        M = lax.reduce_window(A, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 1, 1), "VALID")
        flipped = jnp.flip(p["up"], (2, 3)).swapaxes(0, 1)
        U = lax.conv_general_dilated(M, flipped, (1, 1), [(1, 1), (1, 1)], lhs_dilation=(2, 1))
        S = jax.nn.silu(U + p["up_b"].reshape(-1, 1, 1))
        V = lax.conv_general_dilated(S, p["deep"], (1, 1), [(1, 1)] * 2, feature_group_count=2)
        V = jnp.einsum("ncij,oc->noij", V, p["point"]) + p["point_b"].reshape(-1, 1, 1)
        N = jax.image.resize(V, (*V.shape[:2], 2 * V.shape[2], 2 * V.shape[3]), "nearest")
        P = lax.reduce_window(N, 0.0, lax.add, (1, 1, 4, 4), (1, 1, 4, 4), "VALID") / 16
        Y = P.reshape(2, -1) @ p["dense"].T + p["dense_b"]
        return cross_entropy(Y, jax.nn.one_hot(jnp.asarray(classes), 4))

    document = {"input": X, "layers": layers, "loss": {"type": "cross-entropy", "target": classes}}
    chain = read_chain(document, lambda value, _: np.asarray(value))
    done = run(chain.nodes, chain.X, chain.ending)
    value, (dX, dp) = jax.value_and_grad(net, argnums=(0, 1))(jnp.asarray(X), p)
    np.testing.assert_allclose(done.loss.value, value, rtol=1e-13)
    np.testing.assert_allclose(done.steps[0].dX, dX, rtol=1e-11, atol=1e-15)
    found = [step.gradients for step in done.steps]
    for name, gradient in (
        ("conv", found[0]["dW"]), ("conv_b", found[0]["db"]), ("up", found[3]["dW"]),
        ("up_b", found[3]["db"]), ("deep", found[5]["ddepthwise"]),
        ("point", found[5]["dpointwise"]), ("point_b", found[5]["db"]),
        ("dense", found[9]["dW"]), ("dense_b", found[9]["db"]),
    ):  # fmt: skip
        np.testing.assert_allclose(gradient, dp[name], rtol=1e-11, atol=1e-15, err_msg=name)
