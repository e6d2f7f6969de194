"""A layer's options as members of an .npz bundle, so that results pipe on through files too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.render.result import Result


def option_arrays(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as arrays: numbers, lists of numbers, flags and words, as a bundle reads them."""
    import numpy as np

    return {name: np.array(value) for name, value in options.items()}


def result_options(result: Result) -> dict[str, Any]:
    """What a result was computed with, as members of its .npz file.

    The ``kernel`` is left out: the filter's own shape says it.
    """
    from convgrad_cli.arrays.names import OPTIONS

    known = {name: value for name, value in result.geometry.items() if name in OPTIONS}
    return option_arrays({"operation": result.operation, **known})
