"""The update rule F ← F − α ∂L/∂F (course slides; L7)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from convgrad_cli.errors import DataError, UsageError

Array: TypeAlias = np.ndarray[Any, Any]


def descend(parameter: Array, gradient: Array, rate: float) -> Array:
    """One step of gradient descent: ``parameter − rate·gradient``, element by element.

    Integers become float64; floats keep ``np.result_type`` of the two arrays, float16 computed in
    float32 and rounded once.

    Raises UsageError for a rate that is not finite, DataError where the step overflows.
    """
    if not np.isfinite(rate):
        raise UsageError("The learning rate must be a finite number.", found=str(rate))
    result = np.result_type(parameter, gradient)
    if result.kind in "iu":
        result = np.dtype(np.float64)
    working = np.float32 if result == np.float16 else result
    with np.errstate(over="ignore", invalid="ignore"):
        step = parameter.astype(working) - working_rate(rate, working) * gradient.astype(working)
        stepped: Array = step.astype(result)
    finite_before = np.isfinite(parameter).all() and np.isfinite(gradient).all()
    if finite_before and not np.isfinite(stepped).all():
        raise DataError(
            "The update overflows.",
            found=f"a learning rate of {rate} in {result}",
            remedy="use a smaller rate, or float64 arrays",
        )
    return stepped


def working_rate(rate: float, dtype: Any) -> Any:
    """The rate in the arrays' precision, so that it does not widen the result."""
    return np.dtype(dtype).type(rate)
