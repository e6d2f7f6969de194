"""The views' symbols, put into numbers, are the views' numbers: the two come from different rooms.

Symbols are made from the taps, numbers by the layers; every matrix has both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.cli.lecture_views import conv_views
from convgrad_cli.derivation import NOTATIONS, Names, TracedConv, Writer, roads, vectorize
from convgrad_cli.derivation.steps import VIEWS
from convgrad_cli.geometry import plan_conv
from convgrad_cli.render.views import Pen

if TYPE_CHECKING:
    from tests.conftest import Convgrad

NUMBERS = {
    "padding": ("padded", "padded_gradient", "dX"),
    "stride": ("stride_one", "Y", "upsampled", "dX", "dW"),
    "vectorized": ("Q", "W", "Z", "dZ", "dW", "dQ", "dX"),
    "toeplitz": ("T", "Y", "dX"),
}


@st.composite
def convolutions(draw: Any) -> Any:
    dims = draw(st.integers(1, 2))
    groups, c, k = (draw(st.integers(1, 2)) for _ in range(3))
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    dilation = [draw(st.integers(1, 2)) for _ in range(dims)]
    size = [
        d * (n - 1) + 1 + draw(st.integers(0, 3)) for n, d in zip(kernel, dilation, strict=True)
    ]
    options = {
        "stride": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(dims)],
        "dilation": dilation,
        "groups": groups,
    }
    x_shape = (draw(st.integers(1, 2)), c * groups, *size)
    plan = plan_conv(x_shape, (k * groups, c, *kernel), dims=dims, **options)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return plan, rng


def names_of(plan: Any, arrays: dict[str, Any]) -> dict[str, int]:
    """The number that every name of the slides' notation stands for."""
    writer = Writer(Names(NOTATIONS["slides"], TracedConv(plan)), "expression")
    found = {}
    for role in ("X", "W", "Y"):
        for index in np.ndindex(*TracedConv(plan).frames[role].shape):
            found[writer.entry(role, index)] = int(arrays[role][index])
            found[writer.gradient(role, index)] = int(arrays[f"d{role}"][index])
    return found


def put(texts: Any, values: dict[str, int]) -> list[int | None]:
    """The symbols as numbers, flat; None where nothing is named."""
    flat = np.array(texts, dtype=object).reshape(-1).tolist()
    return [None if text is None else eval(text, {}, values) for text in flat]


def dense(X: Any, W: Any, dY: Any, geometry: Any) -> dict[str, Any]:
    """Y, dX and dW by plain loops over the definition."""
    Y, dX, dW = (np.zeros(a.shape, int) for a in (dY, X, W))
    per, into = geometry.filters_per_group, geometry.channels_per_group
    for n, o, *i in np.ndindex(*dY.shape):
        for c, *p in np.ndindex(*W.shape[1:]):
            at = [
                x * a.stride + q * a.dilation - a.before
                for x, q, a in zip(i, p, geometry.axes, strict=True)
            ]
            if all(0 <= place < a.size for place, a in zip(at, geometry.axes, strict=True)):
                x, w, y = (n, o // per * into + c, *at), (o, c, *p), (n, o, *i)
                Y[y] += X[x] * W[w]
                dX[x] += dY[y] * W[w]
                dW[w] += dY[y] * X[x]
    return {"X": X, "W": W, "Y": Y, "dX": dX, "dW": dW, "dY": dY}


@settings(max_examples=25)
@given(convolutions())
def test_symbols_are_the_numbers(layer: Any) -> None:
    plan, rng = layer
    geometry = plan.geometry
    X, W = rng.integers(-9, 10, geometry.input_shape), rng.integers(-9, 10, geometry.filter_shape)
    dY = rng.integers(-9, 10, geometry.output_shape)
    values = names_of(plan, dense(X, W, dY, geometry))
    views = {view.name: view.data for view in conv_views(plan, VIEWS, X=X, W=W, dY=dY)}
    for name, wanted in NUMBERS.items():
        data = views[name]
        for matrix in wanted:
            numbers = np.asarray(data[matrix]).reshape(-1).tolist()
            shown = put(data["symbols"][matrix], values)
            assert len(shown) == len(numbers)
            for one, other in zip(shown, numbers, strict=True):
                assert one is None or one == other, (name, matrix)
        if "agrees" in data:
            assert data["agrees"] is True
    # Thrown away: the padding's gradient, and what the stride steps over; nothing else is unnamed.
    kept = put(views["padding"]["symbols"]["padded_gradient"], values)
    assert sum(one is not None for one in kept) == X.size
    kept = put(views["stride"]["symbols"]["stride_one"], values)
    assert sum(one is not None for one in kept) == dY.size
    assert None not in put(views["vectorized"]["symbols"]["dQ"], values)


@settings(max_examples=25)
@given(convolutions())
def test_col2im_adds_the_entries_of_dQ(layer: Any) -> None:
    """dX from its sums of dQ's names, with dQ's numbers for them."""
    plan, rng = layer
    geometry = plan.geometry
    X, W = rng.integers(-9, 10, geometry.input_shape), rng.integers(-9, 10, geometry.filter_shape)
    dY = rng.integers(-9, 10, geometry.output_shape)
    (view,) = conv_views(plan, ["vectorized"], X=X, W=W, dY=dY)
    dQ = view.data["dQ"]
    shown = [dQ.shape[0] > 1, dQ.shape[1] > 1, True, True]
    values = {
        "dQ_" + "_".join(str(i + 1) for i, show in zip(at, shown, strict=True) if show): int(dQ[at])
        for at in np.ndindex(*dQ.shape)
    }
    dX = dense(X, W, dY, geometry)["dX"]
    assert put(view.data["symbols"]["col2im"], values) == dX.reshape(-1).tolist()


@settings(max_examples=15)
@given(convolutions())
def test_shapes_alone_compare_the_terms(layer: Any) -> None:
    plan, _ = layer
    for view in conv_views(plan, VIEWS):
        assert view.data.keys() - {"padding"} <= {"symbols", "index_map"}
        words = " ".join(str(block) for block in view.write(Pen("unicode", 6)))
        if view.name != "padding":
            assert "Checked: this road multiplies exactly the terms of" in words


def test_a_wrong_road_would_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an entry of the upsampled map, of Q or of T exchanged, the terms are other ones."""
    plan = plan_conv((3, 3), (2, 2), stride=1)
    geometry = plan.geometry
    assert roads.agrees(geometry)
    assert vectorize.agrees(geometry)
    assert vectorize.toeplitz_agrees(geometry)
    honest = roads.upsampled
    exchanged = {(0, 0, 0, 0): (0, 0, 0, 1), (0, 0, 0, 1): (0, 0, 0, 0)}
    with monkeypatch.context() as patch:
        patch.setattr(roads, "upsampled", lambda g, at: honest(g, exchanged.get(at, at)))
        assert not roads.agrees(geometry)
    taps = vectorize.output_taps
    with monkeypatch.context() as patch:
        patch.setattr(vectorize, "output_taps", lambda g, at: list(taps(g, at))[:-1])
        assert not vectorize.agrees(geometry)
        assert not vectorize.toeplitz_agrees(geometry)
    (view,) = conv_views(plan, ["stride"])
    monkeypatch.setattr(roads, "agrees", lambda geometry: False)
    assert "OTHER terms" in " ".join(str(block) for block in view.write(Pen("unicode", 6)))


def test_derive_shows_the_roads_as_steps(convgrad: Convgrad) -> None:
    layer = [
        "--input-shape",
        "5,5",
        "--filter-shape",
        "3,3",
        "--stride",
        "2",
        "--padding",
        "1:0,0:1",
    ]
    done = convgrad("derive", *layer, "--steps", "stride,padding", "--notation", "recitation")
    assert done.returncode == 0, done.stderr
    for line in (
        "# Stride as downsampling",
        "# Y, stride 1 = | [y00]  ·  [y01]  · |",
        "# dY upsampled = | [∂L/∂y00]  0  [∂L/∂y01]  0 |",
        "# Zero padding, and its gradient deleted",
        "# Checked: this road multiplies exactly the terms of the strided convolution.",
    ):
        squeezed = " ".join(done.stdout.split())
        assert " ".join(line.split()[1:4]) in squeezed, line
    assert not [line for line in done.stdout.splitlines() if line and line[0] != "#"]
    assert "Gradient with respect to" not in done.stdout  # nothing was asked of the equations
    one = json.loads(convgrad("derive", *layer, "--steps", "stride", "--json").stdout)
    assert set(one["views"]) == {"stride"}
    assert one["views"]["stride"]["symbols"]["stride_one"][0] == ["O11", None, "O12", None]


def test_derive_and_view_are_one(convgrad: Convgrad) -> None:
    steps = json.loads(
        convgrad("derive", "--sample", "uneven", "--steps", ",".join(VIEWS), "--json").stdout
    )
    view = json.loads(
        convgrad("backward", "--sample", "uneven", "--view", ",".join(VIEWS), "--json").stdout
    )
    assert steps["views"] == view["views"]
    assert view["views"]["stride"]["agrees"] is True


def test_only_a_plain_convolution_has_these_steps(convgrad: Convgrad) -> None:
    for layer in (["--layer", "upsample"], ["--transforms", "rot90", "--sample", "slides"]):
        done = convgrad("derive", *layer, "--steps", "stride")
        assert (done.returncode, done.stdout) == (2, "")
        assert "The step stride is a convolution's." in done.stderr


@pytest.mark.parametrize("form", ["table", "latex", "markdown"])
def test_the_roads_in_every_form(convgrad: Convgrad, form: str) -> None:
    done = convgrad("derive", "--sample", "slides", "--steps", ",".join(VIEWS), "--format", form)
    assert done.returncode == 0, done.stderr
    if form == "latex":
        assert done.stdout.isascii()
        assert r"\cdot" in done.stdout
    else:
        sums = "dQ_{1,1}" if form == "table" else "dQ_{1,2} + dQ_{2,1}"  # a terminal cuts columns
        assert sums in done.stdout
