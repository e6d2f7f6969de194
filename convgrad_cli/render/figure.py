"""``convgrad figure``: pictures for slides and papers, by matplotlib (the extra ``figures``).

A figure is 16:9, its text stays text in SVG and PDF, and the same layer gives the same bytes.
matplotlib loads here and only here.
"""

from __future__ import annotations

from itertools import product
from math import dist
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError
from convgrad_cli.render.figure_conv import (
    dilate_figure,
    flip_figure,
    only_planes,
    product_figures,
    summary_figure,
)
from convgrad_cli.render.figure_heat import heat_figure
from convgrad_cli.render.figure_pool import pool_figure
from convgrad_cli.render.figure_scene import Scene
from convgrad_cli.render.figure_sheet import (
    HEIGHT,
    INK,
    MARGIN,
    SOFT,
    WIDTH,
    Box,
    fitting,
    math,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from matplotlib.figure import Figure

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.layer import Layer

CONV_KINDS = ("summary", "forward", "dW", "dX", "dilate", "flip", "heatmap")
KINDS = {
    "conv": CONV_KINDS,
    "transposed": ("heatmap",),
    "maxpool": ("maxpool", "heatmap"),
    "avgpool": ("avgpool", "heatmap"),
    "activation": ("heatmap",),
    "upsample": ("heatmap",),
}
"""The kinds of figure of each layer, the usual one first."""
FORMATS = ("svg", "png", "pdf")
LARGE_TEXT, LEAST_TEXT = 18, 13
"""Points of the equation: at most, and where it breaks into more lines instead."""
_TARGETS = {"forward": ("Y",), "dW": ("dW",), "maxpool": ("dX", "Y"), "avgpool": ("dX", "Y")}


def targets_of(layer: Layer, kind: str) -> tuple[str, ...]:
    """The arrays of which the kind's chosen element may be, the usual one first."""
    return ("dY",) if layer.kind == "activation" else _TARGETS.get(kind, ("dX",))


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
    matplotlib = load_matplotlib()
    target, index = element or (targets_of(layer, kind)[0], None)
    scene = Scene(layer, target, index or _middle(layer, target), symbols)
    with matplotlib.rc_context(_STYLE):
        sheet: Figure = matplotlib.figure.Figure(figsize=(WIDTH, HEIGHT))
        axes = sheet.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(HEIGHT, 0)
        axes.axis("off")
        plain(axes, MARGIN, 0.5, title, 20, INK, weight="bold", ha="left")
        plain(axes, MARGIN, 0.88, facts, 12, SOFT, ha="left")
        if kind == "heatmap":
            heat_figure(sheet, scene, 1 - 1.2 / HEIGHT, 0.3 / HEIGHT)
        else:
            only_planes(scene)
            silent = kind in ("dilate", "flip", "summary")
            foot = HEIGHT - 0.35 if silent else _write_equation(axes, scene)
            _place(axes, _boxes(kind, scene), foot)
    return sheet


def save(sheet: Figure, stream: BinaryIO, form: str) -> None:
    """Write the figure; equal figures give equal bytes (no date, a fixed salt for identifiers)."""
    matplotlib = load_matplotlib()
    metadata = {
        "svg": {"Date": None, "Creator": "convgrad"},
        "pdf": {"CreationDate": None, "Creator": "convgrad", "Producer": "convgrad"},
        "png": {"Software": "convgrad"},
    }[form]
    with matplotlib.rc_context(_STYLE):
        sheet.savefig(stream, format=form, dpi=150, metadata=metadata)


def load_matplotlib() -> Any:
    """matplotlib with no display; raises UsageError where it is not installed."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError:
        raise UsageError(
            "Figures are drawn by matplotlib, which is not installed.",
            remedy="pip install 'convgrad[figures]'",
        ) from None
    matplotlib.use("agg")
    return matplotlib


_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "convgrad",
    "pdf.fonttype": 42,
    "font.family": "DejaVu Sans",
    # Its characters are Unicode, so an SVG reads right where the font is missing.
    "mathtext.fontset": "stix",
    "hatch.linewidth": 0.6,
    "hatch.color": "#9a9ea8",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


def _boxes(kind: str, scene: Scene) -> list[Box]:
    """What the kind shows, the fullest form first."""
    match kind:
        case "summary":
            layer, symbols = scene.layer, scene.symbols
            Y, dW = (Scene(layer, t, _middle(layer, t), symbols) for t in ("Y", "dW"))
            return [summary_figure((Y, dW, scene))]
        case "dilate":
            return [dilate_figure(scene)]
        case "flip":
            return [flip_figure(scene)]
        case "maxpool" | "avgpool":
            return [pool_figure(scene)]
    return product_figures(scene)


def _place(axes: Any, boxes: Sequence[Box], foot: float) -> None:
    """The box as large as it may be, in the middle between heading and equation."""
    width, height = WIDTH - 2 * MARGIN, foot - 1.3
    box, unit = fitting(boxes, width, height)
    own = box.size(unit)
    box.draw(axes, MARGIN + (width - own[0]) / 2, 1.25 + (height - own[1]) / 2, unit)


def _write_equation(axes: Any, scene: Scene) -> float:
    """The equation at the foot, in as many lines as it needs; returns where it begins."""
    for per_line in (len(scene.terms) or 1, 5, 3):
        lines = scene.equation(per_line)
        steps = [0.72 if "dfrac" in line else 0.5 for line in lines]
        top = y = HEIGHT - 0.25 - sum(steps)
        texts = []
        for line, step in zip(lines, steps, strict=True):
            math(axes, MARGIN, y + step / 2, line, LARGE_TEXT, INK, ha="left")
            texts.append(axes.texts[-1])
            y += step
        widest = max(text.get_window_extent().width for text in texts) / axes.figure.dpi
        points = min(LARGE_TEXT, LARGE_TEXT * (WIDTH - 2 * MARGIN) / widest)
        if points >= LEAST_TEXT or per_line == 3:
            for text in texts:
                text.set_fontsize(points)
            break
        for text in texts:
            text.remove()
    return top


def _middle(layer: Layer, target: str) -> Index:
    """An element near the middle of the first plane that some product makes, else the middle."""
    traced = layer.traced
    shape = traced.frames[traced.targets[target]].shape
    middle = tuple(0 if axis < 2 else size // 2 for axis, size in enumerate(shape))
    if any(True for _ in traced.terms(target, middle)):
        return middle
    places = product(*map(range, shape[2:]))
    nearest = sorted(places, key=lambda place: dist(place, middle[2:]))
    made = ((0, 0, *p) for p in nearest if any(True for _ in traced.terms(target, (0, 0, *p))))
    return next(made, middle)
