"""Max pooling of a block of planes, fast: one-dimensional passes over the phases of X.

Padded with -inf, X falls into s phases along an axis, X[r], X[r + s], X[r + 2s] …, and place k of
window o is element o + (k*d) // s of phase (k*d) mod s. So within the phases a window's place is a
*shift*, whatever the stride; and with all axes split, each phase one contiguous array of planes,
a shift along any axis is a shift of the flattened array. Every pass then runs over contiguous
memory from end to end. What a shift carries over the end of a row lands behind the last window of
that row, where nobody looks.

The place of the maximum travels as one small code per axis, the k that won. The fold goes from the
last axis to the first, as in :mod:`convgrad_cli.layers.pool_max`, which says why that finds the
row-major first of equal maxima.

A window whose maximum is -inf itself cannot be told from its padding here, nor does NaN compare:
for such blocks :func:`phase_max` returns None, and the slower path takes over.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.geometry import Axis, PoolGeometry
    from convgrad_cli.layers.numbers import Array

LARGEST_KERNEL = 255
# Beyond this the phases are so small that it costs more to handle than to fill them.
MOST_PHASES = 64


class _Best(NamedTuple):
    """Flat running maxima, and for each axis folded so far the places that won."""

    values: Array
    codes: dict[int, Array]


def phase_max(x: Array, geometry: PoolGeometry, *, last: bool) -> tuple[Array, Array] | None:
    """(values, flat positions) of the maxima of x (n, c, *in), or None where it cannot tell."""
    axes = geometry.axes
    if max(geometry.kernel) > LARGEST_KERNEL:
        return None
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    pitches = [_pitch(axis) for axis in axes]
    along = [sorted({k * a.dilation % a.stride for k in range(a.kernel)}) for a in axes]
    if prod(map(len, along)) > MOST_PHASES:
        return None
    best = {rs: _Best(_phase(x, axes, pitches, rs, lowest), {}) for rs in product(*along)}
    length = x.shape[0] * x.shape[1] * prod(pitches)
    for dim in reversed(range(len(axes))):
        best, length = _fold_axis(best, axes, pitches, dim, length, last=last)
    (found,) = best.values()
    planes = (*x.shape[:2], *pitches)
    windows: Any = (..., *(slice(axis.output) for axis in axes))
    values = found.values.reshape(planes)[windows]
    least = values.min()
    if np.isnan(least) or least == lowest:
        return None
    codes = {dim: code.reshape(planes)[windows] for dim, code in found.codes.items()}
    return values, np.broadcast_to(_positions(codes, geometry), values.shape)


def _pitch(axis: Axis) -> int:
    """Length of every phase: that of the padded axis, what hangs over it included."""
    reach = (axis.output - 1) * axis.stride + axis.extent
    return -(-max(reach, axis.before + axis.size) // axis.stride)


def _phase(
    x: Array, axes: Sequence[Axis], pitches: Sequence[int], residues: Sequence[int], lowest: float
) -> Array:
    """One phase of the padded x along all axes, flat."""
    if all(axis.stride == 1 and axis.size == p for axis, p in zip(axes, pitches, strict=True)):
        return np.ascontiguousarray(x).reshape(-1)
    here: list[Any] = [...]
    there: list[Any] = [...]
    for axis, residue in zip(axes, residues, strict=True):
        skipped = max(0, -(-(axis.before - residue) // axis.stride))
        first = residue + skipped * axis.stride - axis.before
        there.append(slice(first, None, axis.stride))
        here.append(slice(skipped, skipped + len(range(first, axis.size, axis.stride))))
    phase = np.empty((*x.shape[:2], *pitches), x.dtype)
    filled = phase[tuple(here)]
    if filled.size < phase.size:
        phase.fill(lowest)
    filled[...] = x[tuple(there)]
    return phase.reshape(-1)


def _fold_axis(
    best: dict[tuple[int, ...], _Best],
    axes: Sequence[Axis],
    pitches: Sequence[int],
    dim: int,
    length: int,
    *,
    last: bool,
) -> tuple[dict[tuple[int, ...], _Best], int]:
    """The maxima along axis ``dim``, the last one not folded yet, and the length that is valid."""
    axis, unit = axes[dim], prod(pitches[dim + 1 :])
    places = [divmod(k * axis.dilation, axis.stride) for k in range(axis.kernel)]
    length -= max(shift for shift, _ in places) * unit
    folded = {}
    for rest in dict.fromkeys(residues[:-1] for residues in best):
        spans = [slice(shift * unit, shift * unit + length) for shift, _ in places]
        candidates = [best[(*rest, residue)] for _, residue in places]
        folded[rest] = _fold(candidates, spans, dim, last=last)
    return folded, length


def _fold(candidates: Sequence[_Best], spans: Sequence[slice], dim: int, *, last: bool) -> _Best:
    """The best of the candidates, each seen from where its span starts."""
    if len(candidates) == 1:
        return candidates[0]
    first, length = candidates[0], spans[0].stop - spans[0].start
    values = np.empty_like(first.values)
    codes = {key: np.empty_like(first.values, np.uint8) for key in (*first.codes, dim)}
    own, top = codes[dim][:length], first.values[spans[0]]
    spots = {key: code[spans[0]] for key, code in first.codes.items()}
    for k, (candidate, span) in enumerate(zip(candidates[1:], spans[1:], strict=True), start=1):
        value = candidate.values[span]
        wins = (value >= top if last else value > top).view(np.uint8)
        top = np.maximum(top, value, out=values[:length])
        for key, code in candidate.codes.items():
            gain = code[span] - spots[key]
            gain *= wins
            spots[key] = np.add(spots[key], gain, out=codes[key][:length])
        if k == 1:
            own[...] = wins
        else:
            wins *= np.uint8(k)
            np.maximum(own, wins, out=own)
    return _Best(values, codes)


def _positions(codes: dict[int, Array], geometry: PoolGeometry) -> Array:
    """Flat positions in the plane from the places that won; unsigned, so that wrapping cancels."""
    count = prod(geometry.input_size)
    dtype: Any = np.min_scalar_type(count - 1)
    total = np.zeros((1,) * (geometry.dims + 2), np.int64)
    for dim, axis in enumerate(geometry.axes):
        start = (np.arange(axis.output) * axis.stride - axis.before) * _unit(geometry, dim)
        total = total + start.reshape([-1 if i == dim + 2 else 1 for i in range(total.ndim)])
    positions = total.astype(dtype)
    for dim, code in codes.items():
        step = dtype.type(geometry.axes[dim].dilation * _unit(geometry, dim))
        positions = positions + np.multiply(code, step, dtype=dtype)
    return positions


def _unit(geometry: PoolGeometry, dim: int) -> int:
    """How far neighbours along axis ``dim`` are apart in the flat plane."""
    return prod(geometry.input_size[dim + 1 :])
