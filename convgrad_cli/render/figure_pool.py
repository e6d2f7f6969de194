"""The figure of a pool: X and its maxima → Y, and dY → dX."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.pool import TracedMaxPool
from convgrad_cli.render.figure_conv import plane_words
from convgrad_cli.render.figure_sheet import Block, Box, Column, Row, Sign

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_scene import Scene


def pool_figure(scene: Scene) -> Box:
    """Forward above, backward below; a dot marks the maximum of a window."""
    lead = scene.index[:2]
    word = "max" if scene.layer.kind == "maxpool" else "average"
    forward: list[Box] = [_input(scene, lead), Sign("→", word), _plane(scene, "Y", lead)]
    if "switches" in scene.layer.arrays:
        forward.append(_plane(scene, "switches", lead, "flat place of the maximum"))
    back = "to the maxima" if scene.layer.kind == "maxpool" else "shared out"
    backward: list[Box] = [_plane(scene, "dY", lead), Sign("→", back), _plane(scene, "dX", lead)]
    return Column([Row(forward), Row(backward)], gap=0.45)


def _plane(scene: Scene, name: str, lead: Index, about: str = "") -> Block:
    words = [plane_words(scene, "X", lead), about]
    return scene.block(name, lead, about="; ".join(filter(None, words)))


def _input(scene: Scene, lead: Index) -> Block:
    """X, its maxima dotted, the chosen window framed."""
    dotted = _maxima(scene, lead)
    about = "; ".join(
        filter(None, [plane_words(scene, "X", lead), "• a maximum" if dotted else ""])
    )
    block = scene.block("X", lead, about=about)
    for r, row in enumerate(block.cells):
        for c, cell in enumerate(row):
            place = (r, c) if scene.geometry.dims > 1 else (c,)
            cell.dot = (*lead, *place) in dotted
            cell.here = cell.here or (scene.target == "dX" and (*lead, *place) == scene.index)
    if scene.target == "Y":
        block.frame = _window(scene)
    return block


def _maxima(scene: Scene, lead: Index) -> set[Index]:
    traced = scene.layer.traced
    if not isinstance(traced, TracedMaxPool):
        return set()
    outputs = (index for row in _places(scene.geometry.output_size) for index in row)
    return {x for index in outputs for x in traced.winners((*lead, *index))}


def _places(size: tuple[int, ...]) -> list[list[Index]]:
    from convgrad_cli.render.figure_scene import planes

    return list(planes(size))


def _window(scene: Scene) -> tuple[int, int, int, int]:
    """The chosen window's frame, cut to the input."""
    spans = []
    for axis, out in zip(scene.geometry.axes, scene.index[2:], strict=True):
        inside = [tap.input for tap in axis.taps_of_output(out)]
        spans.append((inside[0], inside[-1] - inside[0] + 1))
    (top, rows), (left, columns) = spans if len(spans) > 1 else ((0, 1), spans[0])
    return top, left, rows, columns
