"""``convgrad figure``: pictures for slides and papers, by matplotlib (the extra ``figures``).

A figure is 16:9, its text stays text in SVG and PDF, and the same layer gives the same bytes.
matplotlib loads here and only here.
"""

from __future__ import annotations

from itertools import product
from math import dist
from typing import TYPE_CHECKING, Any

from convgrad_cli.render.figure_activation import activation_figure
from convgrad_cli.render.figure_conv import (
    dilate_figure,
    flip_figure,
    only_planes,
    product_figures,
    summary_figure,
)
from convgrad_cli.render.figure_file import FORMATS, STYLE, load_matplotlib, save
from convgrad_cli.render.figure_heat import heat_figure
from convgrad_cli.render.figure_ink import (
    INK,
    SOFT,
    cut,
    math,
    math_size,
    missing_letters,
    plain,
    shown_text,
    text_width,
    wrapped,
)
from convgrad_cli.render.figure_layout import widen
from convgrad_cli.render.figure_pool import pool_figure, upsample_figure
from convgrad_cli.render.figure_scene import Scene
from convgrad_cli.render.figure_sheet import HEIGHT, MARGIN, WIDTH, Box, fitting
from convgrad_cli.render.figure_transforms import transforms_figure

__all__ = [
    "FORMATS", "KINDS", "figure", "figure_of_transforms", "kinds_of", "load_matplotlib",
    "missing_letters", "save", "shown_text", "targets_of",
]  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_transforms import Transformed
    from convgrad_cli.render.layer import Layer

CONV_KINDS = ("summary", "forward", "dW", "dX", "dilate", "flip", "heatmap")
KINDS = {
    "conv": CONV_KINDS,
    "transposed": CONV_KINDS,
    "maxpool": ("maxpool", "heatmap"),
    "avgpool": ("avgpool", "heatmap"),
    "activation": ("activation", "heatmap"),
    "upsample": ("upsample", "heatmap"),
}
"""The kinds of figure of each layer, the usual one first."""
LARGE_TEXT, LEAST_TEXT = 18, 13
"""Points of the equation: at most, and where it breaks into more lines instead."""
_TARGETS = {"forward": ("Y",), "dW": ("dW",), "maxpool": ("dX", "Y"), "avgpool": ("dX", "Y")}


def kinds_of(layer: Layer) -> tuple[str, ...]:
    """What can be drawn of a layer, the usual figure first."""
    own = KINDS[layer.kind]
    return (*own, "activation") if layer.kind == "conv" and layer.activation else own


def targets_of(layer: Layer, kind: str) -> tuple[str, ...]:
    """The arrays of which the kind's chosen element may be, the usual one first."""
    if kind == "activation" or layer.kind == "activation":
        return ("dY",)
    if layer.kind == "transposed" and kind in ("dilate", "flip"):
        return ("Y",)
    return _TARGETS.get(kind, ("dX",))


def figure(
    layer: Layer,
    kind: str,
    *,
    element: tuple[str, Index] | None = None,
    symbols: bool = False,
    title: str = "",
    facts: str = "",
) -> Figure:
    """The figure of one kind. ``element`` is (target, canonical index), else one in the middle.

    ``layer.arrays`` must hold the results the kind shows. Raises UsageError where matplotlib is
    missing, the kind does not fit the layer, or the layer is too large for cells.
    """
    target, index = element or (targets_of(layer, kind)[0], None)
    layer = layer.pointwise if kind == "activation" else layer
    scene = Scene(layer, target, index or _middle(layer, target), symbols)
    with load_matplotlib().rc_context(STYLE):
        sheet, axes = _headed_sheet(title, facts)
        if kind == "heatmap":
            heat_figure(sheet, scene, 1.3, HEIGHT - 0.35)
        else:
            _draw_cells(axes, kind, scene)
    return sheet


def figure_of_transforms(shown: Transformed, *, title: str = "", facts: str = "") -> Figure:
    """The figure of one filter under its transforms. Raises UsageError as :func:`figure` does."""
    with load_matplotlib().rc_context(STYLE):
        sheet, axes = _headed_sheet(title, facts)
        _place(axes, transforms_figure(shown), HEIGHT - 0.35)
    return sheet


def _headed_sheet(title: str, facts: str) -> tuple[Figure, Any]:
    sheet: Figure = load_matplotlib().figure.Figure(figsize=(WIDTH, HEIGHT))
    axes = sheet.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(HEIGHT, 0)
    axes.axis("off")
    _write_heading(axes, title, facts)
    return sheet, axes


def _draw_cells(axes: Any, kind: str, scene: Scene) -> None:
    """The blocks, and under them the chosen element's equation where the kind is about one."""
    only_planes(scene)
    silent = kind in ("dilate", "flip", "summary")
    foot = HEIGHT - 0.35 if silent else _write_equation(axes, scene)
    _place(axes, _boxes(kind, scene), foot)


def _boxes(kind: str, scene: Scene) -> list[list[Box]]:
    """What the kind shows, the fullest form first, each in one layout or several."""
    match kind:
        case "summary":
            layer, symbols = scene.layer, scene.symbols
            Y, dW = (Scene(layer, t, _middle(layer, t), symbols) for t in ("Y", "dW"))
            return [summary_figure((Y, dW, scene))]
        case "dilate":
            return [[dilate_figure(scene)]]
        case "flip":
            return [[flip_figure(scene)]]
        case "maxpool" | "avgpool":
            return [pool_figure(scene)]
        case "upsample":
            return [upsample_figure(scene)]
        case "activation":
            return activation_figure(scene)
    return product_figures(scene)


def _place(axes: Any, boxes: Sequence[Sequence[Box]], foot: float) -> None:
    """The box as large as it may be, in the middle between heading and equation."""
    width, height = WIDTH - 2 * MARGIN, foot - 1.45
    for layout in (layout for layouts in boxes for layout in layouts):
        widen(layout)
    box, unit = fitting(boxes, width, height)
    own = box.size(unit)
    box.draw(axes, MARGIN + (width - own[0]) / 2, 1.2 + (height - own[1]) / 2, unit)


def _write_heading(axes: Any, title: str, facts: str) -> None:
    """Title and facts; a long title is set smaller, then in two lines, then cut."""
    room = WIDTH - 2 * MARGIN
    title, points = shown_text(title), 20.0
    wide = text_width(title, 1, bold=True) or 1.0
    points = max(14.0, min(points, room / wide))
    lines = wrapped(title, room, points, bold=True)
    lines = [*lines[:1], " ".join(lines[1:])] if len(lines) > 1 else lines
    for line, y in zip(lines, (0.34, 0.62) if len(lines) > 1 else (0.5,), strict=False):
        line = cut(line, room, points, bold=True)
        plain(axes, MARGIN, y, line, points, INK, weight="bold", ha="left")
    small = max(9.0, min(12.0, room / (text_width(facts, 1) or 1.0)))
    plain(axes, MARGIN, 0.9, cut(facts, room, small), small, SOFT, ha="left")


def _write_equation(axes: Any, scene: Scene) -> float:
    """The equation at the foot, in as many lines as it needs; returns where it begins."""
    for per_line in (len(scene.terms) or 1, 5, 3):
        lines = scene.equation(per_line)
        widest = max(math_size(line)[0] for line in lines)
        points = min(LARGE_TEXT, (WIDTH - 2 * MARGIN) / widest)
        if points >= LEAST_TEXT or per_line == 3:
            break
    steps = [0.72 if "dfrac" in line else 0.5 for line in lines]
    top = y = HEIGHT - 0.3 - sum(steps)
    left = (WIDTH - widest * points) / 2
    for line, step in zip(lines, steps, strict=True):
        math(axes, left, y + step / 2, line, points, INK, ha="left")
        y += step
    return top


def _middle(layer: Layer, target: str) -> Index:
    """An element near the middle of the first plane that some product makes, else the middle."""
    traced = layer.traced
    shape = traced.frames[traced.targets[target]].shape
    middle = tuple(0 if axis < 2 else size // 2 for axis, size in enumerate(shape))

    def made(index: Index) -> bool:
        return any(term.operand != "b" for term in traced.terms(target, index))

    if made(middle):
        return middle
    places = product(*map(range, shape[2:]))
    nearest = sorted(places, key=lambda place: dist(place, middle[2:]))
    return next(((0, 0, *p) for p in nearest if made((0, 0, *p))), middle)
