"""``check`` of separable convolutions: right ones pass, every planted mistake is named."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.check import check_arrays, check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.catalogue_separable import reworded
from convgrad_cli.check.suggest import suggested
from convgrad_cli.errors import ConvgradError
from convgrad_cli.layers.separable import separable_backward, separable_forward
from tests.check import mutants_separable as mutants
from tests.check.mutants_separable import Separable

PLAIN = Separable(2, 3, 4, (5, 6), (3, 2))
SQUARE = Separable(2, 3, 3, (6, 5), (2, 3), stride=(2, 1), pads=((1, 0), (0, 1)))
SAME = Separable(2, 3, 2, (4, 5), (3, 3), pads=((1, 1), (1, 1)))
STRIDED = Separable(2, 3, 2, (7, 6), (3, 2), (2, 3), ((1, 2), (1, 0)), (1, 2))
EVERY = (PLAIN, SQUARE, SAME, STRIDED)


def options(t: Separable) -> dict[str, Any]:
    return {"stride": t.stride, "padding": t.pads, "dilation": t.dilation}


def arrays_of(t: Separable, dtype: Any = np.int64, seed: int = 4) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    shapes = {
        "X": (t.N, t.I, *t.size),
        "D": (t.I, 1, *t.kernel),
        "P": (t.O, t.I),
        "b": (t.O,),
        "dY": (t.N, t.O, *t.out),
    }
    if dtype == np.int64:
        return {name: rng.integers(-9, 10, shape) for name, shape in shapes.items()}
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def check(t: Separable, a: dict[str, Any], **answers: Any) -> Any:
    layer = {"depthwise": a["D"], "pointwise": a["P"], "b": a["b"], "dY": a["dY"]}
    return check_arrays(a["X"], **layer, **answers, layer="separable", **options(t))


def problem_of(t: Separable, a: dict[str, Any]) -> Any:
    named = {"X": a["X"], "depthwise": a["D"], "pointwise": a["P"], "b": a["b"], "dY": a["dY"]}
    return problem_for("separable", named, {}, options(t))


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


# mutant, the id it must be given, the array, the layers
CASES: list[tuple[Any, str, str, tuple[Separable, ...]]] = [
    *(
        (mutants.through(dv, target), id, target, layers)
        for target in ("dX", "dDepthwise")
        for dv, id, layers in (
            (mutants.not_transposed, "S1", (SQUARE,)),
            (mutants.reshaped, "S1", (PLAIN, STRIDED)),
            (mutants.passed_on, "S2", (SQUARE,)),
            (mutants.broadcast, "S2", EVERY),
            (mutants.first_share, "S5", EVERY),
        )
    ),
    (mutants.dx_rotated, "X1", "dX", EVERY),
    (mutants.dx_wrong_side, "X12", "dX", (SQUARE, STRIDED)),
    (mutants.dx_first_filter, "X13", "dX", EVERY),
    (mutants.dd_rotated, "W1", "dDepthwise", EVERY),
    (mutants.dd_mean, "W2", "dDepthwise", EVERY),
    (mutants.dd_unpadded, "W4", "dDepthwise", (SQUARE, SAME, STRIDED)),
    (mutants.dd_not_dilated, "W5", "dDepthwise", (SQUARE, STRIDED)),
    (mutants.dd_options_exchanged, "X11", "dDepthwise", (SQUARE, STRIDED)),
    (mutants.dd_full, "S3", "dDepthwise", EVERY),
    (mutants.dd_one_filter, "S3", "dDepthwise", EVERY),
    (mutants.dp_of_x, "S4", "dPointwise", (SAME,)),
    (mutants.dp_of_x_cut, "S4", "dPointwise", (PLAIN, STRIDED)),
    (mutants.dp_of_x_strided, "S4", "dPointwise", (STRIDED,)),
    (mutants.dp_mean, "W2", "dPointwise", EVERY),
    (mutants.dp_one_sample, "W3", "dPointwise", EVERY),
    (mutants.dp_transposed, "W8", "dPointwise", EVERY),
    (mutants.dp_true_convolution, "F1", "dPointwise", EVERY),
    (mutants.db_mean, "B1", "db", EVERY),
    (mutants.db_axes, "B2", "db", EVERY),
    (mutants.y_true_convolution, "F1", "Y", EVERY),
    (mutants.y_no_bias, "B5", "Y", EVERY),
    (mutants.y_transposed, "F2", "Y", (SQUARE,)),
    (mutants.y_depthwise_only, "S2", "Y", (SQUARE,)),
    (mutants.y_of_x, "S4", "Y", (SAME,)),
    (mutants.y_unpadded, "W4", "Y", (SQUARE, SAME, STRIDED)),
]


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
@pytest.mark.parametrize(
    ("make", "id", "target", "t"),
    [(*case[:3], t) for case in CASES for t in case[3]],
)
def test_a_planted_mistake_is_named_with_its_fix(make, id, target, t, dtype) -> None:
    a = arrays_of(t, dtype)
    report = check(t, a, **{target: make(t, **a)})
    assert report.verdict == "wrong"
    assert (id,) in named(report, target), str(report)
    assert all(diagnosis.fix for diagnosis in report.gradients[target].diagnosis)


def test_every_row_between_the_steps_is_planted() -> None:
    rows = {row.id for row in problem_of(SQUARE, arrays_of(SQUARE)).catalogue.values()}
    assert {id for id in rows if id.startswith("S")} <= {case[1] for case in CASES}


@pytest.mark.parametrize("t", EVERY)
def test_two_mistakes_are_named_together(t) -> None:
    """dV from the first output channel alone, and then the filter rotated."""
    a = arrays_of(t)
    wrong = mutants.dx_of(t, a["D"][..., ::-1, ::-1], mutants.first_share(t, a["P"], a["dY"]))
    assert {"S5", "X1"} in [set(ids) for ids in named(check(t, a, dX=wrong), "dX")]


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
sides = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def layers(draw: Any) -> Separable:
    kernel, stride, dilation = draw(pairs), draw(pairs), draw(pairs)
    pads = draw(st.tuples(sides, sides))
    spare = draw(st.tuples(st.integers(0, 3), st.integers(0, 4)))
    size = tuple(
        max(1, d * (k - 1) + 1 - b - a) + more
        for k, d, (b, a), more in zip(kernel, dilation, pads, spare, strict=True)
    )
    counts = [draw(st.integers(1, 3)) for _ in range(3)]
    return Separable(*counts, size, kernel, stride, pads, dilation)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(layers(), st.sampled_from([np.int64, np.float64, np.float32]))
def test_right_arrays_are_never_accused(t, dtype) -> None:
    a = arrays_of(t, dtype)
    report = check(t, a, **mutants.right(t, **a))
    assert report, str(report)


@pytest.mark.parametrize("t", EVERY)
def test_the_plain_pipelines_agree_with_loops(t) -> None:
    a = arrays_of(t)
    problem = problem_of(t, a)
    for target, expected in mutants.right(t, **a).items():
        got = problem.variant(target, [])
        assert np.array_equal(got.reshape(expected.shape), expected)


@pytest.mark.parametrize(
    ("x", "d", "p"),
    [((3, 9), (6, 1, 2), (2, 6)), ((2, 4, 3, 4), (2, 2, 1, 2), (3, 2, 1, 1, 1))],
)
def test_other_dimensions_and_filters_per_channel(x, d, p) -> None:
    rng = np.random.default_rng(1)
    X, D, P = (rng.integers(-9, 10, shape) for shape in (x, d, p))
    dims = len(x) - 1
    Y = separable_forward(X, D, P, dims=dims).Y
    dY = rng.integers(-9, 10, Y.shape)
    right = separable_backward(X, D, P, dY, dims=dims)
    shared = {"depthwise": D, "pointwise": P, "dY": dY, "layer": "separable", "dims": dims}
    answers = {name: getattr(right, name) for name in ("dX", "dDepthwise", "dPointwise", "db")}
    assert check_arrays(X, **shared, **answers, Y=Y)
    report = check_arrays(X, **shared, dDepthwise=np.flip(right.dDepthwise, axis=-1))
    assert report.verdict == "wrong"
    assert named(report, "dDepthwise")


def test_channels_last() -> None:
    a = arrays_of(PLAIN)
    right = mutants.right(PLAIN, **a)
    planes = {"X": a["X"], "dY": a["dY"], "dX": right["dX"], "Y": right["Y"]}
    last = {name: np.moveaxis(array, 1, -1) for name, array in planes.items()}
    shared = {"depthwise": a["D"], "pointwise": a["P"], "b": a["b"], "dY": last["dY"]}
    shared |= {"layer": "separable", "layout": "nhwc"}
    assert check_arrays(last["X"], **shared, dX=last["dX"], Y=last["Y"])
    assert not check_arrays(last["X"], **shared, dX=-last["dX"])


@pytest.mark.parametrize("rank", [(3, 2), (4, 4), (3, 3)])
def test_axes_of_size_1_may_differ_from_the_filters(rank) -> None:
    a = arrays_of(PLAIN)
    right = mutants.right(PLAIN, **a)
    a["D"] = a["D"] if rank[0] == 4 else a["D"][:, 0]
    a["P"] = a["P"].reshape(*a["P"].shape, *[1] * (rank[1] - 2))
    for dD in (right["dDepthwise"], right["dDepthwise"][:, 0]):
        for dP in (right["dPointwise"], right["dPointwise"][..., None, None]):
            assert check(PLAIN, a, dDepthwise=dD, dPointwise=dP)


def test_a_large_layer_is_explained_on_a_part() -> None:
    t = Separable(4, 8, 8, (64, 64), (3, 3), pads=((1, 1), (1, 1)))
    rng = np.random.default_rng(0)
    X, D, P = (rng.normal(size=s) for s in ((4, 8, 64, 64), (8, 1, 3, 3), (8, 8)))
    dY = rng.normal(size=(4, 8, 64, 64))
    wrong = separable_backward(X, D, P.T.copy(), dY, padding=1).dX
    a = {"X": X, "D": D, "P": P, "b": np.zeros(8), "dY": dY}
    assert ("S1",) in named(check(t, a, dX=wrong), "dX")


def test_power_finds_a_symmetric_mixture() -> None:
    a = arrays_of(SQUARE)
    a["P"] = a["P"] + a["P"].T
    rows = {(row.id, row.target): row for row in check_power(problem_of(SQUARE, a)).rows}
    assert rows["S1", "dX"].verdict == "hidden"
    assert rows["S3", "dDepthwise"].verdict == "shown"
    better = suggested(problem_of(SQUARE, a))
    assert better.bundle()["operation"] == "separable_backward"
    assert {row.verdict for row in check_power(better).rows if row.id[0] == "S"} == {"shown"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"depthwise": [[[1, 2]]]}, "pointwise filter is missing"),
        ({"pointwise": [[1]]}, "depthwise filter is missing"),
        ({"depthwise": [[[1, 2]]], "pointwise": [[1, 2]]}, "pointwise filter has the wrong shape"),
        (
            {"depthwise": [[[1, 2]]], "pointwise": [[1]], "dY": [[[1, 2], [3, 4]]], "dW": [[1]]},
            "has no dW",
        ),
        ({"depthwise": [[[1, 2]]], "pointwise": [[1]], "dX": [[1]]}, "dY is missing"),
        ({"filter_layout": "hwio"}, "filter-layout has no meaning"),
    ],
)
def test_what_cannot_be_checked_is_refused(given, words) -> None:
    answers = {"Y": [[1]]} if "dX" not in given else {}
    with pytest.raises(ConvgradError, match=words):
        check_arrays([[[1, 2, 3], [4, 5, 6]]], **given, **answers, layer="separable")


def test_words_of_the_steps() -> None:
    assert reworded("np.flip(W) of dY: [:H, :W], p + W, (N, W)", "first") == (
        "np.flip(D) of dV: [:H, :W], p + W, (N, W)"
    )
    assert reworded("dW of X, the filter read", "second") == (
        "dPointwise of V, the pointwise filter read"
    )


def test_the_report_says_the_layer() -> None:
    a = arrays_of(PLAIN)
    document = json.loads(json.dumps(check(PLAIN, a, db=a["dY"].sum(axis=(0, 2, 3))).as_dict()))
    assert (document["layer"], document["geometry"]["out_channels"]) == ("separable", 4)
    assert document["shapes"]["depthwise"] == [3, 1, 3, 2]


@pytest.mark.parametrize("t", EVERY)
def test_rounding_is_measured_by_the_sums_of_absolute_values(t) -> None:
    a = arrays_of(t)
    problem = problem_of(t, a)
    sizes = mutants.right(t, **{name: np.abs(array) for name, array in a.items()})
    for target, expected in sizes.items():
        assert np.array_equal(problem.magnitude(target).reshape(expected.shape), expected)
    window, places = int(np.prod(t.kernel)), t.N * int(np.prod(t.out))
    counts = {"dX": window * t.O, "dDepthwise": places * t.O, "dPointwise": places * window}
    counts |= {"db": places, "Y": window * t.I}
    assert {target: problem.terms(target) for target in counts} == counts


@pytest.mark.parametrize("name", ["dDepthwise", "dPointwise"])
def test_numbers_that_nothing_explains_are_placed(name: str) -> None:
    rng = np.random.default_rng(3)
    shapes = {"X": (2, 3, 6, 5), "depthwise": (3, 1, 2, 2), "pointwise": (6, 3)}
    arrays = {key: rng.normal(size=shape) for key, shape in shapes.items()}
    noise = rng.normal(size=shapes[name[1:].lower()])
    dY = rng.normal(size=(2, 6, 5, 4))
    report = check_arrays(**arrays, dY=dY, layer="separable", **{name: noise}).gradients[name]
    assert not report.diagnosis
    assert report.where[0].text.startswith(f"{noise.size} of {noise.size} elements differ")
