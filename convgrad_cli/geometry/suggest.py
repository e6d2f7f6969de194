"""Which stride and padding would have given an upstream gradient of the shape found."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry.axis import Axis

LARGEST_STRIDE = 8


def fitting_options(axes: Sequence[Axis], output: Sequence[int]) -> str | None:
    """``"stride 2, padding 1"``: the options, alike on every axis, that yield ``output``, or None.

    The present stride or padding is kept where changing the other alone is enough; then the
    smallest change wins.
    """
    now = (axes[0].stride, axes[0].before)
    reach = max(axis.extent for axis in axes)
    options = sorted(
        product(range(1, LARGEST_STRIDE + 1), range(reach)),
        key=lambda o: ((o[0] != now[0]) + (o[1] != now[1]), abs(o[0] - now[0]), abs(o[1] - now[1])),
    )
    for stride, padding in options:
        if all(
            replace(axis, stride=stride, before=padding, after=padding).output == size
            for axis, size in zip(axes, output, strict=True)
        ):
            return f"stride {stride}, padding {padding}"
    return None
