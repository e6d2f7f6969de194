"""The catalogue for upsampling: rows U1 to U6, and X10.

    nearest   Y[i] = X[i // s]              dX[i] = sum of dY over the block [i·s, i·s + s)
    zeros     Y[i·s] = X[i], 0 between      dX[i] = dY[i·s]

A mistake puts another function in the place of ``make`` (X to Y) or ``gather`` (dY to dX), or
changes the ``order`` of the result's axes.
"""

from __future__ import annotations

from itertools import chain, combinations, product
from math import prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from convgrad_cli.check.mistake import Mistake, Row, row_table
from convgrad_cli.check.mistake_of import AXIS_NAMES
from convgrad_cli.check.planes import extended
from convgrad_cli.check.recipes import Impossible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from convgrad_cli.check.planes import Array
    from convgrad_cli.geometry.upsample import UpsampleGeometry

    Scale = Sequence[int]

_BOTH: Final = ("dX", "Y")
UPSAMPLE_ROWS: Final = row_table(
    [
        Row("U1", "mean of the block instead of its sum, or copies divided", _BOTH),
        Row("U2", "one pixel of each block only", ("dX",)),
        Row("U3", "wrong phase: the entry elsewhere in its block", _BOTH),
        Row("U4", "nearest for zero insertion, or the other way round", _BOTH),
        Row("U5", "tiled, not repeated", _BOTH),
        Row("U6", "one axis only, or the wrong number of zeros", _BOTH),
        Row("X10", "height and width exchanged", _BOTH),
    ]
)


def upsample_mistakes(target: str, geometry: UpsampleGeometry) -> list[Mistake]:
    """Every reading of every row for ``target`` that this upsampling has room for."""
    if max(geometry.scale) == 1:
        return list(_exchanged(geometry))
    makers = {
        ("dX", "nearest"): (_summed_wrongly, _exchanged),
        ("dX", "zeros"): (_taken_wrongly, _exchanged),
        ("Y", "nearest"): (_repeated_wrongly, _exchanged),
        ("Y", "zeros"): (_inserted_wrongly, _exchanged),
    }[target, geometry.mode]
    return list(chain.from_iterable(maker(geometry) for maker in makers))


def repeated(X: Array, scale: Scale) -> Array:
    """Every element ``scale`` times along each spatial axis."""
    for axis, times in enumerate(scale, start=2):
        X = np.repeat(X, times, axis=axis)
    return X


def inserted(X: Array, scale: Scale, size: Scale, phase: Scale) -> Array:
    """X[i] at i·s + phase in zeros of ``size``; what falls outside is lost."""
    sizes = [max(n, i * s + p) for n, i, s, p in zip(size, X.shape[2:], scale, phase, strict=True)]
    Y = np.zeros((*X.shape[:2], *sizes))
    steps = zip(X.shape[2:], scale, phase, strict=True)
    spots: Any = (..., *(slice(p, p + i * s, s) for i, s, p in steps))
    Y[spots] = X
    return _first(Y, size)


def _first(array: Array, size: Scale) -> Array:
    """The first ``size`` entries along the spatial axes."""
    place: Any = (..., *(slice(n) for n in size))
    return np.asarray(array[place])


def summed(dY: Array, scale: Scale, size: Scale) -> Array:
    """The sum of dY over the block of each element; beyond its end dY is 0."""
    return sum(taken(dY, scale, size, corner) for corner in product(*map(range, scale)))  # type: ignore[return-value]


def taken(dY: Array, scale: Scale, size: Scale, phase: Scale) -> Array:
    """dY[i·s + phase] for an X of ``size``; beyond its end dY is 0."""
    lengths = [n * s for n, s in zip(size, scale, strict=True)]
    wide = extended(dY, list(phase), lengths)
    every: Any = (..., *(slice(None, None, s) for s in scale))
    return np.asarray(wide[every])


def _mistake(id: str, phrase: str, fix: str, **changes: Any) -> Mistake:
    return Mistake(id, phrase, fix, changes, frozenset(_STAGES[name] for name in changes))


_STAGES: Final = {"make": "sampling", "gather": "sampling", "order": "order"}


def _phases(scale: Scale) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Places in a block that are not its first, in words."""
    last = tuple(s - 1 for s in scale)
    middle = tuple(s // 2 for s in scale)
    yield "last", last
    if middle != last:
        yield "middle", middle


def _summed_wrongly(g: UpsampleGeometry) -> Iterator[Mistake]:
    scale, size, block = g.scale, g.input_size, prod(g.scale)
    fix = "add up dY over the block that X[i] fills: every copy of X[i] passes its gradient on"

    def only(axis: int) -> Callable[[Array], Array]:
        one = tuple(s if a == axis else 1 for a, s in enumerate(scale))
        rest = tuple(1 if a == axis else s for a, s in enumerate(scale))
        middle = tuple(
            n if a == axis else n * s for a, (n, s) in enumerate(zip(size, scale, strict=True))
        )
        return lambda dY: taken(summed(dY, one, middle), rest, size, (0,) * len(scale))

    phrase = f"the mean over the block instead of the sum (1/{block})"
    yield _mistake("U1", phrase, fix, gather=lambda dY: summed(dY, scale, size) / block)
    first = (0,) * len(scale)
    phrase = "the first pixel of each block only (zero insertion's gradient)"
    yield _mistake("U2", phrase, fix, gather=lambda dY: taken(dY, scale, size, first))
    for word, phase in _phases(scale):
        phrase = f"the {word} pixel of each block only"
        yield _mistake("U2", phrase, fix, gather=lambda dY, p=phase: taken(dY, scale, size, p))
    phrase = "the largest gradient of each block only"
    yield _mistake("U2", phrase, fix, gather=lambda dY: _blocks(dY, scale, size).max(axis=0))
    phrase = "the blocks shifted by half a block"
    yield _mistake("U3", phrase, fix, gather=lambda dY: _half(dY, scale, size))
    if min(size) > 1:
        phrase = "tiles summed (np.tile's gradient) instead of blocks"
        yield _mistake("U5", phrase, fix, gather=lambda dY: _tiles(dY, scale, size))
    if sum(s > 1 for s in scale) > 1:
        for axis, name in enumerate(AXIS_NAMES[len(scale)]):
            if scale[axis] > 1:
                phrase = f"added up along {name} only"
                yield _mistake("U6", phrase, fix, gather=only(axis))


def _blocks(dY: Array, scale: Scale, size: Scale) -> Array:
    return np.stack([taken(dY, scale, size, corner) for corner in product(*map(range, scale))])


def _half(dY: Array, scale: Scale, size: Scale) -> Array:
    moved = extended(dY, [-(s // 2) for s in scale], dY.shape[2:])
    return summed(moved, scale, size)


def _tiles(dY: Array, scale: Scale, size: Scale) -> Array:
    corners = product(*([t * n for t in range(s)] for s, n in zip(scale, size, strict=True)))
    return sum(extended(dY, list(corner), size) for corner in corners)  # type: ignore[return-value]


def _taken_wrongly(g: UpsampleGeometry) -> Iterator[Mistake]:
    scale, size, block = g.scale, g.input_size, prod(g.scale)
    fix = "dX[i] = dY[i·s]: only the place where X[i] stands has its gradient"
    first = (0,) * len(scale)
    phrase = "the sum over the block (nearest's gradient)"
    yield _mistake("U4", phrase, fix, gather=lambda dY: summed(dY, scale, size))
    phrase = f"divided by the block's size (1/{block})"
    yield _mistake("U1", phrase, fix, gather=lambda dY: taken(dY, scale, size, first) / block)
    phrase = "the mean over the block"
    yield _mistake("U1", phrase, fix, gather=lambda dY: summed(dY, scale, size) / block)
    for word, phase in _phases(scale):
        phrase = f"dY taken at the {word} place of each block, not the first"
        yield _mistake("U3", phrase, fix, gather=lambda dY, p=phase: taken(dY, scale, size, p))
    phrase = "the first entries of dY, as if nothing lay between them"
    yield _mistake("U6", phrase, fix, gather=lambda dY: _first(dY, size))


def _repeated_wrongly(g: UpsampleGeometry) -> Iterator[Mistake]:
    scale, block = g.scale, prod(g.scale)
    fix = "Y[i] = X[i // s]: np.repeat along every spatial axis"
    phrase = f"every copy divided by the block's size (1/{block})"
    yield _mistake("U1", phrase, fix, make=lambda X: repeated(X, scale) / block)
    yield from _zeros_instead(g, fix)
    for word, phase in _phases(scale):
        phrase = f"the block begun at its {word} pixel: Y[i] = X[(i + {_tuple(phase)}) // s]"
        yield _mistake("U3", phrase, fix, make=lambda X, p=phase: _clipped(X, scale, p))
    if max(g.input_size) > 1:
        phrase = "X tiled (np.tile) instead of its elements repeated"
        tiles = (1, 1, *scale)
        yield _mistake("U5", phrase, fix, make=lambda X: np.tile(X, tiles))
    if sum(s > 1 for s in scale) > 1:
        for axis, name in enumerate(AXIS_NAMES[len(scale)]):
            if scale[axis] > 1:
                phrase = f"repeated along {name} only"
                yield _mistake(
                    "U6", phrase, fix, make=lambda X, a=axis: np.repeat(X, scale[a], axis=a + 2)
                )


def _zeros_instead(g: UpsampleGeometry, fix: str) -> Iterator[Mistake]:
    first = (0,) * len(g.scale)
    phrase = "zeros inserted between the elements instead of copies"
    yield _mistake("U4", phrase, fix, make=lambda X: inserted(X, g.scale, g.output_size, first))
    short = tuple((n - 1) * s + 1 for n, s in zip(g.input_size, g.scale, strict=True))
    phrase += ", the result too small for it"
    yield _mistake("U4", phrase, fix, make=lambda X: inserted(X, g.scale, short, first))


def _clipped(X: Array, scale: Scale, phase: Scale) -> Array:
    for axis, (s, p) in enumerate(zip(scale, phase, strict=True), start=2):
        places = np.minimum((np.arange(X.shape[axis] * s) + p) // s, X.shape[axis] - 1)
        X = np.take(X, places, axis=axis)
    return X


def _tuple(phase: Scale) -> str:
    return str(phase[0]) if len(set(phase)) == 1 else str(tuple(phase))


def _inserted_wrongly(g: UpsampleGeometry) -> Iterator[Mistake]:
    scale, size, block = g.scale, g.output_size, prod(g.scale)
    fix = "Y[i·s] = X[i], with s − 1 zeros between neighbours and none after the last"
    whole = tuple(n * s for n, s in zip(g.input_size, scale, strict=True))
    first = (0,) * len(scale)
    phrase = "X's elements repeated (nearest) instead of zeros between them"
    yield _mistake("U4", phrase, fix, make=lambda X: repeated(X, scale))
    phrase += ", cut to the right size"
    yield _mistake("U4", phrase, fix, make=lambda X: _first(repeated(X, scale), size))
    phrase = "s − 1 zeros after the last entry too"
    yield _mistake("U6", phrase, fix, make=lambda X: inserted(X, scale, whole, first))
    for word, phase in _phases(scale):
        phrase = f"the entry at the {word} place of its block"
        yield _mistake("U3", phrase, fix, make=lambda X, p=phase: inserted(X, scale, whole, p))
        phrase += ", cut to the right size"
        yield _mistake("U3", phrase, fix, make=lambda X, p=phase: inserted(X, scale, size, p))
    more = tuple(s + 1 if s > 1 else 1 for s in scale)
    wider = tuple((n - 1) * s + 1 for n, s in zip(g.input_size, more, strict=True))
    phrase = "s zeros between neighbours instead of s − 1"
    yield _mistake("U6", phrase, fix, make=lambda X: inserted(X, more, wider, first))
    phrase = f"divided by the block's size (1/{block})"
    yield _mistake("U1", phrase, fix, make=lambda X: inserted(X, scale, size, first) / block)


def _exchanged(g: UpsampleGeometry) -> Iterator[Mistake]:
    fix = "keep the order of the spatial axes"
    for a, b in combinations(range(g.dims), 2):
        names = f"{AXIS_NAMES[g.dims][a]} and {AXIS_NAMES[g.dims][b]}"
        phrase = f"{names} of the result exchanged"
        yield _mistake(
            "X10", phrase, fix, order=lambda array, a=a, b=b: array.swapaxes(a + 2, b + 2)
        )
        if g.scale[a] != g.scale[b]:
            scale = list(g.scale)
            scale[a], scale[b] = scale[b], scale[a]
            phrase = f"the scales of {names} exchanged"
            make, gather = _with_scale(g, tuple(scale))
            yield _mistake("X10", phrase, fix, make=make, gather=gather)


def _with_scale(g: UpsampleGeometry, scale: Scale) -> tuple[Any, Any]:
    """Both directions by another scale; Impossible where it does not divide dY."""
    first = (0,) * len(scale)
    near = g.mode == "nearest"
    size = tuple((n - 1) * s + 1 for n, s in zip(g.input_size, scale, strict=True))

    def gather(dY: Array) -> Array:
        if near and any(n % s for n, s in zip(dY.shape[2:], scale, strict=True)):
            raise Impossible
        counts = [n // s if near else -(-n // s) for n, s in zip(dY.shape[2:], scale, strict=True)]
        return summed(dY, scale, counts) if near else taken(dY, scale, counts, first)

    return (lambda X: repeated(X, scale) if near else inserted(X, scale, size, first)), gather
