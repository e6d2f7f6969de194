"""A kind of layer as ``check`` takes it: from arrays and options to a problem, and as a function.

Options stand under their names in a bundle (``stride`` … ``activation``); None or left out is "not
given".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from convgrad_cli.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from convgrad_cli.check.function_series import Case, Series
    from convgrad_cli.check.function_signatures import Signature
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem import Problem

Arrays: TypeAlias = "Mapping[str, Array]"
Options: TypeAlias = Mapping[str, Any]
Leaves: TypeAlias = Mapping[str, Any]
Call: TypeAlias = "Callable[[Signature, Options, Leaves], tuple[list[Any], dict[str, Any]]]"


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    ``plan`` and ``problem`` make the problem from the user's arrays; ``takes`` are the options
    beside ``dims`` and ``layout`` that mean something here, ``operands`` the arrays.
    ``calls`` are the signatures of a backward function for it, ``accepts`` the options such a
    function may take, ``returns`` what it gives back for given options, and ``cases`` the layers
    it is tried on.
    """

    name: str
    article: str
    plan: Callable[[Arrays, Options], Any]
    problem: Callable[[Any, Arrays, Arrays, Options], Problem]
    takes: frozenset[str]
    operands: tuple[str, ...]
    calls: Mapping[str, Call]
    accepts: frozenset[str]
    returns: tuple[str, ...]
    cases: Callable[[Series], list[Case]]
    upstream: str = "dY"
    """What arrives from the layer above: dA where an activation comes last."""
    activated: Kind | None = None
    """The same layer followed by an activation, where that can be checked."""


def needed(arrays: Arrays, name: str) -> Array:
    """The array ``name``, or a UsageError that names it."""
    if name not in arrays:
        raise UsageError(f"{name} is missing.", array=name)
    return arrays[name]


#: What needs the upstream gradient.
GRADIENTS = frozenset({"dX", "dW", "db", "dZ", "dDepthwise", "dPointwise"})


def named_upstream(error: ShapeError, name: str) -> ShapeError:
    """An error about the upstream gradient that calls it by the name it was given under."""
    return ShapeError(
        error.summary.replace("dY ", f"{name} "),
        expected=error.expected,
        found=error.found,
        remedy=error.remedy and error.remedy.replace("dY", name),
        array=error.array,
        source=error.source,
    )


def upstream(plan: Any, arrays: Arrays, answers: Arrays, X: Array) -> Array:
    """The canonical upstream gradient; zeros where only forward results are checked."""
    name = "dA" if "dA" in arrays else "dY"
    if name in arrays:
        try:
            canonical: Array = plan.canonical_upstream(arrays[name])
        except ShapeError as error:
            raise named_upstream(error, name) from None
        return canonical
    if GRADIENTS & set(answers):
        raise UsageError(
            "dY is missing: a gradient needs the upstream gradient.",
            expected=f"dY of shape {plan.output_shape}",
            remedy="give it with --upstream (dY= in Python)",
            array="dY",
        )
    return np.zeros(plan.geometry.output_shape, dtype=X.dtype)
