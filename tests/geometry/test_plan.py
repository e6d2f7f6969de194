"""Plans: every shape that does not fit is refused, with the way out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from convgrad_cli.errors import ConvgradError, GeometryError, ShapeError
from convgrad_cli.geometry import plan_conv, plan_pool
from tests.reference import window_starts

NUMBERS = "must be positive whole numbers.\n  expected  one, or 2 (one per spatial dimension), "

REFUSED = {
    "stride-zero": (
        lambda: plan_conv((5, 5), (3, 3), stride=0),
        f"Stride {NUMBERS}each at least 1\n  found     0",
    ),
    "stride-negative": (
        lambda: plan_pool((5, 5), (3, 3), stride=(1, -2)),
        f"Stride {NUMBERS}each at least 1\n  found     (1, -2)",
    ),
    "stride-count": (
        lambda: plan_conv((5, 5), (3, 3), stride=(1, 1, 1)),
        f"Stride {NUMBERS}each at least 1\n  found     (1, 1, 1)",
    ),
    "stride-fraction": (
        lambda: plan_conv((5, 5), (3, 3), stride=1.5),
        f"Stride {NUMBERS}each at least 1\n  found     1.5",
    ),
    "stride-boolean": (
        lambda: plan_conv((5, 5), (3, 3), stride=True),
        f"Stride {NUMBERS}each at least 1\n  found     True",
    ),
    "stride-text": (
        lambda: plan_conv((5, 5), (3, 3), stride="2"),
        f"Stride {NUMBERS}each at least 1\n  found     2",
    ),
    "dilation": (
        lambda: plan_conv((5, 5), (3, 3), dilation=0),
        f"Dilation {NUMBERS}each at least 1\n  found     0",
    ),
    "window": (
        lambda: plan_pool((5, 5), 0),
        f"Window {NUMBERS}each at least 1\n  found     0",
    ),
    "output-size": (
        lambda: plan_conv((5, 5), (3, 3), output_size=0),
        f"Output size {NUMBERS}each at least 1\n  found     0",
    ),
    "output-size-too-small": (
        lambda: plan_conv((7, 5), (3, 3), output_size=(2, 4)),
        "No padding gives the output size asked for.\n"
        "  expected  (2, 4)\n"
        "  found     (5, 4) without padding, which only makes it larger\n"
        "  remedy    ask for an output at least that large, or raise the stride",
    ),
    "groups": (
        lambda: plan_conv((4, 5, 5), (4, 4, 3, 3), groups=0),
        "Groups must be a positive whole number.\n  found     0",
    ),
    "groups-divide": (
        lambda: plan_conv((4, 5, 5), (6, 2, 3, 3), groups=4),
        "Groups must divide the channels of X and the filters of W.\n"
        "  expected  a divisor of 4 channels and of 6 filters\n"
        "  found     groups 4",
    ),
    "channels": (
        lambda: plan_conv((4, 5, 5), (6, 3, 3, 3), groups=2),
        "The channels of X and W do not match.\n"
        "  expected  W with 2 channels per filter   from X (4, 5, 5) with 4 channels, groups 2\n"
        "  found     3   in W (6, 3, 3, 3)\n"
        "  remedy    check --groups, --layout and --filter-layout",
    ),
    "filter-too-large": (
        lambda: plan_conv((5, 4), (3, 3), padding=((0, 0), (1, 0)), dilation=(1, 3)),
        "W is larger than the padded input: the output is empty.\n"
        "  expected  at most (5, 5)   the input (5, 4) with its padding\n"
        "  found     (3, 7) after dilation\n"
        "  remedy    add padding (--padding), or use a smaller filter or --dilation",
    ),
    "empty-axis": (
        lambda: plan_conv((0, 5), (3, 3)),
        "X has an axis of size 0, so it holds no numbers.\n  found     (0, 5)",
    ),
    "empty-filter": (
        lambda: plan_conv((5, 5), (3, 0)),
        "W has an axis of size 0, so it holds no numbers.\n  found     (3, 0)",
    ),
    "scalar": (lambda: plan_pool((), 2), "X is a single number, not an array."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_in_these_words(case):
    call, text = REFUSED[case]
    with pytest.raises(ConvgradError) as caught:
        call()
    assert str(caught.value) == text


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1, 1)])
def test_a_bias_holds_one_number_per_filter(shape):
    plan_conv((2, 5, 5), (4, 2, 3, 3)).check_bias(shape)


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 2), (4, 4)])
def test_another_bias_is_refused(shape):
    with pytest.raises(ShapeError) as caught:
        plan_conv((2, 5, 5), (4, 2, 3, 3)).check_bias(shape)
    assert str(caught.value) == (
        f"b has the wrong shape.\n  expected  (4,)   one number per filter\n  found     {shape}"
    )


def test_numpys_integers_are_whole_numbers():
    two = np.int64(2)
    plan = plan_conv((4, 9, 9), (6, 2, 3, 3), stride=two, dilation=np.array([1, 2]), groups=two)
    geometry = plan.geometry
    assert (geometry.stride, geometry.dilation, geometry.groups) == ((2, 2), (1, 2), 2)
    assert {type(n) for n in (*geometry.stride, *geometry.dilation, geometry.groups)} == {int}


@pytest.mark.parametrize("shape", [(4, 3), (1, 4, 3), (1, 1, 1, 4, 3)])
def test_an_upstream_gradient_may_have_leading_ones(shape):
    dY = np.arange(12).reshape(shape)
    plan = plan_conv((6, 5), (3, 3))
    assert np.array_equal(plan.canonical_upstream(dY), np.arange(12).reshape(1, 1, 4, 3))


def wrong(plan, shape):
    with pytest.raises(ShapeError) as caught:
        plan.check_upstream(shape)
    assert caught.value.array == "dY"
    return str(caught.value)


def test_a_wrong_upstream_gradient_is_told_what_it_would_fit():
    assert wrong(plan_conv((5, 5), (3, 3), stride=2), (3, 3)) == (
        "dY has the wrong shape.\n"
        "  expected  (2, 2)   from X (5, 5), W (3, 3), stride 2, padding 0\n"
        "  found     (3, 3)\n"
        "  remedy    pass the options of the forward pass: this dY fits stride 2, padding 1"
    )


def test_an_upstream_gradient_that_nothing_fits_gets_the_general_way_out():
    plan = plan_conv((2, 5, 6), (4, 2, 3, 3), padding=((1, 0), (0, 2)), dilation=2, stride=(1, 2))
    assert wrong(plan, (4, 20, 20)) == (
        "dY has the wrong shape.\n"
        "  expected  (4, 2, 2)   from X (2, 5, 6), W (4, 2, 3, 3), stride 1,2, padding 1:0,0:2, "
        "dilation 2\n"
        "  found     (4, 20, 20)\n"
        "  remedy    pass the stride and padding of the forward pass, or a dY of the output's shape"
    )


@pytest.mark.parametrize("shape", [(2, 4, 3), (4, 3, 1), (3, 4), (12,)])
def test_trailing_ones_exchanged_axes_and_other_ranks_do_not_pass(shape):
    assert f"  found     {shape}\n" in wrong(plan_conv((6, 5), (3, 3)), shape)


@pytest.mark.parametrize("size", range(3, 9))
def test_every_suggestion_is_true(size):
    plan = plan_conv((size,), (3,), stride=3)
    suggestions = 0
    for found in range(1, 12):
        if (found,) == plan.output_shape:
            continue
        fits = wrong(plan, (found,)).partition(" this dY fits ")[2]
        if fits:
            stride, padding = (int(option.split()[1]) for option in fits.split(", "))
            assert len(window_starts(size, 3, stride, (padding, padding))) == found
            suggestions += 1
        else:  # then no stride does, with padding short of the filter
            assert found not in {
                len(window_starts(size, 3, s, (p, p))) for s in range(1, 9) for p in range(3)
            }
    assert suggestions


@pytest.mark.parametrize("plan", [plan_conv((5, 5), (3, 3)), plan_pool((5, 5), 2)])
def test_plans_and_geometries_cannot_be_changed(plan):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.X = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.geometry.batch = 7


def test_windows_in_the_padding_are_found_without_walking_all_of_them():
    plan_pool((10**7,), 2, dims=1)  # a loop over the windows would take seconds
    with pytest.raises(GeometryError, match="wholly in the padding"):
        plan_pool((2,), 2, dims=1, stride=1, padding=((2, 2),), dilation=4)
