"""``check`` of transposed convolutions: right ones pass, every mistake is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convgrad_cli.check import check_arrays, check_function, check_power
from convgrad_cli.check.arrays import problem_for
from convgrad_cli.check.catalogue_transposed import TRANSPOSED_ROWS
from convgrad_cli.check.rows import ANY_ROWS
from convgrad_cli.check.suggest import suggested
from convgrad_cli.errors import ConvgradError
from tests import reference_layers
from tests.check import mutants_transposed as mutants
from tests.check.mutants_transposed import Transposed


def layer(dims, N=2, C=2, K=3, size=(3, 4, 2), kernel=(3, 2, 2), s=1, p=0, d=1, o=0, groups=1):
    def each(value):
        return value if isinstance(value, tuple) else (value,) * 3

    pads = p if isinstance(p, tuple) else ((p, p),) * 3
    values = (size, kernel, each(s), pads, each(d), each(o))
    return Transposed(N, C, K, *(value[:dims] for value in values), groups)


def options(t: Transposed) -> dict[str, Any]:
    return {
        "layer": "transposed",
        "stride": t.stride,
        "padding": t.pads,
        "dilation": t.dilation,
        "output_padding": t.added,
        "groups": t.groups,
        "dims": t.dims,
    }


def arrays_of(t: Transposed, dtype: Any = np.float64) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    shapes = {
        "X": (t.N, t.C, *t.size),
        "W": (t.C, t.K // t.groups, *t.kernel),
        "b": (t.K,),
        "dY": (t.N, t.K, *t.out),
    }
    return {name: rng.normal(size=shape).astype(dtype) for name, shape in shapes.items()}


def named(report: Any, name: str) -> list[tuple[str, ...]]:
    return [diagnosis.mistakes for diagnosis in report.gradients[name].diagnosis]


PLAIN: dict[str, Any] = {}
STRIDED = {"s": 2, "o": 1}
PADDED = {"s": 2, "p": 1, "o": 1}
UNEVEN = {"p": ((1, 0), (0, 1), (0, 0)), "s": 2}
DILATED = {"d": 2, "s": 3, "p": 1}
GROUPED = {"C": 4, "K": 6, "groups": 2}

# mutant, the id it must be given, the array, the layer, the dimensions it exists in
CASES = [
    ("y_rotated", "T1", "Y", PLAIN, (1, 2, 3)),
    ("y_rotated", "T1", "Y", PADDED, (1, 2)),
    ("y_zero_inserted_unrotated", "T1", "Y", PADDED, (1, 2)),
    ("y_flipped_once", "T2", "Y", PLAIN, (2, 3)),
    ("y_all_axes_flipped", "T3", "Y", PLAIN, (1, 2)),
    ("y_channels_exchanged", "T4", "Y", {"C": 3}, (1, 2)),
    ("y_filter_of_a_convolution", "F2", "Y", PLAIN, (1, 2)),
    ("y_not_dilated", "T5", "Y", STRIDED, (1, 2, 3)),
    ("y_no_output_padding", "T6", "Y", STRIDED, (1, 2, 3)),
    ("y_no_output_padding", "T6", "Y", PADDED, (1, 2)),
    ("y_output_padding_before", "T6", "Y", STRIDED, (1, 2)),
    ("y_output_padding_before", "T6", "Y", PADDED, (1, 2)),
    ("y_output_padding_zeros", "T6", "Y", PADDED, (1, 2)),
    ("y_padding_added", "T7", "Y", PADDED, (1, 2, 3)),
    ("y_input_padded", "T7", "Y", PADDED, (1, 2)),
    ("y_not_cropped", "T7", "Y", PADDED, (1, 2)),
    ("y_cropped_at_the_end", "T7", "Y", PADDED, (1, 2)),
    ("y_assigned", "T8", "Y", PLAIN, (1, 2, 3)),
    ("y_assigned", "T8", "Y", PADDED, (1, 2)),
    ("y_filter_turned", "X10", "Y", {"kernel": (3, 3)}, (2,)),
    ("y_strides_exchanged", "X10", "Y", {"s": (2, 3)}, (2,)),
    ("y_options_exchanged", "X11", "Y", {"s": 3, "d": 2}, (1, 2)),
    ("y_wrong_side", "X12", "Y", UNEVEN, (1, 2)),
    ("y_groups_ignored", "X13", "Y", GROUPED, (1, 2)),
    ("y_undilated", "T10", "Y", DILATED, (1, 2)),
    ("y_no_bias", "B5", "Y", PLAIN, (1, 2)),
    ("dx_rotated", "T1", "dX", PADDED, (1, 2, 3)),
    ("dx_channels_exchanged", "T4", "dX", {"C": 3}, (1, 2)),
    ("dx_unpadded", "T7", "dX", PADDED, (1, 2)),
    ("dx_padded_at_the_end", "T7", "dX", PADDED, (1, 2)),
    ("dx_stride_one", "T5", "dX", STRIDED, (1, 2)),
    ("dx_options_exchanged", "X11", "dX", {"s": 3, "d": 2}, (1, 2)),
    ("dx_undilated", "T10", "dX", DILATED, (1, 2)),
    ("dx_wrong_side", "X12", "dX", UNEVEN, (1, 2)),
    ("dw_roles", "T9", "dW", PADDED, (1, 2, 3)),
    ("dw_unpadded", "T7", "dW", PADDED, (1, 2)),
    ("dw_not_dilated", "T5", "dW", STRIDED, (1, 2)),
    ("dw_mean", "W2", "dW", PLAIN, (1, 2)),
    ("dw_one_sample", "W3", "dW", PLAIN, (1, 2)),
    ("dw_of_a_convolution", "W8", "dW", PLAIN, (1, 2)),
    ("dw_groups_ignored", "W7", "dW", GROUPED, (1, 2)),
    ("dw_summed", "W9", "dW", PLAIN, (1, 2)),
    ("db_mean", "B1", "db", PLAIN, (1, 2)),
    ("db_axes", "B2", "db", PLAIN, (1, 2)),
]


def cases() -> list[Any]:
    return [
        pytest.param(name, id, target, layer(d, **spec), dtype, id=f"{name}-{d}d-{dtype.__name__}")
        for name, id, target, spec, dims in CASES
        for d in dims
        for dtype in (np.float32, np.float64)
    ]


@pytest.mark.parametrize(("name", "id", "target", "t", "dtype"), cases())
def test_a_planted_mistake_is_named(name, id, target, t, dtype) -> None:
    arrays = arrays_of(t, dtype)
    wrong = getattr(mutants, name)(t, **arrays).astype(dtype)
    report = check_arrays(**arrays, **{target: wrong}, **options(t))
    assert report.verdict == "wrong"
    assert (id,) in named(report, target), str(report)


@pytest.mark.parametrize("spec", [PLAIN, STRIDED, PADDED, UNEVEN, DILATED, GROUPED])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_the_mutants_own_right_arrays_are_right(spec, dims) -> None:
    t = layer(dims, **spec)
    arrays = arrays_of(t)
    right = {
        "Y": mutants.right_y(t, **arrays),
        "dX": mutants.right_dx(t, **arrays),
        "dW": mutants.right_dw(t, **arrays),
        "db": mutants.right_db(t, **arrays),
    }
    assert check_arrays(**arrays, **right, **options(t))


@st.composite
def transposed_layers(draw: Any) -> tuple[Transposed, int]:
    """Any transposed convolution with an output, and a seed."""
    dims = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 2))

    def axes(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    size, kernel, stride, dilation = axes(1, 3), axes(1, 3), axes(1, 3), axes(1, 2)
    bare = [
        (i - 1) * s + d * (k - 1) + 1
        for i, s, d, k in zip(size, stride, dilation, kernel, strict=True)
    ]
    pads = tuple(
        (b, draw(st.integers(0, min(2, n - 1 - b))))
        for n in bare
        for b in [draw(st.integers(0, min(2, n - 1)))]
    )
    most = [max(s, d) - 1 for s, d in zip(stride, dilation, strict=True)]
    added = tuple(draw(st.integers(0, n)) for n in most)
    channels = [groups * draw(st.integers(1, 2)) for _ in range(2)]
    t = Transposed(
        draw(st.integers(1, 2)), *channels, size, kernel, stride, pads, dilation, added, groups
    )
    return t, draw(st.integers(0, 99))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(transposed_layers())
def test_the_right_arrays_are_never_accused(drawn) -> None:
    t, seed = drawn
    rng = np.random.default_rng(seed)
    arrays = {name: rng.integers(-9, 10, a.shape) for name, a in arrays_of(t).items()}
    loops = {key: getattr(t, key) for key in ("stride", "dilation", "groups")}
    loops |= {"padding": t.pads, "output_padding": t.added}
    X, W, b, dY = arrays.values()
    Y = reference_layers.transposed_forward(X, W, b, **loops)
    right = dict(
        zip(
            ("dX", "dW", "db"), reference_layers.transposed_backward(X, W, dY, **loops), strict=True
        )
    )
    right["Y"] = Y
    exact = {name: array.astype(np.int64) for name, array in right.items()}
    assert check_arrays(**arrays, **exact, **options(t))
    single = {name: array.astype(np.float32) for name, array in arrays.items()}
    rounded = {name: array.astype(np.float32) for name, array in right.items()}
    report = check_arrays(**single, **rounded, **options(t))
    assert report, str(report)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(transposed_layers())
def test_the_plain_pipeline_without_a_mistake_is_right(drawn) -> None:
    """Otherwise a mistake's variant would be another mistake's as well."""
    t, _ = drawn
    problem = problem_for("transposed", arrays_of(t), {}, options(t))
    for target in problem.targets:
        right = problem.right(target)
        assert np.allclose(problem.variant(target, []), right, rtol=1e-12, atol=1e-12)


PAIRS = [
    ({"T1", "T7"}, lambda t, a: mutants.cut(_rotated(t, a), (0,) * t.dims, t.out)),
    ({"T1", "T5"}, lambda t, a: mutants.cropped(t, _rotated(t, a, stride=(1,) * t.dims))),
    ({"T8", "T6"}, lambda t, a: _short(t, mutants.scattered(t, a["X"], a["W"], assign=True))),
    ({"T1", "G2"}, lambda t, a: -mutants.cropped(t, _rotated(t, a))),
]


def _rotated(t, a, **more):
    return mutants.scattered(t, a["X"], np.flip(a["W"], mutants.spatial(t)), **more)


def _short(t, plane):
    return mutants.cut(
        plane, [b for b, _ in t.pads], [o - e for o, e in zip(t.out, t.added, strict=True)]
    )


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize(("ids", "make"), PAIRS, ids=[" and ".join(sorted(p[0])) for p in PAIRS])
def test_two_mistakes_at_once_are_named(ids, make, dims) -> None:
    t = layer(dims, **PADDED)
    arrays = arrays_of(t)
    arrays.pop("b")
    report = check_arrays(**arrays, Y=make(t, arrays), **options(t))
    assert ids in [set(found) for found in named(report, "Y")], str(report)


def test_the_words_are_about_the_transposed_layer() -> None:
    t = layer(2, **PADDED)
    arrays = arrays_of(t)
    report = check_arrays(
        **arrays,
        Y=mutants.y_not_dilated(t, **arrays),
        dW=mutants.dw_roles(t, **arrays),
        **options(t),
    )
    text = report.gradients["Y"].diagnosis[0]
    assert text.text == (
        "your Y equals the transposed convolution with X not dilated by the stride (the rest "
        "filled with 0)"
    )
    assert text.fix.startswith("put stride − 1 zeros between the entries of X")
    assert "the roles of X and dY exchanged" in report.gradients["dW"].diagnosis[0].text


def test_no_phrase_speaks_of_the_convolution_underneath() -> None:
    """Each word of a convolution that has another name here."""
    t = layer(2, N=3, C=4, K=4, s=(3, 2), p=((2, 1), (0, 1), (0, 0)), d=(1, 2), o=1, groups=2)
    problem = problem_for("transposed", arrays_of(t), {}, options(t))
    for target in ("Y", "dX", "dW"):
        for mistake in problem.mistakes(target):
            words = mistake.phrase
            assert "leftover" not in words
            assert "padding's gradient" not in words
            assert not (target == "Y" and "dY" in words), words
            assert mistake.id in TRANSPOSED_ROWS, (target, mistake.id, words)
            assert target in TRANSPOSED_ROWS[mistake.id].targets, (target, mistake.id, words)


def test_telling_data_shows_every_row() -> None:
    t = layer(2, N=4, C=4, K=4, s=(2, 3), p=((2, 1), (0, 1), (0, 0)), d=(1, 2), o=1, groups=2)
    problem = problem_for("transposed", arrays_of(t), {}, options(t))
    report = check_power(suggested(problem), problem.targets)
    dark = {(row.id, row.target) for row in report.rows if row.verdict != "shown"}
    assert dark <= {("B6", "Y"), ("T4", "dX"), ("B2", "db")}, dark
    assert {row.id for row in report.rows} == {*TRANSPOSED_ROWS, *ANY_ROWS}


def test_conditions_are_told_with_x_and_y_exchanged() -> None:
    t = layer(2, N=1, C=1, K=1)
    rows = {
        (row.id, row.target): row.reasons
        for row in check_power(problem_for("transposed", arrays_of(t), {}, options(t))).rows
    }
    assert rows["T6", "Y"] == ["there is no output padding"]
    assert rows["T5", "Y"] == ["the stride is 1"]
    assert rows["W3", "dW"] == ["the batch has one sample (N = 1)"]


def test_the_worst_elements_equation() -> None:
    X, W = np.array([[1.0, 2.0, 4.0]]), np.array([[1.0, 10.0]])
    X, W = X[0], W[0]
    report = check_arrays(X, W, Y=[10.0, 21.0, 42.0, 4.0], layer="transposed", symbolic=True)
    (diagnosis,) = [d for d in report.gradients["Y"].diagnosis if d.mistakes == ("T1",)]
    assert "rotated" in diagnosis.text
    equation = report.gradients["Y"].equations[0]
    assert report.gradients["Y"].worst_index == (3,)
    assert (equation.right, equation.mistaken) == ("X3·F2", "X3·F1")


def test_a_wrong_size_is_explained() -> None:
    t = layer(2, **PADDED)
    arrays = arrays_of(t)
    rng = np.random.default_rng(0)
    for size, words in (
        ((3, 4), "X's size"),
        ((5, 7), "the output padding is missing"),
        ((8, 10), "the padding is not cropped"),
    ):
        noise = rng.normal(size=(t.N, t.K, *size))
        places = check_arrays(**arrays, Y=noise, **options(t)).gradients["Y"].where
        assert any(words in place.text for place in places), (size, places)


def test_a_large_layer_is_diagnosed_on_a_part_of_it() -> None:
    t = layer(2, N=2, C=8, K=8, size=(40, 41), kernel=(3, 3), s=2, p=1, o=1)
    arrays = arrays_of(t, np.float32)
    from convgrad_cli.layers.transposed import transposed_backward, transposed_forward

    keys = {key: value for key, value in options(t).items() if key != "layer"}
    Y = transposed_forward(arrays["X"], arrays["W"][..., ::-1, ::-1], **keys)
    report = check_arrays(arrays["X"], arrays["W"], Y=Y, **options(t))
    assert named(report, "Y") == [("T1",)]
    assert "windows along each axis" in report.gradients["Y"].tried
    gradients = transposed_backward(arrays["X"], arrays["W"], arrays["dY"], **keys)
    wrong = gradients.dW[..., ::-1, ::-1]
    report = check_arrays(**arrays, dW=wrong, dX=gradients.dX, **options(t))
    assert named(report, "dW") == [("T9",)]
    assert "on a part of the layer (filters" in report.gradients["dW"].tried
    assert report.gradients["dX"].verdict == "right"


def loops(X, W, dY, stride=1, padding=0, dilation=1, groups=1, output_padding=0):
    dims = X.ndim - 2
    each = {
        "stride": (stride,) * dims,
        "padding": ((padding, padding),) * dims,
        "dilation": (dilation,) * dims,
        "output_padding": (output_padding,) * dims,
    }
    found = reference_layers.transposed_backward(X, W, dY, groups=groups, **each)
    return tuple(array.astype(float) for array in found)


def test_functions() -> None:
    for dims in (1, 2, 3):
        report = check_function(loops, layer="transposed", dims=dims)
        assert report, str(report)
        assert report.passed == 15
        assert report.notes == []

    def strided(X, W, dY, stride=1, padding=0):
        return loops(X, W, dY, stride, padding)

    report = check_function(strided, layer="transposed")
    assert report
    assert report.notes == [
        "not tried, as the function takes no such option: dilation, groups, output_padding"
    ]

    def exchanged(X, W, dY, stride=1, padding=0):
        dX, dW, db = loops(X, W, dY, stride, padding)
        return dX, dW[..., ::-1, ::-1], db

    smallest = check_function(exchanged, layer="transposed").smallest
    assert smallest is not None
    assert [d.mistakes for d in smallest.gradients["dW"].diagnosis] == [("T9",)]


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"activation": "relu"}, "does not take --activation"),
        ({"mode": "nearest"}, "unexpected keyword"),
        ({"A": [[1]]}, "A transposed convolution has no A"),
        ({"output_padding": 1}, "Output padding must be smaller"),
        ({"dX": [[1]]}, "dY is missing"),
    ],
)
def test_what_cannot_be_checked_is_refused(keywords, words) -> None:
    answer = {} if "dX" in keywords else {"Y": [[1, 2], [3, 4]]}
    with pytest.raises((ConvgradError, TypeError), match=words):
        check_arrays([[1, 2], [3, 4]], [[1]], layer="transposed", **answer, **keywords)


def test_a_course_signature_that_no_course_has() -> None:
    with pytest.raises(ConvgradError, match="Unknown signature 'cs231n' of a function"):
        check_function(loops, layer="transposed", signature="cs231n")
