"""Element-wise sums by the dtype policy, for layers made of several convolutions.

Integers are added exactly (see :mod:`convgrad_cli.layers.numbers`); float16 is widened before the
first step and rounded after the last, so that a layer of several steps still rounds once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.layers.numbers import narrowed, result_dtype, sum_of_products

if TYPE_CHECKING:
    from collections.abc import Callable

    from convgrad_cli.layers.numbers import Array


def total(first: Array, *others: Array) -> Array:
    """The sum of arrays that broadcast; integers exactly, in np.result_type where it holds them."""
    one = np.ones((), first.dtype)
    return sum_of_products(_added, first, one, *others, terms=1)


def rounded_once(compute: Callable[..., Array], *operands: Array) -> Array:
    """``compute(*operands)`` in float32 where the result is float16, rounded at the end only."""
    result = result_dtype(*operands)
    if result == np.float16:
        operands = tuple(operand.astype(np.float32) for operand in operands)
    value = compute(*operands)
    if result.kind == "f":
        with np.errstate(over="ignore"):
            return value.astype(result, copy=False)
    return narrowed(value, result)


def _added(first: Array, one: Array, *others: Array) -> Any:
    value = first * one
    for other in others:
        value = value + other
    return value
