"""A layer's tables for the page: which place of Y meets which of W and X, axis by axis.

Every layer is one of three to the page. *Products* are sums of X·W over taps (a convolution; a
transposed one is the same table with X and Y exchanged). A *pool* takes the members of each window
together (upsampling is one too: Y is made of the one X above it). *Pointwise* is what an activation
alone needs: nothing.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from convgrad_cli.geometry.sliding import sliding
from convgrad_cli.render.page.sliding import as_transposed, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from convgrad_cli.geometry import Axis
    from convgrad_cli.render.layer import Layer

AXIS_WORDS = {1: ("position",), 2: ("row", "column"), 3: ("layer", "row", "column")}


def tables(layer: Layer) -> dict[str, Any]:
    """The kind of layer, its sizes, its axes with their taps, and what a pool needs besides."""
    return _TABLES[layer.kind](layer)


def dense_table(X: tuple[int, ...], Y: tuple[int, ...]) -> dict[str, Any]:
    """A fully connected layer: products without space, X (N, in) and Y (N, out)."""
    return {
        "kind": "products",
        "outer": "Y",
        "sizes": {"batch": X[0], "channels": X[1], "filters": Y[1], "groups": 1},
        "called": ["input", "output"],
        "axes": [],
    }


def flatten_table(size: int) -> dict[str, Any]:
    """The same numbers at the same flat places: a pool with windows of one."""
    taps = [(place, 0, place) for place in range(size)]
    return {
        "kind": "pool",
        "sizes": {"batch": 1, "channels": 1},
        "called": ["channel", "channel"],
        "axes": [{"outer": size, "kernel": 1, "inner": size, "taps": taps}],
    }


def _conv(layer: Layer) -> dict[str, Any]:
    g = layer.plan.geometry
    return {
        **_products(g, "Y"),
        "sliding": words(g),
        "axes": [
            _axis(axis, axis.taps(), axis.output, axis.size, sliding(axis)) for axis in g.axes
        ],
        "idle": _idle("X", _sized(g.axes), _why_input),
    }


def _transposed(layer: Layer) -> dict[str, Any]:
    """The convolution underneath leads from Y to X: X is the outer array."""
    g = layer.plan.geometry
    axes = zip(g.convolution.axes, g.surplus, strict=True)
    grown = [(axis, axis.size + extra) for axis, extra in axes]
    return {
        **_products(g.convolution, "X"),
        "sliding": as_transposed(words(g.convolution)),
        "axes": [
            _axis(axis, axis.taps(), axis.output, size, as_transposed(sliding(axis)))
            for axis, size in grown
        ],
        "idle": _idle("Y", grown, _why_output),
    }


def _products(g: Any, outer: str) -> dict[str, Any]:
    return {
        "kind": "products",
        "outer": outer,
        "sizes": {
            "batch": g.batch,
            "channels": g.in_channels,
            "filters": g.out_channels,
            "groups": g.groups,
        },
        "called": ["channel", "filter"] if outer == "Y" else ["filter", "channel"],
    }


def _pool(layer: Layer) -> dict[str, Any]:
    g = layer.plan.geometry
    return {
        **_planes(g, "pool"),
        "axes": [_axis(axis, axis.taps(), axis.output, axis.size) for axis in g.axes],
        "idle": _idle("X", _sized(g.axes), _why_input),
        "ties": layer.ties if layer.kind == "maxpool" else None,
        "divisors": divisors(layer),
    }


def _upsample(layer: Layer) -> dict[str, Any]:
    """A pool from X to Y: each place of Y holds the X whose block it is in, or an inserted zero."""
    g = layer.plan.geometry
    return {
        **_planes(g, "pool"),
        "axes": [
            _axis(axis, sorted((x, 0, out) for out, _, x in axis.taps()), axis.size, axis.output)
            for axis in g.axes
        ],
        "idle": _idle("Y", _sized(g.axes), _why_inserted, role="gap"),
    }


def _activation(layer: Layer) -> dict[str, Any]:
    return _planes(layer.plan.geometry, "pointwise")


def _planes(g: Any, kind: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "sizes": {"batch": g.batch, "channels": g.channels},
        "called": ["channel", "channel"],
        "axes": [],
    }


def _axis(
    axis: Axis,
    taps: Iterable[tuple[int, int, int]],
    outer: int,
    inner: int,
    slides: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Sizes of the outer array, the filter and the inner array, and the taps that join them."""
    return {
        "outer": outer,
        "kernel": axis.kernel,
        "inner": inner,
        "taps": list(taps),
        "sliding": {name: slide.as_dict() for name, slide in (slides or {}).items()},
    }


def _sized(axes: Iterable[Axis]) -> list[tuple[Axis, int]]:
    return [(axis, axis.size) for axis in axes]


def _idle(
    family: str,
    axes: list[tuple[Axis, int]],
    why: Callable[[Axis, int, str], str],
    role: str = "unreached",
) -> dict[str, Any]:
    """The places, axis by axis, of the array that windows pass over which none of them touches."""
    return {
        "family": family,
        "role": role,
        "axes": [
            {str(x): why(axis, x, word) for x in (*axis.unreached, *range(axis.size, size))}
            for (axis, size), word in zip(axes, AXIS_WORDS[len(axes)], strict=True)
        ],
    }


def _why_input(axis: Axis, position: int, word: str) -> str:
    end = (axis.output - 1) * axis.stride + axis.extent - axis.before
    if position >= end:
        return f"{word} {position} is left over after the last window, so no output sees it"
    return f"{word} {position} lies between the places the windows touch, so no output sees it"


def _why_output(_axis: Axis, position: int, word: str) -> str:
    return f"{word} {position} gets no product of X and W: only the bias reaches it"


def _why_inserted(_axis: Axis, position: int, word: str) -> str:
    return f"{word} {position} is a zero put in between, so its gradient goes nowhere"


def divisors(layer: Layer) -> list[int] | None:
    """What each window of an average pool divides by; None where nothing is divided."""
    if layer.kind != "avgpool":
        return None
    g = layer.plan.geometry
    return [
        g.divisor(out, count_include_pad=layer.count_include_pad)
        for out in product(*map(range, g.output_size))
    ]


_TABLES: dict[str, Callable[[Layer], dict[str, Any]]] = {
    "conv": _conv,
    "transposed": _transposed,
    "maxpool": _pool,
    "avgpool": _pool,
    "upsample": _upsample,
    "activation": _activation,
}
