"""Stride, padding and dilation disappear: every gradient is a plain correlation along lines.

A *line* is one axis of

    v[y] = sum over taps t of m[t] * u[y*step + offset(t)],      u = 0 outside 0 .. size-1

Forward it is the layer's own equation, u = X, v = Y, step = s, offset(p) = p*d - before.

For dX, collect the input positions x that leave the same remainder r on division by the stride,
x = r + s*y: a *phase*. Window i meets x at filter position p when i*s + p*d - before = x, so

    i = y + (r + before - p*d) / s,        only for those p that make the quotient whole.

Each phase of dX is therefore a step-1 correlation of dY with its own few filter positions, and
the zeros of the lectures' "dilated gradient" are never multiplied. The same lines, read as a sum
over y of the product u v, give dW: phase r of X meets dY in exactly those positions.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis


class Line(NamedTuple):
    """One axis: v of length ``out`` from u of length ``size`` over ``taps`` at ``offsets``."""

    size: int
    out: int
    step: int
    taps: tuple[int, ...]
    offsets: tuple[int, ...]

    @property
    def shifts(self) -> tuple[int, ...]:
        """offset = shift * step + residue: how many steps away a tap looks."""
        return tuple(offset // self.step for offset in self.offsets)

    @property
    def residues(self) -> tuple[int, ...]:
        """offset = shift * step + residue: which of the ``step`` interleaved lines it reads."""
        return tuple(offset % self.step for offset in self.offsets)


class Correlation(NamedTuple):
    """One line per axis, between ``u[..., *u_index]`` and ``v[..., *v_index]``."""

    lines: tuple[Line, ...]
    u_index: tuple[Any, ...]
    v_index: tuple[Any, ...]


@lru_cache(maxsize=256)
def forward_correlation(axes: tuple[Axis, ...]) -> Correlation:
    """Y from X. An axis whose taps all read the same interleaved line reads only that one."""
    lines, u_index = [], []
    for axis in axes:
        offsets = [axis.position(0, k) for k in range(axis.kernel)]
        line = Line(axis.size, axis.output, axis.stride, tuple(range(axis.kernel)), tuple(offsets))
        residues = set(line.residues)
        start, step = (residues.pop(), axis.stride) if len(residues) == 1 else (0, 1)
        u_index.append(slice(start, None, step))
        if step > 1:
            size = -(-(axis.size - start) // step)
            line = Line(size, axis.output, 1, line.taps, line.shifts)
        lines.append(line)
    return Correlation(tuple(lines), (..., *u_index), (...,))


@lru_cache(maxsize=256)
def gradient_correlations(axes: tuple[Axis, ...]) -> tuple[Correlation, ...]:
    """dX from dY, one correlation per phase of X that any window reaches."""
    along = [[_phase_line(axis, r) for r in range(axis.stride)] for axis in axes]
    found = []
    for phase in product(*along):
        lines = tuple(line for line, _ in phase)
        if all(line.taps and line.out > 0 for line in lines):
            found.append(Correlation(lines, (...,), (..., *(index for _, index in phase))))
    return tuple(found)


def _phase_line(axis: Axis, r: int) -> tuple[Line, slice]:
    taps, offsets = [], []
    for k in reversed(range(axis.kernel)):
        window, off = divmod(r + axis.before - k * axis.dilation, axis.stride)
        if off == 0:
            taps.append(k)
            offsets.append(window)
    length = max(0, -(-(axis.size - r) // axis.stride))
    line = Line(axis.output, length, 1, tuple(taps), tuple(offsets))
    return line, slice(r, None, axis.stride)
