"""The convolution under a layer's figure: which array slides over which, in which planes.

A transposed convolution is the convolution from its Y back to its X (lecture 12), so its figures
are that convolution's with the letters exchanged: its Y is that one's dX, its dX that one's Y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.geometry.sliding import Sliding, sliding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.derivation.model import Index
    from convgrad_cli.render.figure_scene import Scene

_OPERANDS = {"Y": ("X", "W"), "dW": ("X", "dY"), "dX": ("dY", "W")}


@dataclass(frozen=True)
class Roles:
    """``names`` and ``words`` lead from the convolution's own to the layer's."""

    geometry: Any
    targets: Mapping[str, str]
    names: Mapping[str, str]
    words: Mapping[str, str]
    planes: Mapping[str, tuple[str, str]]
    """What the first two indices of X, W and Y count."""


def roles_of(scene: Scene) -> Roles:
    """Those of the scene's layer."""
    geometry = scene.layer.plan.geometry
    if scene.layer.kind == "transposed":
        return Roles(
            geometry.convolution,
            {"Y": "dX", "dX": "Y", "dW": "dW"},
            {"X": "dY", "dY": "X", "W": "W"},
            {"channel": "output channel", "filter": "channel", "sample": "sample"},
            {
                "X": ("sample", "channel"),
                "W": ("channel", "output channel"),
                "Y": ("sample", "output channel"),
            },
        )
    own = {name: name for name in ("X", "dY", "W", "Y", "dX", "dW")}
    words = {word: word for word in ("channel", "filter", "sample")}
    planes = {"X": ("sample", "channel"), "W": ("filter", "channel"), "Y": ("sample", "filter")}
    if scene.layer.kind != "conv":
        planes["Y"] = planes["X"]
    return Roles(geometry, own, own, words, planes)


@dataclass(frozen=True)
class Sum:
    """What is summed for one element: two arrays by name, and the planes of them that meet."""

    map: str
    slider: str
    pairs: list[tuple[Index, Index, str]]
    along: list[Sliding]
    under: str
    """The target of the convolution underneath."""

    @property
    def over(self) -> str:
        """What the pairs are: ``channel``, ``filter`` …"""
        return self.pairs[0][2].rpartition(" ")[0]

    def frame(self, place: Index) -> tuple[int, int, int, int] | None:
        """Where the slider lies on the map for one position of the result; None beyond the map."""
        if any(at >= len(s.starts) for s, at in zip(self.along, place, strict=True)):
            return None
        starts = [s.starts[at] for s, at in zip(self.along, place, strict=True)]
        spans = [len(s.slider) for s in self.along]
        if len(self.along) == 1:
            return 0, starts[0], 1, spans[0]
        return starts[0], starts[1], spans[0], spans[1]


def sum_of(scene: Scene) -> Sum:
    """The convolution that makes the scene's target."""
    roles = roles_of(scene)
    under = roles.targets[scene.target]
    large, small = _OPERANDS[under]
    pairs = [
        (a, b, f"{roles.words[word]} {at}")
        for a, b, word, at in _pairs(roles.geometry, under, scene.index)
    ]
    along = [sliding(axis)[under] for axis in roles.geometry.axes]
    return Sum(roles.names[large], roles.names[small], pairs, along, under)


def _pairs(g: Any, target: str, index: Index) -> list[tuple[Index, Index, str, int]]:
    """The planes that meet for the element: of the map, of the slider, and what is summed over."""
    if target == "Y":
        n, o = index[:2]
        first = o // g.filters_per_group * g.channels_per_group
        return [((n, first + c), (o, c), "channel", first + c) for c in range(g.channels_per_group)]
    if target == "dX":
        group, c = divmod(index[1], g.channels_per_group)
        first = group * g.filters_per_group
        filters = range(first, first + g.filters_per_group)
        return [((index[0], o), (o, c), "filter", o) for o in filters]
    o, c = index[:2]
    channel = o // g.filters_per_group * g.channels_per_group + c
    return [((n, channel), (n, o), "sample", n) for n in range(g.batch)]


def plane_words(scene: Scene, name: str, lead: Index) -> str:
    """Which plane it is, where there is more than one."""
    planes = roles_of(scene).planes
    words = planes["Y"][1:] if name == "b" else planes.get(name.removeprefix("d"), planes["Y"])
    named = zip(words, lead, scene.values[name].shape, strict=False)
    return ", ".join(f"{word} {place}" for word, place, size in named if size > 1)


def titles(scene: Scene, found: Sum) -> tuple[str, str]:
    """What the map and the slider are called."""
    g = roles_of(scene).geometry
    strided, dilated = set(g.stride) != {1}, set(g.dilation) != {1}
    padded = ", padded" if any(map(any, g.padding)) else ""
    spread = ", dilated" if dilated else ""
    return {
        "Y": (f"{found.map}{padded}", f"{found.slider}{spread}"),
        "dW": (f"{found.map}{padded}", f"{found.slider}{', dilated' if strided else ''}"),
        "dX": (
            f"{found.map}, dilated and padded" if strided else f"{found.map}, padded",
            f"{found.slider}, turned by 180°{spread}",
        ),
    }[found.under]


def padding_words(scene: Scene) -> str:
    """How the map of dX (of a transposed convolution's Y) is padded."""
    g = roles_of(scene).geometry
    reach = {axis.extent - 1 for axis in g.axes}
    size = reach.pop() if len(reach) == 1 else -1
    if size == 0:
        around = ""
    elif size > 0:
        around = f"{size} {'zero' if size == 1 else 'zeros'} around"
    else:
        around = "d(k − 1) zeros around"
    whose = "the padding" if scene.layer.kind == "transposed" else "the padding of X"
    left = "the output padding" if scene.layer.kind == "transposed" else "what is left over"
    rest = f"more for {left}" if any(axis.leftover for axis in g.axes) else ""
    cut = f"{whose} cut off" if any(map(any, g.padding)) else ""
    return ", ".join(filter(None, [around, rest, cut]))
