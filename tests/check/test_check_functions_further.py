"""``check function`` on separable layers and on filters under transforms."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from convgrad_cli import check_function, conv_backward, conv_forward
from convgrad_cli.cli.main import app
from convgrad_cli.errors import ConvgradError

TURNS = {
    "identity": (lambda W: W, lambda W: W),
    "rot90": (lambda W: np.rot90(W, 1, (-2, -1)), lambda W: np.rot90(W, -1, (-2, -1))),
    "fliplr": (lambda W: W[..., ::-1], lambda W: W[..., ::-1]),
    "scale2": (
        lambda W: W.repeat(2, -1).repeat(2, -2),
        lambda W: W.reshape(*W.shape[:2], W.shape[2] // 2, 2, W.shape[3] // 2, 2).sum((3, 5)),
    ),
}


def separable(X, D, P, dY, stride=1, padding=0, dilation=1):
    """Both steps by the plain convolution's gradients."""
    steps = {"stride": stride, "padding": padding, "dilation": dilation}
    dV = np.einsum("oi,no...->ni...", P, dY)
    first = conv_backward(X, D, dV, groups=X.shape[1], **steps)
    V = conv_forward(X, D, groups=X.shape[1], **steps)
    return first.dX, first.dW, np.einsum("nohw,nihw->oi", dY, V), dY.sum((0, 2, 3))


def without_the_mixing(X, D, P, dY, stride=1, padding=0, dilation=1):
    options = (stride, padding, dilation)
    dX, dD, *_ = separable(X, D, P.reshape(P.shape[::-1]).T, dY, *options)
    return (dX, dD, *separable(X, D, P, dY, *options)[2:])


def transformed(X, W, dY, transforms=("identity",), stride=1, padding=0, dilation=1, groups=1):
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    total = [0, 0, 0]
    for s, name in enumerate(transforms):
        apply, back = TURNS[name]
        dX, dW, db = conv_backward(X, apply(W), dY[:, s], **options)
        total = [old + new for old, new in zip(total, (dX, back(dW), db), strict=True)]
    return tuple(total)


def never_pulled_back(X, W, dY, transforms):
    maps = [conv_backward(X, TURNS[name][0](W), dY[:, s]) for s, name in enumerate(transforms)]
    return sum(m.dX for m in maps), sum(m.dW for m in maps), sum(m.db for m in maps)


def test_a_separable_layers_function() -> None:
    report = check_function(separable, layer="separable")
    assert report, str(report)
    assert report.passed == len(report.cases) == 10
    smallest = check_function(without_the_mixing, layer="separable").smallest
    assert smallest is not None
    assert set(smallest.wrong) == {"dX", "dDepthwise"}
    assert ("S1",) in [d.mistakes for d in smallest.gradients["dX"].diagnosis]


@pytest.mark.parametrize("names", ["identity,rot90,fliplr", "scale2"])
def test_a_function_of_one_filter_under_transforms(names: str) -> None:
    report = check_function(transformed, transforms=names)
    assert report, str(report)
    assert report.passed == len(report.cases) == 15


def test_the_mistake_of_a_function_under_transforms_is_named() -> None:
    report = check_function(never_pulled_back, transforms=["identity", "rot90"])
    assert report.smallest is not None
    assert report.smallest.wrong == ["dW"]
    assert [d.mistakes for d in report.smallest.gradients["dW"].diagnosis] == [("R1",)]
    assert "stride, padding, dilation, groups" in report.notes[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"transforms": "rot90,scale2"}, "scale2 beside other transforms"),
        ({"transforms": "rot90", "dims": 1}, "Transforms are of 2-D filters"),
        ({"transforms": "rot90", "activation": "relu"}, "one at a time"),
        ({"transforms": "rot91"}, "Unknown transform"),
        ({"transforms": "rot90", "layer": "maxpool"}, "does not take --transforms"),
        ({"layer": "separable", "signature": "cs231n"}, "Unknown signature"),
    ],
)
def test_what_no_function_can_be_asked(options, words) -> None:
    with pytest.raises(ConvgradError, match=words):
        check_function(transformed, **options)


def test_the_command_runs_them_in_a_process_of_its_own(tmp_path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "import numpy as np\n"
        "def backward(X, D, P, dY):\n"
        "    return {'dPointwise': np.zeros_like(P), 'db': dY.sum(axis=(0, 2, 3))}\n"
    )
    arguments = ["check", "function", f"{file}:backward", "--layer", "separable"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "depthwise (1, 1, 2, 3)" in result.stdout
    assert "G1" in result.stdout
