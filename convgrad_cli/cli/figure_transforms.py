"""``convgrad figure --transforms NAMES``: one filter under several transforms (L14)."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_options import LayerOptions
    from convgrad_cli.cli.options import ConvArrays
    from convgrad_cli.cli.picture import NamingOptions
    from convgrad_cli.render.figure_transforms import Transformed


_TITLE = "One filter under several transforms, forward and backward"


def transforms_drawn(
    arrays: ConvArrays, options: LayerOptions, transforms: str | None, naming: NamingOptions
) -> tuple[Given, Any]:
    """What was given, and its figure."""
    from convgrad_cli.cli.figure import lettered
    from convgrad_cli.render.figure import figure_of_transforms

    for name in ("notation", "symbols", "base"):
        if getattr(naming, name) is not None:
            raise UsageError(f"A figure of transforms does not take --{name}: it has no symbols.")
    given, shown, facts = gather_transformed(arrays, options, transforms)
    title = lettered(given, _TITLE if naming.title is None else naming.title)
    return given, figure_of_transforms(shown, title=title, facts=facts)


def gather_transformed(
    arrays: ConvArrays, options: LayerOptions, transforms: str | None
) -> tuple[Given, Transformed, str]:
    """What was given, the planes to show, and a line about them."""
    from convgrad_cli.cli.inputs import gather, only_bundles_of
    from convgrad_cli.cli.lecture_layer import asked_of, forward, planned, upstream_of
    from convgrad_cli.cli.lecture_options import LectureOptions
    from convgrad_cli.cli.options import ConvOptions
    from convgrad_cli.layers.transforms import planned_backward, transformed_filters
    from convgrad_cli.render.figure_transforms import Transformed

    own = {field.name for field in fields(ConvOptions)}
    for field in fields(options):
        if field.name not in own and getattr(options, field.name) is not None:
            flag = f"--{field.name.replace('_', '-')}"
            raise UsageError(f"A figure of transforms does not take {flag}.", found=flag)
    given = gather(arrays, options, {})
    only_bundles_of(given, "conv")
    asked = asked_of(LectureOptions(transforms=transforms), given)
    if asked is None or not asked.transforms:
        raise UsageError("Which transforms?", expected="--transforms, such as identity,rot90")
    layer = planned(asked, given)
    dY, plan = upstream_of(layer, "dY"), layer.plan
    X, W = given["X"], given["W"]
    found = given.locating(lambda: planned_backward(plan, X, W, dY))
    Y = plan.Y.to_canonical(forward(layer))
    W = plan.W.to_canonical(W)
    filters = transformed_filters(W, plan.geometry)
    shown = Transformed(
        asked.transforms,
        plan.X.to_canonical(X)[0, 0],
        W[0, 0],
        plan.W.to_canonical(found.dW)[0, 0],
        [each[0, 0] for each in filters],
        list(Y[0, :, 0]),
        list(plan.canonical_upstream(dY)[0, :, 0]),
        [plan.W.to_canonical(pulled)[0, 0] for _, pulled in found.shares],
    )
    return given, shown, _facts(plan.geometry)


def refuse_beside_transforms(
    kind: str | None, layer: str | None, element: str | None, cells: str
) -> None:
    """Raise UsageError for what a figure of transforms has not."""
    given = {
        "--kind": kind if kind not in (None, "transforms") else None,
        "--layer": layer if layer not in (None, "conv") else None,
        "--element": element,
        "--cells": cells if cells != "numbers" else None,
    }
    for flag, value in given.items():
        if value is not None:
            raise UsageError(
                f"A figure of transforms does not take {flag} {value}.",
                expected="--transforms NAMES, with --kind transforms or without",
            )


def _facts(g: Any) -> str:
    """Sizes, and which planes are shown where there are more."""
    batch, channels, *size = g.input_shape
    maps = g.output_shape[2:]
    said = [f"input {size[0]}×{size[1]}", f"filter {g.filter_size}×{g.filter_size}"]
    said += [f"{len(g.names)} maps of {maps[1]}×{maps[2]}"]
    planes = {"sample": batch, "channel": channels, "filter": maps[0]}
    more = [f"{name} 0 of {count}" for name, count in planes.items() if count > 1]
    return " · ".join(said + ([f"shown: {', '.join(more)}"] if more else []))
