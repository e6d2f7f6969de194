"""Small random layers for the tracer's tests: hypothesis strategies, nothing of the code's."""

from typing import Any, NamedTuple

from hypothesis import strategies as st


class Layer(NamedTuple):
    """A convolution: canonical shapes and options as ``derive`` and the reference take them."""

    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    options: dict[str, Any]


@st.composite
def convolutions(draw: st.DrawFn, *, most_places: int = 30) -> Layer:
    """Unequal axes, N, C, K > 1, groups, strides with leftovers, uneven padding, dilation."""
    dims = draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, 1, 1, 2]))
    channels = groups * draw(st.integers(1, 2))
    filters = groups * draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3)) for _ in range(dims)]
    dilation = [draw(st.integers(1, 2)) for _ in range(dims)]
    padding = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in range(dims)]
    extents = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = [
        draw(st.integers(max(1, extent - sum(pair)), max(2, most_places // 6 ** (dims - 1))))
        if extent - sum(pair) <= max(2, most_places // 6 ** (dims - 1))
        else extent
        for extent, pair in zip(extents, padding, strict=True)
    ]
    options = {
        "stride": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
    }
    batch = draw(st.integers(1, 2))
    return Layer((batch, channels, *size), (filters, channels // groups, *kernel), options)


class Pool(NamedTuple):
    """A pool: canonical shape, window and options."""

    x_shape: tuple[int, ...]
    window: tuple[int, ...]
    options: dict[str, Any]


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Overlapping and gapped windows, padding, ceil mode."""
    dims = draw(st.integers(1, 2))
    window = tuple(draw(st.integers(1, 3)) for _ in range(dims))
    options = {
        "stride": [draw(st.integers(1, 3)) for _ in range(dims)],
        "padding": [(draw(st.integers(0, k // 2)), draw(st.integers(0, k // 2))) for k in window],
        "ceil_mode": draw(st.booleans()),
    }
    size = tuple(draw(st.integers(k, 6)) for k in window)
    return Pool((draw(st.integers(1, 2)), draw(st.integers(1, 2)), *size), window, options)
