"""Y and dP of a separable layer by way of the V that mistakes give: both steps may go wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.recipes import Impossible

if TYPE_CHECKING:
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
