"""The convolution recipe in words, with a layer's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis


def dilation_words(axes: tuple[Axis, ...], what: str = "the upstream gradient") -> str:
    """How dY (of a transposed convolution X) is dilated by the stride."""
    strides = _per_axis([axis.stride for axis in axes])
    sizes = "×".join(str(axis.output) for axis in axes)
    longer = "×".join(str((axis.output - 1) * axis.stride + 1) for axis in axes)
    zeros = _per_axis([axis.stride - 1 for axis in axes])
    return (
        f"Dilate {what} by the stride {strides} (stride − 1 = {zeros} zeros between "
        f"neighbours): {sizes} becomes {longer}."
    )


def full_padding_words(axes: tuple[Axis, ...], rest_name: str = "leftover") -> str:
    """The general padding rule with its numbers, axis by axis."""
    words = []
    for axis in axes:
        before, after = axis.full_padding
        reach, rest = axis.extent - 1, after - (axis.extent - 1 - axis.after)
        words.append(
            f"{reach} − {axis.before} = {_amount(before)} before, "
            f"{reach} − {axis.after} + {rest} = {_amount(after)} after"
        )
    if len(set(words)) == 1:
        return f"Pad by d(k−1) − p before and d(k−1) − p + {rest_name} after: {words[0]}."
    names = {2: ("rows", "columns"), 3: ("planes", "rows", "columns")}.get(
        len(axes), ("positions",)
    )
    each = "; ".join(f"{name}: {text}" for name, text in zip(names, words, strict=True))
    return f"Pad by d(k−1) − p before and d(k−1) − p + {rest_name} after. {each.capitalize()}."


def _amount(padding: int) -> str:
    return str(padding) if padding >= 0 else f"{padding}, that is crop {-padding},"


def keep_words(axes: tuple[Axis, ...]) -> str:
    """What of the correlation of X with dY is the gradient."""
    dilation = [axis.dilation for axis in axes]
    kernel = "×".join(str(axis.kernel) for axis in axes)
    full = "×".join(str(axis.padded - (axis.output - 1) * axis.stride) for axis in axes)
    words = f"Slide it over the input: the result is {full}"
    if set(dilation) != {1}:
        words += f", of which every {_per_axis(dilation)}. one counts (dilation)"
    return words + (f"; the first {kernel} are the gradient." if full != kernel else ".")


def _per_axis(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else ",".join(map(str, values))
