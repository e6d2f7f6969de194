"""Ranks and layouts: every mix of the contract, and every one it does not have."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from convgrad_cli.errors import ConvgradError, ShapeError, UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.geometry.ranks import conv_dims, filter_layout, input_layout, pool_dims

# X rank, W rank -> dimensions, None: say which, False: they do not fit. Written from the contract.
DIMENSIONS = {
    (1, 1): 1, (2, 1): 1, (3, 1): 1, (4, 1): False, (5, 1): False,
    (1, 2): False, (2, 2): 2, (3, 2): 2, (4, 2): 2, (5, 2): False,
    (1, 3): 1, (2, 3): 1, (3, 3): None, (4, 3): 2, (5, 3): 3,
    (1, 4): False, (2, 4): 2, (3, 4): 2, (4, 4): 2, (5, 4): False,
    (1, 5): False, (2, 5): False, (3, 5): 3, (4, 5): 3, (5, 5): 3,
    (6, 4): False, (4, 6): False,
}  # fmt: skip

TWO_WAYS = (
    "X and W of rank 3 can be read in two ways.\n"
    "  expected  --dims 1 for X (N,C,L), W (K,C,R), or --dims 2 for X (C,H,W), W (C,R,S)\n"
    "  remedy    say which with --dims 1 or --dims 2 (dims= in Python)"
)


@pytest.mark.parametrize(("ranks", "dims"), DIMENSIONS.items(), ids=str)
def test_the_dimensions_follow_from_the_ranks(ranks, dims):
    if dims:
        assert conv_dims(*ranks, None) == dims
    elif dims is None:
        with pytest.raises(UsageError) as caught:
            conv_dims(*ranks, None)
        assert str(caught.value) == TWO_WAYS
    else:
        with pytest.raises(ShapeError) as caught:
            conv_dims(*ranks, None)
        assert caught.value.summary == "The ranks of X and W do not fit together."
        assert caught.value.found == f"X of rank {ranks[0]}, W of rank {ranks[1]}"
        assert "--dims" in caught.value.remedy


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_dims_overrides_the_ranks_where_they_fit(dims):
    for x_rank, w_rank in product(range(1, 7), range(1, 7)):
        if dims <= x_rank <= dims + 2 and dims <= w_rank <= dims + 2:
            assert conv_dims(x_rank, w_rank, dims) == dims
        else:
            with pytest.raises(ShapeError) as caught:
                conv_dims(x_rank, w_rank, dims)
            assert str(caught.value) == (
                "The ranks of X and W do not fit together.\n"
                "  expected  X of rank D, D+1 or D+2 and W of rank D, D+1 or D+2, "
                f"for D = 1, 2 or 3 (here D = {dims})\n"
                f"  found     X of rank {x_rank}, W of rank {w_rank}\n"
                "  remedy    add the missing axes, or say the number of spatial dimensions "
                "with --dims"
            )


@pytest.mark.parametrize("dims", [0, 4, -1])
def test_only_one_two_and_three_dimensions(dims):
    with pytest.raises(UsageError) as caught:
        conv_dims(4, 4, dims)
    assert str(caught.value) == (
        f"--dims must be 1, 2 or 3.\n  found     {dims}\n"
        "  remedy    give the number of spatial dimensions of the layer"
    )


# The letters of each rank: n batch or filters, c channels, x y z space.
SPACE = {1: "x", 2: "xy", 3: "xyz"}
SIZES = {"n": 2, "c": 3, "x": 5, "y": 7, "z": 11}
INPUTS = {
    "nchw": ["{0}", "c{0}", "nc{0}"],
    "nhwc": ["{0}", "{0}c", "n{0}c"],
}
FILTERS = {
    "oihw": ["{0}", "c{0}", "nc{0}"],
    "hwio": ["{0}", "{0}c", "{0}cn"],
    "iohw": ["{0}", "c{0}", "cn{0}"],
}
LAYOUTS = [
    *((input_layout, name, lead) for name in INPUTS for lead in range(3)),
    *((filter_layout, name, lead) for name in FILTERS for lead in range(3)),
]


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("make", "name", "lead"), LAYOUTS)
def test_a_layout_moves_arrays_shapes_and_indices_alike(make, name, lead, dims):
    letters = {**INPUTS, **FILTERS}[name][lead].format(SPACE[dims])
    canonical = "nc" + SPACE[dims]
    layout = make(dims + lead, dims, name)
    array = np.arange(np.prod([SIZES[a] for a in letters])).reshape([SIZES[a] for a in letters])
    expected = np.einsum(f"{letters}->{''.join(a for a in canonical if a in letters)}", array)
    expected = expected.reshape([SIZES[a] if a in letters else 1 for a in canonical])

    assert np.array_equal(layout.to_canonical(array), expected)
    assert np.array_equal(layout.from_canonical(expected), array)
    assert layout.canonical_shape(array.shape) == expected.shape
    assert layout.given_shape(expected.shape) == array.shape
    for index in [(0,) * array.ndim, tuple(n - 1 for n in array.shape), (0, *array.shape[1:])]:
        inside = tuple(min(i, n - 1) for i, n in zip(index, array.shape, strict=True))
        moved = layout.canonical_index(inside)
        assert expected[moved] == array[inside]
        assert layout.given_index(moved) == inside
    assert np.shares_memory(layout.to_canonical(array), array)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize(("x_lead", "w_lead"), list(product(range(3), range(3))))
def test_y_has_the_axes_that_x_and_w_give_it(x_lead, w_lead, dims, layout):
    """A batch axis iff X has one, a channel axis iff it has that or W has a K axis."""
    sizes = SIZES if x_lead and w_lead else {**SIZES, "c": 1}
    x_shape = [sizes[a] for a in INPUTS[layout][x_lead].format(SPACE[dims])]
    w_sizes = {**sizes, "n": 4, "x": 2, "y": 3, "z": 4}
    w_shape = [w_sizes[a] for a in FILTERS["oihw"][w_lead].format(SPACE[dims])]
    plan = plan_conv(x_shape, w_shape, dims=dims, layout=layout)
    space = [4, 5, 8][:dims]
    channels = [4 if w_lead == 2 else 1] if x_lead == 2 or w_lead == 2 else []
    batch = [2] if x_lead == 2 else []
    order = batch + (channels + space if layout == "nchw" else space + channels)
    assert list(plan.output_shape) == order


def test_a_pool_has_as_many_dimensions_as_its_window_else_dims_else_two():
    assert pool_dims(4, (2, 2), None) == 2
    assert pool_dims(4, (2, 2, 2), None) == 3
    assert pool_dims(5, 2, 3) == 3
    assert pool_dims(3, (2,), 1) == 1
    assert pool_dims(3, np.int64(2), None) == 2
    assert plan_pool((4, 6, 6), np.int64(3)).output_shape == (4, 2, 2)


REFUSED = {
    "layout": (
        lambda: input_layout(4, 2, "chwn"),
        "Unknown layout 'chwn'.\n  expected  one of nchw, nhwc",
    ),
    "filter-layout": (
        lambda: filter_layout(4, 2, "ohwi"),
        "Unknown filter layout 'ohwi'.\n  expected  one of oihw, hwio, iohw",
    ),
    "pool-dims": (
        lambda: plan_pool((4, 4), (2, 2), dims=1),
        "--dims contradicts the window.\n  expected  --dims 2 for a window of 2 entries\n"
        "  found     --dims 1",
    ),
    "pool-rank": (
        lambda: plan_pool((4,), 2),
        "The rank of X does not fit the pool.\n"
        "  expected  rank 2, 3 or 4 for a 2-D pool\n  found     rank 1\n"
        "  remedy    say the number of spatial dimensions with --dims, or one window entry each",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_in_these_words(case):
    call, text = REFUSED[case]
    with pytest.raises(ConvgradError) as caught:
        call()
    assert str(caught.value) == text
