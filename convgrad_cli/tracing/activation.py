"""Activations as layers that can be derived: σ by name, its tracer with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.derivation.activation import TracedActivation, trace_activation
from convgrad_cli.derivation.model import Frame
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry import ArrayLayout
from convgrad_cli.layers import activation as layers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.layers.activation import Activation


def activation_of(options: Mapping[str, Any], *, needed: bool = False) -> Activation | None:
    """The activation that the options name, with leaky-relu's slope, or None where there is none.

    Raises UsageError for an unknown one, for a slope that has no use, and for none if ``needed``.
    """
    name, slope = options.get("activation"), options.get("slope")
    if name is not None:
        return layers.activation(str(name), slope=slope)
    if needed:
        raise UsageError(
            "Which activation is it?",
            expected="--activation NAME, such as relu (activation= in Python)",
        )
    if slope is not None:
        raise UsageError("--slope is leaky-relu's.", remedy="add --activation leaky-relu")
    return None


def traced_activation(chosen: Activation, frame: Frame) -> TracedActivation:
    """The tracer of an activation, which puts numbers into σ and σ′."""
    return trace_activation(
        chosen.name,
        frame,
        lambda z: layers.forward(chosen, np.array(z)).item(),
        lambda z: layers.derivative(chosen, np.array(z)).item(),
        formulas=(chosen.formula, chosen.derivative),
    )


def plain_frame(shape: tuple[int, ...]) -> Frame:
    """The frame of an array of which only the shape is known: (N, C, *spatial) from the right."""
    kinds = {1: "s", 2: "ss", 3: "css", 4: "ncss", 5: "ncsss"}[len(shape)]
    return Frame(shape, kinds, ArrayLayout(tuple(range(len(shape))), len(shape)))
