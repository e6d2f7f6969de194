"""One axis: the output size by its defining property, the taps by walking every window."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convgrad_cli.geometry import Axis
from tests.reference import window_starts


@st.composite
def axes(draw, *, ceil_mode=None):
    return Axis(
        size=draw(st.integers(1, 12)),
        kernel=draw(st.integers(1, 5)),
        stride=draw(st.integers(1, 5)),
        before=draw(st.integers(0, 5)),
        after=draw(st.integers(0, 5)),
        dilation=draw(st.integers(1, 3)),
        ceil_mode=draw(st.booleans()) if ceil_mode is None else ceil_mode,
    )


def walked(axis: Axis) -> list[tuple[int, int, int]]:
    """All (window, place, input) by going along the padded axis."""
    sides = (axis.before, axis.after)
    starts = window_starts(
        axis.size, axis.kernel, axis.stride, sides, axis.dilation, axis.ceil_mode
    )
    padded = [None] * axis.before + list(range(axis.size)) + [None] * 50
    return [
        (out, k, padded[start + axis.dilation * k])
        for out, start in enumerate(starts)
        for k in range(axis.kernel)
        if padded[start + axis.dilation * k] is not None
    ]


@given(axes(ceil_mode=False))
def test_the_output_size_is_the_one_that_fits(axis):
    out = axis.output
    if out:
        assert (out - 1) * axis.stride + axis.extent <= axis.padded
    assert axis.padded < out * axis.stride + axis.extent
    assert out == 0 or axis.leftover == (axis.padded - axis.extent) % axis.stride


@given(axes())
@settings(max_examples=300)
def test_the_output_size_is_the_number_of_windows_found_by_walking(axis):
    starts = window_starts(
        axis.size,
        axis.kernel,
        axis.stride,
        (axis.before, axis.after),
        axis.dilation,
        axis.ceil_mode,
    )
    assert axis.output == len(starts)


@pytest.mark.parametrize(
    ("axis", "outputs"),
    [
        (Axis(5, 3, 2), 2),
        (Axis(6, 3, 2), 2),
        (Axis(6, 3, 2, ceil_mode=True), 3),
        (Axis(2, 3), 0),
        (Axis(2, 3, 2, ceil_mode=True), 1),
        (Axis(3, 1, 2, 0, 1, ceil_mode=True), 2),  # a third would start in the padding after
        (Axis(3, 2, 2, 1, 1, ceil_mode=True), 2),
        (Axis(7, 3, 1, 1, 1, dilation=2), 5),
    ],
)
def test_output_sizes_counted_by_hand(axis, outputs):
    assert axis.output == outputs


@given(axes())
@settings(max_examples=300)
def test_all_views_of_the_taps_are_the_walk(axis):
    walk = walked(axis)
    assert list(axis.taps()) == walk
    assert axis.tap_count == len(walk)
    for out in range(axis.output):
        assert axis.taps_of_output(out) == [tap for tap in walk if tap[0] == out]
    for k in range(axis.kernel):
        assert axis.taps_of_kernel(k) == [tap for tap in walk if tap[1] == k]
        assert list(axis.outputs_of_kernel(k)) == [tap[0] for tap in walk if tap[1] == k]
    for x in range(axis.size):
        assert axis.taps_of_input(x) == [tap for tap in walk if tap[2] == x]
    touched = {x for _, _, x in walk}
    assert axis.unreached == tuple(x for x in range(axis.size) if x not in touched)


def test_what_is_counted_is_not_walked():
    """Sizes of which a walk would never end, as a shape on the command line may have them."""
    assert Axis(10**12, 10**6).tap_count == 10**6 * (10**12 - 10**6 + 1)
    assert Axis(10**20, 3, 2, 1, 1).tap_count == 3 * (10**20 // 2) - 1
    assert Axis(10**6, 1000, dilation=5).unreached == ()
    assert Axis(10**6, 1, 10**5).unreached[:2] == (1, 2)


@given(axes())
def test_a_tap_is_a_position_that_is_not_padding(axis):
    assume(axis.output)
    walk = {(out, k): x for out, k, x in walked(axis)}
    for out in range(axis.output):
        for k in range(axis.kernel):
            assert axis.tap(out, k) == walk.get((out, k))
            if (out, k) in walk:
                assert axis.position(out, k) == walk[out, k]


@given(axes())
def test_counted_places_are_those_on_input_or_padding(axis):
    cells = axis.before + axis.size + axis.after
    for out in range(axis.output):
        on = [k for k in range(axis.kernel) if out * axis.stride + k * axis.dilation < cells]
        assert axis.counted(out) == len(on)


@given(axes(ceil_mode=False))
def test_leftover_inputs_are_those_behind_the_last_window(axis):
    assume(axis.output)
    last = (axis.output - 1) * axis.stride + axis.extent
    assert axis.leftover == len(range(last, axis.padded))


def test_an_axis_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Axis(5, 3).stride = 2  # type: ignore[misc]
