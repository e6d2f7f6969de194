"""Figures of a convolution: forward, dW, dX, the dilated upstream, the turned filter, a summary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.sliding import Place, Sliding, sliding
from convgrad_cli.render.figure_sheet import Block, Box, Column, Row, Sign

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_scene import Scene

PLANES_SHOWN = 4
"""Pairs of planes (one per channel, filter or sample) that a figure writes out at most."""


def product_figures(scene: Scene) -> list[Box]:
    """The product with as many planes as may be, and then with fewer, to choose what is legible."""
    most = min(PLANES_SHOWN, len(_pairs(scene)))
    return [product_figure(scene, shown) for shown in range(most, 0, -1)]


def product_figure(scene: Scene, shown: int) -> Box:
    """``map ∗ slider = result``: the convolution that makes the target, the element's window."""
    pairs = _pairs(scene)
    rows: list[Box] = []
    bias: list[Box] = [Sign("+"), scene.block("b", ())] if _adds_bias(scene) else []
    for number, (map_lead, slider_lead, word) in enumerate(pairs[:shown]):
        sign = Sign("+") if number else Sign(" ")
        parts: list[Box] = [sign] if len(pairs) > 1 else []
        word = word if len(pairs) > 1 else ""
        rows.append(Row([*parts, *_map_and_slider(scene, map_lead, slider_lead, word)]))
    if len(pairs) > shown:
        kind = pairs[0][2].split()[0]
        rest = len(pairs) - shown
        rows.append(Sign("+ …", f"and {rest} more {kind}{'s' if rest > 1 else ''}"))
    return Row([Column(rows), *bias, Sign("="), result_block(scene)])


def result_block(scene: Scene, sums: str = "") -> Block:
    """The plane of the target that holds the element; ``sums`` says over what it is summed."""
    lead = scene.index[:2]
    words = filter(None, [plane_words(scene, scene.target, lead), sums])
    return scene.block(scene.target, lead, about=", ".join(words))


def summary_figure(scenes: tuple[Scene, Scene, Scene]) -> Box:
    """The three convolutions of a layer, one beside the other: Y, dW and dX."""
    panels = []
    for scene in scenes:
        map_lead, slider_lead, word = _pairs(scene)[0]
        sums = f"sum over {len(_pairs(scene))} {word.split()[0]}s" if len(_pairs(scene)) > 1 else ""
        large, times, slider = _map_and_slider(scene, map_lead, slider_lead, "")
        below = Row([times, slider, Sign("="), result_block(scene, sums)], gap=0.1)
        panels.append(Column([large, below]))
    return Row(panels, gap=0.6)


def dilate_figure(scene: Scene) -> Box:
    """dY → zeros put in between (the stride) → zeros around, what belongs to padding cut off."""
    _, lead = _filter_and_sample(scene)
    along = [_slidings(axis)["dX"] for axis in scene.geometry.axes]
    dilated = [
        [place for place in s.map if "pad" not in place.role and "rest" not in place.role]
        for s in along
    ]
    between = [[Place(p.index, p.role.replace(" crop", "")) for p in axis] for axis in dilated]
    stride = "×".join(map(str, scene.geometry.stride))
    padded = scene.spread("dY", lead, [s.map for s in along])
    return Row(
        [
            scene.block("dY", lead, about=plane_words(scene, "dY", lead)),
            Sign("→", f"stride {stride}"),
            Block("dilated", scene.spread("dY", lead, between), "stride − 1 zeros in between"),
            Sign("→", "pad"),
            Block("padded", padded, _padding_words(scene)),
        ]
    )


def flip_figure(scene: Scene) -> Box:
    """W → W turned by 180°; every entry keeps its colour."""
    lead = _filter_and_sample(scene)[0]
    turned = [[Place(k, "value") for k in reversed(range(size))] for size in scene.geometry.kernel]
    straight = [[Place(k, "value") for k in range(size)] for size in scene.geometry.kernel]
    about = plane_words(scene, "W", lead)
    blocks = [
        Block("W", _coloured(scene, lead, straight), about),
        Block("W turned by 180°", _coloured(scene, lead, turned), about),
    ]
    return Row([blocks[0], Sign("→", "flip both axes"), blocks[1]])


def plane_words(scene: Scene, name: str, lead: Index) -> str:
    """Which plane it is, where there is more than one."""
    words = {"X": ("sample", "channel"), "W": ("filter", "channel"), "Y": ("sample", "filter")}
    sizes = scene.values[name].shape
    named = zip(words[name.removeprefix("d")], lead, sizes, strict=False)
    return ", ".join(f"{word} {place}" for word, place, size in named if size > 1)


def only_planes(scene: Scene) -> None:
    """Figures with cells show one or two dimensions; raises UsageError for more."""
    if scene.geometry.dims > 2:
        raise UsageError(
            "A figure with cells shows layers of one or two dimensions.",
            found=f"{scene.geometry.dims} dimensions",
            remedy="--kind heatmap draws every plane; convgrad explore shows the layer whole",
        )


def _slidings(axis: Any) -> dict[str, Sliding]:
    return sliding(axis)


def _pairs(scene: Scene) -> list[tuple[Index, Index, str]]:
    """The planes that meet for the element: of the map, of the slider, and what is summed over."""
    g, index = scene.geometry, scene.index
    if scene.target == "Y":
        n, o = index[:2]
        first = o // g.filters_per_group * g.channels_per_group
        return [((n, first + c), (o, c), f"channel {c}") for c in range(g.channels_per_group)]
    if scene.target == "dX":
        group, c = divmod(index[1], g.channels_per_group)
        first = group * g.filters_per_group
        filters = range(first, first + g.filters_per_group)
        return [((index[0], o), (o, c), f"filter {o}") for o in filters]
    o, c = index[:2]
    channel = o // g.filters_per_group * g.channels_per_group + c
    return [((n, channel), (n, o), f"sample {n}") for n in range(g.batch)]


def _map_and_slider(scene: Scene, map_lead: Index, slider_lead: Index, word: str) -> list[Box]:
    along = [_slidings(axis)[scene.target] for axis in scene.geometry.axes]
    names = {"Y": ("X", "W"), "dW": ("X", "dY"), "dX": ("dY", "W")}[scene.target]
    titles = _titles(scene)
    cells = scene.spread(names[0], map_lead, [s.map for s in along])
    about = "; ".join(filter(None, [word, _padding_words(scene) if scene.target == "dX" else ""]))
    return [
        Block(titles[0], cells, about, _frame(along, scene.index[2:])),
        Sign("∗"),
        Block(titles[1], scene.spread(names[1], slider_lead, [s.slider for s in along]), word),
    ]


def _frame(along: list[Sliding], place: Index) -> tuple[int, int, int, int]:
    """Where the slider lies on the map for one position of the result."""
    starts = [s.starts[p] for s, p in zip(along, place, strict=True)]
    spans = [len(s.slider) for s in along]
    if len(along) == 1:
        return 0, starts[0], 1, spans[0]
    return starts[0], starts[1], spans[0], spans[1]


def _titles(scene: Scene) -> tuple[str, str]:
    g = scene.geometry
    strided, dilated = set(g.stride) != {1}, set(g.dilation) != {1}
    padded = "X, padded" if any(map(any, g.padding)) else "X"
    spread = ", dilated" if dilated else ""
    return {
        "Y": (padded, f"W{spread}"),
        "dW": (padded, "dY, dilated" if strided else "dY"),
        "dX": ("dY, dilated and padded" if strided else "dY, padded", f"W, turned by 180°{spread}"),
    }[scene.target]


def _padding_words(scene: Scene) -> str:
    reach = {axis.extent - 1 for axis in scene.geometry.axes}
    size = reach.pop() if len(reach) == 1 else 0
    around = f"{size} {'zero' if size == 1 else 'zeros'}" if size else "d(k − 1) zeros"
    cut = ", the padding of X cut off" if any(map(any, scene.geometry.padding)) else ""
    rest = ", more for what is left over" if any(a.leftover for a in scene.geometry.axes) else ""
    return f"{around} around{rest}{cut}"


def _adds_bias(scene: Scene) -> bool:
    return scene.target == "Y" and "b" in scene.layer.arrays


def _filter_and_sample(scene: Scene) -> tuple[Index, Index]:
    """The plane of W and the plane of dY that the element concerns."""
    map_lead, slider_lead, _ = _pairs(scene)[0]
    if scene.target == "dX":
        return slider_lead, map_lead
    if scene.target == "dW":
        return scene.index[:2], slider_lead
    return slider_lead, scene.index[:2]


def _coloured(scene: Scene, lead: Index, along: list[list[Place]]) -> Any:
    """W's cells, each with a colour of its own."""
    grid = scene.spread("W", lead, along, marked=False)
    kernel = scene.geometry.kernel
    for r, row in enumerate(grid):
        for c, cell in enumerate(row):
            above = along[0][r].index if len(along) > 1 else 0
            cell.pair = above * kernel[-1] + along[-1][c].index
    return grid
