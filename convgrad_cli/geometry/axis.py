"""One spatial axis of a layer: THE output-size formula, and which input meets which filter place.

    size      input positions              before, after   zero padding on either side
    kernel    filter (or window) positions  stride, dilation
    extent    d(k-1) + 1, the positions one window spans
    output    floor((size + before + after - extent) / stride) + 1

The output size is the number that satisfies

    (output - 1) * stride + extent  <=  size + before + after  <  output * stride + extent.

A layer's geometry is the product of its axes, so every rule about positions is one-dimensional
and stands here, once (Diba, eq. 6 and 8, per axis).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tap(NamedTuple):
    """Window ``out`` multiplies filter position ``kernel`` with input position ``input``."""

    out: int
    kernel: int
    input: int


class FullPadding(NamedTuple):
    """How far the dilated dY is padded so that a correlation with rot180(W) yields dX.

    Negative amounts crop.
    """

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Axis:
    """One spatial axis. Positions count from 0; padding lies below 0 and from ``size`` on."""

    size: int
    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1
    ceil_mode: bool = False

    @property
    def extent(self) -> int:
        """Positions one window spans: d(k-1) + 1."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padded(self) -> int:
        """Length of the padded input."""
        return self.size + self.before + self.after

    @property
    def output(self) -> int:
        """Number of windows. In ceil mode the last one may hang over the end, but must start in
        the input or in the padding before it (a window starting later is dropped, as PyTorch and
        ONNX do)."""
        room = self.padded - self.extent
        if room < 0 and not (self.ceil_mode and room > -self.stride):
            return 0
        if not self.ceil_mode:
            return room // self.stride + 1
        starts_before_padding_after = -(-(self.size + self.before) // self.stride)
        return min(-(-room // self.stride) + 1, starts_before_padding_after)

    @property
    def leftover(self) -> int:
        """Padded positions after the last window: r = (padded - extent) mod s in floor mode."""
        return max(0, self.padded - ((self.output - 1) * self.stride + self.extent))

    @property
    def full_padding(self) -> FullPadding:
        """Padding of the dilated dY for the full convolution that yields dX.

            before = d(k-1) - p_before        after = d(k-1) - p_after + r

        The lectures' ``k-1`` on both sides is the case p = 0, d = 1, r = 0 (Diba, eq. 24 and 25).
        """
        reach = self.extent - 1
        overhang = (self.output - 1) * self.stride + self.extent - self.padded
        return FullPadding(reach - self.before, reach - self.after - overhang)

    def position(self, out: int, kernel: int) -> int:
        """Input position under place ``kernel`` of window ``out``; may lie in the padding."""
        return out * self.stride + kernel * self.dilation - self.before

    def tap(self, out: int, kernel: int) -> int | None:
        """Like :meth:`position`, but None where it lies in the padding."""
        position = self.position(out, kernel)
        return position if 0 <= position < self.size else None

    def taps(self) -> Iterator[Tap]:
        """All taps, outputs in order and filter positions in order within each."""
        for out in range(self.output):
            yield from self.taps_of_output(out)

    @property
    def tap_count(self) -> int:
        """Number of taps, without walking them: O(1) where nothing is padded, else O(kernel)."""
        if not (self.before or self.after or self.ceil_mode):
            return self.kernel * self.output
        windows = map(self.outputs_of_kernel, range(self.kernel))
        return sum(outs.stop - outs.start for outs in windows)

    def taps_of_output(self, out: int) -> list[Tap]:
        """The taps of one window, filter positions in order."""
        positions = ((k, self.tap(out, k)) for k in range(self.kernel))
        return [Tap(out, k, x) for k, x in positions if x is not None]

    def taps_of_kernel(self, kernel: int) -> list[Tap]:
        """The taps of one filter position, outputs in order."""
        return [
            Tap(out, kernel, self.position(out, kernel)) for out in self.outputs_of_kernel(kernel)
        ]

    def outputs_of_kernel(self, kernel: int) -> range:
        """The windows whose place ``kernel`` lies in the input, not in its padding; O(1)."""
        offset = self.before - kernel * self.dilation
        first = max(0, -(-offset // self.stride))
        stop = min(self.output, (self.size - 1 + offset) // self.stride + 1)
        return range(first, max(first, stop))

    def taps_of_input(self, position: int) -> list[Tap]:
        """The taps of one input position, outputs in order; O(kernel) whatever the size."""
        found = []
        for kernel in reversed(range(self.kernel)):
            out, off = divmod(position + self.before - kernel * self.dilation, self.stride)
            if off == 0 and 0 <= out < self.output:
                found.append(Tap(out, kernel, position))
        return found

    def counted(self, out: int) -> int:
        """Filter positions of window ``out`` inside input or padding: an average's divisor with the
        padding counted. What hangs over the padding's end in ceil mode never counts."""
        inside = range(-self.before, self.size + self.after)
        return sum(self.position(out, k) in inside for k in range(self.kernel))

    @property
    def unreached(self) -> tuple[int, ...]:
        """Input positions that no window touches (leftover rows, or gaps between windows)."""
        touched = bytearray(self.size)
        for kernel in range(self.kernel):
            if outs := self.outputs_of_kernel(kernel):
                first, last = self.position(outs[0], kernel), self.position(outs[-1], kernel)
                touched[first : last + 1 : self.stride] = b"\1" * len(outs)
        found, x = [], touched.find(0)
        while x >= 0:
            found.append(x)
            x = touched.find(0, x + 1)
        return tuple(found)
