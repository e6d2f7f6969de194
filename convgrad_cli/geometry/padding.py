"""Every way of writing padding, resolved to (before, after) per axis: the one home of those rules.

k kernel   s stride   d dilation   extent = d(k-1)+1

valid        0 on both sides
same         output = ceil(in / s), total = max((output-1)s + extent - in, 0)
             odd pixel after (same-upper = same: TensorFlow, ONNX) or before (same-lower)
full         d(k-1) on both sides
output size  total = max(0, s(out-1) + extent - in), odd pixel before (Diba, eq. 7 and 8)
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from convgrad_cli.errors import GeometryError

if TYPE_CHECKING:
    from collections.abc import Sequence

PADDING_WORDS = ("valid", "same", "same-upper", "same-lower", "full")

Padding: TypeAlias = "int | str | Sequence[int | Sequence[int]]"


class Sides(NamedTuple):
    """Zeros added before and after an axis."""

    before: int
    after: int


def same_padding(size: int, extent: int, stride: int, *, odd_after: bool) -> Sides:
    """Padding that makes the output ceil(size / stride)."""
    output = -(-size // stride)
    return _split(max((output - 1) * stride + extent - size, 0), odd_after=odd_after)


def padding_for_output(size: int, extent: int, stride: int, output: int) -> Sides:
    """Padding that makes the output ``output`` long, odd pixel before (Diba, eq. 7, 8)."""
    return _split(max(stride * (output - 1) + extent - size, 0), odd_after=False)


def resolve_padding(
    padding: Padding, sizes: Sequence[int], extents: Sequence[int], strides: Sequence[int]
) -> tuple[Sides, ...]:
    """(before, after) per axis from an int, a word, one int per axis, or a pair per axis.

    Raises GeometryError for an unknown word, a wrong count, or a negative amount.
    """
    dims = len(sizes)
    if isinstance(padding, str):
        return tuple(
            _from_word(padding, *axis) for axis in zip(sizes, extents, strides, strict=True)
        )
    if whole_number(padding) is not None or not isinstance(padding, Iterable):
        return (_sides(padding),) * dims
    entries = list(padding)
    if len(entries) == 1:
        entries *= dims
    if len(entries) != dims:
        raise GeometryError(
            "Padding has the wrong number of entries.",
            expected=f"one for all, or {dims} (one per spatial dimension)",
            found=f"{len(entries)}: {_spell(padding)}",
            remedy="give an uneven padding as before:after, e.g. 1:0,2:1",
            array="padding",
        )
    return tuple(_sides(entry) for entry in entries)


def _from_word(word: str, size: int, extent: int, stride: int) -> Sides:
    match word:
        case "valid":
            return Sides(0, 0)
        case "same" | "same-upper" | "same-lower":
            return same_padding(size, extent, stride, odd_after=word != "same-lower")
        case "full":
            return Sides(extent - 1, extent - 1)
    raise GeometryError(
        f"Unknown padding word {word!r}.",
        expected=f"a number, before:after pairs, or one of {', '.join(PADDING_WORDS)}",
        array="padding",
    )


def whole_number(value: object) -> int | None:
    """``value`` as an int where it is one (NumPy's are, booleans are not), else None."""
    try:
        return None if isinstance(value, bool) else index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def _sides(entry: object) -> Sides:
    number = whole_number(entry)
    pair = list(entry) if number is None and isinstance(entry, Iterable) else [number, number]
    sides = [side for side in map(whole_number, pair) if side is not None]
    if len(pair) != 2 or len(sides) != 2:
        raise GeometryError(
            "Padding of one dimension must be a number or a (before, after) pair.",
            found=_spell(entry),
            array="padding",
        )
    if min(sides) < 0:
        raise GeometryError(
            "Padding must not be negative.",
            found=_spell(entry),
            remedy="crop the input instead",
            array="padding",
        )
    return Sides(*sides)


def _split(total: int, *, odd_after: bool) -> Sides:
    less, more = total // 2, -(-total // 2)
    return Sides(less, more) if odd_after else Sides(more, less)


def _spell(padding: object) -> str:
    return str(padding).replace("[", "(").replace("]", ")")
