"""The gradients seen as convolutions: the printed matrices themselves give the gradient."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli import derive
from convgrad_cli.derivation.agreement import agrees
from convgrad_cli.derivation.blocks import Picture, Rows, Sentence
from convgrad_cli.derivation.steps import Report
from convgrad_cli.render.derivation import Written
from tests import reference
from tests.derivation.geometries import Layer, convolutions

SOME = settings(max_examples=60, deadline=None, derandomize=True)


def correlate(image: Any, kernel: Any, dilation: list[int]) -> Any:
    """A plain correlation of two planes, without padding."""
    extents = [d * (k - 1) + 1 for k, d in zip(kernel.shape, dilation, strict=True)]
    out = [a - e + 1 for a, e in zip(image.shape, extents, strict=True)]
    found = np.zeros(out, dtype=image.dtype)
    for place in np.ndindex(*out):
        for at in np.ndindex(*kernel.shape):
            where = tuple(x + p * d for x, p, d in zip(place, at, dilation, strict=True))
            found[place] += image[where] * kernel[at]
    return found


@SOME
@given(convolutions(), st.integers(0, 2**32))
def test_the_arrays_in_json_give_the_gradients(layer: Layer, seed: int) -> None:
    random = np.random.default_rng(seed)
    X, W = (random.integers(-9, 10, shape) for shape in (layer.x_shape, layer.w_shape))
    dY = random.integers(-9, 10, reference.conv_forward(X, W, **layer.options).shape)
    dX, dW, _ = reference.conv_backward(X, W, dY, **layer.options)
    derivation = derive("dX", "dW", X=X, W=W, dY=dY, dims=X.ndim - 2, **layer.options)
    view = _view(derivation)
    groups, filters = layer.options["groups"], W.shape[0] // layer.options["groups"]
    for n, channel in np.ndindex(*X.shape[:2]):
        group, c = divmod(channel, X.shape[1] // groups)
        total = sum(
            correlate(
                np.array(view["dX"]["padded"])[n, o],
                np.array(view["dX"]["flipped"])[o, c],
                view["dX"]["dilation"],
            )
            for o in range(group * filters, (group + 1) * filters)
        )
        np.testing.assert_array_equal(total, dX[n, channel])
    ones = [1] * (X.ndim - 2)
    for o, c in np.ndindex(*W.shape[:2]):
        channel = o // filters * (X.shape[1] // groups) + c
        total = sum(
            correlate(
                np.array(view["dW"]["padded"])[n, channel],
                np.array(view["dW"]["dilated"])[n, o],
                ones,
            )
            for n in range(X.shape[0])
        )
        every = tuple(slice(None, None, step) for step in view["dW"]["stride"])
        keep = tuple(slice(size) for size in view["dW"]["keep"])
        np.testing.assert_array_equal(total[every][keep], dW[o, c])
    assert view["dX"]["agrees"] is True
    assert view["dW"]["agrees"] is True


def _view(derivation: Any) -> dict[str, Any]:
    import orjson

    document = orjson.loads(orjson.dumps(Written(derivation).as_json()))
    found: dict[str, Any] = document["convolution"]
    return found


@SOME
@given(convolutions())
def test_both_ways_multiply_the_same_terms(layer: Layer) -> None:
    derivation = derive(
        "dX", "dW", input_shape=layer.x_shape, filter_shape=layer.w_shape,
        dims=len(layer.x_shape) - 2, **layer.options,
    )  # fmt: skip
    assert all(agrees(derivation.traced, e.target, e.index) for e in derivation)  # type: ignore[arg-type]


def test_a_difference_between_the_ways_would_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from convgrad_cli.derivation import routes

    honest = routes.flipped
    monkeypatch.setattr(routes, "flipped", lambda axes, place: honest(axes, honest(axes, place)))
    report = Report(derive("dX", input_shape=(3, 3), filter_shape=(2, 2)), steps=("convolution",))
    said = [str(b.parts[0]) for b in report.blocks() if isinstance(b, Sentence)]
    assert "The two ways DIFFER in dX[0,0]: this is a bug in convgrad." in said


def test_more_padding_than_the_filter_reaches_crops() -> None:
    derivation = derive("dX", input_shape=(3,), filter_shape=(2,), padding=[(3, 0)], stride=2)
    assert _view(derivation)["dX"]["crop"] == [[2, 0]]
    words = [str(b.parts[0]) for b in Report(derivation).blocks() if isinstance(b, Sentence)]
    assert any("1 − 3 = -2, that is crop 2, before" in text for text in words)


def test_leftover_rows_pad_further() -> None:
    # 6 = (2 − 1)·2 + 3 + 1: one row is left over, so 2 − 0 + 1 = 3 after
    derivation = derive("dX", input_shape=(6,), filter_shape=(3,), stride=2)
    assert _view(derivation)["dX"]["padding"] == [[2, 3]]
    assert _view(derivation)["dX"]["padded"] == [0, 0, "dL_dO1", 0, "dL_dO2", 0, 0, 0]


def test_the_paddings_gradient_is_shown_before_it_is_deleted() -> None:
    X, W, dY = np.array([4, 7, 1]), np.array([2, -3]), np.array([1, 5, -2, 3])
    report = Report(derive("dX", X=X, W=W, dY=dY, padding=1), steps=("convolution",))
    whole, kept = [b for b in report.blocks() if isinstance(b, Picture)][-2:]
    # padded dX: 1·2, 1·(−3) + 5·2, 5·(−3) − 2·2, −2·(−3) + 3·2, 3·(−3)
    assert whole.parts[1].cells == [["2", "7", "-19", "12", "-9"]]  # type: ignore[union-attr]
    assert whole.parts[1].marked == {(0, 1), (0, 2), (0, 3)}  # type: ignore[union-attr]
    assert kept.parts[1].cells == [["7", "-19", "12"]]  # type: ignore[union-attr]


def test_the_window_of_a_single_element_is_marked() -> None:
    report = Report(
        derive("dX[2,2]", input_shape=(5, 5), filter_shape=(3, 3), stride=2),
        steps=("convolution",),
    )
    padded = [b for b in report.blocks() if isinstance(b, Picture)][1]
    assert padded.parts[1].marked == {(r, c) for r in (2, 3, 4) for c in (2, 3, 4)}  # type: ignore[union-attr]


def test_the_forward_equations_of_an_element_stand_in_order() -> None:
    derivation = derive("dX[2,2]", "dX[0,0]", input_shape=(3, 3), filter_shape=(2, 2))
    (rows,) = [b for b in Report(derivation, steps=("forward",)).blocks() if isinstance(b, Rows)]
    assert [row.left for row in rows.rows] == ["O11", "O22"]


@pytest.mark.parametrize(("filters", "said"), [(1, False), (2, True)])
def test_one_plane_of_several_is_said(filters: int, said: bool) -> None:
    derivation = derive(
        "dX", input_shape=(1, 3, 3), filter_shape=(filters, 1, 2, 2), dims=2, notation="lecture12"
    )
    words = [b.parts[0] for b in Report(derivation).blocks() if isinstance(b, Sentence)]
    assert ("The matrices show one plane of each array; the others go alike." in words) is said


@SOME
@given(convolutions())
def test_an_elements_terms_are_counted_without_walking_them(layer: Layer) -> None:
    derivation = derive(
        "Y", "dX", "dW", "db", input_shape=layer.x_shape, filter_shape=layer.w_shape,
        dims=len(layer.x_shape) - 2, with_bias=True, **layer.options,
    )  # fmt: skip
    assert all(e.term_count == len(list(e.terms)) for e in derivation)  # type: ignore[union-attr]


def test_millions_of_products_are_neither_listed_nor_compared() -> None:
    derivation = derive(
        "dW[0,0,1,1]", input_shape=(8, 64, 1000, 1000), filter_shape=(64, 64, 3, 3), padding=1
    )
    blocks = list(Report(derivation).blocks())
    said = [str(b.parts[0]) for b in blocks if isinstance(b, Sentence)]
    assert "Not compared term by term: dW[0,0,1,1] has 8,000,000 products." in said
    (row,) = [row for block in blocks if isinstance(block, Rows) for row in block.rows]
    assert row.sides["substituted"].more == 8_000_000 - 32
