"""Words that the formats share: what was computed, on what geometry, and how it was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.geometry.wording import one_or_each, sides
from convgrad_cli.render.numbers import display_tokens

if TYPE_CHECKING:
    from convgrad_cli.render.planes import Summary
    from convgrad_cli.render.result import Display, Result

_OPERATIONS: Final = {
    "conv": "convolution",
    "maxpool": "max pool",
    "avgpool": "average pool",
}
_INPUTS: Final = {"input": "X", "filter": "W", "bias": "b", "upstream": "dY", "output": "Y"}


def title(result: Result) -> str:
    """``2-D convolution, backward``."""
    layer, _, way = result.operation.partition("_")
    words = _OPERATIONS.get(layer, layer.replace("_", " "))
    dims = result.geometry.get("dims")
    return (f"{dims}-D " if dims else "") + words + (f", {way.replace('_', ' ')}" if way else "")


def facts(result: Result, *, ascii_only: bool = False) -> list[str]:
    """The geometry and the shapes, a few words each."""
    words = geometry_words(result) + shape_words(result)
    return [word.replace("×", "x") for word in words] if ascii_only else words


def geometry_words(result: Result) -> list[str]:
    """``filter 3×3``, ``stride 2``, ``padding 1:0,2:1`` …; dilation and groups where not 1."""
    geometry = result.geometry
    name = "window" if "pool" in result.operation else "filter"
    words = []
    if kernel := geometry.get("kernel"):
        words.append(f"{name} {'×'.join(map(str, kernel))}")
    if stride := geometry.get("stride"):
        words.append(f"stride {one_or_each(stride)}")
    if padding := geometry.get("padding"):
        words.append(f"padding {sides(padding)}")
    if set(dilation := geometry.get("dilation", [])) - {1}:
        words.append(f"dilation {one_or_each(dilation)}")
    if geometry.get("groups", 1) != 1:
        words.append(f"groups {geometry['groups']}")
    return words


def shape_words(result: Result) -> list[str]:
    """``X (5, 5)``, ``W (3, 3)`` …"""
    return [f"{_INPUTS.get(name, name)} {tuple(shape)}" for name, shape in result.shapes.items()]


def verify_words(verify: dict[str, Any], display: Display) -> str:
    """One line on how the result was checked and how far off it was at most."""
    verdict = "verified" if verify.get("passed") else "NOT VERIFIED"
    words = f"{verdict}: largest deviation {number(verify['largest_deviation'], display)}"
    directions = verify.get("directions")
    return words + (f" over {directions} random directions" if directions else "")


def summary_words(summary: Summary, display: Display) -> str:
    """``min -3, max 4, L2 norm 12.5; shown in part, -o FILE writes all of it``."""
    low, high, norm = (number(value, display) for value in summary)
    return f"min {low}, max {high}, L2 norm {norm}; shown in part, -o FILE writes all of it"


def number(value: float, display: Display) -> str:
    """One number for the eye."""
    return display_tokens(np.array([value]), display.precision)[0]
