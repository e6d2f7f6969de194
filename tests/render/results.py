"""Small results for the renderers' tests; the numbers mean nothing, but no two axes are equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from convgrad_cli.render.result import Result, render

GEOMETRY: dict[str, Any] = {
    "dims": 2,
    "kernel": [2, 3],
    "stride": [2, 2],
    "padding": [[0, 0], [0, 0]],
    "dilation": [1, 1],
    "groups": 1,
}


def small() -> Result:
    """Integers, one plane each."""
    return Result(
        "conv_backward",
        dict(GEOMETRY),
        {
            "dX": np.array([[1, -20, 3, 0], [4, 5, 600, -7]]),
            "dW": np.array([[1, 2, 3], [-4, 5, 6]]),
            "db": np.array([10]),
        },
        {"input": (2, 4), "filter": (2, 3), "upstream": (1, 1)},
    )


def batch(dtype: str = "float64") -> Result:
    """Two samples, one channel, floats; one number a hundred times smaller."""
    dX = np.array([[[[0.5, -1.25, 3.0]]], [[[10.125, 0.0, -0.00625]]]], dtype)
    return Result("conv_backward", dict(GEOMETRY), {"dX": dX}, {"input": dX.shape})


def single(array: object, name: str = "dX", **geometry: Any) -> Result:
    """One array on its own."""
    return Result("conv_backward", GEOMETRY | geometry, {name: np.asarray(array)})


def text_of(result: Result, format: str, **display: Any) -> str:
    """The rendered text; JSON decoded."""
    rendered = render(result, format, **display)
    return rendered.decode() if isinstance(rendered, bytes) else rendered
