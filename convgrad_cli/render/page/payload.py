"""What Python writes into the page: the layer as data.

Arrays stand flat in canonical order with their canonical shape; ``given`` says how the user had
them, so that the page can hand back a bundle. Whole numbers too long for a double and numbers that
are none stand as text.
"""

from __future__ import annotations

import math
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.notation import Names
from convgrad_cli.derivation.notation_known import NOTATIONS
from convgrad_cli.geometry import ConvPlan
from convgrad_cli.geometry.ranks import FILTER_LAYOUTS, filter_layout, input_layout
from convgrad_cli.geometry.sliding import sliding
from convgrad_cli.render.page.symbols import fractions, joints, notation_symbols

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis
    from convgrad_cli.render.layer import Layer

EXACT = 2**53
SHOW_ALL, MAY_SHOW_ALL = 400, 4000
"""Cells up to which all planes are on the stage from the start, or may be asked for."""
AXIS_WORDS = {1: ("position",), 2: ("row", "column"), 3: ("layer", "row", "column")}


def payload(layer: Layer) -> dict[str, Any]:
    """Everything the page needs, ready for JSON."""
    geometry = layer.plan.geometry
    conv = isinstance(layer.plan, ConvPlan)
    others = [n for n in NOTATIONS.values() if n.name != layer.notation.name]
    names = Names(layer.notation, layer.traced)
    traced = layer.traced
    shapes = _shapes(layer)
    cells = sum(map(prod, shapes.values()))
    planes = max(prod(shape[: -min(2, geometry.dims)]) for shape in shapes.values())
    return {
        "kind": "products" if conv else "pool",
        "outer": "Y",
        "sizes": _sizes(layer),
        "axes": [
            _axis(axis, word, conv=conv)
            for axis, word in zip(geometry.axes, AXIS_WORDS[geometry.dims], strict=True)
        ],
        "hasBias": "b" in layer.arrays,
        "ties": layer.ties if layer.kind == "maxpool" else None,
        "divisors": _divisors(layer),
        "sliding": _sliding_words(layer) if conv else {},
        "arrays": _arrays(layer, shapes),
        "given": _given(layer, shapes),
        "options": options(layer),
        "notations": [notation_symbols(Names(n, traced)) for n in (layer.notation, *others)],
        "joints": joints(names),
        "fractions": fractions(names, _possible_divisors(layer)),
        "showAll": cells <= SHOW_ALL and planes > 1,
        "mayShowAll": cells <= MAY_SHOW_ALL and planes > 1,
    }


def options(layer: Layer) -> dict[str, Any]:
    """The layer's options under the names of a bundle."""
    g = layer.plan.geometry
    chosen: dict[str, Any] = {"operation": f"{layer.kind}_backward", "dims": g.dims}
    if isinstance(layer.plan, ConvPlan):
        chosen |= {"groups": g.groups, "filter_layout": _filter_layout(layer.plan)}
    else:
        chosen |= {"window": list(g.kernel), "ceil_mode": g.ceil_mode}
        if layer.kind == "maxpool":
            chosen["ties"] = layer.ties
        else:
            chosen["count_include_pad"] = layer.count_include_pad
    x_order = layer.plan.X.order
    first = x_order == input_layout(len(x_order), g.dims, "nchw").order
    return chosen | {
        "stride": list(g.stride),
        "padding": [list(sides) for sides in g.padding],
        "dilation": list(g.dilation),
        "layout": "nchw" if first else "nhwc",
    }


def plain_number(value: Any) -> int | float | str:
    """A number as JSON can hold it without loss in a browser."""
    number = value.item() if hasattr(value, "item") else value
    if isinstance(number, float):
        if math.isnan(number):
            return "NaN"
        if math.isinf(number):
            return "Infinity" if number > 0 else "-Infinity"
        return number
    return int(number) if abs(number) <= EXACT else str(int(number))


def _shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    g = layer.plan.geometry
    shapes = {"X": g.input_shape, "dX": g.input_shape, "Y": g.output_shape, "dY": g.output_shape}
    if isinstance(layer.plan, ConvPlan):
        shapes |= {"W": g.filter_shape, "dW": g.filter_shape, "db": (g.out_channels,)}
    if "b" in layer.arrays:
        shapes["b"] = (g.out_channels,)
    if layer.kind == "maxpool":
        shapes["switches"] = g.output_shape
    return shapes


def _sizes(layer: Layer) -> dict[str, int]:
    g = layer.plan.geometry
    if isinstance(layer.plan, ConvPlan):
        return {
            "batch": g.batch,
            "channels": g.in_channels,
            "filters": g.out_channels,
            "groups": g.groups,
        }
    return {"batch": g.batch, "channels": g.channels}


def _arrays(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Every array's shape; the values of the given ones (results are evaluated in the page)."""
    layouts = {"X": layer.plan.X, "dY": layer.plan.Y, "W": getattr(layer.plan, "W", None)}
    arrays: dict[str, Any] = {}
    for name, shape in shapes.items():
        arrays[name] = {"shape": shape, "lead": 0 if name in ("b", "db") else 2}
        if name in layer.arrays:
            layout = layouts.get(name)
            array = layer.arrays[name]
            canonical = layout.to_canonical(array) if layout is not None else array
            arrays[name]["values"] = [plain_number(v) for v in canonical.ravel().tolist()]
    return arrays


def _given(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The order of each array's axes as the user has them, and whether it holds whole numbers."""
    W = layer.plan.W.order if isinstance(layer.plan, ConvPlan) else ()
    X, Y = layer.plan.X.order, layer.plan.Y.order
    orders = {"X": X, "dX": X, "W": W, "dW": W, "Y": Y, "dY": Y, "switches": Y}
    return {
        name: {
            "order": orders.get(name, (0,)),
            "integer": name in layer.arrays and layer.arrays[name].dtype.kind in "iu",
        }
        for name in shapes
    }


def _axis(axis: Axis, word: str, *, conv: bool) -> dict[str, Any]:
    return {
        "outer": axis.output,
        "kernel": axis.kernel,
        "inner": axis.size,
        "taps": list(axis.taps()),
        "unreached": {str(x): _why(axis, x, word) for x in axis.unreached},
        "sliding": {n: s.as_dict() for n, s in sliding(axis).items()} if conv else {},
    }


def _why(axis: Axis, position: int, word: str) -> str:
    """Why no window reaches a position."""
    end = (axis.output - 1) * axis.stride + axis.extent - axis.before
    if position >= end:
        return f"{word} {position} is left over after the last window, so no output sees it"
    return f"{word} {position} lies between the places the windows touch, so no output sees it"


def _divisors(layer: Layer) -> list[int] | None:
    if layer.kind != "avgpool":
        return None
    g = layer.plan.geometry
    return [
        g.divisor(out, count_include_pad=layer.count_include_pad)
        for out in product(*map(range, g.output_size))
    ]


def _possible_divisors(layer: Layer) -> list[int]:
    if layer.kind == "maxpool" and layer.ties == "split":
        return list(range(2, prod(layer.plan.geometry.kernel) + 1))
    return _divisors(layer) or []


def _sliding_words(layer: Layer) -> dict[str, Any]:
    """Titles of what slides over what."""
    g = layer.plan.geometry
    strided, dilated = set(g.stride) != {1}, set(g.dilation) != {1}
    padded = any(map(any, g.padding))
    spread = "zeros in between, " if strided else ""
    cut = ", the padding of X cut off" if padded else ""
    X = ["X", "X, padded" if padded else "X", "input"]
    W = ["W", "W, dilated" if dilated else "W", "filter"]
    dY = ["dY", "dY, dilated" if strided else "dY", "upstream gradient"]
    full = [
        "dY",
        "dY, dilated and padded" if strided else "dY, padded",
        f"{spread}zeros around{cut}",
    ]
    turned = ["W", "W, turned by 180°" + (", dilated" if dilated else ""), "filter"]
    return {
        "Y": {"map": X, "slider": W},
        "dW": {"map": X, "slider": dY},
        "dX": {"map": full, "slider": turned},
    }


def _filter_layout(plan: ConvPlan) -> str:
    rank, dims = len(plan.W.order), plan.geometry.dims
    return next(w for w in FILTER_LAYOUTS if filter_layout(rank, dims, w).order == plan.W.order)
