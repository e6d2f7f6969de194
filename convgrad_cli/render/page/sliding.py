"""Titles of what slides over what, in the view of a gradient as a convolution."""

from __future__ import annotations

from typing import Any


def words(g: Any) -> dict[str, Any]:
    """For each result of a convolution: array, title and explanation of its map and its slider."""
    strided, dilated = set(g.stride) != {1}, set(g.dilation) != {1}
    padded = any(map(any, g.padding))
    spread = "zeros in between, " if strided else ""
    cut = ", the padding of X cut off" if padded else ""
    X = ["X", "X, padded" if padded else "X", "input"]
    W = ["W", "W, dilated" if dilated else "W", "filter"]
    dY = ["dY", "dY, dilated" if strided else "dY", "upstream gradient"]
    full = [
        "dY",
        "dY, dilated and padded" if strided else "dY, padded",
        f"{spread}zeros around{cut}",
    ]
    turned = ["W", "W, turned by 180°" + (", dilated" if dilated else ""), "filter"]
    return {
        "Y": {"map": X, "slider": W},
        "dW": {"map": X, "slider": dY},
        "dX": {"map": full, "slider": turned},
    }


def as_transposed(of: dict[str, Any]) -> dict[str, Any]:
    """What a convolution says of Y, dX and dW, said of the transposed one: X and Y exchanged.

    Its forward is the convolution's dX, its dX the convolution's forward. Words are exchanged too.
    """
    exchanged = {"Y": of["dX"], "dX": of["Y"], "dW": of["dW"]}
    if not isinstance(of["Y"], dict):
        return exchanged
    return {
        target: {part: _exchanged(said) for part, said in parts.items()}
        for target, parts in exchanged.items()
    }


_OTHER = {"X": "dY", "dY": "X"}
_ABOUT = {"input": "upstream gradient", "upstream gradient": "input"}


def _exchanged(said: list[str]) -> list[str]:
    name, title, about = said
    other = _OTHER.get(name, name)
    text = about.replace("padding of X", "padding of Y")
    return [other, other + title[len(name) :], _ABOUT.get(text, text)]
