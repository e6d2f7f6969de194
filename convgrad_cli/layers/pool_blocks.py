"""The planes of a pool in cache-sized blocks, on every core.

A pool treats every plane (one channel of one sample) on its own and does little with each number,
so it is bound by memory traffic: what a block's passes leave behind should stay in the cache. A
block is not smaller than that, since threads exchange the interpreter's lock at every pass.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from convgrad_cli.layers.kernels.workers import worker_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK_BYTES = 2**21
THREADED_BYTES = 2**22


class Block(NamedTuple):
    """Some samples and channels: an index into canonical arrays."""

    samples: slice
    channels: slice


def for_each_block(work: Callable[[Block], None], shape: tuple[int, ...], itemsize: int) -> None:
    """``work`` on blocks of the planes of a canonical array, on all cores where it is large."""
    blocks = list(_blocks(shape, itemsize))
    workers = min(worker_count(), len(blocks)) if prod(shape) * itemsize >= THREADED_BYTES else 1

    def run(block: Block) -> None:
        with np.errstate(all="ignore"):  # set per thread; NaN and infinity are the user's
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
    """Whole samples where they are small, else even parts of the channels of one."""
    samples, channels = shape[:2]
    planes = max(1, BLOCK_BYTES // (prod(shape[2:]) * itemsize))
    n = max(1, planes // channels)
    c = -(-channels // -(-channels // planes))
    for i, j in product(range(0, samples, n), range(0, channels, c)):
        yield Block(slice(i, i + n), slice(j, j + c))
