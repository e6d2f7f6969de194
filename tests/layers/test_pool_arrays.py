"""Ranks, layouts, padding words, switches that are given, and what a pool refuses."""

from __future__ import annotations

import numpy as np
import pytest

from convgrad_cli import avg_pool, avg_pool_backward, max_pool, max_pool_backward
from convgrad_cli.errors import ConvgradError
from tests import reference

CHANCE = np.random.default_rng(11)
LAYER = {"stride": (2, 1), "padding": ((1, 0), (0, 1)), "dilation": (1, 2), "ceil_mode": True}


def layouts(dims: int, rank: int) -> tuple[int, ...]:
    """The order of canonical axes that channels-last arrays of this rank have."""
    spatial = tuple(range(2, dims + 2))
    return {dims: spatial, dims + 1: (*spatial, 1), dims + 2: (0, *spatial, 1)}[rank]


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("lead", [0, 1, 2], ids=["plane", "channels", "batch"])
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_every_rank_and_layout_gives_results_of_its_own(dims, lead, layout):
    canonical = CHANCE.integers(-9, 10, (*[(1, 1), (1, 4), (2, 4)][lead], *(5, 6, 3)[:dims]))
    window, options = (2,) * dims, {"stride": (1,) * dims, "padding": 1}
    order = [0, 1][2 - lead :] + list(range(2, dims + 2))
    if layout == "nhwc":
        order = list(layouts(dims, dims + lead))

    def given(array):
        absent = tuple({0, 1} - set(order))
        kept = [axis - sum(a < axis for a in absent) for axis in order]
        return array.squeeze(absent).transpose(kept)

    Y, places = reference.max_pool(canonical, window, **options)
    dY = CHANCE.integers(-9, 10, Y.shape) * 2**dims
    api = {"dims": dims, "layout": layout, **options}
    found = max_pool(given(canonical), window, **api)
    assert np.array_equal(found.Y, given(Y))
    assert np.array_equal(found.switches, given(places))
    pairs = (
        (
            avg_pool(given(canonical), window, **api),
            reference.avg_pool(canonical, window, **options),
        ),
        (
            max_pool_backward(given(canonical), given(dY), window, **api),
            reference.max_pool_backward(canonical, dY, window, **options),
        ),
        (
            max_pool_backward(given(canonical), given(dY), window, **api, switches=found.switches),
            reference.max_pool_backward(canonical, dY, window, **options),
        ),
        (
            avg_pool_backward(given(canonical), given(dY), window, **api),
            reference.avg_pool_backward(canonical, dY, window, **options),
        ),
    )
    for result, expected in pairs:
        assert np.array_equal(result, given(expected))


def test_the_options_stand_in_the_order_of_the_contract():
    X, dY = CHANCE.integers(-2, 3, (6, 7)), CHANCE.integers(-9, 10, (4, 7))
    in_order = (2, 2, 1, 1, True, "last", 2)
    named = {"stride": 2, "padding": 1, "dilation": 1, "ceil_mode": True, "ties": "last", "dims": 2}
    Y, switches = max_pool(X, *in_order)
    assert np.array_equal(Y, max_pool(X, 2, **named).Y)
    assert np.array_equal(switches, max_pool(X, 2, **named).switches)
    dY = CHANCE.integers(-9, 10, Y.shape)
    assert np.array_equal(max_pool_backward(X, dY, *in_order), max_pool_backward(X, dY, 2, **named))
    in_order = (2, 2, 1, 1, True, True, 2)
    named = {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True}
    assert np.array_equal(avg_pool(X, *in_order), avg_pool(X, 2, **named))
    assert np.array_equal(avg_pool_backward(X, dY, *in_order), avg_pool_backward(X, dY, 2, **named))


def test_the_stride_is_the_window_unless_given():
    X = np.arange(24).reshape(4, 6)
    assert max_pool(X, (2, 3)).Y.tolist() == [[8, 11], [20, 23]]
    assert max_pool(X, (2, 3)).switches.tolist() == [[8, 11], [20, 23]]
    assert avg_pool(X, (2, 3)).tolist() == [[4, 7], [16, 19]]


@pytest.mark.parametrize(("word", "sides"), [("same", (0, 1)), ("same-lower", (1, 0))])
def test_padding_words_put_the_odd_pixel_where_they_say(word, sides):
    X = CHANCE.integers(-9, 10, (1, 1, 6, 6))
    assert np.array_equal(
        max_pool(X, 2, stride=1, padding=word).Y,
        reference.max_pool(X, 2, stride=1, padding=(sides, sides))[0],
    )


def test_lists_are_arrays_and_unreached_inputs_have_no_gradient():
    dX = max_pool_backward([[1, 9, 7], [2, 3, 8]], [[5]], 2)
    assert dX.tolist() == [[0, 5, 0], [0, 0, 0]]
    assert avg_pool_backward([[1, 9, 7], [2, 3, 8]], [[4]], 2).tolist() == [[1, 1, 0], [1, 1, 0]]


def test_given_switches_are_followed_rather_than_found_again():
    X = np.array([[1, 2], [3, 4]])
    assert max_pool_backward(X, [[7]], 2, switches=[[2]]).tolist() == [[0, 0], [7, 0]]


X34 = np.arange(12).reshape(3, 4)

REFUSED = {
    "ties": (
        lambda: max_pool(X34, 2, ties="both"),
        "Unknown tie rule 'both'.\n  expected  one of first, last, split",
    ),
    "ties-backward": (
        lambda: max_pool_backward(X34, [[1, 2]], 2, ties="any"),
        "Unknown tie rule 'any'.\n  expected  one of first, last, split",
    ),
    "padding-over-half": (
        lambda: max_pool(X34, 3, padding=2),
        "A pool's padding is at most half of its window.\n"
        "  expected  at most 1 on each side for a window of 3\n"
        "  found     2 before, 2 after",
    ),
    "padding-over-half-dilated": (
        lambda: avg_pool(X34, (1, 2), padding=((0, 0), (2, 0)), dilation=2),
        "A pool's padding is at most half of its window.\n"
        "  expected  at most 1 on each side for a window of 2 with dilation 2\n"
        "  found     2 before, 0 after",
    ),
    "window-in-the-padding": (
        lambda: max_pool(np.arange(2), 2, stride=1, padding=3, dilation=6, dims=1),
        "A window lies wholly in the padding, so it has nothing to pool.\n"
        "  found     window 0 of a dimension of size 2, window 2, stride 1, padding 3:3\n"
        "  remedy    use less padding, or a smaller --dilation",
    ),
    "window-too-large": (
        lambda: avg_pool(X34, 4),
        "The window is larger than the padded input: the output is empty.\n"
        "  expected  at most (3, 4)   the input (3, 4) with its padding\n"
        "  found     (4, 4)\n"
        "  remedy    add padding (--padding), or use a smaller window or --dilation",
    ),
    "upstream": (
        lambda: max_pool_backward(X34, np.ones((2, 3)), 2),
        "dY has the wrong shape.\n"
        "  expected  (1, 2)   from X (3, 4), window 2, stride 2, padding 0\n"
        "  found     (2, 3)\n"
        "  remedy    pass the options of the forward pass: this dY fits stride 2, padding 1",
    ),
    "upstream-average": (
        lambda: avg_pool_backward(X34, np.ones((5, 5)), 2),
        "dY has the wrong shape.\n"
        "  expected  (1, 2)   from X (3, 4), window 2, stride 2, padding 0\n"
        "  found     (5, 5)\n"
        "  remedy    pass the stride and padding of the forward pass, "
        "or a dY of the output's shape",
    ),
    "switches-shape": (
        lambda: max_pool_backward(X34, [[1, 2]], 2, switches=[1, 2]),
        "The switches have the wrong shape.\n"
        "  expected  (1, 2)   one for each element of Y\n"
        "  found     (2,)",
    ),
    "switches-range": (
        lambda: max_pool_backward(X34, [[1, 2]], 2, switches=[[0, 12]]),
        "The switches are not flat indices into X's spatial plane.\n"
        "  expected  whole numbers from 0 to 11\n"
        "  found     0 to 12, dtype int64",
    ),
    "complex": (
        lambda: max_pool(X34 * 1j, 2),
        "X does not hold real numbers.\n"
        "  expected  integers or floating-point numbers\n"
        "  found     dtype complex128",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_in_these_words(case):
    call, text = REFUSED[case]
    with pytest.raises(ConvgradError) as caught:
        call()
    assert str(caught.value) == text
