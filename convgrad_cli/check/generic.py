"""Rows G1 to G5: what any gradient can suffer, seen from the right array alone."""

from __future__ import annotations

from itertools import chain, combinations, permutations
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.check.mistake import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from convgrad_cli.check.planes import Array

#: A factor found from this many elements is evidence; from fewer only a named one is.
TELLING = 3


def factor_between(found: Array, variant: Array) -> float | None:
    """The α with found ≈ α·variant in the least-squares sense; None where it says nothing."""
    usable = np.isfinite(found)
    f, v = found[usable].astype(np.float64), variant[usable].astype(np.float64)
    size = float(np.dot(v, v))
    return float(np.dot(f, v)) / size if size > 0 else None


def named_factor(alpha: float, geometry: Any) -> str | None:
    """A factor in words where it is one of the usual ones: ½, 1/N, the window's size …"""
    batch, places = geometry.batch, prod(geometry.output_size)
    window = prod(getattr(geometry, "kernel", ()))
    channels = getattr(geometry, "in_channels", getattr(geometry, "channels", 1))
    filters = getattr(geometry, "out_channels", channels)
    usual = {
        "½": 0.5,
        "2": 2.0,
        "1/N": 1 / batch,
        "1/(N·positions)": 1 / (batch * places),
        "1/positions": 1 / places,
        "N": float(batch),
        "1/(window's size)": 1 / window,
        "the window's size": float(window),
        "1/C": 1 / channels,
        "C": float(channels),
        "1/K": 1 / filters,
        "K": float(filters),
        "the number of positions": float(places),
    }
    for name, value in usual.items():
        if value not in (1.0, -1.0) and abs(abs(alpha) - value) <= 1e-3 * value:
            return name if alpha > 0 else f"−{name}"
    return None


def factor_mistake(alpha: float, geometry: Any, telling: int) -> Mistake | None:
    """G1 or G2 for the factor ``alpha``, where it is evidence enough; None for α = 1."""
    if abs(alpha - 1) < 1e-3:
        return None
    if abs(alpha + 1) < 1e-3:
        return Mistake("G2", "the sign turned round", "drop the minus sign", {}, frozenset())
    if abs(alpha) < 1e-12:
        return Mistake(
            "G1",
            "nothing added up (all zeros)",
            "return the array that the sums were added to",
            {},
            frozenset(),
        )
    name = named_factor(alpha, geometry)
    if name is None and telling < TELLING:
        return None
    plain = name is None or name.lstrip("−") == "2"
    words = f"{alpha:.6g}" if plain else f"{name} (≈ {alpha:.6g})"
    return Mistake("G1", f"a factor {words} on everything", "drop the factor", {}, frozenset())


def generic_variants(
    right: Array, groups: int, names: list[str]
) -> Iterator[tuple[Mistake, Array]]:
    """G3, G4 and the "only" half of G5 applied to the right array; each with its mistake."""
    yield from chain(_orders(right, names), _shifts(right, names), _parts(right, groups, names))


def batch_variants(right: Array) -> Iterator[tuple[Mistake, Array]]:
    """What is left of a gradient of every sample where the batch's axis is lost: of size 1."""
    batch = right.shape[0]
    fix = f"each sample has a gradient of its own: the result's first axis has size {batch}"
    for n in range(min(batch, 64)):
        yield _mistake("G5", f"sample {n} only, without the batch's axis", fix), right[n : n + 1]
    for words, made in (("the sum", right.sum(0)), ("the mean", right.mean(0))):
        yield _mistake("G5", f"{words} over the batch", fix), made[None]


def _mistake(id: str, phrase: str, fix: str) -> Mistake:
    return Mistake(id, phrase, fix, {}, frozenset())


def _orders(right: Array, names: list[str]) -> Iterator[tuple[Mistake, Array]]:
    long = [axis for axis, size in enumerate(right.shape) if size > 1]
    for count in range(1, len(long) + 1):
        for axes in combinations(long, count):
            words = _and([names[axis] for axis in axes])
            yield _mistake("G3", f"{words} flipped", f"flip {words} back"), np.flip(right, axes)
    for order in permutations(range(right.ndim)):
        if [axis for axis in order if axis in long] != long:
            words = ", ".join(names[axis] for axis in order)
            phrase = f"the axes in the order ({words})"
            fix = f"transpose it back: np.transpose(a, {tuple(int(i) for i in np.argsort(order))})"
            turned = right.transpose(order)
            yield _mistake("G3", phrase, fix), turned
            if turned.shape != right.shape:
                phrase = f"the axes in the order ({words}), reshaped"
                yield (
                    _mistake("G3", phrase, "transpose, do not reshape"),
                    turned.reshape(right.shape),
                )


def _shifts(right: Array, names: list[str]) -> Iterator[tuple[Mistake, Array]]:
    long = [axis for axis, size in enumerate(right.shape) if size > 1]
    spatial = tuple(axis for axis in long if axis >= 2)
    moves = [(axis,) for axis in long] + ([spatial] if len(spatial) > 1 else [])
    for axes in moves:
        words = _and([names[axis] for axis in axes])
        for by in (1, -1):
            where = f"by one along {words} ({'to the end' if by > 0 else 'to the start'})"
            rolled = np.roll(right, by, axes)
            phrase, fix = f"everything shifted {where}", "look for an index off by one"
            yield _mistake("G4", phrase, fix), _cleared(rolled, axes, by)
            yield _mistake("G4", f"{phrase}, going round", fix), rolled


def _cleared(rolled: Array, axes: tuple[int, ...], by: int) -> Array:
    result = rolled.copy()
    for axis in axes:
        edge: list[Any] = [slice(None)] * result.ndim
        edge[axis] = 0 if by > 0 else -1
        result[tuple(edge)] = 0
    return result


def _parts(right: Array, groups: int, names: list[str]) -> Iterator[tuple[Mistake, Array]]:
    for axis, blocks in (
        (0, right.shape[0]),
        (1, right.shape[1] if right.ndim > 1 else 1),
        (-1, groups),
    ):
        name = "group" if axis < 0 else names[axis]
        axis = max(axis, 1) if name == "group" else axis
        if blocks < 2 or (name == "group" and right.ndim < 2) or right.shape[axis] % blocks:
            continue
        width = right.shape[axis] // blocks
        for block in range(min(blocks, 64)):
            kept = [slice(None)] * right.ndim
            kept[axis] = slice(block * width, (block + 1) * width)
            part = np.zeros_like(right)
            part[tuple(kept)] = right[tuple(kept)]
            fix = f"compute it for every {name}"
            yield _mistake("G5", f"{name} {block} only, the rest 0", fix), part


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def checked(make: Callable[[], Array]) -> Array | None:
    """``make()``, or None where the sizes do not allow it."""
    try:
        return make()
    except (ValueError, IndexError):
        return None
