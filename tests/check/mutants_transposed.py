"""Wrong transposed convolutions, each written as a user would write it, with one mistake in it.

Nothing here comes from the package. Y is built by scattering (Y[window] += X·W) and by the
zero-inserted form, dX and dW by loops over X's positions; the mistake is written into that.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np


class Transposed(NamedTuple):
    """A transposed convolution; one entry per spatial axis. W is (C, K/groups, *kernel)."""

    N: int
    C: int
    K: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    added: tuple[int, ...]
    groups: int = 1

    @property
    def dims(self) -> int:
        return len(self.size)

    @property
    def span(self) -> tuple[int, ...]:
        """What the scattered windows cover."""
        sizes = zip(self.size, self.kernel, self.stride, self.dilation, strict=True)
        return tuple((i - 1) * s + d * (k - 1) + 1 for i, k, s, d in sizes)

    @property
    def out(self) -> tuple[int, ...]:
        sizes = zip(self.span, self.pads, self.added, strict=True)
        return tuple(n - b - a + extra for n, (b, a), extra in sizes)


def spatial(t):
    return tuple(range(2, t.dims + 2))


def window(t, i, stride=None, dilation=None):
    stride, dilation = stride or t.stride, dilation or t.dilation
    return tuple(
        slice(p * s, p * s + d * (k - 1) + 1, d)
        for p, s, d, k in zip(i, stride, dilation, t.kernel, strict=True)
    )


def scattered(t, X, W, *, stride=None, dilation=None, assign=False):
    """The plane of all windows, nothing cropped and no output padding yet."""
    st, di = stride or t.stride, dilation or t.dilation
    sizes = [
        (i - 1) * s + d * (k - 1) + 1
        for i, s, d, k in zip(X.shape[2:], st, di, W.shape[2:], strict=True)
    ]
    plane = np.zeros((t.N, t.K, *sizes), np.result_type(X, W))
    per, each = t.C // t.groups, t.K // t.groups
    for n in range(t.N):
        for i in product(*map(range, X.shape[2:])):
            for g in range(t.groups):
                ks = slice(g * each, (g + 1) * each)
                place = (n, ks, *window(t, i, st, di))
                part = sum(X[(n, c, *i)] * W[c] for c in range(g * per, (g + 1) * per))
                if assign:
                    plane[place] = part
                else:
                    plane[place] += part
    return plane


def cut(plane, starts, sizes):
    """From ``starts`` on, ``sizes`` long; zeros where the plane has nothing."""
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True), start=2):
        width = [(0, 0)] * plane.ndim
        width[axis] = (max(-start, 0), max(start + size - plane.shape[axis], 0))
        plane = np.pad(plane, width)
        begin = max(start, 0)
        plane = np.take(plane, np.arange(begin, begin + size), axis=axis)
    return plane


def cropped(t, plane):
    return cut(plane, [b for b, _ in t.pads], t.out)


def biased(t, Y, b):
    return Y + b.reshape(1, t.K, *[1] * t.dims)


def right_y(t, X, W, b, dY=None):
    return biased(t, cropped(t, scattered(t, X, W)), b)


def padded(t, dY):
    """dY with its cropped rows put back, as zeros, and the output padding's rows kept."""
    lengths = [max(n, b + o) for n, (b, _), o in zip(t.span, t.pads, t.out, strict=True)]
    return cut(dY, [-b for b, _ in t.pads], lengths)


def right_dx(t, X, W, b, dY, *, wide=None, stride=None, dilation=None, size=None):
    wide = padded(t, dY) if wide is None else wide
    size = t.size if size is None else size
    dX = np.zeros((t.N, t.C, *size), np.result_type(W, dY))
    per, each = t.C // t.groups, t.K // t.groups
    for n, c in product(range(t.N), range(t.C)):
        ks = slice(c // per * each, (c // per + 1) * each)
        for i in product(*map(range, size)):
            seen = wide[(n, ks, *window(t, i, stride, dilation))]
            dX[(n, c, *i)] = (seen * W[c]).sum()
    return dX


def right_dw(t, X, W, b, dY, *, wide=None, stride=None, samples=None):
    wide = padded(t, dY) if wide is None else wide
    dW = np.zeros(W.shape, np.result_type(X, dY))
    per, each = t.C // t.groups, t.K // t.groups
    for n in range(t.N) if samples is None else samples:
        for c in range(t.C):
            ks = slice(c // per * each, (c // per + 1) * each)
            for i in product(*map(range, t.size)):
                dW[c] += X[(n, c, *i)] * wide[(n, ks, *window(t, i, stride))]
    return dW


def right_db(t, X, W, b, dY):
    return dY.sum(axis=(0, *spatial(t)))


# ---- Y


def y_rotated(t, X, W, b, dY):
    return right_y(t, X, np.flip(W, spatial(t)), b)


def y_zero_inserted_unrotated(t, X, W, b, dY):
    """The zero-inserted form for stride and padding, as a correlation that forgets to rotate."""
    wide = np.zeros((t.N, t.C, *[s * (i - 1) + 1 for s, i in zip(t.stride, t.size, strict=True)]))
    wide[(..., *(slice(None, None, s) for s in t.stride))] = X
    reach = [d * (k - 1) for d, k in zip(t.dilation, t.kernel, strict=True)]
    starts = [b - r for r, (b, _) in zip(reach, t.pads, strict=True)]
    wide = cut(wide, starts, [o + r for o, r in zip(t.out, reach, strict=True)])
    Y = np.zeros((t.N, t.K, *t.out))
    for o in product(*map(range, t.out)):
        seen = wide[(slice(None), slice(None), *window(t, o, (1,) * t.dims))]
        axes = (1, *spatial(t))
        Y[(slice(None), slice(None), *o)] = np.tensordot(seen, W.swapaxes(0, 1), (axes, axes))
    return biased(t, Y, b)


def y_flipped_once(t, X, W, b, dY):
    return right_y(t, X, np.flip(W, 2), b)


def y_all_axes_flipped(t, X, W, b, dY):
    """np.flip(W) for the zero-inserted form: in scatter's terms, the channels flipped."""
    return right_y(t, X, np.flip(W, (0, 1)), b)


def y_channels_exchanged(t, X, W, b, dY):
    return right_y(t, X, W.swapaxes(0, 1), b)


def y_filter_of_a_convolution(t, X, W, b, dY):
    """The numbers taken for (K, C, …), as a convolution's filter."""
    return right_y(t, X, W.reshape(t.K, t.C, *t.kernel).swapaxes(0, 1), b)


def y_not_dilated(t, X, W, b, dY):
    return biased(t, cropped(t, scattered(t, X, W, stride=(1,) * t.dims)), b)


def y_no_output_padding(t, X, W, b, dY):
    sizes = [o - extra for o, extra in zip(t.out, t.added, strict=True)]
    return biased(t, cut(scattered(t, X, W), [b for b, _ in t.pads], sizes), b)


def y_output_padding_before(t, X, W, b, dY):
    starts = [b - extra for (b, _), extra in zip(t.pads, t.added, strict=True)]
    return biased(t, cut(scattered(t, X, W), starts, t.out), b)


def y_output_padding_zeros(t, X, W, b, dY):
    sizes = [o - extra for o, extra in zip(t.out, t.added, strict=True)]
    Y = cut(scattered(t, X, W), [b for b, _ in t.pads], sizes)
    return biased(t, cut(Y, (0,) * t.dims, t.out), b)


def y_padding_added(t, X, W, b, dY):
    sizes = [
        n + before + after + extra
        for n, (before, after), extra in zip(t.span, t.pads, t.added, strict=True)
    ]
    return biased(t, cut(scattered(t, X, W), [-b for b, _ in t.pads], sizes), b)


def y_input_padded(t, X, W, b, dY):
    """X padded as a convolution's, scattered, and nothing cut off."""
    wide = cut(
        X,
        [-b for b, _ in t.pads],
        [n + before + after for n, (before, after) in zip(t.size, t.pads, strict=True)],
    )
    plane = scattered(t._replace(size=wide.shape[2:]), wide, W)
    sizes = [n + extra for n, extra in zip(plane.shape[2:], t.added, strict=True)]
    return biased(t, cut(plane, (0,) * t.dims, sizes), b)


def y_not_cropped(t, X, W, b, dY):
    sizes = [n + extra for n, extra in zip(t.span, t.added, strict=True)]
    return biased(t, cut(scattered(t, X, W), (0,) * t.dims, sizes), b)


def y_cropped_at_the_end(t, X, W, b, dY):
    return biased(t, cut(scattered(t, X, W), (0,) * t.dims, t.out), b)


def y_assigned(t, X, W, b, dY):
    return biased(t, cropped(t, scattered(t, X, W, assign=True)), b)


def y_options_exchanged(t, X, W, b, dY):
    return biased(t, cropped(t, scattered(t, X, W, stride=t.dilation, dilation=t.stride)), b)


def y_filter_turned(t, X, W, b, dY):
    return right_y(t, X, W.swapaxes(2, 3), b)


def y_strides_exchanged(t, X, W, b, dY):
    return biased(t, cropped(t, scattered(t, X, W, stride=t.stride[::-1])), b)


def y_wrong_side(t, X, W, b, dY):
    return biased(t, cut(scattered(t, X, W), [a for _, a in t.pads], t.out), b)


def y_groups_ignored(t, X, W, b, dY):
    """Every in-channel meets every group's out-channels with its own few filters."""
    wide = np.concatenate([W] * t.groups, axis=1)
    return right_y(t._replace(groups=1), X, wide, b)


def y_undilated(t, X, W, b, dY):
    return biased(t, cropped(t, scattered(t, X, W, dilation=(1,) * t.dims)), b)


def y_no_bias(t, X, W, b, dY):
    return right_y(t, X, W, b * 0)


# ---- dX


def dx_rotated(t, X, W, b, dY):
    return right_dx(t, X, np.flip(W, spatial(t)), b, dY)


def dx_channels_exchanged(t, X, W, b, dY):
    return right_dx(t, X, W.swapaxes(0, 1), b, dY)


def dx_unpadded(t, X, W, b, dY):
    size = tuple(
        (o - d * (k - 1) - 1) // s + 1
        for o, d, k, s in zip(t.out, t.dilation, t.kernel, t.stride, strict=True)
    )
    return right_dx(t, X, W, b, dY, wide=dY, size=size)


def dx_padded_at_the_end(t, X, W, b, dY):
    return right_dx(t, X, W, b, dY, wide=cut(dY, (0,) * t.dims, padded(t, dY).shape[2:]))


def dx_stride_one(t, X, W, b, dY):
    return right_dx(t, X, W, b, dY, stride=(1,) * t.dims)


def dx_options_exchanged(t, X, W, b, dY):
    wide = padded(t, dY)
    wide = cut(wide, (0,) * t.dims, [3 * n for n in wide.shape[2:]])
    return right_dx(t, X, W, b, dY, wide=wide, stride=t.dilation, dilation=t.stride)


def dx_undilated(t, X, W, b, dY):
    return right_dx(t, X, W, b, dY, dilation=(1,) * t.dims)


def dx_wrong_side(t, X, W, b, dY):
    wide = cut(dY, [-a for _, a in t.pads], padded(t, dY).shape[2:])
    return right_dx(t, X, W, b, dY, wide=wide)


# ---- dW and db


def dw_roles(t, X, W, b, dY):
    return np.flip(right_dw(t, X, W, b, dY), spatial(t))


def dw_unpadded(t, X, W, b, dY):
    return right_dw(t, X, W, b, dY, wide=cut(dY, (0,) * t.dims, padded(t, dY).shape[2:]))


def dw_not_dilated(t, X, W, b, dY):
    return right_dw(t, X, W, b, dY, stride=(1,) * t.dims)


def dw_mean(t, X, W, b, dY):
    return right_dw(t, X, W, b, dY) / t.N


def dw_one_sample(t, X, W, b, dY):
    return right_dw(t, X, W, b, dY, samples=[0])


def dw_of_a_convolution(t, X, W, b, dY):
    return right_dw(t, X, W, b, dY).swapaxes(0, 1)


def dw_groups_ignored(t, X, W, b, dY):
    every = np.zeros((t.C, t.K, *t.kernel))
    return right_dw(t._replace(groups=1), X, every, b, dY)


def dw_summed(t, X, W, b, dY):
    dW = right_dw(t, X, W, b, dY)
    return np.zeros_like(dW) + dW.sum(1, keepdims=True)


def db_mean(t, X, W, b, dY):
    return dY.mean(axis=(0, *spatial(t)))


def db_axes(t, X, W, b, dY):
    return dY.sum(axis=spatial(t))
