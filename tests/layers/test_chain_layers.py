"""A chain of layers (L17): the tutorial's numbers, exact steps through linear layers, faults."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli.errors import ConvgradError, DataError, GeometryError, ShapeError, UsageError
from convgrad_cli.layers.chain import run
from convgrad_cli.layers.chain_spec import KINDS, read_chain
from convgrad_cli.layers.conv import conv_backward, conv_forward


def read(value, _name):
    return np.array(value)


def passed(spec, rate=None):
    chain = read_chain(spec, read)
    return run(chain.nodes, chain.X, chain.ending, learning_rate=rate)


def integers(seed, *shape):
    return np.random.default_rng(seed).integers(-5, 6, shape).tolist()


LINEAR = {
    "input": integers(0, 2, 2, 7, 6),
    "layers": [
        {"type": "conv", "filter": integers(1, 4, 2, 3, 2), "bias": integers(2, 4), "stride": 2},
        {"type": "transposed", "weight": integers(3, 4, 2, 2, 2), "output_padding": [0, 1],
         "stride": 2},
        {"type": "upsample", "scale": [1, 2]},
        {"type": "separable", "depthwise": integers(4, 2, 2, 3), "pointwise": integers(5, 3, 2),
         "bias": integers(6, 3), "stride": 2},
        {"type": "flatten"},
        {"type": "dense", "weight": integers(7, 2, 54), "bias": integers(8, 2)},
    ],
    "upstream": integers(9, 2, 2),
}  # fmt: skip


def test_every_parameter_by_an_exact_step_of_one():
    """All layers are linear in each array while the others stand still: no limit is needed."""
    done = passed(LINEAR)
    dY = np.array(LINEAR["upstream"])
    here = int((done.Y * dY).sum())
    checked = 0
    for position, step in enumerate(done.steps):
        for name, value in step.node.parameters.items():
            gradient = step.gradients[f"d{name}"]
            assert gradient.shape == value.shape
            for index in list(np.ndindex(*value.shape))[:: max(1, value.size // 12)]:
                chain = read_chain(LINEAR, read)
                chain.nodes[position].parameters[name] = value.copy()
                chain.nodes[position].parameters[name][index] += 1
                moved = run(chain.nodes, chain.X, chain.ending)
                assert int((moved.Y * dY).sum()) - here == gradient[index], (position, name, index)
                checked += 1
    assert checked > 60
    X = np.array(LINEAR["input"])
    for index in [(0, 0, 0, 0), (1, 1, 6, 5), (0, 1, 3, 2), (1, 0, 2, 4)]:
        moved = X.copy()
        moved[index] += 1
        other = passed({**LINEAR, "input": moved.tolist()})
        assert int((other.Y * dY).sum()) - here == done.steps[0].dX[index]


def test_the_upstream_of_each_layer_is_the_dx_of_the_next():
    done = passed(LINEAR)
    for step, after in zip(done.steps, done.steps[1:], strict=False):
        assert step.dY is after.dX
        assert step.Y is after.X


def test_two_layers_with_an_activation_by_hand():
    """Diba, fig. 1: conv → ReLU → conv, every gradient from the rules of one layer."""
    X, W1, W2 = (
        np.array(integers(s, *shape)) for s, shape in ((1, (5, 6)), (2, (2, 2)), (3, (2, 3)))
    )
    spec = {
        "input": X.tolist(),
        "layers": [
            {"type": "conv", "filter": W1.tolist()},
            {"type": "relu"},
            {"type": "conv", "filter": W2.tolist()},
        ],
    }
    done = passed(spec)
    z = conv_forward(X, W1)
    dq, dW2, _ = conv_backward(np.maximum(z, 0), W2, np.ones((3, 3), int))
    dX, dW1, _ = conv_backward(X, W1, np.where(z > 0, dq, 0))
    np.testing.assert_array_equal(done.steps[0].dX, dX)
    np.testing.assert_array_equal(done.steps[0].gradients["dW"], dW1)
    np.testing.assert_array_equal(done.steps[2].gradients["dW"], dW2)
    assert done.loss.value == conv_forward(np.maximum(z, 0), W2).sum()


def test_the_tutorials_pooling_example_to_the_digits_it_prints():
    done = passed(
        {
            "input": [[[[1.0, 2, 3], [4, 10, 5], [11, 12, 13]]]],
            "layers": [{"type": "maxpool", "window": 2, "stride": 1}],
            "loss": {"type": "neg-log"},
        }
    )
    np.set_printoptions(precision=8)
    assert done.Y.tolist() == [[[[10, 10], [12, 13]]]]
    assert str(done.steps[0].dY) == "[[[[-0.1        -0.1       ]\n   [-0.08333333 -0.07692308]]]]"
    assert str(done.steps[0].dX) == (
        "[[[[ 0.          0.          0.        ]\n"
        "   [ 0.         -0.2         0.        ]\n"
        "   [ 0.         -0.08333333 -0.07692308]]]]"
    )


CNN = {
    "input": (np.random.default_rng(4).normal(size=(3, 1, 8, 8))).tolist(),
    "layers": [
        {"type": "conv", "filter": (np.random.default_rng(5).normal(size=(2, 1, 3, 3))).tolist(),
         "bias": [0.1, -0.2], "padding": 1},
        {"type": "gelu"},
        {"type": "avgpool", "window": 2},
        {"type": "leaky-relu", "slope": 0.2},
        {"type": "maxpool", "window": 2},
        {"type": "tanh"},
        {"type": "flatten"},
        {"type": "dense", "weight": (np.random.default_rng(6).normal(size=(3, 8))).tolist()},
    ],
    "loss": {"type": "softmax-cross-entropy", "target": [2, 0, 1]},
}  # fmt: skip


def test_a_small_cnn_by_central_differences():
    """h = 1e-5: the error is below h²·1000 from the third derivatives and 1e-15/h of rounding."""
    done = passed(CNN)
    step = 1e-5
    for position in (0, 7):
        for name, value in done.steps[position].node.parameters.items():
            for index in list(np.ndindex(*value.shape))[::3]:
                values = []
                for sign in (1, -1):
                    chain = read_chain(CNN, read)
                    moved = value.astype(float).copy()
                    moved[index] += sign * step
                    chain.nodes[position].parameters[name] = moved
                    values.append(run(chain.nodes, chain.X, chain.ending).loss.value)
                expected = (values[0] - values[1]) / (2 * step)
                got = done.steps[position].gradients[f"d{name}"][index]
                assert got == pytest.approx(expected, abs=1e-7), (position, name, index)


def test_the_learning_rate_updates_every_parameter_once():
    done = passed(CNN, rate=0.5)
    for step in done.steps:
        assert step.updated.keys() == step.node.parameters.keys()
        for name, value in step.node.parameters.items():
            np.testing.assert_array_equal(
                step.updated[name], value - 0.5 * step.gradients[f"d{name}"]
            )
    chain = read_chain(CNN, read)
    for node, step in zip(chain.nodes, done.steps, strict=True):
        node.parameters = step.updated
    assert run(chain.nodes, chain.X, chain.ending).loss.value < done.loss.value


def test_zero_under_a_relu_and_ties_are_noted():
    done = passed(
        {
            "input": [[0, 3], [3, -1]],
            "layers": [{"type": "relu"}, {"type": "maxpool", "window": 2, "ties": "last"}],
        }
    )
    assert done.steps[0].notes[0].startswith("relu has no derivative at 0")
    assert done.steps[1].notes == ["1 window has more than one maximum (ties: last)."]
    assert done.steps[0].dX.tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("shape", "before", "flat"),
    [
        ((2, 3, 4, 4), [], (2, 48)),
        ((3, 4), [], (12,)),
        ((3, 4, 4), [{"type": "maxpool", "window": 2}], (12,)),
        ((1, 3, 4, 4), [{"type": "maxpool", "window": 2}], (1, 12)),
        ((2, 3, 4), [{"type": "avgpool", "window": 2, "dims": 1}], (2, 6)),
    ],
)
def test_flatten_keeps_the_samples(shape, before, flat):
    done = passed({"input": integers(0, *shape), "layers": [*before, {"type": "flatten"}]})
    assert done.Y.shape == flat
    assert done.steps[0].dX.shape == shape


ONE = [[1, 2], [3, 4]]
BAD = [
    ([], UsageError, "The chain is not a JSON object"),
    ({"layers": [{"type": "relu"}]}, UsageError, 'The chain has no "input"'),
    ({"input": ONE}, UsageError, 'The chain has no "layers"'),
    ({"input": ONE, "layers": []}, UsageError, 'The chain has no "layers"'),
    ({"input": ONE, "layers": ["relu"]}, UsageError, "layers[0] is not a JSON object"),
    ({"input": ONE, "layers": [{}]}, UsageError, 'layers[0] has no "type"'),
    ({"input": ONE, "layers": [{"type": 3}]}, UsageError, 'layers[0] has no "type"'),
    (
        {"input": ONE, "layers": [{"type": "relu"}, {"type": "maxpol"}]},
        UsageError,
        'layers[1] has an unknown type \'maxpol\'.|did you mean "maxpool"?',
    ),
    (
        {"input": ONE, "layers": [{"type": "conv", "fliter": ONE}]},
        UsageError,
        "layers[0] (conv) has a key that means nothing here: 'fliter'.|did you mean \"filter\"?",
    ),
    (
        {"input": ONE, "layers": [{"type": "conv", "filter": ONE, "W": ONE}]},
        UsageError,
        "layers[0] (conv) has two names for one array: 'filter' and 'W' are both W",
    ),
    ({"input": ONE, "layers": [{"type": "conv"}]}, UsageError, 'layers[0] (conv) has no "filter"'),
    (
        {"input": ONE, "layers": [{"type": "maxpool", "window": "2"}]},
        UsageError,
        "layers[0].window cannot be read.|found     '2'",
    ),
    (
        {"input": ONE, "layers": [{"type": "conv", "filter": ONE, "stride": True}]},
        UsageError,
        "layers[0].stride cannot be read",
    ),
    (
        {"input": ONE, "layers": [{"type": "conv", "filter": ONE, "stride": 0}]},
        GeometryError,
        "layers[0] (conv) after the input, of shape (2, 2): Stride must be positive",
    ),
    ({"input": ONE, "layers": [{"type": "maxpool"}]}, UsageError, "layers[0] (maxpool): The pool"),
    (
        {"input": ONE, "layers": [{"type": "maxpool", "window": 2, "ties": "frist"}]},
        UsageError,
        "layers[0] (maxpool): Unknown tie rule 'frist'",
    ),
    (
        {"input": ONE, "layers": [{"type": "relu", "slope": 0.1}]},
        UsageError,
        "layers[0] (relu) has a key that means nothing here: 'slope'",
    ),
    (
        {"input": ONE, "layers": [{"type": "activation"}]},
        UsageError,
        'layers[0] (activation) has no "name"',
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}, {"type": "dense", "weight": [[1, 2, 3]]}]},
        ShapeError,
        "layers[1] (dense) after layers[0] (relu), whose output is (2, 2): X and W of a dense",
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}, {"type": "conv", "filter": [[1] * 3] * 3}]},
        GeometryError,
        "layers[1] (conv) after layers[0] (relu), whose output is (2, 2): W is larger",
    ),
    (
        {"input": ONE, "layers": [{"type": "dense", "weight": ONE, "bias": [1, 2, 3]}]},
        ShapeError,
        "layers[0] (dense) after the input, of shape (2, 2): b has the wrong shape",
    ),
    (
        {"input": ONE, "layers": [{"type": "upsample", "mode": "nearst"}]},
        UsageError,
        "layers[0] (upsample): Unknown upsampling 'nearst'",
    ),
    ({"input": ONE, "layers": [{"type": "relu"}], "los": "sum"}, UsageError, "'los'|\"loss\"?"),
    ({"input": ONE, "layers": [{"type": "relu"}], "loss": {}}, UsageError, 'loss has no "type"'),
    ({"input": ONE, "layers": [{"type": "relu"}], "loss": "mes"}, UsageError, "Unknown loss 'mes'"),
    ({"input": ONE, "layers": [{"type": "relu"}], "loss": "mse"}, UsageError, 'needs a "target"'),
    (
        {"input": ONE, "layers": [{"type": "relu"}], "loss": {"type": "sum", "target": ONE}},
        UsageError,
        'takes no "target"',
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}], "loss": {"type": "mse", "target": [1]}},
        ShapeError,
        "target has the wrong shape",
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}], "loss": "sum", "upstream": ONE},
        UsageError,
        'both a "loss" and an "upstream"',
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}], "upstream": [1]},
        ShapeError,
        "upstream gradient has the wrong shape",
    ),
    (
        {"input": [[-1.0]], "layers": [{"type": "relu"}], "loss": "neg-log"},
        DataError,
        "not above 0",
    ),
    (
        {"input": ONE, "layers": [{"type": "relu"}], "learning_rate": "fast"},
        UsageError,
        "learning_rate cannot be read",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "error", "texts"), BAD, ids=[case[2][:40] for case in BAD])
def test_faults_are_named_with_their_place(spec, error, texts):
    with pytest.raises(ConvgradError) as caught:
        passed(spec)
    assert type(caught.value) is error
    for text in texts.split("|"):
        assert text in str(caught.value)


def test_every_kind_was_used_in_these_tests():
    used = {layer["type"] for spec in (LINEAR, CNN) for layer in spec["layers"]}
    assert KINDS.keys() - {"activation"} <= used


@pytest.mark.parametrize(
    ("ties", "dX"),
    [
        ("first", [[6, 0], [0, 0]]),
        ("last", [[0, 0], [0, 6]]),
        ("split", [[2, 2], [0, 2]]),
    ],
)
def test_a_max_pool_in_a_chain_keeps_its_tie_rule(ties, dX):
    pool = {"type": "maxpool", "window": 2, "ties": ties}
    document = {"input": [[5, 5], [1, 5]], "layers": [pool], "upstream": [[6]]}
    chain = read_chain(document, lambda value, _: np.array(value))
    done = run(chain.nodes, chain.X, chain.ending)
    assert done.steps[0].dX.tolist() == dX


def test_upsampling_in_a_chain_doubles_unless_told_otherwise():
    def upsampled(**options):
        layers = [{"type": "upsample", **options}]
        chain = read_chain({"input": [[1, 2]], "layers": layers}, lambda value, _: np.array(value))
        return run(chain.nodes, chain.X, chain.ending).Y.tolist()

    assert upsampled() == [[1, 1, 2, 2], [1, 1, 2, 2]]
    assert upsampled(scale=[1, 3]) == [[1, 1, 1, 2, 2, 2]]
    assert upsampled(mode="zeros") == [[1, 0, 2]]
