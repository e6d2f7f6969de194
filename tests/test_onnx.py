"""An implementation nobody here wrote: the test data and the reference evaluator of onnx.

ConvTranspose is dX under another name, its input being dY and its W ours; MaxPool's Indices are
switches. ``onnx.reference`` evaluates a Conv too, which is linear in X and in W, so that its values
on unit arrays are the gradients, exactly. The cases of PyTorch's own exporter come along.
"""

from __future__ import annotations

import importlib
from math import prod

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.backend.test.case import node as onnx_cases
from onnx.backend.test.loader import load_model_tests
from onnx.reference import ReferenceEvaluator

from convgrad_cli import avg_pool, avg_pool_backward, conv_backward, conv_forward, max_pool
from convgrad_cli.errors import GeometryError

OPERATORS = (
    "conv",
    "convtranspose",
    "maxpool",
    "averagepool",
    "globalmaxpool",
    "globalaveragepool",
)

# onnx gives inputs and expected values of this case to four digits only.
ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 1e-4}

# Padding beyond half of the window, which ONNX allows and PyTorch and convgrad refuse.
REFUSED = {
    "test_maxpool_2d_pads",
    "test_averagepool_2d_pads",
    "test_averagepool_2d_pads_count_include_pad",
}


def _cases():
    """(name, (onnx node, inputs, outputs)) of every case of these operators."""
    for case in _node_cases():
        (inputs, outputs), node = case.data_sets[0], case.model.graph.node[0]
        yield case.name, (node, inputs, outputs)
    for case in load_model_tests(kind="pytorch-converted"):
        model = onnx.load(f"{case.model_dir}/model.onnx")
        nodes = {node.op_type: node for node in model.graph.node}
        found = nodes.keys() & {"Conv", "ConvTranspose", "MaxPool", "AveragePool"}
        if len(nodes) == 1 and found:
            inputs = [_tensor(case, "input_0")]
            inputs += [numpy_helper.to_array(array) for array in model.graph.initializer]
            yield case.name, (nodes[found.pop()], inputs, [_tensor(case, "output_0")])


def _node_cases():
    """onnx's own cases, which it collects while their modules are imported.

    Imported anew and into a list of their own: another test may have imported them already, and
    onnx then keeps the cases of the one operator it was asked for.
    """
    fresh = {"_NodeTestCases": [], "_TargetOpType": None, "_existing_names": {}}
    with pytest.MonkeyPatch.context() as patch:
        for operator in OPERATORS:
            importlib.import_module(f"{onnx_cases.__name__}.{operator}")
        for name, value in fresh.items():
            patch.setattr(onnx_cases, name, value)
        for operator in OPERATORS:
            importlib.reload(importlib.import_module(f"{onnx_cases.__name__}.{operator}"))
        return fresh["_NodeTestCases"]


def _tensor(case, name):
    tensor = onnx.TensorProto()
    with open(f"{case.model_dir}/test_data_set_0/{name}.pb", "rb") as file:
        tensor.ParseFromString(file.read())
    return numpy_helper.to_array(tensor)


CASES = dict(_cases())


def _named(*operators):
    return sorted(name for name, (node, *_) in CASES.items() if node.op_type in operators)


def _options(node):
    """The node's attributes as our options."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    options = {}
    if "pads" in given:
        half = len(given["pads"]) // 2
        options["padding"] = list(zip(given["pads"][:half], given["pads"][half:], strict=True))
    match given.get("auto_pad", b"NOTSET"):
        case b"SAME_UPPER":
            options["padding"] = "same-upper"
        case b"SAME_LOWER":
            options["padding"] = "same-lower"
        case word:
            assert word == b"NOTSET"
    names = {"strides": "stride", "dilations": "dilation", "group": "groups"}
    options |= {names[name]: given[name] for name in names if name in given}
    flags = ("ceil_mode", "count_include_pad")
    return options | {flag: bool(given[flag]) for flag in flags if flag in given}


def _window(node, X):
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    return tuple(given.get("kernel_shape", X.shape[2:]))


def _close(found, expected, atol=1e-5):
    assert found.shape == expected.shape
    assert np.allclose(found, expected, rtol=1e-5, atol=atol)


def test_all_kinds_of_cases_are_there():
    assert len(_named("ConvTranspose")) >= 13
    assert len(_named("Conv")) >= 30
    assert len(_named("MaxPool")) >= 25
    assert len(_named("AveragePool")) >= 23
    assert set(CASES) >= REFUSED


@pytest.mark.parametrize("name", _named("Conv"))
def test_conv_is_our_forward(name):
    node, (X, W, *b), (Y,) = CASES[name]
    _close(conv_forward(X, W, *b, dims=X.ndim - 2, **_options(node)), Y)


@pytest.mark.parametrize("name", _named("ConvTranspose"))
def test_conv_transpose_is_our_dx(name):
    node, (dY, W, *b), (expected,) = CASES[name]
    X = np.zeros(expected.shape, dY.dtype)
    dX = conv_backward(X, W, dY, dims=dY.ndim - 2, **_options(node)).dX
    _close(dX, expected - (b[0].reshape(-1, *(1,) * (dY.ndim - 2)) if b else 0))


@pytest.mark.parametrize("name", sorted({*_named("MaxPool", "GlobalMaxPool")} - REFUSED))
def test_max_pool_and_its_indices(name):
    node, (X,), (expected, *indices) = CASES[name]
    options = {"stride": 1, **_options(node)}  # ONNX's default, ours is the window
    Y, switches = max_pool(X, _window(node, X), dims=X.ndim - 2, **options)
    assert Y.dtype == expected.dtype
    assert np.array_equal(Y, expected)
    order = {a.name: a.i for a in node.attribute}.get("storage_order", 0)
    for given in indices:
        assert np.array_equal(_whole_tensor(switches, X.shape, order), given)


def _whole_tensor(switches, shape, order):
    """Switches as ONNX counts them: over the whole tensor, column-major within planes if asked."""
    space = shape[2:]
    flat = np.ravel_multi_index(np.unravel_index(switches, space), space, order="CF"[order])
    planes = np.arange(prod(shape[:2])).reshape(*shape[:2], *(1,) * len(space))
    return flat + planes * prod(space)


@pytest.mark.parametrize("name", sorted({*_named("AveragePool", "GlobalAveragePool")} - REFUSED))
def test_average_pool(name):
    node, (X,), (expected,) = CASES[name]
    options = {"stride": 1, **_options(node)}
    found = avg_pool(X, _window(node, X), dims=X.ndim - 2, **options)
    _close(found, expected, ROUNDED.get(name, 1e-5))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_onnx_allows_and_we_refuse(name):
    node, (X,), _ = CASES[name]
    with pytest.raises(GeometryError, match="at most half of its window"):
        avg_pool(X, _window(node, X), **{"stride": 1, **_options(node)})


LAYERS = {
    "plain": ((1, 2, 5, 4), (3, 2, 3, 2), {}),
    "stride-and-leftover": ((2, 2, 6, 7), (2, 2, 2, 3), {"stride": (2, 3)}),
    "uneven": ((1, 2, 4, 5), (2, 2, 3, 3), {"padding": ((0, 2), (1, 0)), "stride": (2, 1)}),
    "dilated": ((1, 1, 7, 6), (2, 1, 3, 2), {"dilation": (2, 3), "padding": ((1, 0), (2, 2))}),
    "groups": ((2, 4, 4, 4), (6, 2, 2, 2), {"groups": 2, "stride": (1, 2)}),
    "depthwise": ((1, 3, 5, 5), (6, 1, 3, 3), {"groups": 3, "padding": ((1, 1), (1, 1))}),
    "one-dimension": (
        (2, 2, 9),
        (3, 2, 4),
        {"stride": (3,), "dilation": (2,), "padding": ((2, 1),)},
    ),
    "three-dimensions": ((1, 2, 3, 4, 3), (2, 2, 2, 2, 3), {"padding": ((1, 0), (0, 1), (1, 1))}),
}


def _evaluator(operator, options, inputs, outputs=("Y",), **more):
    names = {"stride": "strides", "dilation": "dilations", "groups": "group"}
    attributes = {names[name]: options[name] for name in names if name in options} | more
    if "padding" in options:
        before, after = zip(*options["padding"], strict=True)
        attributes["pads"] = [*before, *after]
    node = helper.make_node(operator, inputs, outputs, **attributes)
    real = onnx.TensorProto.DOUBLE
    graph = helper.make_graph(
        [node],
        operator,
        [helper.make_tensor_value_info(name, real, None) for name in inputs],
        [helper.make_tensor_value_info(name, real, None) for name in outputs],
    )
    return ReferenceEvaluator(helper.make_model(graph))


@pytest.mark.parametrize("layer", LAYERS)
def test_unit_arrays_through_onnx_are_our_gradients(layer):
    x_shape, w_shape, options = LAYERS[layer]
    chance = np.random.default_rng(7)
    X, W = (chance.integers(-9, 10, shape).astype(float) for shape in (x_shape, w_shape))
    forward = _evaluator("Conv", options, ("X", "W"), kernel_shape=w_shape[2:])
    (Y,) = forward.run(None, {"X": X, "W": W})
    dY = chance.integers(-9, 10, Y.shape).astype(float)
    found = conv_backward(X, W, dY, dims=X.ndim - 2, **options)
    assert np.array_equal(conv_forward(X, W, dims=X.ndim - 2, **options), Y)
    for gradient, array, name in ((found.dX, X, "X"), (found.dW, W, "W")):
        for index in np.ndindex(*array.shape):
            unit = np.zeros(array.shape)
            unit[index] = 1
            (change,) = forward.run(None, {"X": X, "W": W, name: unit})
            assert gradient[index] == (dY * change).sum(), (name, index)
    assert np.array_equal(found.db, dY.sum(axis=(0, *range(2, dY.ndim))))


# For stride 1 and dilation 1 onnx's evaluator takes another path, which reads uneven pads as
# (before, before, after, after) and counts indices within one plane: not what ONNX defines.
# So every max pool here has a stride or a dilation.
POOLS = {
    "stride": ((2, 2, 6, 7), (3, 2), {"stride": (2, 3)}),
    "uneven": ((1, 2, 6, 7), (3, 2), {"stride": (2, 1), "padding": ((1, 0), (0, 1))}),
    "dilated": ((2, 2, 6, 7), (2, 3), {"dilation": (3, 2), "padding": ((2, 1), (1, 2))}),
    "overlap": ((1, 3, 5, 6), (4, 4), {"stride": (1, 2), "padding": ((2, 2), (1, 2))}),
    "one-dimension": ((2, 3, 11), (4,), {"stride": (3,), "padding": ((1, 2),)}),
    "three-dimensions": (
        (1, 2, 4, 5, 3),
        (2, 3, 2),
        {"stride": (2, 1, 2), "padding": ((1, 1),) * 3},
    ),
}
CEIL = pytest.mark.parametrize("ceil_mode", [False, True], ids=["floor", "ceil"])


@CEIL
@pytest.mark.parametrize("order", [0, 1], ids=["row-major", "column-major"])
@pytest.mark.parametrize("layer", POOLS)
def test_max_pools_with_ties_are_those_of_the_evaluator(layer, order, ceil_mode):
    shape, window, options = POOLS[layer]
    X = np.random.default_rng(8).integers(-1, 2, shape).astype(float)
    more = {"kernel_shape": window, "ceil_mode": int(ceil_mode), "storage_order": order}
    evaluator = _evaluator("MaxPool", options, ("X",), ("Y", "I"), **more)
    expected, indices = evaluator.run(None, {"X": X})
    options = {"stride": 1, **options}
    Y, switches = max_pool(X, window, ceil_mode=ceil_mode, dims=len(window), **options)
    assert np.array_equal(Y, expected)
    assert np.array_equal(_whole_tensor(switches, shape, order), indices)


@CEIL
@pytest.mark.parametrize("counted", [False, True], ids=["real", "padding-counted"])
@pytest.mark.parametrize("layer", POOLS)
def test_average_pools_and_unit_arrays_through_the_evaluator(layer, counted, ceil_mode):
    shape, window, options = POOLS[layer]
    chance = np.random.default_rng(9)
    more = {"kernel_shape": window, "ceil_mode": int(ceil_mode), "count_include_pad": int(counted)}
    evaluator = _evaluator("AveragePool", options, ("X",), **more)
    options = {"stride": 1, "ceil_mode": ceil_mode, "count_include_pad": counted, **options}
    options["dims"] = len(window)
    X = chance.integers(-9, 10, shape).astype(float)
    (Y,) = evaluator.run(None, {"X": X})
    assert np.allclose(avg_pool(X, window, **options), Y, rtol=1e-14, atol=1e-14)

    dY = chance.integers(-9, 10, Y.shape).astype(float)
    units = np.eye(prod(shape[2:])).reshape(-1, 1, *shape[2:])  # every place of a plane at once
    (changes,) = evaluator.run(None, {"X": units})
    expected = np.tensordot(dY.reshape(*shape[:2], -1), changes.reshape(len(units), -1), (2, 1))
    dX = avg_pool_backward(X, dY, window, **options)
    assert np.allclose(dX, expected.reshape(shape), rtol=1e-13, atol=1e-13)
