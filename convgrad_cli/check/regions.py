"""Regions of an array where the differences of a layer with windows may live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import Axis


def window_regions(
    target: str, axes: tuple[Axis, ...], shape: tuple[int, ...]
) -> Iterator[tuple[str, str, Array]]:
    """(name, words, mask) of regions of a convolution's or a pool's ``target``."""
    if target == "dX":
        coverage = [np.array([len(a.taps_of_input(x)) for x in range(a.size)]) for a in axes]
        count = _product(coverage, shape)
        tests = (
            ("overlaps", "positions that several windows share", count > 1),
            ("single", "positions that one window alone holds", count == 1),
            ("unreached", "positions that no window reaches", count == 0),
            ("leftover", "the leftover rows and columns", _some(axes, shape, _leftover)),
            ("border", "the border, as wide as a window reaches", _some(axes, shape, _border)),
        )
        yield from tests
    elif target == "Y":
        yield "border", "windows that reach into the padding", _some(axes, shape, _padded_windows)
    elif target == "dW":
        yield "border", "the filter positions that meet padding", _some(axes, shape, _padded_taps)


def _product(per_axis: list[Array], shape: tuple[int, ...]) -> Array:
    """Per-axis numbers multiplied out over the whole array."""
    result: Any = np.ones(shape, dtype=np.int64)
    for axis, numbers in enumerate(reversed(per_axis), start=1):
        result = result * numbers.reshape(-1, *[1] * (axis - 1))
    return np.asarray(result)


def _some(axes: tuple[Axis, ...], shape: tuple[int, ...], test: Any) -> Array:
    """Where any axis is in the region that ``test`` gives for it."""
    result = np.zeros(shape, dtype=bool)
    for place, axis in enumerate(reversed(axes), start=1):
        result |= np.asarray(test(axis), dtype=bool).reshape(-1, *[1] * (place - 1))
    return result


def _leftover(axis: Axis) -> list[bool]:
    end = (axis.output - 1) * axis.stride + axis.extent - axis.before
    return [x >= end for x in range(axis.size)]


def _border(axis: Axis) -> list[bool]:
    reach = axis.extent - 1
    return [x < reach or x >= axis.size - reach for x in range(axis.size)]


def _padded_windows(axis: Axis) -> list[bool]:
    return [len(axis.taps_of_output(i)) < axis.kernel for i in range(axis.output)]


def _padded_taps(axis: Axis) -> list[bool]:
    return [len(axis.taps_of_kernel(k)) < axis.output for k in range(axis.kernel)]
