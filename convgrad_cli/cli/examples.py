"""The built-in examples as arrays, and which of them stands in when no array is given."""

from __future__ import annotations

from typing import Any

import numpy as np

from convgrad_cli.arrays.loaded import Loaded
from convgrad_cli.errors import ConvgradError, UsageError
from convgrad_cli.geometry import plan_conv, plan_pool
from convgrad_cli.lectures import EXAMPLES, Example


def named_example(name: str) -> Example:
    """The example of that name; an error lists them."""
    if name not in EXAMPLES:
        raise UsageError(f"There is no built-in example {name!r}.", expected=_list(EXAMPLES))
    return EXAMPLES[name]


def example_arrays(example: Example) -> dict[str, Loaded]:
    """The example's arrays, as if they had been read."""
    source = f"the built-in example {example.name}"
    return {name: Loaded(np.array(rows), source) for name, rows in example.arrays.items()}


def choose_example(layer: str, options: dict[str, Any]) -> Example:
    """The first example of a kind whose geometry is the one the options describe.

    A pool without any option is the first pool. Raises UsageError with the list if none fits.
    """
    examples = [example for example in EXAMPLES.values() if example.layer == layer]
    for example in examples:
        if _geometry(example, options) == _geometry(example, example.options):
            return example
        if layer == "pool" and not {"window", "stride", "padding", "dilation"} & options.keys():
            return example
    _refuse_impossible(examples, options)
    raise UsageError(
        "No arrays were given, and no built-in example has this geometry.",
        expected="--input and --filter, a bundle, or --sample NAME"
        if layer == "conv"
        else "--input, a bundle, or --sample NAME",
        found=", ".join(f"{key} {value}" for key, value in options.items()),
        remedy=f"the examples are {_list(example.name for example in examples)}",
    )


def _refuse_impossible(examples: list[Example], options: dict[str, Any]) -> None:
    """Raise the GeometryError of a stride, dilation … below 1: with arrays or without, no layer
    has it."""
    for name in ("stride", "dilation", "groups", "window"):
        value = options.get(name)
        if value is not None and np.min(value) < 1:
            window = {"window": 1} if examples[0].layer == "pool" else {}
            _planned(examples[0], window | {name: value})


def _geometry(example: Example, options: dict[str, Any]) -> object:
    """The geometry of the example's arrays under other options; None where they do not fit."""
    try:
        return _planned(example, options)
    except (ConvgradError, TypeError):
        return None


def _planned(example: Example, options: dict[str, Any]) -> object:
    geometric = ("window", "stride", "padding", "dilation", "groups", "output_size", "ceil_mode")
    chosen = {key: options[key] for key in geometric if key in options}
    shapes = {name: np.shape(rows) for name, rows in example.arrays.items()}
    if example.layer == "conv":
        return plan_conv(shapes["X"], shapes["W"], **chosen).geometry
    return plan_pool(shapes["X"], **chosen).geometry if "window" in chosen else None


def _list(names: Any) -> str:
    return ", ".join(names)
