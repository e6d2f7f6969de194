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
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis
    from convgrad_cli.layers.kernels.pieces import Piece


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


class Phase(NamedTuple):
    """Every ``step``-th position of v from ``first`` on, and per axis which filter position it
    meets at each view (None: at none)."""

    first: tuple[int, ...]
    step: tuple[int, ...]
    taps: tuple[tuple[int | None, ...], ...]

    @property
    def everywhere(self) -> bool:
        """Whether it is all of v."""
        return set(self.step) == {1}

    def tap(self, view: tuple[int, ...]) -> tuple[int, ...] | None:
        """The filter position that it meets at a view, one index an axis."""
        found = [taps[i] for taps, i in zip(self.taps, view, strict=True)]
        return None if None in found else cast("tuple[int, ...]", tuple(found))

    def place(self, piece: Piece, size: tuple[int, ...]) -> tuple[Any, ...]:
        """Where a piece of it lies in an array (N, groups, channels, *size)."""
        along = (
            slice(r + s * a, min(r + s * (a + n), total), s)
            for r, s, a, n, total in zip(
                self.first, self.step, piece.start, piece.size, size, strict=True
            )
        )
        return (piece.images, piece.groups, slice(None), *along)


class Woven(NamedTuple):
    """Several correlations of one u: a view per offset that any of them has, and the phases."""

    lines: tuple[Line, ...]
    phases: tuple[Phase, ...]

    @property
    def density(self) -> float:
        """The share of phases times views that are taps."""
        used = total = 1
        for axis, line in enumerate(self.lines):
            of_axis = {phase.first[axis]: phase.taps[axis] for phase in self.phases}
            used *= sum(k is not None for taps in of_axis.values() for k in taps)
            total *= len(of_axis) * len(line.offsets)
        return used / total


def in_one_phase(correlation: Correlation) -> Woven:
    """The same correlation, its taps as the views of one phase."""
    lines = correlation.lines
    views = tuple(tuple(range(len(line.taps))) for line in lines)
    whole = Phase((0,) * len(lines), (1,) * len(lines), tuple(line.taps for line in lines))
    return Woven(
        tuple(line._replace(taps=view) for line, view in zip(lines, views, strict=True)), (whole,)
    )


@lru_cache(maxsize=256)
def woven_gradient(axes: tuple[Axis, ...]) -> Woven:
    """dX from dY, all phases at once."""
    lines, along = [], []
    for axis in axes:
        phases = [(r, _phase_line(axis, r)[0]) for r in range(axis.stride)]
        offsets = sorted({offset for _, line in phases for offset in line.offsets})
        longest = -(-axis.size // axis.stride)
        lines.append(Line(axis.output, longest, 1, tuple(range(len(offsets))), tuple(offsets)))
        met = [(r, dict(zip(line.offsets, line.taps, strict=True))) for r, line in phases]
        along.append([(r, tuple(map(taps.get, offsets))) for r, taps in met if taps])
    found = (zip(*phase, strict=True) for phase in product(*along))
    step = tuple(axis.stride for axis in axes)
    return Woven(tuple(lines), tuple(Phase(first, step, taps) for first, taps in found))


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
