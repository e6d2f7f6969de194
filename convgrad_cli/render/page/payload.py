"""What Python writes into the page: the layer as data.

Arrays stand flat in canonical order with their canonical shape; ``given`` says how the user had
them, so that the page can hand back a bundle. Whole numbers too long for a double and numbers that
are none stand as text.
"""

from __future__ import annotations

import math
from math import prod
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.notation_known import NOTATIONS
from convgrad_cli.geometry.ranks import FILTER_LAYOUTS, filter_layout, input_layout
from convgrad_cli.render.page.symbols import fractions, joints, layer_symbols
from convgrad_cli.render.page.tables import divisors, tables

if TYPE_CHECKING:
    from convgrad_cli.render.layer import Layer

EXACT = 2**53
SHOW_ALL, MAY_SHOW_ALL = 400, 4000
"""Cells up to which all planes are on the stage from the start, or may be asked for."""
_FILTERED = ("conv", "transposed")


def payload(layer: Layer) -> dict[str, Any]:
    """Everything the page needs, ready for JSON."""
    others = [n for n in NOTATIONS.values() if n.name != layer.notation.name]
    names = Names(layer.notation, layer.traced)
    shapes = _shapes(layer)
    cells = sum(map(prod, shapes.values()))
    planes = max(prod(shape[: -min(2, layer.plan.geometry.dims)]) for shape in shapes.values())
    return {
        **tables(layer),
        "hasBias": "b" in layer.arrays,
        "activation": activation_data(layer),
        "arrays": _arrays(layer, shapes),
        "given": _given(layer, shapes),
        "options": options(layer),
        "notations": [layer_symbols(layer, n) for n in (layer.notation, *others)],
        "joints": joints(names),
        "fractions": fractions(names, possible_divisors(layer)),
        "showAll": cells <= SHOW_ALL and planes > 1,
        "mayShowAll": cells <= MAY_SHOW_ALL and planes > 1,
    }


def options(layer: Layer) -> dict[str, Any]:
    """The layer's options under the names of a bundle."""
    g = layer.plan.geometry
    chosen: dict[str, Any] = {"operation": f"{layer.kind}_backward", "dims": g.dims}
    chosen |= _kind_options(layer)
    if layer.activation is not None:
        chosen |= _activation_options(layer)
    x_order = layer.plan.X.order
    first = x_order == input_layout(len(x_order), g.dims, "nchw").order
    return chosen | {"layout": "nchw" if first else "nhwc"}


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


def _kind_options(layer: Layer) -> dict[str, Any]:
    g: Any = layer.plan.geometry
    if layer.kind == "activation":
        return {}
    if layer.kind == "upsample":
        return {"stride": list(g.scale), "mode": g.mode}
    if layer.kind == "transposed":
        return {
            "groups": g.groups,
            "output_padding": list(g.output_padding),
            **_sliding_options(g.convolution, g.padding),
        }
    if layer.kind == "conv":
        return {
            "groups": g.groups,
            "filter_layout": _filter_layout(layer),
            **_sliding_options(g, g.padding),
        }
    own = {"ties": layer.ties} if layer.kind == "maxpool" else {}
    counting = {"count_include_pad": layer.count_include_pad} if layer.kind == "avgpool" else {}
    window = {"window": list(g.kernel), "ceil_mode": g.ceil_mode}
    return {**window, **own, **counting, **_sliding_options(g, g.padding)}


def _sliding_options(g: Any, padding: Any) -> dict[str, Any]:
    return {
        "stride": list(g.stride),
        "padding": [list(sides) for sides in padding],
        "dilation": list(g.dilation),
    }


def _activation_options(layer: Layer) -> dict[str, Any]:
    assert layer.activation is not None
    name = layer.activation.name
    return {"activation": name, **({"slope": _slope(layer)} if name == "leaky-relu" else {})}


def activation_data(layer: Layer) -> dict[str, Any] | None:
    """The activation's name, and leaky ReLU's slope."""
    if layer.activation is None:
        return None
    return {"name": layer.activation.name, "slope": _slope(layer)}


def _slope(layer: Layer) -> float | None:
    """Leaky ReLU's slope for z < 0: its derivative there."""
    import numpy as np

    if layer.activation is None or layer.activation.name != "leaky-relu":
        return None
    return float(layer.activation.slope(np.array([-1.0]))[0])


def _shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    g: Any = layer.plan.geometry
    shapes: dict[str, tuple[int, ...]] = {"Y": g.output_shape}
    if layer.kind != "activation":
        shapes |= {"X": g.input_shape, "dX": g.input_shape}
    if layer.kind in _FILTERED:
        shapes |= {"W": g.filter_shape, "dW": g.filter_shape, "db": (g.out_channels,)}
    if layer.activation is not None:
        shapes |= dict.fromkeys(("A", "derivative", "dA"), g.output_shape)
    if "b" in layer.arrays:
        shapes["b"] = (g.out_channels,)
    if layer.kind == "maxpool":
        shapes["switches"] = g.output_shape
    return {**shapes, "dY": g.output_shape}


def _inputs(layer: Layer) -> tuple[str, ...]:
    """The arrays that can be edited; the others are evaluated in the page."""
    if layer.activation is None:
        return ("X", "W", "b", "dY")
    return ("Y", "dA") if layer.kind == "activation" else ("X", "W", "b", "dA")


def _arrays(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """Every array's shape; the values of the given ones (results are evaluated in the page)."""
    Y = layer.plan.Y
    layouts = {"X": layer.plan.X, "W": getattr(layer.plan, "W", None), "Y": Y, "dY": Y, "dA": Y}
    arrays: dict[str, Any] = {}
    for name, shape in shapes.items():
        arrays[name] = {"shape": shape, "lead": 0 if name in ("b", "db") else 2}
        if name in layer.arrays and name in _inputs(layer):
            layout = layouts.get(name)
            array = layer.arrays[name]
            canonical = layout.to_canonical(array) if layout is not None else array
            arrays[name]["values"] = [plain_number(v) for v in canonical.ravel().tolist()]
    return arrays


def _given(layer: Layer, shapes: dict[str, tuple[int, ...]]) -> dict[str, Any]:
    """The order of each array's axes as the user has them, and whether it holds whole numbers."""
    plan: Any = layer.plan
    W = plan.W.order if layer.kind in _FILTERED else ()
    X, Y = plan.X.order, plan.Y.order
    orders = {"X": X, "dX": X, "W": W, "dW": W, "b": (0,), "db": (0,)}
    return {
        name: {
            "order": orders.get(name, Y),
            "integer": name in layer.arrays and layer.arrays[name].dtype.kind in "iu",
        }
        for name in shapes
    }


def possible_divisors(layer: Layer) -> list[int]:
    """What a term of the layer may be divided by."""
    if layer.kind == "maxpool" and layer.ties == "split":
        g: Any = layer.plan.geometry
        return list(range(2, prod(g.kernel) + 1))
    return divisors(layer) or []


def _filter_layout(layer: Layer) -> str:
    plan: Any = layer.plan
    rank, dims = len(plan.W.order), plan.geometry.dims
    return next(w for w in FILTER_LAYOUTS if filter_layout(rank, dims, w).order == plan.W.order)
