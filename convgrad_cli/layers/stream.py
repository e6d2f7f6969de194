"""Convolutions over any batch in little memory: a block of images at a time.

A block is taken from the given arrays (which may be mapped files), brought to the working dtype,
multiplied, and put where it belongs: Y and dX into their own place (a mapped file too), dW and db
into running sums, which for floats are kept in float64. Beyond inputs and results the memory is
that of one block, whatever the batch.

``forward_into`` and ``backward_into`` are the whole of :mod:`convgrad_cli.layers.conv`, plus the
caller's own output arrays and a ``progress(done, total)`` called after each block, counted in
images. An exception raised in it, or Ctrl-C, stops the work after the pieces in hand.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np

from convgrad_cli.errors import DataError, UsageError
from convgrad_cli.layers import kernels
from convgrad_cli.layers.conv_numbers import forward_arithmetic, gradient_arithmetic
from convgrad_cli.layers.kernels.workers import WORTH_SHARING, share_out, shares, worker_count
from convgrad_cli.layers.numbers import FLOAT64, narrowed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from convgrad_cli.geometry import ConvGeometry, ConvPlan
    from convgrad_cli.layers.kernels.workers import Scratch
    from convgrad_cli.layers.numbers import Arithmetic, Array

Progress: TypeAlias = "Callable[[int, int], None]"

GRADIENTS = ("dX", "dW", "db")

# Inputs and outputs of the images worked on together.
BLOCK_BYTES = 64 * 2**20


class ConvGradients(NamedTuple):
    """The gradients of a convolution, each in the shape of its array; None where not asked for."""

    dX: Array | None
    dW: Array | None
    db: Array | None


def forward_into(
    plan: ConvPlan,
    X: Array,
    W: Array,
    b: Array | None = None,
    *,
    Y: Array | None = None,
    progress: Progress | None = None,
) -> Array:
    """Y, written into the array ``Y`` where given (shape ``plan.output_shape``).

    Its dtype is that of the result (np.result_type of the operands), or for integers any that
    holds it: DataError otherwise.
    """
    if b is not None:
        plan.check_bias(b.shape)
        b = b.reshape(-1)
    given = None if Y is None else plan.Y.to_canonical(np.asarray(Y))
    out = forward(
        plan.X.to_canonical(np.asarray(X)),
        plan.W.to_canonical(np.asarray(W)),
        b,
        plan.geometry,
        Y=given,
        progress=progress,
    )
    return cast("Array", plan.Y.from_canonical(out)) if Y is None else Y


def backward_into(
    plan: ConvPlan,
    X: Array,
    W: Array,
    dY: Array,
    *,
    dX: Array | None = None,
    only: Collection[str] = GRADIENTS,
    progress: Progress | None = None,
) -> ConvGradients:
    """The gradients named in ``only``; dX is written into the array ``dX`` where given
    (X's shape; np.result_type of W and dY, or for integers any dtype that holds the result:
    DataError otherwise)."""
    if unknown := set(only) - set(GRADIENTS):
        raise UsageError(
            f"There is no gradient {sorted(unknown)[0]!r}.",
            expected=f"one or more of {', '.join(GRADIENTS)}",
        )
    given = None if dX is None else plan.X.to_canonical(np.asarray(dX))
    found = backward(
        plan.X.to_canonical(np.asarray(X)),
        plan.W.to_canonical(np.asarray(W)),
        plan.canonical_upstream(np.asarray(dY)),
        plan.geometry,
        dX=given,
        only=only,
        progress=progress,
    )
    dW = None if found.dW is None else plan.W.from_canonical(found.dW)
    if dX is None and found.dX is not None:
        dX = plan.X.from_canonical(found.dX)
    return ConvGradients(dX if "dX" in only else None, dW, found.db)


def forward(
    X: Array,
    W: Array,
    b: Array | None,
    geometry: ConvGeometry,
    *,
    Y: Array | None = None,
    progress: Progress | None = None,
) -> Array:
    """Canonical Y."""
    kind = forward_arithmetic(X, W, b, geometry)
    out = np.empty(geometry.output_shape, kind.stored) if Y is None else Y
    w = _as(W, kind.working)
    bias = None if b is None else _as(b, kind.working)
    for block, some in _blocks(geometry, kind.working, progress):
        y = _room(out, block, kind.working)
        kernels.forward(_as(X[block], kind.working), w, bias, some, y)
        _put(out, block, y, kind)
    return _finished(out, kind) if Y is None else out


def backward(
    X: Array | None,
    W: Array | None,
    dY: Array,
    geometry: ConvGeometry,
    *,
    dX: Array | None = None,
    only: Collection[str] = GRADIENTS,
    progress: Progress | None = None,
) -> ConvGradients:
    """Canonical gradients; those computed in the same dtype in one pass over the batch."""
    kinds = gradient_arithmetic(X, W, dY, geometry, only)
    out = dX
    if "dX" in kinds and dX is None:
        out = np.empty(geometry.input_shape, kinds["dX"].stored)
    sums = {name: _Sum(kinds[name]) for name in ("dW", "db") if name in kinds}
    passes = {
        kind.working: [n for n in kinds if kinds[n].working == kind.working]
        for kind in kinds.values()
    }
    for working, names in passes.items():
        w = _as(W, working) if "dX" in names and W is not None else None
        for block, some in _blocks(geometry, working, progress):
            y = _as(dY[block], working)
            x = dw = dx = None
            if "dX" in names and out is not None:
                dx = _room(out, block, working)
            if "dW" in names and X is not None:
                x, dw = _as(X[block], working), np.empty(geometry.filter_shape, working)
            kernels.backward(x, w, y, some, dx, dw)
            if dx is not None and out is not None:
                _put(out, block, dx, kinds["dX"])
            if dw is not None:
                sums["dW"].add(dw)
            if "db" in names:
                sums["db"].add(_sums_per_filter(y))
    if out is not None and dX is None:
        out = _finished(out, kinds["dX"])
    dW, db = (sums[name].result() if name in sums else None for name in ("dW", "db"))
    return ConvGradients(out if "dX" in kinds else None, dW, db)


class _Sum:
    """A sum over blocks: of floats in float64, so that a long batch loses no accuracy."""

    def __init__(self, kind: Arithmetic) -> None:
        self._kind = kind
        self._total: Array | None = None

    def add(self, part: Array) -> None:
        if self._total is None:
            self._total = part
        elif self._total.dtype == np.float32:
            self._total = self._total.astype(FLOAT64)
            self._total += part
        else:
            self._total += part

    def result(self) -> Array:
        assert self._total is not None, "a batch has at least one image"
        return _finished(self._total, self._kind)


def _blocks(
    geometry: ConvGeometry, working: np.dtype[Any], progress: Progress | None
) -> Iterator[tuple[slice, ConvGeometry]]:
    """The batch in blocks, each with its geometry."""
    image = prod(geometry.input_shape[1:]) + prod(geometry.output_shape[1:])
    images = max(1, BLOCK_BYTES // (image * working.itemsize))
    if images >= geometry.batch:
        blocks = [slice(0, geometry.batch)]
    else:
        workers = worker_count()
        images = max(1, images // workers * workers)
        blocks = [
            slice(first, min(first + images, geometry.batch))
            for first in range(0, geometry.batch, images)
        ]
    for block in blocks:
        size = block.stop - block.start
        yield block, geometry if size == geometry.batch else replace(geometry, batch=size)
        if progress is not None:
            progress(block.stop, geometry.batch)


def _as(array: Array, working: np.dtype[Any]) -> Array:
    """Contiguous, in the working dtype; itself where it is that already."""
    return np.ascontiguousarray(array, working)


def _room(out: Array, block: slice, working: np.dtype[Any]) -> Array:
    """Where to compute a block of ``out``: in its own place if the dtype is right."""
    place = out[block]
    return place if out.dtype == working else np.empty(place.shape, working)


def _put(out: Array, block: slice, value: Array, kind: Arithmetic) -> None:
    """A computed block into its place, if it is not there already."""
    if out.dtype == kind.working:
        return
    if out.dtype.kind in "iu" and out.dtype != kind.stored:
        value = narrowed(value, out.dtype)
        if value.dtype != out.dtype:
            raise DataError(
                "The exact result does not fit the array it is to be written to.",
                expected=f"{value.dtype}",
                found=f"{out.dtype}",
            )
    with np.errstate(over="ignore"):
        out[block] = value


def _finished(value: Array, kind: Arithmetic) -> Array:
    """A whole result in its dtype. Raises DataError where exact integers do not fit int64."""
    if kind.result.kind == "f" or kind.stored == kind.result:
        with np.errstate(over="ignore"):
            return value.astype(kind.result, copy=False)
    return narrowed(value, kind.result)


def _sums_per_filter(dY: Array) -> Array:
    """db of a block."""
    images, filters = dY.shape[:2]
    if dY.dtype in kernels.FAST and dY.size >= WORTH_SHARING:
        # A product with ones runs at memory speed; short rows keep its partial sums short.
        rows = dY.reshape(images * filters, -1)
        ones, sums = np.ones((rows.shape[1], 1), dY.dtype), np.empty((len(rows), 1), dY.dtype)

        def add_up(some: slice, _worker: int, _scratch: Scratch) -> None:
            np.matmul(rows[some], ones, out=sums[some])

        share_out(add_up, shares(len(rows), dY.size))
        return cast("Array", sums.reshape(images, filters).sum(axis=0, dtype=FLOAT64))
    return cast("Array", dY.sum(axis=(0, *range(2, dY.ndim))))
