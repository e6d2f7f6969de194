"""Plain-loop oracles of the further layers, straight from the lectures' definitions.

Nothing of the package is imported, and the loops scatter: every product of the forward pass is
visited once and added where it belongs. Arrays are canonical, options one entry per axis, padding
a (before, after) pair per axis. Integers stay Python integers in object arrays.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np


def plain(array):
    """The array with Python numbers, so that nothing overflows or rounds."""
    return np.asarray(array).astype(object)


def transposed_visits(x_shape, w_shape, *, stride, padding, dilation, output_padding, groups):
    """(shape of Y, [(Y index, X index, W index)]): X[n,c,i] W[c,k,p] goes to i*s + p*d - before."""
    batch, channels, *size = x_shape
    _, per_group, *kernel = w_shape
    out = [
        (i - 1) * s + d * (k - 1) + 1 - sum(p) + o
        for i, k, s, p, d, o in zip(
            size, kernel, stride, padding, dilation, output_padding, strict=True
        )
    ]
    visits = []
    for n, c in product(range(batch), range(channels)):
        group = c // (channels // groups)
        for k in range(per_group):
            for place in product(*map(range, size)):
                for tap in product(*map(range, kernel)):
                    to = [
                        i * s + p * d - pad[0]
                        for i, p, s, d, pad in zip(
                            place, tap, stride, dilation, padding, strict=True
                        )
                    ]
                    if all(0 <= t < o for t, o in zip(to, out, strict=True)):
                        y = (n, group * per_group + k, *to)
                        visits.append((y, (n, c, *place), (c, k, *tap)))
    return (batch, per_group * groups, *out), visits


def transposed_forward(X, W, b=None, **options):
    """Y of the transposed convolution."""
    shape, visits = transposed_visits(X.shape, W.shape, **options)
    Y = plain(np.zeros(shape, int))
    x, w = plain(X), plain(W)
    for y, at, tap in visits:
        Y[y] += x[at] * w[tap]
    if b is not None:
        for index in np.ndindex(*shape):
            Y[index] += plain(b)[index[1]]
    return Y


def transposed_backward(X, W, dY, **options):
    """(dX, dW, db) of the transposed convolution."""
    shape, visits = transposed_visits(X.shape, W.shape, **options)
    assert dY.shape == shape, (dY.shape, shape)
    dX, dW, db = (plain(np.zeros(s, int)) for s in (X.shape, W.shape, shape[1:2]))
    x, w, dy = plain(X), plain(W), plain(dY)
    for y, at, tap in visits:
        dX[at] += dy[y] * w[tap]
        dW[tap] += dy[y] * x[at]
    for index in np.ndindex(*shape):
        db[index[1]] += dy[index]
    return dX, dW, db


def transform(name, plane):
    """One transform of a square list of rows, by rearranging rows and columns."""
    rows = [list(row) for row in plane]
    turned = [list(column) for column in zip(*rows, strict=True)][::-1]
    match name:
        case "identity":
            return rows
        case "rot90":
            return turned
        case "rot180":
            return [row[::-1] for row in rows[::-1]]
        case "rot270":
            return transform("rot90", transform("rot180", rows))
        case "fliplr":
            return [row[::-1] for row in rows]
        case "flipud":
            return rows[::-1]
        case "transpose":
            return [list(column) for column in zip(*rows, strict=True)]
        case "scale2":
            wide = [[w for w in row for _ in range(2)] for row in rows]
            return [row for row in wide for _ in range(2)]
    raise AssertionError(name)


def transformed(name, W):
    """The transform of every plane of a filter (K, C, k, k)."""
    return np.array([[transform(name, plane) for plane in one] for one in plain(W)], dtype=object)


def same_convolution(X, W, dY=None):
    """Stride 1, 'same' padding (odd pixel after): Y, or (dX, dW) where dY is given; 2-D."""
    batch, _, height, width = X.shape
    filters, channels, kh, kw = W.shape
    top, left = (kh - 1) // 2, (kw - 1) // 2
    Y = plain(np.zeros((batch, filters, height, width), int))
    dX, dW = plain(np.zeros(X.shape, int)), plain(np.zeros(W.shape, int))
    for n, o, c, i, j, p, q in product(
        range(batch), range(filters), range(channels), range(height), range(width), range(kh),
        range(kw),
    ):  # fmt: skip
        at = (i + p - top, j + q - left)
        if 0 <= at[0] < height and 0 <= at[1] < width:
            Y[n, o, i, j] += X[(n, c, *at)] * W[o, c, p, q]
            if dY is not None:
                dX[(n, c, *at)] += dY[n, o, i, j] * W[o, c, p, q]
                dW[o, c, p, q] += dY[n, o, i, j] * X[(n, c, *at)]
    return Y if dY is None else (dX, dW)


def upsample(X, scale, mode):
    """The last axes enlarged: every element repeated, or zeros between elements."""
    dims = len(scale)
    size = X.shape[-dims:]
    grown = [
        n * s if mode == "nearest" else (n - 1) * s + 1 for n, s in zip(size, scale, strict=True)
    ]
    Y = plain(np.zeros((*X.shape[:-dims], *grown), int))
    for place in np.ndindex(*Y.shape):
        lead, spatial = place[: Y.ndim - dims], place[Y.ndim - dims :]
        if mode == "nearest" or all(i % s == 0 for i, s in zip(spatial, scale, strict=True)):
            Y[place] = X[(*lead, *(i // s for i, s in zip(spatial, scale, strict=True)))]
    return Y


def separable_forward(X, depthwise, pointwise, b, *, stride):
    """Y of a 2-D depthwise filter (I, kh, kw) and a pointwise one (O, I), no padding."""
    batch, channels, height, width = X.shape
    _, kh, kw = depthwise.shape
    out = ((height - kh) // stride + 1, (width - kw) // stride + 1)
    Y = plain(np.zeros((batch, len(pointwise), *out), int))
    for n, o, i, j in np.ndindex(*Y.shape):
        Y[n, o, i, j] = plain(b)[o] + sum(
            pointwise[o, c] * X[n, c, i * stride + p, j * stride + q] * depthwise[c, p, q]
            for c in range(channels)
            for p in range(kh)
            for q in range(kw)
        )
    return Y


def loss(name, Y, target=None):
    """The losses, in Python floats."""
    values = [float(v) for v in np.asarray(Y).reshape(-1)]
    if name == "sum":
        return sum(values)
    if name == "mse":
        wanted = [float(t) for t in np.asarray(target).reshape(-1)]
        return sum((v - t) ** 2 for v, t in zip(values, wanted, strict=True)) / len(values)
    if name == "neg-log":
        return sum(-math.log(v) for v in values)
    total = 0.0
    for row, wanted in zip(Y, target, strict=True):
        norm = math.log(sum(math.exp(float(v)) for v in row))
        total += sum(-float(t) * (float(v) - norm) for v, t in zip(row, wanted, strict=True))
    return total / len(Y)
