"""How pools walk: along one axis step by step, and over the planes in cache-sized blocks.

A pool treats every plane (one channel of one sample) on its own and does little with each number,
so it is bound by memory traffic: blocks of planes that stay in the cache, on every core.
"""

from __future__ import annotations

import os
from functools import cache
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.geometry import Axis

BLOCK_BYTES = 2**19
THREADED_BYTES = 2**22


class Step(NamedTuple):
    """Windows ``out`` meet inputs ``input`` at one place of the window; ``fresh``: their first."""

    out: slice
    input: slice
    fresh: bool


class Block(NamedTuple):
    """Samples and channels: an index into canonical arrays."""

    samples: slice
    channels: slice


def window_steps(axis: Axis) -> Iterator[Step]:
    """Every window's real places in order, all windows of one place at a time.

    The place k of a window meets the padding before the input or beyond it for the first and last
    few windows, so the windows that have a real place k are a range. Those that had none so far
    come as a step of their own: a running maximum or sum starts from it, and padding is never
    looked at.
    """
    begun = axis.output
    for kernel in range(axis.kernel):
        span = axis.outputs_of_kernel(kernel)
        middle = min(max(begun, span.start), span.stop)
        if span.start < middle:
            yield _step(axis, kernel, span.start, middle, fresh=True)
        if middle < span.stop:
            yield _step(axis, kernel, middle, span.stop, fresh=False)
        begun = min(begun, span.start)


def input_steps(axis: Axis) -> Iterator[Step]:
    """All taps, one place of the window at a time; ``fresh``: no step before met these inputs.

    Places k and k' meet the same inputs only where k*d and k'*d agree modulo the stride.
    """
    met = set()
    for kernel in range(axis.kernel):
        span, residue = axis.outputs_of_kernel(kernel), kernel * axis.dilation % axis.stride
        if span:
            yield _step(axis, kernel, span.start, span.stop, fresh=residue not in met)
        met.add(residue)


def window_boxes(axes: Sequence[Axis]) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
    """(outputs, inputs) of every place of the window, row-major: the box of windows where that
    place is real, and the box of inputs they meet there."""
    for place in product(*(range(axis.kernel) for axis in axes)):
        spans = [axis.outputs_of_kernel(k) for axis, k in zip(axes, place, strict=True)]
        if all(spans):
            steps = [
                _step(axis, k, span.start, span.stop, fresh=False)
                for axis, k, span in zip(axes, place, spans, strict=True)
            ]
            yield (..., *(step.out for step in steps)), (..., *(step.input for step in steps))


def at(place: slice, dim: int) -> tuple[Any, ...]:
    """The index that takes ``place`` along axis ``dim``."""
    return (*(slice(None),) * dim, place)


def for_each_block(work: Callable[[Block], None], shape: tuple[int, ...], itemsize: int) -> None:
    """``work`` on blocks of the planes of a canonical array, on all cores where it is large."""
    blocks = list(_blocks(shape, itemsize))
    workers = min(_cores(), len(blocks)) if prod(shape) * itemsize >= THREADED_BYTES else 1

    def run(block: Block) -> None:
        with np.errstate(all="ignore"):
            work(block)

    if workers == 1:
        for block in blocks:
            run(block)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(run, blocks):
            pass


def _blocks(shape: tuple[int, ...], itemsize: int) -> Iterator[Block]:
    samples, channels = shape[:2]
    planes = max(1, BLOCK_BYTES // (prod(shape[2:]) * itemsize))
    n, c = max(1, planes // channels), min(planes, channels)
    for i, j in product(range(0, samples, n), range(0, channels, c)):
        yield Block(slice(i, i + n), slice(j, j + c))


def _step(axis: Axis, kernel: int, start: int, stop: int, *, fresh: bool) -> Step:
    first = axis.position(start, kernel)
    inputs = slice(first, first + (stop - start - 1) * axis.stride + 1, axis.stride)
    return Step(slice(start, stop), inputs, fresh)


@cache
def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
