"""What a mistake does on a part of a layer is what it does there on the whole layer.

A part is small, so that a wrong candidate is rejected quickly; a right one must never be.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from convgrad_cli import check_arrays, conv_backward, conv_forward
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.cutout import mixing
from convgrad_cli.check.recipes import Impossible
from convgrad_cli.check.sieve import undone

GEOMETRIES = {
    "plain": {},
    "padded": {"padding": 1},
    "strided": {"stride": 2, "padding": ((1, 0), (0, 1))},
    "far": {"stride": 3, "padding": 2},
    "dilated": {"dilation": 3, "padding": 2},
    "unequal": {"stride": (1, 2), "dilation": (2, 1), "padding": ((2, 1), (0, 2))},
}


def convolution(groups=1, activation=None, **options):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(2, 4, 61, 64)), rng.normal(size=(6, 4 // groups, 3, 2))
    made = problem_for(
        "conv", {"X": X, "W": W, "b": rng.normal(size=6)}, {}, options | {"groups": groups}
    )
    dY = rng.normal(size=made.geometry.output_shape)
    arrays = {"X": X, "W": W, "b": rng.normal(size=6), "dY": dY}
    return problem_for("conv", arrays, {}, options | {"groups": groups, "activation": activation})


def transposed(**options):
    rng = np.random.default_rng(0)
    X, W, b = rng.normal(size=(2, 4, 40, 37)), rng.normal(size=(4, 3, 3, 2)), rng.normal(size=3)
    arrays = {"X": X, "W": W, "b": b}
    shape = problem_for("transposed", arrays, {}, options).geometry.output_shape
    return problem_for("transposed", arrays | {"dY": rng.normal(size=shape)}, {}, options)


def separable(**options):
    rng = np.random.default_rng(0)
    X, D = rng.normal(size=(2, 3, 61, 64)), rng.normal(size=(6, 1, 3, 2))
    arrays = {"X": X, "depthwise": D, "pointwise": rng.normal(size=(6, 6)), "b": rng.normal(size=6)}
    shape = problem_for("separable", arrays, {}, options).plan.output_shape
    return problem_for("separable", arrays | {"dY": rng.normal(size=shape)}, {}, options)


def transforms(names, **options):
    rng = np.random.default_rng(0)
    X, W = rng.normal(size=(2, 3, 50, 49)), rng.normal(size=(4, 3, 3, 3))
    arrays, options = {"X": X, "W": W, "b": rng.normal(size=4)}, options | {"transforms": names}
    shape = problem_for("conv", arrays, {}, options).plan.output_shape
    return problem_for("conv", arrays | {"dY": rng.normal(size=shape)}, {}, options)


def pool(layer, **options):
    rng = np.random.default_rng(0)
    X, options = rng.normal(size=(2, 2, 61, 64)), {"window": (3, 2)} | options
    shape = problem_for(layer, {"X": X}, {}, options).geometry.output_shape
    return problem_for(layer, {"X": X, "dY": rng.normal(size=shape)}, {}, options)


LAYERS = {
    **{name: lambda o=o: convolution(**o) for name, o in GEOMETRIES.items()},
    **{
        f"grouped, {name}": lambda o=o: convolution(groups=2, **o) for name, o in GEOMETRIES.items()
    },
    "activated": lambda: convolution(activation="tanh", stride=2, padding=1),
    "transposed": lambda: transposed(padding=1),
    "transposed, strided": lambda: transposed(stride=3, padding=1, output_padding=1),
    "transposed, surplus": lambda: transposed(stride=2, dilation=3, output_padding=2),
    "separable": lambda: separable(padding=1),
    "separable, strided": lambda: separable(stride=2, dilation=2, padding=((1, 0), (0, 2))),
    "transforms": lambda: transforms(["identity", "rot90", "transpose"], padding=1, stride=2),
    "transforms, scaled": lambda: transforms(["rot180", "scale2"], padding="same"),
    "maxpool": lambda: pool("maxpool", stride=2, padding=1),
    "avgpool": lambda: pool("avgpool", stride=(3, 2), padding=1),
    "maxpool, dilated": lambda: pool("maxpool", stride=1, dilation=2),
}


def computed(problem, target, mistake):
    try:
        return problem.variant(target, [mistake])
    except (Impossible, ValueError, IndexError):
        return None


def cuts_of(problem, target):
    """The parts where an array differs in its last and in its first corner."""
    mask = np.zeros(problem.right(target).shape, dtype=bool)
    mask[(-1,) * mask.ndim] = mask[(-1,) + (0,) * (mask.ndim - 1)] = True
    return list(problem.parts(target, mask))


@pytest.mark.parametrize("name", LAYERS)
def test_a_part_knows_what_a_mistake_does(name: str) -> None:
    problem = LAYERS[name]()
    compared = 0
    for target in problem.targets:
        right, cuts = problem.right(target), cuts_of(problem, target)
        for mistake in problem.mistakes(target):
            knowing = [cut for cut in cuts if mixing(target, [mistake]) <= cut.holds]
            whole = computed(problem, target, mistake) if knowing else None
            for cut in knowing if whole is not None else ():
                said = f"{target}: {mistake.phrase} on {cut.words}"
                part = computed(cut.problem, target, mistake)
                assert part is not None, said
                kept = part.shape == right[cut.place].shape
                assert kept == (whole.shape == right.shape), said
                if kept:
                    part, here = part[cut.compared], whole[cut.place][cut.compared]
                    np.testing.assert_allclose(part, here, atol=1e-9, err_msg=said)
                    compared += part.size
    assert compared > 100


@pytest.mark.parametrize("name", ["strided", "grouped, plain", "maxpool", "separable"])
def test_an_order_of_axes_is_undone(name: str) -> None:
    problem, undone_ones = LAYERS[name](), 0
    for target in problem.targets:
        right = problem.right(target).astype(float)
        for mistake in problem.mistakes(target):
            if mistake.changes.keys() == {"order"}:
                found = problem.variant(target, [mistake])
                search = SimpleNamespace(right=right, found=found)
                np.testing.assert_allclose(
                    undone(mistake.changes["order"], search), right, atol=1e-9
                )
                undone_ones += 1
    assert undone_ones


def test_two_mistakes_of_a_large_layer_are_found_whatever_they_mix() -> None:
    rng = np.random.default_rng(0)
    X, W, dY = (rng.normal(size=s) for s in ((4, 8, 40, 40), (8, 8, 3, 3), (4, 8, 40, 40)))
    b = rng.normal(size=8)
    dZ = dY * (1 - np.tanh(conv_forward(X, W, b, padding=1)) ** 2)
    turned = conv_backward(X, W, dY, padding=1).dW.swapaxes(0, 1)
    spread = conv_backward(X, W, dY, padding=1).dW.sum(1, keepdims=True) + np.zeros((8, 8, 3, 3))
    for name, wrong, ids in (
        ("dW", turned, {"A1", "W8"}),
        ("dW", spread, {"A1", "W9"}),
        ("dX", conv_backward(X, W[..., ::-1, ::-1], dZ, padding=1).dX / 4, {"X1", "G1"}),
    ):
        found = check_arrays(
            X, W, dA=dY, b=b, padding=1, activation="tanh", **{name: wrong}
        ).gradients[name]
        assert ids in [set(d.mistakes) for d in found.diagnosis], (name, ids, found.diagnosis)
        assert "on a part of the layer" in found.tried
