"""Two images at a time: the pieces of a layer, shared out among threads.

Each worker multiplies with one BLAS thread: one image per core has no seams inside a matrix
product, and its copies run in parallel too, which BLAS threads alone would leave to one core.
The calling thread works as well. An exception (Ctrl-C too) stops the others after the piece in
hand, so nothing hangs.
"""

from __future__ import annotations

import os
from functools import cache
from math import prod
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import ThreadPoolExecutor

    from convgrad_cli.layers.numbers import Array

Item = TypeVar("Item")

# Rows this far apart, or a multiple, fall on the same few places of a cache: a matrix product then
# runs at half its speed.
ALIAS_BYTES = 2048
GAP_BYTES = 64

_SHARING = Lock()


class Scratch:
    """A worker's own buffers, by name, reused from piece to piece."""

    def __init__(self) -> None:
        self._buffers: dict[str, Array] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An uninitialised array; the next ``take`` of the name overwrites it."""
        size = prod(shape)
        buffer = self._buffers.get(name)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)

    def matrices(self, name: str, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> Array:
        """The same for matrices (number, rows, columns), their rows set apart if need be."""
        number, rows, columns = shape
        gap = 0 if columns * dtype.itemsize % ALIAS_BYTES else GAP_BYTES // dtype.itemsize
        return self.take(name, (number, rows, columns + gap), dtype)[:, :, :columns]


def aliased(matrices: Array) -> bool:
    """Whether the rows of matrices (..., rows, columns) all fall on the same places of a cache."""
    return matrices.strides[-2] % (2 * ALIAS_BYTES) == 0


# Elements to copy or look at from which the start of the other threads pays.
WORTH_SHARING = 2**18


def worker_count() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def shares(length: int, work: int) -> list[slice]:
    """An axis in equal parts, one for each worker if the ``work`` (elements) is worth that."""
    parts = min(worker_count(), length) if work >= WORTH_SHARING else 1
    return [slice(length * i // parts, length * (i + 1) // parts) for i in range(parts)]


def share_out(job: Callable[[Item, int, Scratch], None], items: Sequence[Item]) -> None:
    """``job(item, worker, scratch)`` for every item; one item leaves the threads to the BLAS."""
    workers = min(worker_count(), len(items))
    # A second caller at the same time works alone: the BLAS has one limit for the whole process.
    if workers <= 1 or not _SHARING.acquire(blocking=False):
        _drain(job, iter(items), 0)
        return
    try:
        _share(job, items, workers)
    finally:
        _SHARING.release()


def _share(job: Callable[[Item, int, Scratch], None], items: Sequence[Item], workers: int) -> None:
    queue = _Queue(items)
    with _blas_controller().limit(limits=1, user_api="blas"):
        others = [_pool().submit(_work, job, queue, worker) for worker in range(1, workers)]
        try:
            _work(job, queue, 0)
        finally:
            failures = [failure for other in others if (failure := other.exception())]
        for failure in failures:
            raise failure


def _work(job: Callable[[Item, int, Scratch], None], queue: _Queue, worker: int) -> None:
    """One worker's share. Whoever leaves, leaves nothing to the others: either nothing is left, or
    the job has failed."""
    try:
        _drain(job, queue, worker)
    finally:
        queue.close()


def _drain(job: Callable[[Item, int, Scratch], None], items: Iterator[Item], worker: int) -> None:
    scratch = Scratch()
    # Overflow and NaN are the caller's to judge; NumPy keeps this setting per thread.
    with np.errstate(over="ignore", invalid="ignore"):
        for item in items:
            job(item, worker, scratch)


class _Queue:
    """An iterator that threads may share and that can be closed early."""

    def __init__(self, items: Sequence[Any]) -> None:
        self._items = iter(items)
        self._lock = Lock()

    def __iter__(self) -> _Queue:
        return self

    def __next__(self) -> Any:
        with self._lock:
            return next(self._items)

    def close(self) -> None:
        """No more items for anyone."""
        with self._lock:
            self._items = iter(())


@cache
def _pool() -> ThreadPoolExecutor:
    # Imported here: small layers need no threads, and every command starts with this file.
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(max(1, worker_count() - 1), thread_name_prefix="convgrad")


if hasattr(os, "register_at_fork"):
    # Threads do not follow into a forked process: one that waited for its parent's would hang.
    os.register_at_fork(after_in_child=_pool.cache_clear)


@cache
def blas_architectures() -> frozenset[str]:
    """The processors whose kernels the loaded BLAS has chosen."""
    found = _blas_controller().select(user_api="blas").info()
    return frozenset(str(library.get("architecture")) for library in found)


@cache
def _blas_controller() -> Any:
    # Finding the BLAS takes most of a millisecond: once, and only for layers of some size.
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
