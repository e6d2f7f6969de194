"""Both steps of a separable layer together: what mistakes make of them, and parts of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.cutout import EVERY, Block, conv_parts
from convgrad_cli.check.recipes import Impossible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.cutout import Cutout
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem_separable import SeparableProblem


def mixed(layer: SeparableProblem, target: str, name: str, changes: dict[str, Any]) -> Array:
    """Y or dPointwise, ``name`` in its step, with ``changes`` of either step (the other's marked).

    Raises Impossible where V does not fit the second step.
    """
    first, second = layer.below["first"], layer.below["second"]
    prefix = "V." if target == "dPointwise" else "mix."
    marked = {key.removeprefix(prefix): changes.pop(key) for key in _marked(changes, prefix)}
    taken, mixture = changes.pop("V", None), changes.pop("mixture", None)
    before, after = (marked, changes) if target == "dPointwise" else (changes, marked)
    V = first.changed("Y", before)
    if taken is not None:
        V = taken(layer.X.astype(np.float64), V)
    size = V.shape[2:]
    if V.shape[1] != layer.pointwise.shape[1]:
        raise Impossible
    plan, P = layer.plan.pointwise, second.W
    if size != second.geometry.input_size:
        if target == "dPointwise":
            raise Impossible
        axes = tuple(replace(a, size=n) for a, n in zip(plan.geometry.axes, size, strict=True))
        plan = replace(plan, geometry=replace(plan.geometry, axes=axes))
    if mixture is not None:
        P = mixture(P.astype(np.float64))
    return replace(second, plan=plan, X=V, W=P).changed(name, after)


def _marked(changes: dict[str, Any], prefix: str) -> list[str]:
    return [key for key in changes if key.startswith(prefix)]


def separable_parts(
    layer: SeparableProblem, target: str, step: str, name: str, mask: Array | None
) -> Iterator[Cutout]:
    """Parts for ``target``, ``name`` in its step, with all maps of their in-channels."""
    geometry = layer.plan.pointwise.geometry if step == "second" else layer.geometry
    whole, times = replace(geometry, axes=layer.geometry.axes), layer.geometry.filters_per_group
    for block, cut in conv_parts(whole if target == "Y" else geometry, name, mask):
        channels, outs = block.channels, EVERY
        if step == "second":
            channels, outs = _divided(channels, times), block.filters
        maps = _divided(channels, 1, times)
        if target == "dDepthwise":
            cut = replace(cut, place=(maps, EVERY))
        elif target == "dPointwise":
            cut = replace(cut, place=(outs, maps))
        axes = layer.geometry.axes if name == "dW" else block.axes
        here = Block(block.samples, channels, maps, axes, 1)
        yield replace(cut, problem=_smaller(layer, here, outs))


def _smaller(layer: SeparableProblem, block: Block, outs: slice) -> SeparableProblem:
    """The layer of some samples, in-channels with their maps, output channels and windows."""
    P, D = layer.pointwise[outs, block.filters], layer.depthwise[block.filters]
    times = layer.geometry.filters_per_group
    first = replace(block.geometry(layer.geometry), groups=len(D) // times)
    old = layer.plan.pointwise.geometry
    ends = zip(old.axes, first.output_size, strict=True)
    axes = tuple(replace(axis, size=size) for axis, size in ends)
    second = Block(block.samples, block.filters, outs, axes, 1)
    plan = replace(
        layer.plan,
        depthwise=replace(layer.plan.depthwise, geometry=first),
        pointwise=replace(layer.plan.pointwise, geometry=second.geometry(old)),
    )
    X, dY = block.of_wide(layer.X), second.of_narrow(layer.dY)
    b = None if layer.b is None else layer.b[outs]
    return replace(
        layer, plan=plan, X=X, depthwise=D, pointwise=P, dY=dY, b=b, part_of=(layer, block)
    )


def _divided(cut: slice, by: int, times: int = 1) -> slice:
    """The in-channels that some maps are made from, or (``times``) all maps of in-channels."""
    if cut == EVERY:
        return cut
    return slice(cut.start // by * times, -(-cut.stop // by) * times)
