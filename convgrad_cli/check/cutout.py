"""Parts of a large layer on which the user's array is still fully determined.

dX and Y of a sample depend on that sample alone, a channel of them on its own part of the filter;
a filter's and channel's dW on that filter's dY and that channel's X; a pool's planes are apart; and
near the start an array depends on the first windows only. A mistake is tried on a part first, where
the part knows what it does (:func:`mixing`); what fits there is held against the whole layer before
it is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry import Axis, ConvGeometry

#: Filters and in-channels of a part, and its windows along each axis (more for a large filter).
KEPT = 2
WINDOWS_KEPT = 8
IN, OUT, PLACES = "in", "out", "places"
CHANNELS: Final = frozenset({IN, OUT})
ALL: Final = frozenset({IN, OUT, PLACES})

#: What a change of a stage confuses: in-channels, out-channels, or the places of the result.
MIXES: Final[dict[str, frozenset[str]]] = {
    "inputs": frozenset({IN}),
    "upstream": frozenset({OUT}),
    "output": CHANNELS,
    "filters": CHANNELS,
    "groups": CHANNELS,
    "bias": frozenset({OUT}),
    "mixture": CHANNELS,
    "place_step": frozenset({PLACES}),
}
#: Rows that confuse more than their changes say: the bias along another axis, or all of it known.
OF_ROW: Final = {"B6": ALL, "A10": frozenset({OUT})}
#: Changes that confuse nothing.
KEEP: Final = frozenset(
    {
        *("step", "spacing", "turned", "crop", "offset", "repeat", "count", "scale", "sample"),
        *("local", "value", "turns", "pull", "kept", "mean", "gather", "make", "dV"),
        *("fill", "outs", "choose", "divisor", "place_spacing"),
    }
)


def mixing(target: str, causes: Iterable[Mistake]) -> frozenset[str]:
    """What the mistakes confuse; everything where that is not known."""
    found: frozenset[str] = frozenset()
    for cause in causes:
        found |= OF_ROW.get(cause.id, frozenset())
        if {"step", "crop"} <= cause.changes.keys():
            found |= {PLACES}  # a margin counted from both ends
        for name, change in cause.changes.items():
            found |= _mixed(target, name, change)
    return found


def _mixed(target: str, name: str, change: Any) -> frozenset[str]:
    name = name.removeprefix("V.").removeprefix("mix.")  # the steps of a separable layer
    if name == "flip":
        return frozenset({OUT} if 0 in change else ()) | ({IN} if 1 in change else frozenset())
    if name == "accumulate":
        return frozenset({OUT} if change == "last filter" else ())
    if name == "output" and target == "dW":
        return frozenset({IN})
    if name == "V" and target == "dPointwise":
        return frozenset()  # V from X, position by position or every stride-th
    return frozenset() if name in KEEP else MIXES.get(name, ALL)


@dataclass(frozen=True)
class Cutout:
    """A smaller problem, where in the user's array it lies, and what of both is compared.

    ``holds``: what may be mixed up and still be known on this part.
    """

    problem: Any
    place: tuple[Any, ...]
    words: str
    compared: tuple[Any, ...] = (Ellipsis,)
    holds: frozenset[str] = CHANNELS


class Block(NamedTuple):
    """Which samples, in-channels, filters and windows of a convolution; ``groups`` of them."""

    samples: slice
    channels: slice
    filters: slice
    axes: tuple[Axis, ...]
    groups: int

    def geometry(self, whole: ConvGeometry) -> ConvGeometry:
        """The block's."""
        sizes = (whole.batch, whole.in_channels, whole.out_channels)
        batch, channels, filters = (
            len(range(*cut.indices(size))) for cut, size in zip(self[:3], sizes, strict=True)
        )
        return replace(
            whole,
            batch=batch,
            axes=self.axes,
            in_channels=channels,
            out_channels=filters,
            groups=self.groups,
        )

    def of_wide(self, array: Array) -> Array:
        """Of X or dX, what the block's windows see."""
        return array[(self.samples, self.channels, *(slice(axis.size) for axis in self.axes))]

    def of_narrow(self, array: Array) -> Array:
        """Of Y or dY, the block's windows."""
        return array[(self.samples, self.filters, *(slice(axis.output) for axis in self.axes))]

    def of_filter(self, array: Array) -> Array:
        """Of W or dW (K, C/groups, …), the block's filters."""
        start, per_group = self.channels.start or 0, array.shape[1]
        channels = slice(None)
        if self.channels != slice(None):
            length = self.channels.stop - start
            channels = slice(start % per_group, start % per_group + length)
        return array[self.filters, channels]


EVERY: Final = slice(None)


def conv_parts(
    geometry: ConvGeometry, target: str, mask: Array | None, *, windows: bool = True
) -> Iterator[tuple[Block, Cutout]]:
    """Parts of a convolution for ``target``, the smallest first.

    ``mask`` says where the user's array differs (None: its shape does); the parts lie where it
    differs most. Each comes without its problem. ``windows``: whether the first ones may be taken
    alone.
    """
    if target == "dW":
        return _of_weight(geometry, mask)
    return _of_plane(geometry, target, mask, windows=windows and mask is not None)


def _of_weight(geometry: ConvGeometry, mask: Array | None) -> Iterator[tuple[Block, Cutout]]:
    """Some filters and in-channels of dW; then the same filters with every in-channel."""
    o, c = worst(mask, 0), worst(mask, 1)
    per_group, width = geometry.channels_per_group, geometry.filters_per_group
    group = o // width
    filters = around(o, KEPT, group * width, (group + 1) * width)
    few = around(c, KEPT, 0, per_group)
    first = group * per_group
    of_filters = f"filters {filters.start} to {filters.stop - 1}"
    for own, words, holds in (
        (few, f"{of_filters} and in-channels {few.start} to {few.stop - 1}", frozenset[str]()),
        (slice(0, per_group), of_filters, frozenset({IN} if geometry.groups == 1 else ())),
    ):
        channels = slice(first + own.start, first + own.stop)
        block = Block(EVERY, channels, filters, geometry.axes, 1)
        yield block, Cutout(None, (filters, own), words, holds=holds)


def _of_plane(
    geometry: ConvGeometry, target: str, mask: Array | None, *, windows: bool
) -> Iterator[tuple[Block, Cutout]]:
    """The first windows of one sample: some channels of its dX or Y, then all of them."""
    n, c = worst(mask, 0), worst(mask, 1)
    ends = corner(geometry.axes, wide=target == "dX", cut=windows)
    own, other = geometry.channels_per_group, geometry.filters_per_group
    if target != "dX":
        own, other = other, own
    group = c // own
    few = around(c, KEPT, group * own, (group + 1) * own)
    rest = slice(group * other, (group + 1) * other)
    sides = (few, rest) if target == "dX" else (rest, few)
    sample, where = slice(n, n + 1), f"sample {n}, channels {few.start} to {few.stop - 1}"
    known = {IN if target == "Y" else OUT} if geometry.groups == 1 else ()
    block = Block(sample, sides[0], sides[1], ends.axes, 1)
    place, compared = (sample, few, *ends.place), (Ellipsis, *ends.compared)
    yield block, Cutout(None, place, where + ends.words, compared, frozenset(known))
    block = Block(sample, EVERY, EVERY, ends.axes, geometry.groups)
    place = (sample, EVERY, *ends.place)
    yield block, Cutout(None, place, f"sample {n}{ends.words}", compared)
    block = Block(sample, sides[0], sides[1], geometry.axes, 1)
    yield block, Cutout(None, (sample, few), where, holds=frozenset({*known, PLACES}))


def worst(mask: Array | None, axis: int) -> int:
    """The entry along ``axis`` with the most differing elements."""
    if mask is None:
        return 0
    return int(mask.sum(axis=tuple(a for a in range(mask.ndim) if a != axis)).argmax())


def around(place: int, count: int, first: int, end: int) -> slice:
    """``count`` entries about ``place``, from ``first`` on and before ``end``."""
    start = max(first, min(place - count // 2, end - count))
    return slice(start, min(end, start + count))


class Corner(NamedTuple):
    """The first windows: their axes, the result's positions, and which of those are compared."""

    axes: tuple[Axis, ...]
    place: tuple[slice, ...]
    compared: tuple[slice, ...]
    words: str


def corner(axes: tuple[Axis, ...], *, wide: bool, cut: bool = True) -> Corner:
    """The first windows along the axes that have many; ``wide``: of what they slide over.

    Compared is what is far enough from the cut for any mistake: nothing there may depend on
    windows beyond it, whichever step and offset are taken.
    """
    if not cut:
        every = (EVERY,) * len(axes)
        return Corner(axes, every, every, "")
    kept = max(max(WINDOWS_KEPT, 2 * (axis.extent + axis.before)) for axis in axes)
    short = tuple(_shorter(axis, kept) for axis in axes)
    place = tuple(slice(axis.size if wide else axis.output) for axis in short)
    pairs = list(zip(short, axes, strict=True))
    compared = tuple(EVERY if one is whole else slice(_far(one, wide)) for one, whole in pairs)
    cut = any(one is not whole for one, whole in pairs)
    words = f", the first {kept} windows along each axis" if cut else ""
    return Corner(short, place, compared, words)


def _far(axis: Axis, wide: bool) -> int:
    half = axis.output // 2
    if wide:
        return min(axis.size // 2, half)
    return max(1, half * axis.stride // max(axis.stride, axis.dilation))


def _shorter(axis: Axis, kept: int) -> Axis:
    """The axis with fewer windows and the same leftover."""
    if axis.output <= 2 * kept:
        return axis
    return replace(axis, size=axis.size - axis.stride * (axis.output - kept))


def one_sample(problem: Any, mask: Array | None) -> Iterator[Cutout]:
    """The sample that differs most, of a ``problem`` that has ``sample(n)``."""
    n = worst(mask, 0)
    yield Cutout(problem.sample(n), (slice(n, n + 1),), f"sample {n}")


def one_plane(problem: Any, target: str, mask: Array | None) -> Iterator[Cutout]:
    """The first windows of the plane of a pool that differs most, then all of that plane."""
    geometry = problem.geometry
    n, c = worst(mask, 0), worst(mask, 1)
    here = (slice(n, n + 1), slice(c, c + 1))
    for cut, holds in ((True, CHANNELS), (False, ALL)):
        ends = corner(geometry.axes, wide=target == "dX", cut=cut and mask is not None)
        small = replace(geometry, batch=1, channels=1, axes=ends.axes)
        plan = replace(problem.plan, geometry=small)
        X = problem.X[(*here, *(slice(axis.size) for axis in ends.axes))]
        dY = problem.dY[(*here, *(slice(axis.output) for axis in ends.axes))]
        part = replace(problem, plan=plan, X=X, dY=dY)
        words = f"sample {n}, channel {c}{ends.words}"
        yield Cutout(part, (*here, *ends.place), words, (Ellipsis, *ends.compared), holds)
