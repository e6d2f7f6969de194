"""Figures of the layers without a filter: pools and upsampling, forward above, backward below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation.pool import TracedMaxPool
from convgrad_cli.render.figure_layout import Column, Row
from convgrad_cli.render.figure_roles import plane_words
from convgrad_cli.render.figure_scene import planes
from convgrad_cli.render.figure_sheet import Arrow, Block, Box

if TYPE_CHECKING:
    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_scene import Scene

_WORDS = {
    "maxpool": ("maximum of each window", "to the maxima"),
    "avgpool": ("average of each window", "shared out over each window"),
    "nearest": ("repeat every element", "sum over each block"),
    "zeros": ("insert zeros", "take every s-th"),
}


def pool_figure(scene: Scene) -> list[Box]:
    """X → Y (and the switches of a max pool), dY → dX: below each other or in one row."""
    lead = scene.index[:2]
    forward, backward = _WORDS[scene.layer.kind]
    places: list[Box] = []
    if "switches" in scene.layer.arrays:
        places = [_plane(scene, "switches", lead, "flat place of the maximum")]
    return _both(
        [_input(scene, lead), Arrow(forward), _plane(scene, "Y", lead), *places],
        [_plane(scene, "dY", lead), Arrow(backward), _plane(scene, "dX", lead)],
    )


def upsample_figure(scene: Scene) -> list[Box]:
    """X → Y and dY → dX, the chosen element's block framed."""
    lead = scene.index[:2]
    forward, backward = _WORDS[scene.layer.plan.geometry.mode]
    up, down = _plane(scene, "Y", lead), _plane(scene, "dY", lead)
    if scene.target == "dX":
        up.frame = down.frame = _window(scene, scene.index[2:])
    return _both(
        [_plane(scene, "X", lead), Arrow(forward), up],
        [down, Arrow(backward), _plane(scene, "dX", lead)],
    )


def _both(forward: list[Box], backward: list[Box]) -> list[Box]:
    """The two ways of laying out: as large as it may be decides."""
    row = Row([Row(forward), Row(backward)], gap=0.9)
    return [Column([Row(forward), Row(backward)], gap=0.4), row]


def _plane(scene: Scene, name: str, lead: Index, about: str = "") -> Block:
    words = [plane_words(scene, "X", lead), about]
    return scene.block(name, lead, about="; ".join(filter(None, words)))


def _input(scene: Scene, lead: Index) -> Block:
    """X, its maxima dotted, the chosen window framed."""
    dotted = _maxima(scene, lead)
    block = _plane(scene, "X", lead, "• a maximum" if dotted else "")
    for r, row in enumerate(block.cells):
        for c, cell in enumerate(row):
            place = (r, c) if len(scene.index) > 3 else (c,)
            cell.dot = (*lead, *place) in dotted
            cell.here = cell.here or (scene.target == "dX" and (*lead, *place) == scene.index)
    if scene.target == "Y":
        block.frame = _window(scene, scene.index[2:])
    return block


def _maxima(scene: Scene, lead: Index) -> set[Index]:
    traced = scene.layer.traced
    if not isinstance(traced, TracedMaxPool):
        return set()
    outputs = (index for row in planes(scene.layer.plan.geometry.output_size) for index in row)
    return {x for index in outputs for x in traced.winners((*lead, *index))}


def _window(scene: Scene, place: Index) -> tuple[int, int, int, int]:
    """One window's frame, cut to what it passes over."""
    spans = []
    for axis, out in zip(scene.layer.plan.geometry.axes, place, strict=True):
        inside = [tap.input for tap in axis.taps_of_output(out)]
        spans.append((inside[0], inside[-1] - inside[0] + 1))
    (top, rows), (left, columns) = spans if len(spans) > 1 else ((0, 1), spans[0])
    return top, left, rows, columns
