"""Figures of a convolution and a transposed one: forward, dW, dX, how the map is spread, the turned
filter, a summary."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.sliding import Place
from convgrad_cli.render.figure_layout import Column, Row, Table
from convgrad_cli.render.figure_roles import (
    Sum,
    padding_words,
    plane_words,
    roles_of,
    sum_of,
    titles,
)
from convgrad_cli.render.figure_sheet import Arrow, Block, Box, Label, Sign

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_ink import Cell
    from convgrad_cli.render.figure_scene import Scene

PLANES_SHOWN = 4
"""Pairs of planes (one per channel, filter or sample) that a figure writes out at most."""
NARROWER = 1.25
"""Where a heading wraps in a summary, which has six blocks below the maps."""
HEADS = {"Y": "Forward: Y", "dW": "Backward: dW", "dX": "Backward: dX"}


def product_figures(scene: Scene) -> list[list[Box]]:
    """The product with as many planes as may be, and then with fewer, to choose what is legible."""
    most = min(PLANES_SHOWN, len(sum_of(scene).pairs))
    return [
        [product_figure(scene, shown, per_line) for per_line in (1, 2) if per_line <= shown]
        for shown in range(most, 0, -1)
    ]


def product_figure(scene: Scene, shown: int, per_line: int) -> Box:
    """``map ∗ slider = result``: the convolution that makes the target, the element's window."""
    found = sum_of(scene)
    several = len(found.pairs) > 1
    parts: list[list[Box]] = []
    for number, (map_lead, slider_lead, word) in enumerate(found.pairs[:shown]):
        large, small = _map_and_slider(scene, found, map_lead, slider_lead, word * several)
        plus: list[Box] = [Sign("+" if number else " ")] if several else []
        parts.append([*plus, large, Sign("∗"), small])
    parts += [[Sign("")] * len(parts[0])] * (-shown % per_line)
    starts = range(0, len(parts), per_line)
    lines = [[*chain(*parts[start : start + per_line])] for start in starts]
    products: Box = Table(lines, gap=(0.22, 0.25))
    if len(found.pairs) > shown:
        rest = len(found.pairs) - shown
        more = Sign("+ …", f"and {rest} more {found.over}{'s' if rest > 1 else ''}")
        products = Column([products, more], centred=True)
    return Row([products, *_bias(scene), Sign("="), result_block(scene)])


def result_block(scene: Scene, sums: str = "") -> Block:
    """The plane of the target that holds the element; ``sums`` says over what it is summed."""
    lead = scene.index[:2]
    words = filter(None, [plane_words(scene, scene.target, lead), sums])
    return scene.block(scene.target, lead, about=", ".join(words))


def summary_figure(scenes: tuple[Scene, Scene, Scene]) -> list[Box]:
    """The three convolutions of a layer, Y, dW and dX: side by side, or one below the other."""
    panels = [_panel(scene) for scene in scenes]
    heads: list[Box] = [Label(HEADS[scene.target]) for scene in scenes]
    maps: list[Box] = [large for large, _, _ in panels]
    below: list[Box] = [Row([Sign("∗"), small, Sign("="), y], gap=0.1) for _, small, y in panels]
    lines: list[list[Box]] = [
        [head, large, Sign("∗"), small, Sign("="), y]
        for head, (large, small, y) in zip(heads, panels, strict=True)
    ]
    return [Table([heads, maps, below]), Table(lines, gap=(0.3, 0.25))]


def dilate_figure(scene: Scene) -> Box:
    """The upstream → zeros put in between (the stride) → zeros around, the padding's cut off."""
    found = sum_of(scene)
    lead = found.pairs[0][0]
    inside = [
        [place for place in s.map if "pad" not in place.role and "rest" not in place.role]
        for s in found.along
    ]
    between = [[Place(p.index, p.role.replace(" crop", "")) for p in axis] for axis in inside]
    stride = set(roles_of(scene).geometry.stride)
    boxes: list[Box] = [
        scene.block(found.map, lead, about=plane_words(scene, found.map, lead)),
    ]
    if stride != {1}:
        size = str(stride.pop() - 1) if len(stride) == 1 else "s − 1"
        zeros = f"{size} {'zero' if size == '1' else 'zeros'} in between"
        dilated = Block(f"{found.map}, dilated", scene.spread(found.map, lead, between), zeros)
        boxes += [Arrow("dilate by the stride"), dilated]
    padded = scene.spread(found.map, lead, [s.map for s in found.along])
    boxes += [Arrow("pad"), Block(titles(scene, found)[0], padded, padding_words(scene))]
    return Row(boxes)


def flip_figure(scene: Scene) -> Box:
    """W → W turned by 180°; every entry keeps its colour."""
    found = sum_of(scene)
    lead = found.pairs[0][1]
    kernel = roles_of(scene).geometry.kernel
    straight = [[Place(k, "value") for k in range(size)] for size in kernel]
    turned = [axis[::-1] for axis in straight]
    axes = "flip it" if len(kernel) == 1 else "flip both axes"
    return Row(
        [
            Block("W", _coloured(scene, lead, straight), plane_words(scene, "W", lead)),
            Arrow(axes),
            Block("W, turned by 180°", _coloured(scene, lead, turned)),
        ]
    )


def only_planes(scene: Scene) -> None:
    """Figures with cells show one or two dimensions; raises UsageError for more."""
    dims = scene.layer.plan.geometry.dims
    if dims > 2:
        raise UsageError(
            "A figure with cells shows layers of one or two dimensions.",
            found=f"{dims} dimensions",
            remedy="--kind heatmap draws every plane; convgrad explore shows the layer whole",
        )


def _panel(scene: Scene) -> tuple[Block, Block, Block]:
    """Map, slider and result of one convolution; of several planes the first."""
    found = sum_of(scene)
    map_lead, slider_lead, _ = found.pairs[0]
    count = len(found.pairs)
    sums = f"sum over {count} {found.over}s" if count > 1 else ""
    large, small = _map_and_slider(scene, found, map_lead, slider_lead, "")
    result = result_block(scene, sums)
    large.about, small.narrow, result.narrow = "", NARROWER, NARROWER
    return large, small, result


def _map_and_slider(
    scene: Scene, found: Sum, map_lead: Index, slider_lead: Index, word: str
) -> tuple[Block, Block]:
    padding = padding_words(scene) if found.under == "dX" else ""
    names = titles(scene, found)
    about = "; ".join(filter(None, [word, padding]))
    cells = scene.spread(found.map, map_lead, [s.map for s in found.along])
    slider = scene.spread(found.slider, slider_lead, [s.slider for s in found.along])
    large = Block(names[0], cells, about, found.frame(scene.index[2:]))
    return large, Block(names[1], slider, word)


def _bias(scene: Scene) -> list[Box]:
    """The bias that is added to the plane of Y."""
    if scene.target != "Y" or "b" not in scene.layer.arrays:
        return []
    place = scene.index[1:2]
    return [Sign("+"), Block("b", [[scene.cell("b", place)]], plane_words(scene, "b", place))]


def _coloured(scene: Scene, lead: Index, along: list[list[Place]]) -> list[list[Cell]]:
    """W's cells, each with a colour of its own."""
    grid = scene.spread("W", lead, along, marked=False)
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            above = along[0][r].index if len(along) > 1 else 0
            cell.pair = above * len(along[-1]) + along[-1][c].index
    return grid
