"""Plain-loop oracles, straight from the definitions. Nothing of the package is imported here.

Every function visits the products of the forward pass one by one and *scatters*: a forward adds
X * W to Y, a gradient adds dY * W to dX, dY * X to dW. So the gradients share no index algebra with
an implementation that gathers, flips or dilates; the only rule below is "window o starts at padded
position o * stride, its place k lies d * k further on".

Arrays are canonical: X (N, C, *in), W (K, C // groups, *kernel), Y and dY (N, K, *out), pools
(N, C, *). Options are an int or one entry per axis; padding also a (before, after) pair per axis.
Integers (numpy or Python, object arrays too) stay Python integers, exactly, and come back in object
arrays; everything else is computed in Python floats and comes back in float64. numpy is only a
container.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np


def conv_forward(X, W, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    """Y[n,o,i] = b[o] + sum over c, p of X_padded[n, c, i*s + p*d] * W[o, c, p]."""
    shape, visits = _convolution(X.shape, W.shape, stride, padding, dilation, groups)
    Y = _zeros(shape, X, W)
    x, w = _plain(X), _plain(W)
    for out, src, flt in visits:
        Y[out] += x[src] * w[flt]
    if b is not None:
        for index in np.ndindex(*shape):
            Y[index] += _plain(b)[index[1]]
    return Y


def conv_backward(X, W, dY, *, stride=1, padding=0, dilation=1, groups=1):
    """(dX, dW, db): every product dY * W and dY * X of the forward pass, added where it belongs."""
    shape, visits = _convolution(X.shape, W.shape, stride, padding, dilation, groups)
    assert dY.shape == shape, (dY.shape, shape)
    dX, dW, db = _zeros(X.shape, W, dY), _zeros(W.shape, X, dY), _zeros((W.shape[0],), dY)
    x, w, dy = _plain(X), _plain(W), _plain(dY)
    for out, src, flt in visits:
        dX[src] += dy[out] * w[flt]
        dW[flt] += dy[out] * x[src]
    for index in np.ndindex(*shape):
        db[index[1]] += dy[index]
    return dX, dW, db


def max_pool(X, window, *, stride=None, padding=0, dilation=1, ceil_mode=False, ties="first"):
    """(Y, switches): the greatest of each window, NaN above all; its flat place in the plane."""
    windows = _windows(X.shape, window, stride, padding, dilation, ceil_mode)
    shape = (*X.shape[:2], *(len(axis) for axis in windows))
    Y, switches = _zeros(shape, X), np.zeros(shape, dtype=np.int64)
    x = _plain(X)
    for out in np.ndindex(*shape):
        winners = _winners(x, out, windows)
        chosen = winners[-1] if ties == "last" else winners[0]
        Y[out] = x[out[:2] + chosen]
        switches[out] = _flat(chosen, X.shape[2:])
    return Y, switches


def max_pool_backward(
    X, dY, window, *, stride=None, padding=0, dilation=1, ceil_mode=False, ties="first"
):
    """dX: each dY to the first or last maximum of its window, or in equal parts to all of them."""
    windows = _windows(X.shape, window, stride, padding, dilation, ceil_mode)
    x, dy = _plain(X), _plain(dY)
    dX = _zeros(X.shape, dY)
    for out in np.ndindex(*dY.shape):
        winners = _winners(x, out, windows)
        if ties == "split":
            for place in winners:
                dX[out[:2] + place] += _divide(dy[out], len(winners))
        else:
            dX[out[:2] + winners[-1 if ties == "last" else 0]] += dy[out]
    return _as_floats(dX) if ties == "split" else dX


def tied_windows(X, window, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    """How many windows have more than one maximum."""
    windows = _windows(X.shape, window, stride, padding, dilation, ceil_mode)
    shape = (*X.shape[:2], *(len(axis) for axis in windows))
    return sum(len(_winners(_plain(X), out, windows)) > 1 for out in np.ndindex(*shape))


def avg_pool(
    X, window, *, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=False
):
    """Y: each window's mean over its real places, or over those in the padding too."""
    windows = _windows(X.shape, window, stride, padding, dilation, ceil_mode)
    shape = (*X.shape[:2], *(len(axis) for axis in windows))
    Y = _zeros(shape, X)
    x = _plain(X)
    for out in np.ndindex(*shape):
        places, divisor = _members(out, windows, count_include_pad)
        Y[out] = _divide(sum((x[out[:2] + place] for place in places), start=0), divisor)
    return _as_floats(Y)


def avg_pool_backward(
    X, dY, window, *, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=False
):
    """dX: each dY in equal parts to the places of its window. Only the shape of X matters."""
    windows = _windows(X.shape, window, stride, padding, dilation, ceil_mode)
    dX = _zeros(X.shape, dY)
    dy = _plain(dY)
    for out in np.ndindex(*dY.shape):
        places, divisor = _members(out, windows, count_include_pad)
        for place in places:
            dX[out[:2] + place] += _divide(dy[out], divisor)
    return _as_floats(dX)


def window_starts(size, kernel, stride=1, padding=(0, 0), dilation=1, ceil_mode=False):
    """Where each window of one axis starts, in padded positions, found by walking along it."""
    padded, extent = sum(padding) + size, dilation * (kernel - 1) + 1
    if not ceil_mode:
        return [start for start in range(0, padded, stride) if start + extent <= padded]
    if padded - extent <= -stride:
        return []
    starts = [0]
    while starts[-1] + extent < padded:
        starts.append(starts[-1] + stride)
    return [start for start in starts if start < padding[0] + size]


def _convolution(x_shape, w_shape, stride, padding, dilation, groups):
    """Y's shape, and every (Y index, X index, W index) whose product the forward pass adds."""
    samples, channels, *size = x_shape
    filters, per_group, *kernel = w_shape
    assert channels == per_group * groups
    assert filters % groups == 0
    windows = _axes(size, kernel, stride, padding, dilation, False)
    shape = (samples, filters, *(len(axis) for axis in windows))

    def visits():
        for n, o, c in product(range(samples), range(filters), range(per_group)):
            channel = o // (filters // groups) * per_group + c
            for place in product(*(range(len(axis)) for axis in windows)):
                along = [
                    [(k, x) for k, (x, kind) in enumerate(axis[i]) if kind == "input"]
                    for axis, i in zip(windows, place, strict=True)
                ]
                for pairs in product(*along):
                    at = tuple(x for _, x in pairs)
                    yield (n, o, *place), (n, channel, *at), (o, c, *(k for k, _ in pairs))

    return shape, visits()


def _windows(x_shape, window, stride, padding, dilation, ceil_mode):
    dims = len(x_shape) - 2
    window = _per_axis(window, dims)
    stride = window if stride is None else stride
    return _axes(x_shape[2:], window, stride, padding, dilation, ceil_mode)


def _axes(size, kernel, stride, padding, dilation, ceil_mode):
    """Per axis, per window, per place k of the window: (input position, what lies there)."""
    dims = len(size)
    options = (_per_axis(kernel, dims), _per_axis(stride, dims), _per_axis(dilation, dims))
    axes = []
    for n, sides, k, s, d in zip(size, _pairs(padding, dims), *options, strict=True):
        starts = window_starts(n, k, s, sides, d, ceil_mode)
        kinds = ["padding"] * sides[0] + ["input"] * n + ["padding"] * sides[1]
        kinds += ["beyond"] * (d * k + s)
        axes.append(
            [[(at + d * i - sides[0], kinds[at + d * i]) for i in range(k)] for at in starts]
        )
    return axes


def _members(out, windows, count_padding):
    """The real places of a window, and how many places its mean divides by."""
    along = [axis[i] for axis, i in zip(windows, out[2:], strict=True)]
    counted = ("input", "padding") if count_padding else ("input",)
    divisor = math.prod(sum(kind in counted for _, kind in places) for places in along)
    real = [[x for x, kind in places if kind == "input"] for places in along]
    return list(product(*real)), divisor


def _winners(x, out, windows):
    """All places of a window that hold its maximum, row-major; NaN is above everything."""
    places, _ = _members(out, windows, False)
    values = [x[out[:2] + place] for place in places]
    if any(value != value for value in values):
        return [place for place, value in zip(places, values, strict=True) if value != value]
    top = max(values)
    return [place for place, value in zip(places, values, strict=True) if value == top]


def _flat(place, size):
    flat = 0
    for x, n in zip(place, size, strict=True):
        flat = flat * n + x
    return flat


def _per_axis(value, dims):
    return (value,) * dims if isinstance(value, int) else tuple(value)


def _pairs(padding, dims):
    return [(p, p) if isinstance(p, int) else tuple(p) for p in _per_axis(padding, dims)]


def _exact(array):
    return array.dtype.kind in "iuO"


def _plain(array):
    """The array's numbers as Python ints or floats."""
    return np.asarray(array).astype(object)


def _zeros(shape, *operands):
    exact = all(_exact(np.asarray(array)) for array in operands)
    return np.full(shape, 0, dtype=object if exact else np.float64)


def _divide(value, count):
    """A quotient that is exact for integers (rounded once, at the end)."""
    return Fraction(value, count) if isinstance(value, int) else value / count


def _as_floats(array):
    return array.astype(np.float64)
