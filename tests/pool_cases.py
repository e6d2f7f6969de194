"""Random pools for the tests; whether one is a layer at all is decided by walking, not by code
under test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from tests import reference

# Every divisor of a window of up to 27 places divides it, so that averages of its multiples
# are whole numbers and can be compared exactly.
WHOLE = math.lcm(*range(1, 28))

LARGEST_WINDOW = {1: 6, 2: 5, 3: 3}
LARGEST_SIZE = {1: 12, 2: 7, 3: 4}


@st.composite
def pool_options(draw: Any, dims: int) -> tuple[list[int], list[int], dict[str, Any]]:
    """(size, window, options): any stride, uneven padding, dilation and ceil mode."""
    window = [draw(st.integers(1, LARGEST_WINDOW[dims])) for _ in range(dims)]
    dilation = [draw(st.integers(1, 3)) for _ in range(dims)]
    halves = [(d * (k - 1) + 1) // 2 for k, d in zip(window, dilation, strict=True)]
    options = {
        "stride": [draw(st.integers(1, 4)) for _ in range(dims)],
        "padding": [(draw(st.integers(0, h)), draw(st.integers(0, h))) for h in halves],
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    size = [draw(st.integers(1, LARGEST_SIZE[dims])) for _ in range(dims)]
    return size, window, options


@st.composite
def pools(draw: Any, dims: int, *, low: int = -2, high: int = 2) -> tuple[Any, ...]:
    """(X, window, options, dY): a pool that is one, many ties in X, distinct small dY."""
    size, window, options = draw(pool_options(dims))
    assume(is_layer(size, window, options))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = chance.integers(low, high + 1, (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *size))
    dY = chance.integers(-9, 10, reference.avg_pool(X, window, **options).shape)
    return X, window, options, dY


def is_layer(size: list[int], window: list[int], options: dict[str, Any]) -> bool:
    """Whether there are windows along each axis, and each holds a real number."""
    axes = zip(
        size, window, options["stride"], options["padding"], options["dilation"], strict=True
    )
    return all(
        starts and all(any(s + d * i in range(p[0], p[0] + n) for i in range(k)) for s in starts)
        for n, k, stride, p, d in axes
        for starts in [reference.window_starts(n, k, stride, p, d, options["ceil_mode"])]
    )
