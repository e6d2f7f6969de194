"""The catalogue for pools: rows P1 to P7, and the options' X10 to X12, as changes of stages."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.mistake import Mistake
from convgrad_cli.check.mistake_of import AXIS_NAMES
from convgrad_cli.check.pool_recipes import POOL_STAGES
from convgrad_cli.check.recipes import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.pool_recipes import PoolRecipe
    from convgrad_cli.geometry import Axis

TIE_WORDS = {
    "first": "the first maximum in row-major order",
    "last": "the last maximum in row-major order",
    "split": "all maxima in equal parts",
    "all": "every tied maximum, each with the whole gradient",
    "column first": "the first maximum in column-major order",
    "column last": "the last maximum in column-major order",
}


def pool_mistake(id: str, phrase: str, fix: str, *, common: bool = True, **changes: Any) -> Mistake:
    """A mistake whose stages follow from what it changes."""
    return Mistake(id, phrase, fix, changes, frozenset(POOL_STAGES[c] for c in changes), common)


def pool_mistakes(right: PoolRecipe) -> list[Mistake]:
    """Every reading of every row for dX that this pool has room for."""
    makers = (_overlaps, _ties, _leftovers, _positions, _divisors, _options)
    return list(chain.from_iterable(maker(right) for maker in makers))


def pool_output_mistakes(right: PoolRecipe) -> list[Mistake]:
    """The same for Y."""
    found = [*_padding(right), *_divisors(right), *_forward_options(right)]
    axes = right.geometry.axes
    toggled = [replace(axis, ceil_mode=not axis.ceil_mode).output for axis in axes]
    if toggled != [axis.output for axis in axes]:
        now, then = ("ceil", "floor") if axes[0].ceil_mode else ("floor", "ceil")
        phrase = f"the number of windows rounded by {then} instead of {now}"
        fix = f"the output size is the {now} of its formula (--ceil-mode is for ceil)"
        found.append(pool_mistake("P5", phrase, fix, outs=lambda j, axis: toggled[j]))
    return found


def _overlaps(right: PoolRecipe) -> Iterator[Mistake]:
    if not any(a.kernel > 1 and a.output > 1 and a.stride < a.extent for a in right.geometry.axes):
        return
    fix = "add up: dX[position] += dY[...], where windows overlap"
    if right.kind == "max":
        phrase = "= where += belongs: the last window that chose a position overwrites the others"
        yield pool_mistake("P1", phrase, fix, accumulate="last chosen")
    phrase = "= where += belongs: each window overwrites its whole block"
    yield pool_mistake("P1", phrase, fix, accumulate="last")
    if right.kind == "average":
        phrase = "= where += belongs: the first window wins"
        yield pool_mistake("P1", phrase, fix, accumulate="first")


def _ties(right: PoolRecipe) -> Iterator[Mistake]:
    if right.kind != "max":
        return
    fix = f"give a tied maximum's gradient to {TIE_WORDS[right.choose]}"
    for rule, words in TIE_WORDS.items():
        if rule != right.choose and not (rule.startswith("column") and right.geometry.dims == 1):
            phrase = f"the gradient given to {words}"
            yield pool_mistake("P2" if rule == "all" else "P3", phrase, fix, choose=rule)
    yield from _padding(right)


def _padding(right: PoolRecipe) -> Iterator[Mistake]:
    if right.kind == "max" and any(a.before or a.after for a in right.geometry.axes):
        phrase = "the input padded with 0 instead of −∞"
        fix = "pad with −∞ so that no maximum lies in the padding"
        yield pool_mistake("P4", phrase, fix, fill=0.0)


def _leftovers(right: PoolRecipe) -> Iterator[Mistake]:
    axes = right.geometry.axes
    if any(axis.leftover for axis in axes):
        fix = "rows that no window reaches get gradient 0, and dX has X's shape"
        phrase = "the leftover rows missing at the end"
        yield pool_mistake("P5", phrase, fix, crop=_natural)
        phrase = "the leftover rows put before the input instead of after it (everything shifted)"
        yield pool_mistake("P5", phrase, fix, crop=_shifted)
    floor = [replace(axis, ceil_mode=False).output for axis in axes]
    if floor != [axis.output for axis in axes]:
        fix = "in ceil mode the last window hangs over the end and counts with what it holds"
        phrase = "the last windows of ceil mode left out (floor instead of ceil)"
        yield pool_mistake("P5", phrase, fix, upstream=lambda dY: _kept(dY, floor))
        phrase = "what hangs over the end in ceil mode not cropped"
        yield pool_mistake("P5", phrase, fix, crop=_natural)


def _natural(_: int, axis: Axis, touched: int) -> Span:
    length = touched - axis.before - axis.after
    return Span(axis.before, length, length)


def _shifted(_: int, axis: Axis, touched: int) -> Span:
    return Span(axis.before - axis.leftover, axis.size, axis.size)


def _kept(dY: Array, counts: list[int]) -> Array:
    result = np.zeros_like(dY)
    place: Any = (..., *(slice(count) for count in counts))
    result[place] = dY[place]
    return result


def _positions(right: PoolRecipe) -> Iterator[Mistake]:
    geometry = right.geometry
    fix = "window i starts at i·stride − p: put its gradient at i·stride − p + its place"
    zero, once = (0,) * geometry.dims, (1,) * geometry.dims
    if any(size > 1 for size in geometry.output_size):
        first = [1] * geometry.dims
        yield pool_mistake("P6", "the first window only", fix, upstream=lambda dY: _kept(dY, first))
        phrase = "the place in the window taken for the place in the input"
        yield pool_mistake("P6", phrase, fix, place_step=zero)
        if geometry.stride != once:
            phrase = "windows placed 1 apart instead of one stride"
            yield pool_mistake("P6", phrase, fix, place_step=once)
        if geometry.stride != geometry.kernel:
            phrase = "windows placed one window's size apart instead of one stride"
            yield pool_mistake("P6", phrase, fix, place_step=geometry.kernel)
    if any(axis.before for axis in geometry.axes):
        phrase = "positions in the padded input taken for positions in the input"
        yield pool_mistake("P6", phrase, fix, crop=_uncorrected)
    for a, b in combinations(range(geometry.dims), 2):
        names = f"{AXIS_NAMES[geometry.dims][a]} and {AXIS_NAMES[geometry.dims][b]}"
        fix = "keep the order of the spatial axes"
        phrase = f"{names} of the result exchanged"
        yield pool_mistake("X10", phrase, fix, order=_swapper(a + 2, b + 2))
        if geometry.output_size[a] == geometry.output_size[b]:
            yield pool_mistake(
                "X10", f"{names} of dY exchanged", fix, upstream=_swapper(a + 2, b + 2)
            )


def _swapper(i: int, j: int) -> Any:
    return lambda array: array.swapaxes(i, j)


def _uncorrected(_: int, axis: Axis, touched: int) -> Span:
    return Span(0, axis.size, axis.size)


def _divisors(right: PoolRecipe) -> Iterator[Mistake]:
    if right.kind != "average":
        return
    geometry = right.geometry
    words = {
        "inside": "the positions in the input alone",
        "padded": "the positions in input and padding",
        "window": "the window's size, whatever hangs over",
    }
    fix = f"divide by {words[right.divisor]} (--count-include-pad says which)"
    if not any(a.before or a.after or a.ceil_mode for a in geometry.axes):
        return
    for rule, what in words.items():
        if rule != right.divisor:
            yield pool_mistake("P7", f"the average divided by {what}", fix, divisor=rule)


def _options(right: PoolRecipe) -> Iterator[Mistake]:
    geometry = right.geometry
    yield from _forward_options(right)
    if any(axis.before != axis.after for axis in geometry.axes):
        phrase = "the uneven padding on the wrong side of the result"
        fix = "start the crop at p_before"
        yield pool_mistake("X12", phrase, fix, crop=lambda _, a, t: Span(a.after, a.size, a.size))


def _forward_options(right: PoolRecipe) -> Iterator[Mistake]:
    geometry = right.geometry
    if geometry.stride != geometry.dilation:
        phrase = "stride and dilation exchanged"
        fix = "the stride moves the window, the dilation spreads it"
        yield pool_mistake("X11", phrase, fix, step=geometry.dilation, spacing=geometry.stride)
    if any(axis.before != axis.after for axis in geometry.axes):
        after = tuple(axis.after for axis in geometry.axes)
        phrase = "the uneven padding on the wrong side"
        fix = "pad p_before before and p_after after"
        yield pool_mistake("X12", phrase, fix, offset=after)
    for a, b in combinations(range(geometry.dims), 2):
        if geometry.stride[a] != geometry.stride[b]:
            step = list(geometry.stride)
            step[a], step[b] = step[b], step[a]
            names = f"{AXIS_NAMES[geometry.dims][a]} and {AXIS_NAMES[geometry.dims][b]}"
            fix = "keep the order of the spatial axes"
            phrase = f"the strides of {names} exchanged"
            yield pool_mistake("X10", phrase, fix, step=tuple(step))
