"""How channel axes get confused: spread, dealt out in turn, read in another layout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.check.planes import Array


def spread_over(array: Array, axis: int, groups: int = 1, *, inner: bool = False) -> Array:
    """The sum over a channel axis, put in every entry: within each group, or (``inner``) over the
    groups."""
    shape = array.shape
    blocks = array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    total = blocks.sum(axis=axis if inner else axis + 1, keepdims=True)
    return np.broadcast_to(total, blocks.shape).reshape(shape)


def interleaved(array: Array, axis: int, groups: int) -> Array:
    """Channels in blocks (g, c) put in turn: (c, g)."""
    shape = array.shape
    blocks = array.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    return blocks.swapaxes(axis, axis + 1).reshape(shape)


def deinterleaved(array: Array, axis: int, groups: int) -> Array:
    """The inverse of :func:`interleaved`."""
    return interleaved(array, axis, array.shape[axis] // groups)


def layout_readings(shape: Sequence[int]) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Ways of reading the numbers of a (K, C, ...) filter in another order of axes.

    Each confuses one layout with another by a reshape, or by a transpose where the sizes allow it.
    """
    dims = len(shape) - 2
    spatial = tuple(range(2, dims + 2))
    orders = {"IOHW": (1, 0, *spatial), "HWIO": (*spatial, 1, 0), "OHWI": (0, *spatial, 1)}
    for name, order in orders.items():
        letters = name if dims == 2 else name.replace("HW", "L" if dims == 1 else "DHW")
        if order == tuple(range(dims + 2)):
            continue
        yield f"{letters} where they stand as {_canonical(dims)}", _reader(shape, order)
        yield f"{_canonical(dims)} where they stand as {letters}", _writer(shape, order)


def _canonical(dims: int) -> str:
    return {1: "OIL", 2: "OIHW", 3: "OIDHW"}[dims]


def _reader(shape: Sequence[int], order: Sequence[int]) -> Callable[[Array], Array]:
    """Numbers in memory as (K, C, ...), taken for the shape ``order`` gives, and transposed."""
    back = np.argsort(order)
    taken_for = [shape[axis] for axis in order]
    return lambda W: W.reshape(taken_for).transpose(back)


def _writer(shape: Sequence[int], order: Sequence[int]) -> Callable[[Array], Array]:
    """The filter transposed to ``order`` and its numbers taken for (K, C, ...)."""
    return lambda W: W.transpose(order).reshape(shape)
