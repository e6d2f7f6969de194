"""A part of a layer, small enough for a page: whole windows of X, and as many planes as fit.

The part is a layer of its own. Its outputs are outputs of the whole layer; its gradients leave out
what the windows outside of it would add.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import ConvGeometry, ConvPlan, PoolGeometry
from convgrad_cli.geometry.transposed import TransposedGeometry

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis, Geometry, Plan

MOST_SIDE, MOST_CELLS, MOST_PRODUCTS = 64, 50_000, 2_000_000
"""Up to here a page stays fluid: positions along a side of a plane (of a 1-D layer, eight times as
many), numbers in all arrays, products of the forward pass."""
SUGGESTED = 32


class Part(NamedTuple):
    """Along one axis: X from start to stop, the outputs first to last, the padding that is kept."""

    start: int
    stop: int
    first: int
    last: int
    before: int
    after: int


def checked_size(geometry: Any) -> None:
    """Raise UsageError, offering a crop where there is one, for a layer too large to explore."""
    if _fits(geometry):
        return
    remedy = "give a part of the arrays"
    if isinstance(geometry, ConvGeometry | PoolGeometry):
        suggested = (min(axis.size, max(SUGGESTED, axis.extent)) for axis in geometry.axes)
        remedy = (
            f"--crop {','.join(map(str, suggested))} takes a corner of it "
            "(--crop 16:48,0:32 any part), and as many planes as fit"
        )
    raise UsageError(
        "The layer is too large for a page that stays fluid.",
        expected=f"at most {'×'.join([str(_side(geometry))] * geometry.dims)} positions a plane, "
        f"{MOST_CELLS} numbers in all arrays, {MOST_PRODUCTS} products",
        found=f"X {geometry.input_shape}, Y {geometry.output_shape}",
        remedy=remedy,
    )


def cropped(plan: Plan, arrays: dict[str, Any], text: str) -> tuple[Plan, dict[str, Any], str]:
    """The part that ``--crop`` names: its plan, its arrays, and a note that says what was left out.

    With an activation, only what is given is kept: the page evaluates the rest. Raises UsageError
    for a part that is not there or holds no whole window, and for layers other than convolutions
    and pools.
    """
    geometry = plan.geometry
    if not isinstance(geometry, ConvGeometry | PoolGeometry):
        raise UsageError(
            "--crop takes a part of a convolution or a pool.", remedy="give a part of the arrays"
        )
    parts = [
        _part(axis, *span, text)
        for axis, span in zip(geometry.axes, _spans(text, geometry), strict=True)
    ]
    smaller = _fewer_planes(geometry, parts)
    arrays = _slices(plan, arrays, parts, smaller)
    return _planned(plan, parts, smaller), arrays, _note(geometry, smaller, parts)


def _side(geometry: Geometry) -> int:
    return MOST_SIDE * (8 if geometry.dims == 1 else 1)


def _fits(geometry: Any) -> bool:
    cells = 2 * prod(geometry.input_shape) + 2 * prod(geometry.output_shape)
    products = prod(geometry.output_shape)
    if isinstance(geometry, ConvGeometry | TransposedGeometry):
        cells += 2 * prod(geometry.filter_shape)
        layer = geometry.convolution if isinstance(geometry, TransposedGeometry) else geometry
        products = layer.multiply_adds
    elif isinstance(geometry, PoolGeometry):
        products *= prod(geometry.kernel)
    sides = max(*geometry.input_shape[2:], *geometry.output_shape[2:])
    return bool(sides <= _side(geometry) and cells <= MOST_CELLS and products <= MOST_PRODUCTS)


def _spans(text: str, geometry: Geometry) -> list[tuple[int, int]]:
    """``32`` → (0, 32) on every axis; ``16:48,0:32`` → one span each."""
    try:
        spans = [_span(part) for part in text.split(",")]
    except ValueError:
        spans = []
    if len(spans) == 1:
        spans *= geometry.dims
    if len(spans) != geometry.dims:
        raise UsageError(
            "--crop cannot be read.",
            expected="32, 32,48, or from:to as 16:48,0:32, one per spatial dimension",
            found=text,
        )
    return spans


def _span(part: str) -> tuple[int, int]:
    start, colon, stop = part.partition(":")
    return (int(start), int(stop)) if colon else (0, int(start))


def _part(axis: Axis, start: int, stop: int, text: str) -> Part:
    """The whole windows within a span; padding is kept on the sides where the span reaches it."""
    stop = min(stop, axis.size)
    low = -axis.before if start == 0 else start
    inside = [
        out
        for out in range(axis.output)
        if axis.position(out, 0) >= low
        and (stop == axis.size or axis.position(out, axis.kernel - 1) < stop)
    ]
    if start < 0 or not inside:
        raise UsageError(
            "--crop holds no whole window.",
            expected=f"at least {axis.extent} of {axis.size} positions",
            found=text,
        )
    first, last = inside[0], inside[-1]
    begin = 0 if start == 0 else axis.position(first, 0)
    end = axis.size if stop == axis.size else axis.position(last, axis.kernel - 1) + 1
    before = axis.before if start == 0 else 0
    return Part(begin, end, first, last + 1, before, axis.after if stop == axis.size else 0)


def _fewer_planes(geometry: Any, parts: list[Part]) -> Any:
    """The geometry of the part, with samples, groups and channels halved until it fits."""
    axes = tuple(
        replace(axis, size=part.stop - part.start, before=part.before, after=part.after)
        for axis, part in zip(geometry.axes, parts, strict=True)
    )
    smaller = replace(geometry, axes=axes)
    while not _fits(smaller):
        reduced = _halved(smaller)
        if reduced == smaller:
            raise UsageError(
                "--crop leaves a layer that is still too large.",
                expected=f"at most {_side(geometry)} positions along each side",
                found=f"X {smaller.input_shape}",
            )
        smaller = reduced
    return smaller


def _halved(geometry: Any) -> Any:
    if geometry.batch > 1:
        return replace(geometry, batch=1)
    if not isinstance(geometry, ConvGeometry):
        return replace(geometry, channels=-(-geometry.channels // 2))
    K, C, groups = geometry.out_channels, geometry.in_channels, geometry.groups
    if groups > 1:
        kept = groups // 2
        return replace(
            geometry, groups=kept, out_channels=K // groups * kept, in_channels=C // groups * kept
        )
    if K >= C:
        return replace(geometry, out_channels=-(-K // 2))
    return replace(geometry, in_channels=-(-C // 2))


def _slices(plan: Plan, arrays: dict[str, Any], parts: list[Part], smaller: Any) -> dict[str, Any]:
    """The arrays of the part, in the user's own rank."""
    inputs = tuple(slice(part.start, part.stop) for part in parts)
    outputs = tuple(slice(part.first, part.last) for part in parts)
    upstream = "dA" if "dA" in arrays else "dY"
    cut = {
        "X": (plan.X, tuple(map(slice, smaller.input_shape[:2])) + inputs),
        upstream: (plan.Y, tuple(map(slice, smaller.output_shape[:2])) + outputs),
    }
    if isinstance(plan, ConvPlan):
        cut["W"] = (plan.W, tuple(map(slice, smaller.filter_shape[:2])))
    found = {
        name: layout.from_canonical(layout.to_canonical(arrays[name])[places])
        for name, (layout, places) in cut.items()
    }
    if "b" in arrays:
        found["b"] = arrays["b"][: smaller.out_channels]
    return found


def _planned(plan: Plan, parts: list[Part], smaller: Any) -> Plan:
    """The part's own plan. Its last window is whole, so that ceil mode adds none to it."""
    assert smaller.output_size == tuple(part.last - part.first for part in parts)
    return replace(plan, geometry=smaller)


def _note(whole: Any, part: Any, parts: list[Part]) -> str:
    """What is shown of how much."""
    words = {1: ("positions",), 2: ("rows", "columns"), 3: ("layers", "rows", "columns")}
    said = [
        f"{word} {p.start}–{p.stop - 1} of {axis.size}"
        for word, p, axis in zip(words[whole.dims], parts, whole.axes, strict=True)
    ]
    names = {"batch": "samples", "in_channels": "channels", "channels": "channels",
             "out_channels": "filters"}  # fmt: skip
    for key, word in names.items():
        if getattr(whole, key, 0) != getattr(part, key, 0):
            said.append(f"{getattr(part, key)} of {getattr(whole, key)} {word}")
    return (
        f"A part of the layer: {', '.join(said)}. It is a layer of its own: "
        "what the rest would add is left out."
    )
