"""Pairs, ambiguity, places, shapes, numbers that are none: what a wrong array's report says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgrad_cli.check import check_arrays, sieve
from convgrad_cli.errors import ConvgradError, UsageError
from convgrad_cli.render.check import check_output
from tests.check import mutants
from tests.check.test_check_mutants import (
    GROUPED,
    PADDED,
    PLAIN,
    STRIDED,
    conv_arrays,
    layer,
    named,
    options,
)


def checked(spec: Any, arrays: Any, **answers: Any) -> Any:
    return check_arrays(**arrays, **answers, groups=spec.groups, **options(spec))


def crop_first(spec, plane):
    return mutants.crop(plane, (0,) * spec.dims, spec.size)


def flipped_and_cropped(spec, a):
    plane = mutants.dx_padded(spec, np.flip(a["W"], mutants.spatial(spec)), a["dY"])
    return crop_first(spec, plane)


def flipped_and_uncropped(spec, a):
    return mutants.dx_padded(spec, np.flip(a["W"], mutants.spatial(spec)), a["dY"])


def flipped_and_overwritten(spec, a):
    flipped = np.flip(a["W"], mutants.spatial(spec))
    return mutants.cropped(spec, mutants.dx_padded(spec, flipped, a["dY"], assign="window"))


def flipped_and_not_dilated(spec, a):
    flipped = np.flip(a["W"], mutants.spatial(spec))
    plane = mutants.dx_padded(spec, flipped, a["dY"], step=(1,) * spec.dims)
    return mutants.cropped(spec, plane)


def overwritten_and_cropped(spec, a):
    return crop_first(spec, mutants.dx_padded(spec, a["W"], a["dY"], assign="window"))


def flipped_and_negative(spec, a):
    return -mutants.x1(spec, **a)


def flipped_and_averaged(spec, a):
    return mutants.x1(spec, **a) / spec.N


def rotated_mean(spec, a):
    return mutants.w1(spec, **a) / spec.N


def rotated_one_sample(spec, a):
    return np.flip(mutants.w3_last(spec, **a), mutants.spatial(spec))


def not_padded_mean(spec, a):
    return mutants.w4_end(spec, **a) / spec.N


def mean_in_the_wrong_shape(spec, a):
    return mutants.b3(spec, **a) / spec.N


PAIRS = [
    (flipped_and_cropped, {"X1", "X8"}, "dX", PADDED),
    (flipped_and_uncropped, {"X1", "X8"}, "dX", PADDED),
    (flipped_and_overwritten, {"X1", "X9"}, "dX", PLAIN),
    (flipped_and_not_dilated, {"X1", "X5"}, "dX", STRIDED),
    (overwritten_and_cropped, {"X9", "X8"}, "dX", PADDED),
    (flipped_and_negative, {"X1", "G2"}, "dX", PLAIN),
    (flipped_and_averaged, {"X1", "G1"}, "dX", {"N": 3}),
    (rotated_mean, {"W1", "W2"}, "dW", PLAIN),
    (rotated_one_sample, {"W1", "W3"}, "dW", PLAIN),
    (not_padded_mean, {"W4", "W2"}, "dW", PADDED),
    (mean_in_the_wrong_shape, {"B1", "B3"}, "db", PLAIN),
]


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize(
    ("make", "ids", "target", "spec"), PAIRS, ids=[p[0].__name__ for p in PAIRS]
)
def test_two_mistakes_at_once_are_named(make, ids, target, spec, dims) -> None:
    made = layer(dims, **spec)
    arrays = conv_arrays(made, np.float64)
    report = checked(made, arrays, **{target: make(made, arrays)})
    assert ids in [set(found) for found in named(report, target)], str(report)


def test_what_several_mistakes_give_alike_is_listed_for_each() -> None:
    """With a square, symmetric-by-transposition layer, two mistakes are one array."""
    spec = layer(2, C=3, K=3)
    arrays = conv_arrays(spec, np.float64)
    report = checked(spec, arrays, dX=mutants.x4_swapped(spec, **arrays))
    assert {("X4",), ("F2",)} <= set(named(report, "dX"))


def test_a_mistake_that_does_no_harm_here_is_never_named() -> None:
    """A symmetric filter hides X1, so X1 explains nothing; what explains it is named."""
    spec = layer(2, **PADDED)
    arrays = conv_arrays(spec, np.float64)
    arrays["W"] = arrays["W"] + np.flip(arrays["W"], (2, 3))
    report = checked(spec, arrays, dX=mutants.x8_first(spec, **arrays))
    ids = named(report, "dX")
    assert ("X8",) in ids
    assert not any("X1" in found for found in ids)


def test_a_harmless_mistake_does_not_explain_rounding_under_a_strict_rule() -> None:
    spec = layer(2)
    arrays = conv_arrays(spec, np.float64)
    arrays["W"] = arrays["W"] + np.flip(arrays["W"], (2, 3))
    off = mutants.right_dx(spec, arrays["W"], arrays["dY"]) * (1 + 4e-16)
    report = check_arrays(**arrays, dX=off, rule="exact", **options(spec))
    assert report.verdict == "wrong"
    assert named(report, "dX") == []


def random_off(right, index, by=5.0):
    wrong = right.copy()
    wrong[index] += by * np.random.default_rng(1).uniform(1, 2, wrong[index].shape)
    return wrong


def where(report: Any, name: str = "dX") -> dict[str, Any]:
    return {place.region: place for place in report.gradients[name].where}


@pytest.mark.parametrize(
    ("index", "region"),
    [
        ((0,), "sample"),
        ((slice(None), 1), "channel"),
        ((slice(None), slice(None), 2), "row"),
        ((Ellipsis, 0), "column"),
    ],
)
def test_an_unknown_mistake_is_placed(index, region) -> None:
    spec = layer(2, N=3, C=3)
    arrays = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    report = checked(spec, arrays, dX=random_off(right, index))
    assert {"sample", "channel", "row", "column"} & where(report).keys() == {region}
    assert where(report)[region].text.startswith(f"only {region} ")


def test_differences_at_overlaps_leftover_rows_and_groups_are_placed() -> None:
    spec = layer(2, kernel=(3, 3), size=(7, 7), s=2)
    arrays = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    shared = np.zeros((7, 7), bool)
    shared[2:5:2], shared[:, 2:5:2] = True, True
    report = checked(spec, arrays, dX=random_off(right, (slice(None), slice(None), shared)))
    assert where(report)["overlaps"].exactly

    spec = layer(2, **STRIDED, N=1)
    arrays = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    left = np.zeros((7, 8), bool)
    left[6:], left[:, 7:] = True, True
    report = checked(spec, arrays, dX=random_off(right, (slice(None), slice(None), left)))
    assert {"leftover", "unreached"} & where(report).keys()

    spec = layer(1, **GROUPED)
    arrays = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    report = checked(spec, arrays, dX=random_off(right, (slice(None), slice(2, 4))))
    assert "group" in where(report)
    assert named(report, "dX") == [("G5",)]


def test_differences_at_ties_are_placed_and_the_tie_rule_said() -> None:
    X = np.random.default_rng(3).integers(-2, 1, (2, 2, 6, 6)).astype(float)
    dY = np.random.default_rng(4).normal(size=(2, 2, 3, 3))
    spec = layer(2, C=2, size=(6, 6), kernel=(2, 2), s=2)
    last = mutants.p3_last(spec, X, dY)
    report = check_arrays(X, dY=dY, dX=last, layer="maxpool", window=2)
    notes = " ".join(report.gradients["dX"].notes)
    assert "the last maximum in row-major order" in notes
    right = check_arrays(X, dY=dY, dX=last, layer="maxpool", window=2, ties="last")
    assert right
    wrong = mutants.cropped(spec, mutants.max_dx(spec, X, dY))
    tied = wrong != last
    report = check_arrays(X, dY=dY, dX=random_off(wrong, tied), layer="maxpool", window=2)
    assert "ties" in where(report)
    assert "no tie rule gives this dX" in " ".join(report.gradients["dX"].notes)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_and_infinity_are_reported_and_the_rest_is_diagnosed(bad) -> None:
    spec = layer(2)
    arrays = conv_arrays(spec, np.float64)
    wrong = mutants.x1(spec, **arrays)
    wrong[1, 0, 2, 3] = bad
    report = checked(spec, arrays, dX=wrong).gradients["dX"]
    assert report.nonfinite == 1
    assert report.first_nonfinite == (1, 0, 2, 3)
    assert [d.mistakes for d in report.diagnosis] == [("X1",)]
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    right[0, 0, 0, 0] = bad
    report = checked(spec, arrays, dX=right).gradients["dX"]
    assert (report.verdict, report.differing) == ("wrong", 1)


def test_wrong_shapes_are_explained() -> None:
    spec = layer(2, **PADDED)
    arrays = conv_arrays(spec, np.float64)
    right = mutants.right_dx(spec, arrays["W"], arrays["dY"])
    dW = mutants.right_dw(spec, arrays["X"], arrays["dY"])
    nhwc = checked(spec, arrays, dX=right.transpose(0, 2, 3, 1))
    assert named(nhwc, "dX") == [("G3",)]
    assert "(batch, height, width, channel)" in nhwc.gradients["dX"].diagnosis[0].text
    hwio = checked(spec, arrays, dW=dW.transpose(2, 3, 1, 0))
    assert named(hwio, "dW") == [("W8",)]
    noise = np.random.default_rng(0).normal(size=(2, 2, 7, 8))
    placed = checked(spec, arrays, dX=noise).gradients["dX"]
    assert not placed.diagnosis
    assert "the padding's gradient is not cropped" in placed.where[0].text
    assert placed.max_abs_error is None


def test_leading_ones_may_be_added_or_left_out() -> None:
    X, W, dY = (
        np.arange(9.0).reshape(3, 3),
        np.array([[1.0, 2], [3, 5]]),
        np.array([[1.0, 2], [4, 3]]),
    )
    dX = mutants.right_dx(
        layer(2, N=1, C=1, K=1, size=(3, 3), kernel=(2, 2)), W[None, None], dY[None, None]
    )
    assert check_arrays(X, W, dY, dX=dX)
    assert check_arrays(X, W, dY, dX=dX[0, 0], db=10.0)
    assert check_arrays(X, W, dY, db=np.array([10.0]))
    assert not check_arrays(X, W, dY, db=np.array([[[[10.0]]]]))


def test_a_printed_array_may_be_rounded_and_the_report_says_so() -> None:
    """The pooling tutorial prints its dL/dZ to eight decimals."""
    Z = [[1, 2, 3], [4, 10, 5], [11, 12, 13]]
    A = np.array([[10.0, 10.0], [12.0, 13.0]])
    printed = [[0, 0, 0], [0, -0.2, 0], [0, -0.08333333, -0.07692308]]
    report = check_arrays(Z, dY=-1 / A, dX=printed, layer="maxpool", window=2, stride=1)
    assert report
    assert "rounded to 8 decimals" in report.gradients["dX"].notes[0]
    off = [[0, 0, 0], [0, -0.2, 0], [0, -0.08333333, -0.07692318]]
    assert not check_arrays(Z, dY=-1 / A, dX=off, layer="maxpool", window=2, stride=1)


def test_a_print_out_too_coarse_for_its_numbers_excuses_nothing() -> None:
    X, W = np.array([[1.0, 2.0]]), np.array([[0.01234567]])
    assert not check_arrays(X, W, [[1.0, 1.0]], dX=[[0.0123, 0.0123]])
    assert check_arrays(X, W, [[1.0, 1.0]], dX=[[0.0123457, 0.0123457]])


@pytest.mark.parametrize(
    ("wrong", "id"),
    [
        (lambda W: W[..., ::-1, ::-1, ::-1], "X1"),
        (lambda W: W[..., ::-1, :, ::-1], "X2"),
        (lambda W: W.swapaxes(2, 4), "X10"),
    ],
)
def test_three_dimensions(wrong, id) -> None:
    from convgrad_cli import conv_backward

    rng = np.random.default_rng(2)
    X, W = rng.normal(size=(2, 2, 4, 5, 6)), rng.normal(size=(3, 2, 2, 2, 2))
    dY = rng.normal(size=(2, 3, 3, 4, 5))
    right = conv_backward(X, W, dY)
    mistaken = conv_backward(X, wrong(W), dY).dX
    assert check_arrays(X, W, dY, *right)
    assert named(check_arrays(X, W, dY, dX=mistaken), "dX") == [(id,)]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_an_array_in_full_precision_does_not_look_printed(dtype) -> None:
    spec = layer(2, N=3)
    a = conv_arrays(spec, dtype)
    right = mutants.right_dx(spec, a["W"].astype(np.float64), a["dY"].astype(np.float64))
    report = checked(spec, a, dX=right.astype(dtype)).gradients["dX"]
    assert (report.verdict, report.notes) == ("right", [])


def test_integers_must_be_equal() -> None:
    X, W, dY = np.arange(16).reshape(4, 4), np.array([[1, 2], [3, 5]]), np.arange(9).reshape(3, 3)
    dW = mutants.right_dw(
        layer(2, N=1, C=1, K=1, size=(4, 4), kernel=(2, 2)), X[None, None], dY[None, None]
    )[0, 0]
    assert check_arrays(X, W, dY, dW=dW)
    big = X * 2**50
    exact = dW.astype(object) * 2**50
    assert check_arrays(big, W, dY, dW=exact.astype(np.int64))
    off = exact.copy()
    off[0, 0] += 1
    report = check_arrays(big, W, dY, dW=off.astype(np.int64))
    assert report.gradients["dW"].differing == 1


RULES = [
    ({"rule": "allclose"}, 1e-9, True),
    ({"rule": "allclose"}, 1e-3, False),
    ({"rule": "cs231n"}, 1e-7, True),
    ({"rule": "cs231n"}, 1e-5, False),
    ({"rule": "exact"}, 0.0, True),
    ({"rule": "exact"}, 1e-12, False),
    ({"rtol": 1e-2}, 1e-3, True),
    ({"rtol": 1e-4}, 1e-3, False),
    ({"atol": 100.0}, 1e-1, True),
    ({}, 1e-15, True),
    ({}, 1e-9, False),
]


@pytest.mark.parametrize(("rule", "relative", "verdict"), RULES)
def test_rules(rule, relative, verdict) -> None:
    spec = layer(2, size=(4, 4))
    arrays = {name: np.abs(array) + 1 for name, array in conv_arrays(spec, np.float64).items()}
    from convgrad_cli import conv_backward

    right = conv_backward(arrays["X"], arrays["W"], arrays["dY"]).dX
    report = check_arrays(**arrays, dX=right * (1 + relative), **rule)
    assert bool(report) is verdict


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({}, "nothing to check"),
        ({"dX": [[1]], "rule": "loose"}, "Unknown rule"),
        ({"dX": [[1]], "rule": "exact", "atol": 1.0}, "own tolerances"),
        ({"dX": [[1]], "rtol": -1.0}, "not negative"),
        ({"dX": [[1]], "rtol": float("nan")}, "not negative"),
        ({"dX": [["a"]]}, "real numbers"),
        ({"dX": [[1]], "layer": "maxpool"}, "window"),
        ({"dX": [[1]], "layer": "dense", "window": 1}, "Unknown layer"),
        ({"dW": [[1]], "layer": "maxpool", "window": 1}, "A pool has no dW"),
        ({"dX": [[1]], "layer": "maxpool", "window": 1, "ties": "all"}, "Unknown tie rule"),
    ],
)
def test_what_cannot_be_checked_is_refused(keywords, words) -> None:
    with pytest.raises(ConvgradError, match=words):
        check_arrays([[1, 2], [3, 4]], [[1]], [[1, 2], [3, 4]], **keywords)


def test_a_missing_upstream_gradient_is_an_error_except_for_Y() -> None:
    with pytest.raises(UsageError, match="dY is missing"):
        check_arrays([[1, 2], [3, 4]], [[1]], dX=[[1, 1], [1, 1]])
    assert check_arrays([[1, 2], [3, 4]], [[2]], Y=[[2, 4], [6, 8]])


def test_the_worst_elements_equation_stands_beside_the_mistaken_one() -> None:
    X, W, dY = (
        np.arange(9.0).reshape(3, 3),
        np.array([[1.0, 2], [3, 4]]),
        np.array([[1.0, 2], [3, 5]]),
    )
    spec = layer(2, N=1, C=1, K=1, size=(3, 3), kernel=(2, 2))
    wrong = mutants.x1(spec, None, W[None, None], None, dY[None, None])[0, 0]
    report = check_arrays(X, W, dY, dX=wrong, symbolic=True).gradients["dX"]
    (equation,) = report.equations
    assert report.worst_index == (2, 2)
    assert (equation.element, equation.right) == ("∂L/∂X33", "∂L/∂O22·F22")
    assert equation.mistaken == "∂L/∂O22·F11"
    rotated = mutants.right_dw(spec, X[None, None], dY[None, None])[0, 0, ::-1, ::-1]
    (equation,) = check_arrays(X, W, dY, dW=rotated, symbolic=True).gradients["dW"].equations
    assert equation.element == "∂L/∂F11"
    assert equation.mistaken == "∂L/∂O11·X22 + ∂L/∂O12·X23 + ∂L/∂O21·X32 + ∂L/∂O22·X33"


def test_a_large_layer_is_searched_on_a_part_and_confirmed_on_the_whole(monkeypatch) -> None:
    monkeypatch.setattr(sieve, "SMALL", 1)
    spec = layer(2, N=4, C=3, K=3, size=(14, 15))
    arrays = conv_arrays(spec, np.float64)
    report = checked(spec, arrays, dX=mutants.x1(spec, **arrays)).gradients["dX"]
    assert "on a part of the layer (sample" in report.tried
    assert [d.mistakes for d in report.diagnosis] == [("X1",)]
    wrong = mutants.x1(spec, **arrays)
    wrong[0, 0, 0, 0] += 1  # not the mistake on the whole layer, but on most samples
    report = checked(spec, arrays, dX=wrong).gradients["dX"]
    assert ("X1",) not in [d.mistakes for d in report.diagnosis]


def test_a_mistake_across_channels_is_found_though_only_some_are_searched(monkeypatch) -> None:
    monkeypatch.setattr(sieve, "SMALL", 1)
    spec = layer(2, N=2, C=6, K=7, size=(8, 9))
    arrays = conv_arrays(spec, np.float64)
    report = checked(spec, arrays, dW=mutants.w9_broadcast(spec, **arrays)).gradients["dW"]
    assert "on a part of the layer (filters" in report.tried
    assert [d.mistakes for d in report.diagnosis] == [("W9",)]


def test_channels_last_is_read_and_reported_in_its_own_axes() -> None:
    spec = layer(2)
    a = conv_arrays(spec, np.float64)
    wrong = mutants.right_dx(spec, a["W"], a["dY"])
    wrong[1, 0, 2, 3] += 1
    report = check_arrays(
        a["X"].transpose(0, 2, 3, 1),
        a["W"].transpose(2, 3, 1, 0),
        a["dY"].transpose(0, 2, 3, 1),
        dX=wrong.transpose(0, 2, 3, 1),
        layout="nhwc",
        filter_layout="hwio",
    ).gradients["dX"]
    assert report.worst_index == (1, 2, 3, 0)


def test_what_a_student_hands_in_is_told_apart() -> None:
    spec = layer(2, N=3)
    a = conv_arrays(spec, np.float64)
    a["dY"] = a["dY"] / 7
    right = mutants.right_dx(spec, a["W"], a["dY"])
    for wrong, words in (
        (right[1], "sample 1 only, without the batch's axis"),
        (right.sum(0), "the sum over the batch"),
        (right.mean(0, keepdims=True), "the mean over the batch"),
    ):
        (diagnosis,) = checked(spec, a, dX=wrong).gradients["dX"].diagnosis
        assert diagnosis.mistakes == ("G5",)
        assert words in diagnosis.text
    one = right.copy()
    one[0, 0, 1, 1] += 3
    for wrong, words in (
        (np.round(right, 2), "rounded to 2 decimals it would be right (--atol 0.005 accepts it)"),
        (right * (1 + 1e-7), "no more than single precision (float32) would make it differ"),
        (a["X"], "it is X itself"),
        (one, "only this one element differs"),
    ):
        report = checked(spec, a, dX=wrong).gradients["dX"]
        assert words in " ".join(place.text for place in report.where)
    assert not [d for d in report.diagnosis if d.mistakes == ("G5",)]


def test_a_single_nan_is_what_the_headline_says() -> None:
    spec = layer(2)
    a = conv_arrays(spec, np.float64)
    wrong = mutants.right_dx(spec, a["W"], a["dY"])
    wrong[0, 1, 2, 1] = np.nan
    text = str(check_output(checked(spec, a, dX=wrong), "text"))
    assert f"1 of {wrong.size} elements is NaN or infinite, the first at [0, 1, 2, 1]; all" in text
