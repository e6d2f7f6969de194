"""Every way of writing padding, against the formulas of the frameworks written out again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convgrad_cli.errors import GeometryError
from convgrad_cli.geometry import plan_conv, plan_pool, resolve_padding
from tests.reference import window_starts

LAYERS = {
    "size": st.integers(1, 20),
    "kernel": st.integers(1, 6),
    "stride": st.integers(1, 5),
    "dilation": st.integers(1, 3),
}


def tensorflow_same(size, kernel, stride, dilation):
    """(before, after) as TensorFlow's documentation of SAME states it."""
    effective = (kernel - 1) * dilation + 1
    rest = size % stride
    total = max(effective - (stride if rest == 0 else rest), 0)
    return total // 2, total - total // 2


def resolved(padding, size, kernel, stride, dilation):
    return resolve_padding(padding, [size], [(kernel - 1) * dilation + 1], [stride])[0]


@given(**LAYERS)
def test_same_is_tensorflows_and_same_lower_its_mirror(size, kernel, stride, dilation):
    layer = (size, kernel, stride, dilation)
    before, after = tensorflow_same(*layer)
    assert resolved("same", *layer) == (before, after)
    assert resolved("same-upper", *layer) == (before, after)
    assert resolved("same-lower", *layer) == (after, before)


@given(**LAYERS)
def test_same_makes_as_many_windows_as_strides_begin_in_the_input(size, kernel, stride, dilation):
    for word in ("same", "same-lower"):
        sides = resolved(word, size, kernel, stride, dilation)
        starts = window_starts(size, kernel, stride, sides, dilation)
        assert len(starts) == len(range(0, size, stride))


@given(**LAYERS)
def test_at_stride_one_same_is_pytorchs(size, kernel, stride, dilation):
    total = dilation * (kernel - 1)
    left = total // 2
    assert resolved("same", size, kernel, 1, dilation) == (left, total - left)


@given(**LAYERS)
def test_valid_and_full(size, kernel, stride, dilation):
    assert resolved("valid", size, kernel, stride, dilation) == (0, 0)
    sides = resolved("full", size, kernel, stride, dilation)
    # Every window that holds at least one input: from the last place on the first input on.
    assert sides == (dilation * (kernel - 1),) * 2


@given(**LAYERS, wanted=st.integers(1, 25))
def test_a_wanted_output_size_is_reached_or_refused(size, kernel, stride, dilation, wanted):
    smallest = len(window_starts(size, kernel, stride, (0, 0), dilation))
    options = {"stride": stride, "dilation": dilation, "output_size": wanted}
    if wanted < smallest:
        with pytest.raises(GeometryError, match="No padding gives the output size asked for"):
            plan_conv((size,), (kernel,), **options)
        return
    (axis,) = plan_conv((size,), (kernel,), **options).geometry.axes
    assert len(window_starts(size, kernel, stride, (axis.before, axis.after), dilation)) == wanted
    assert axis.before - axis.after in (0, 1)  # the odd pixel before
    total = stride * (wanted - 1) + dilation * (kernel - 1) + 1 - size
    assert axis.before + axis.after == max(0, total)


def test_the_notes_example_of_uneven_padding():
    """5 inputs, a filter of 3 at stride 1, 4 outputs wanted: one zero, and it stands before."""
    (axis,) = plan_conv((5,), (3,), output_size=4).geometry.axes
    assert (axis.before, axis.after) == (1, 0)


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ([3], ((3, 3), (3, 3))),
        ((1, 2), ((1, 1), (2, 2))),
        ([(1, 0), 2], ((1, 0), (2, 2))),
        (((1, 0), (2, 1)), ((1, 0), (2, 1))),
        ([[0, 3]], ((0, 3), (0, 3))),
        (np.array([[1, 0], [2, 1]]), ((1, 0), (2, 1))),
    ],
)
def test_the_spellings_of_padding(padding, sides):
    assert resolve_padding(padding, [5, 5], [3, 3], [1, 1]) == sides
    assert plan_conv((5, 5), (3, 3), padding=padding).geometry.padding == sides


PAIR = "Padding of one dimension must be a number or a (before, after) pair.\n  found     "

REFUSED = {
    "word": (
        "some",
        "Unknown padding word 'some'.\n  expected  a number, before:after pairs, or one of "
        "valid, same, same-upper, same-lower, full",
    ),
    "count": (
        [1, 2, 3],
        "Padding has the wrong number of entries.\n"
        "  expected  one for all, or 2 (one per spatial dimension)\n"
        "  found     3: (1, 2, 3)\n"
        "  remedy    give an uneven padding as before:after, e.g. 1:0,2:1",
    ),
    "negative": (
        -1,
        "Padding must not be negative.\n  found     -1\n  remedy    crop the input instead",
    ),
    "negative-side": (
        [(0, 1), (1, -2)],
        "Padding must not be negative.\n  found     (1, -2)\n  remedy    crop the input instead",
    ),
    "triple": ([(1, 2, 3), 1], PAIR + "(1, 2, 3)"),
    "fraction": (1.5, PAIR + "1.5"),
    "boolean": (True, PAIR + "True"),
    "nothing": (None, PAIR + "None"),
    "text": (["1", "2"], PAIR + "1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_paddings_that_are_none(case):
    padding, text = REFUSED[case]
    for plan in (
        lambda: plan_conv((5, 5), (3, 3), padding=padding),
        lambda: plan_pool((5, 5), (3, 3), padding=padding),
    ):
        with pytest.raises(GeometryError) as caught:
            plan()
        assert str(caught.value) == text
