"""Wrong gradients, each written as a user would write it, with one mistake in it.

Nothing here comes from the package: the right gradients are built by the textbook recipe (dilate,
pad, rotate, correlate) or by scattering windows, in plain NumPy and loops, and each mutant has its
mistake written into that. A layer is a :class:`Layer`; arrays are (N, C, *), (K, C/groups, *),
(N, K, *).
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np


class Layer(NamedTuple):
    """A convolution (or a pool, with K and groups unused); one entry per spatial axis."""

    N: int
    C: int
    K: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]
    groups: int = 1
    ceil: bool = False

    @property
    def dims(self) -> int:
        return len(self.size)

    @property
    def extent(self) -> tuple[int, ...]:
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))

    @property
    def out(self) -> tuple[int, ...]:
        found = []
        for h, (b, a), e, s in zip(self.size, self.pads, self.extent, self.stride, strict=True):
            room = h + b + a - e
            count = (-(-room // s) if self.ceil else room // s) + 1
            if self.ceil and (count - 1) * s >= h + b:
                count -= 1
            found.append(count)
        return tuple(found)

    @property
    def left(self) -> tuple[int, ...]:
        return tuple(
            h + b + a - e - s * (o - 1)
            for h, (b, a), e, s, o in zip(
                self.size, self.pads, self.extent, self.stride, self.out, strict=True
            )
        )


def spatial(layer: Layer) -> tuple[int, ...]:
    return tuple(range(2, layer.dims + 2))


def dilate(dY, stride, repeat=False):
    sizes = [s * (o - 1) + 1 for s, o in zip(stride, dY.shape[2:], strict=True)]
    wide = np.zeros((*dY.shape[:2], *sizes), dY.dtype)
    wide[(..., *(slice(None, None, s) for s in stride))] = dY
    if repeat:
        for axis, (s, size) in enumerate(zip(stride, sizes, strict=True), start=2):
            dY = np.repeat(dY, s, axis=axis)
            dY = np.take(dY, np.arange(size), axis=axis)
        return dY
    return wide


def pad(X, pads, value=0.0):
    """Pad the spatial axes; a negative amount crops."""
    for axis, (before, after) in enumerate(pads, start=2):
        width = [(0, 0)] * X.ndim
        width[axis] = (max(before, 0), max(after, 0))
        X = np.pad(X, width, constant_values=value)
        keep = [slice(None)] * X.ndim
        keep[axis] = slice(max(-before, 0), X.shape[axis] - max(-after, 0))
        X = X[tuple(keep)]
    return X


def correlate(A, V, dilation):
    """out[n, c, x] = sum over o, p of A[n, o, x + p*d] V[o, c, p], wherever it fits."""
    sizes = [a - d * (k - 1) for a, d, k in zip(A.shape[2:], dilation, V.shape[2:], strict=True)]
    out = np.zeros((A.shape[0], V.shape[1], *sizes), np.result_type(A, V))
    for o, c in product(range(V.shape[0]), range(V.shape[1])):
        for p in product(*map(range, V.shape[2:])):
            seen = tuple(
                slice(i * d, i * d + size) for i, d, size in zip(p, dilation, sizes, strict=True)
            )
            out[:, c] += A[(slice(None), o, *seen)] * V[(o, c, *p)]
    return out


def by_groups(function, dY, W, groups):
    parts = zip(np.split(dY, groups, axis=1), np.split(W, groups, axis=0), strict=True)
    return np.concatenate([function(y, w) for y, w in parts], axis=1)


def full_pads(layer, *, reach=None, pads=None, left=True):
    reach = [e - 1 for e in layer.extent] if reach is None else reach
    pads = layer.pads if pads is None else pads
    rest = layer.left if left else (0,) * layer.dims
    return [(r - b, r - a + x) for r, (b, a), x in zip(reach, pads, rest, strict=True)]


def dx_recipe(layer, W, dY, *, flip=None, pads=None, wide=None):
    """The textbook's dX: dilate, pad, rotate, correlate, group by group."""
    flip = spatial(layer) if flip is None else flip
    wide = dilate(dY, layer.stride) if wide is None else wide
    pads = full_pads(layer) if pads is None else pads

    def one(y, w):
        return correlate(pad(y, pads), np.flip(w, flip), layer.dilation)

    return by_groups(one, wide, W, layer.groups)


def window(start, layer, step=None, spacing=None):
    step, spacing = step or layer.stride, spacing or layer.dilation
    return tuple(
        slice(i * s, i * s + d * (k - 1) + 1, d)
        for i, s, d, k in zip(start, step, spacing, layer.kernel, strict=True)
    )


def dx_padded(layer, W, dY, *, step=None, spacing=None, assign=None):
    """Scatter every window into the padded plane; ``assign`` writes = for +=."""
    st, sp = step or layer.stride, spacing or layer.dilation
    spans = [
        max(h + b + a, s * (o - 1) + d * (k - 1) + 1)
        for h, (b, a), s, o, d, k in zip(
            layer.size, layer.pads, st, layer.out, sp, layer.kernel, strict=True
        )
    ]
    plane = np.zeros((layer.N, layer.C, *spans), np.result_type(W, dY))
    per, each = layer.C // layer.groups, layer.K // layer.groups
    for n in range(layer.N):
        for g in range(layer.groups):
            cs = slice(g * per, (g + 1) * per)
            os = range(g * each, (g + 1) * each)
            for i in product(*map(range, layer.out)):
                place = (n, cs, *window(i, layer, step, spacing))
                if assign == "window":
                    plane[place] = sum(dY[(n, o, *i)] * W[o] for o in os)
                    continue
                for o in os:
                    if assign == "filter":
                        plane[place] = dY[(n, o, *i)] * W[o]
                    else:
                        plane[place] += dY[(n, o, *i)] * W[o]
    return plane


def crop(plane, starts, sizes):
    keep = tuple(slice(s, s + h) for s, h in zip(starts, sizes, strict=True))
    return plane[(slice(None), slice(None), *keep)]


def cropped(layer, plane):
    return crop(plane, [b for b, _ in layer.pads], layer.size)


def right_dx(layer, W, dY):
    return cropped(layer, dx_padded(layer, W, dY))


def right_dw(layer, X, dY, *, step=None, spacing=None, count=None, padded=None, samples=None):
    """dW by looping over samples, filters and windows' places."""
    step, spacing = step or layer.stride, spacing or layer.dilation
    count = layer.kernel if count is None else count
    Xp = pad(X, layer.pads) if padded is None else padded
    per, each = layer.C // layer.groups, layer.K // layer.groups
    dW = np.zeros((layer.K, per, *count), np.result_type(X, dY))
    for n in range(layer.N) if samples is None else samples:
        for o in range(layer.K):
            g = o // each
            for p in product(*map(range, count)):
                seen = tuple(
                    slice(q * d, q * d + s * (m - 1) + 1, s)
                    for q, d, s, m in zip(p, spacing, step, layer.out, strict=True)
                )
                part = Xp[(n, slice(g * per, (g + 1) * per), *seen)]
                dW[(o, slice(None), *p)] += (part * dY[n, o]).reshape(per, -1).sum(1)
    return dW


def right_y(layer, X, W, b, *, pads=None, step=None, spacing=None, out=None):
    """Y by looping over the output."""
    Xp = pad(X, layer.pads if pads is None else pads)
    out = layer.out if out is None else out
    per, each = layer.C // layer.groups, layer.K // layer.groups
    Y = np.zeros((layer.N, layer.K, *out), np.result_type(X, W))
    for n, o in product(range(layer.N), range(layer.K)):
        g = o // each
        for i in product(*map(range, out)):
            place = window(i, layer, step, spacing)
            seen = Xp[(n, slice(g * per, (g + 1) * per), *place)]
            Y[(n, o, *i)] = (seen * W[o]).sum() + b[o]
    return Y


# ---- dX


def x1(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, flip=())


def x2_first(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, flip=(2,))


def x2_last(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, flip=(3,))


def x3(layer, X, W, b, dY):
    return dx_recipe(layer, np.flip(W), dY, flip=())


def x3_in(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, flip=(1, *spatial(layer)))


def x4_swapped(layer, X, W, b, dY):
    return dx_recipe(layer, W.swapaxes(0, 1), dY)


def x4_reshaped(layer, X, W, b, dY):
    turned = W.reshape(W.shape[1], W.shape[0], *W.shape[2:])
    return dx_recipe(layer, turned.swapaxes(0, 1), dY)


def x4_contracted(layer, X, W, b, dY):
    return dx_recipe(layer, np.broadcast_to(W.sum(1, keepdims=True), W.shape), dY)


def x5_short(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, wide=dY, pads=full_pads(layer, left=False))


def x5_scatter(layer, X, W, b, dY):
    return cropped(layer, dx_padded(layer, W, dY, step=(1,) * layer.dims))


def x5_repeated(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, wide=dilate(dY, layer.stride, repeat=True))


def x6_short(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, pads=full_pads(layer, left=False))


def x6_shifted(layer, X, W, b, dY):
    pads = [
        (before + r, after)
        for (before, after), r in zip(full_pads(layer, left=False), layer.left, strict=True)
    ]
    return dx_recipe(layer, W, dY, pads=pads)


def x7_dilation(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, pads=full_pads(layer, reach=[k - 1 for k in layer.kernel]))


def x7_padding(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, pads=full_pads(layer, pads=[(0, 0)] * layer.dims))


def x7_forward(layer, X, W, b, dY):
    return dx_recipe(layer, W, dY, pads=layer.pads)


def x8_uncropped(layer, X, W, b, dY):
    return dx_padded(layer, W, dY)


def x8_first(layer, X, W, b, dY):
    return crop(dx_padded(layer, W, dY), (0,) * layer.dims, layer.size)


def x9_window(layer, X, W, b, dY):
    return cropped(layer, dx_padded(layer, W, dY, assign="window"))


def x9_filter(layer, X, W, b, dY):
    return cropped(layer, dx_padded(layer, W, dY, assign="filter"))


def x10_filter(layer, X, W, b, dY):
    return dx_recipe(layer, W.swapaxes(2, 3), dY)


def x10_result(layer, X, W, b, dY):
    return right_dx(layer, W, dY).swapaxes(2, 3)


def x10_strides(layer, X, W, b, dY):
    return cropped(layer, dx_padded(layer, W, dY, step=layer.stride[::-1]))


def x11(layer, X, W, b, dY):
    plane = dx_padded(layer, W, dY, step=layer.dilation, spacing=layer.stride)
    return cropped(layer, plane)


def x12(layer, X, W, b, dY):
    return crop(dx_padded(layer, W, dY), [a for _, a in layer.pads], layer.size)


def x13_ignored(layer, X, W, b, dY):
    everything = np.concatenate([W] * layer.groups, axis=1)
    return dx_recipe(layer._replace(groups=1), everything, dY)


def x13_blocks(layer, X, W, b, dY):
    per = layer.C // layer.groups
    right = right_dx(layer, W, dY)
    order = [g * per + c for c in range(per) for g in range(layer.groups)]
    return right[:, order]


# ---- dW


def w1(layer, X, W, b, dY):
    return np.flip(right_dw(layer, X, dY), spatial(layer))


def w2_batch(layer, X, W, b, dY):
    return right_dw(layer, X, dY) / layer.N


def w2_both(layer, X, W, b, dY):
    return right_dw(layer, X, dY) / (layer.N * np.prod(layer.out)).astype(X.dtype)


def w3_first(layer, X, W, b, dY):
    return right_dw(layer, X, dY, samples=[0])


def w3_last(layer, X, W, b, dY):
    return right_dw(layer, X, dY, samples=[layer.N - 1])


def w4_end(layer, X, W, b, dY):
    wide = pad(X, [(0, b + a) for b, a in layer.pads])
    return right_dw(layer, X, dY, padded=wide)


def w4_short(layer, X, W, b, dY):
    count = tuple(
        h - s * (o - 1) for h, s, o in zip(layer.size, layer.stride, layer.out, strict=True)
    )
    return right_dw(layer, X, dY, padded=X, count=count)


def w5(layer, X, W, b, dY):
    return right_dw(layer, X, dY, step=(1,) * layer.dims)


def w5_large(layer, X, W, b, dY):
    count = tuple(
        h + pb + pa - o + 1
        for h, (pb, pa), o in zip(layer.size, layer.pads, layer.out, strict=True)
    )
    return right_dw(layer, X, dY, step=(1,) * layer.dims, count=count)


def w6(layer, X, W, b, dY):
    count = tuple(k + r for k, r in zip(layer.kernel, layer.left, strict=True))
    return right_dw(layer, X, dY, count=count)


def w7_reshaped(layer, X, W, b, dY):
    mixed = X.reshape(layer.groups, layer.N, layer.C // layer.groups, *X.shape[2:])
    mixed = np.concatenate(list(mixed), axis=1)
    return right_dw(layer, mixed, dY)


def w7_ignored(layer, X, W, b, dY):
    return right_dw(layer._replace(groups=1), X, dY)


def w8_swapped(layer, X, W, b, dY):
    return right_dw(layer, X, dY).swapaxes(0, 1)


def w8_columns(layer, X, W, b, dY):
    """im2col with its columns in the order (kH, kW, C) read as (C, kH, kW)."""
    dW = right_dw(layer, X, dY)
    return np.moveaxis(dW, 1, -1).reshape(dW.shape)


def w9_broadcast(layer, X, W, b, dY):
    dW = right_dw(layer, X, dY)
    return np.zeros_like(dW) + dW.sum(1, keepdims=True)


def w9_kept(layer, X, W, b, dY):
    return right_dw(layer, X, dY).sum(1, keepdims=True)


# ---- db and Y


def b1_batch(layer, X, W, b, dY):
    return dY.sum(axis=(0, *spatial(layer))) / layer.N


def b1_all(layer, X, W, b, dY):
    return dY.mean(axis=(0, *spatial(layer)))


def b2_no_batch(layer, X, W, b, dY):
    return dY.sum(axis=spatial(layer))


def b2_samples(layer, X, W, b, dY):
    return dY.sum(axis=tuple(range(1, dY.ndim)))


def b3(layer, X, W, b, dY):
    return dY.sum(axis=(0, *spatial(layer))).reshape((1,) * (layer.dims + 1) + (-1,))


def b4(layer, X, W, b, dY):
    times = int(np.prod(layer.kernel)) * (layer.C // layer.groups)
    return dY.sum(axis=(0, *spatial(layer))) * times


def y_b4(layer, X, W, b, dY):
    times = int(np.prod(layer.kernel)) * (layer.C // layer.groups)
    return right_y(layer, X, W, b * times)


def y_no_bias(layer, X, W, b, dY):
    return right_y(layer, X, W, b * 0)


def f1(layer, X, W, b, dY):
    return right_y(layer, X, np.flip(W, spatial(layer)), b)


def f2_iohw(layer, X, W, b, dY):
    turned = np.ascontiguousarray(W).reshape(W.shape[1], W.shape[0], *W.shape[2:])
    return right_y(layer, X, turned.swapaxes(0, 1), b)


def f2_hwio(layer, X, W, b, dY):
    kernel = W.shape[2:]
    read = np.ascontiguousarray(W).reshape(*kernel, W.shape[1], W.shape[0])
    order = (layer.dims + 1, layer.dims, *range(layer.dims))
    return right_y(layer, X, read.transpose(order), b)


def y_x11(layer, X, W, b, dY):
    out = tuple(
        (h + pb + pa - s * (k - 1) - 1) // d + 1
        for h, (pb, pa), s, d, k in zip(
            layer.size, layer.pads, layer.stride, layer.dilation, layer.kernel, strict=True
        )
    )
    return right_y(layer, X, W, b, step=layer.dilation, spacing=layer.stride, out=out)


def y_x12(layer, X, W, b, dY):
    return right_y(layer, X, W, b, pads=[(a, c) for c, a in layer.pads])


# ---- pools


def pool_places(layer, X, fill=-np.inf):
    """For every window: its index, the places in the padded plane, and the numbers there."""
    over = [
        max(0, s * (o - 1) + e - (h + b + a))
        for s, o, e, h, (b, a) in zip(
            layer.stride, layer.out, layer.extent, layer.size, layer.pads, strict=True
        )
    ]
    inner = pad(X, layer.pads, fill)
    wide = pad(inner, [(0, x) for x in over], -np.inf)
    for n, c in product(range(layer.N), range(layer.C)):
        for i in product(*map(range, layer.out)):
            places = [
                tuple(
                    a * s + q * d
                    for a, s, q, d in zip(i, layer.stride, p, layer.dilation, strict=True)
                )
                for p in product(*map(range, layer.kernel))
            ]
            yield (n, c, *i), places, [wide[(n, c, *place)] for place in places]


def pool_plane(layer, X):
    spans = [
        max(h + b + a, s * (o - 1) + e)
        for h, (b, a), s, o, e in zip(
            layer.size, layer.pads, layer.stride, layer.out, layer.extent, strict=True
        )
    ]
    return np.zeros((layer.N, layer.C, *spans), X.dtype)


def max_dx(layer, X, dY, *, rule="first", fill=-np.inf, assign=False, origin=False, skip=None):
    plane = pool_plane(layer, X)
    for index, places, numbers in pool_places(layer, X, fill):
        if skip and skip(index):
            continue
        top = max(numbers)
        best = [place for place, number in zip(places, numbers, strict=True) if number == top]
        if rule == "last":
            best = best[-1:]
        elif rule == "column":
            best = [min(best, key=lambda place: place[::-1])]
        elif rule == "first":
            best = best[:1]
        share = dY[index] / len(best) if rule == "split" else dY[index]
        for place in best:
            spot = places.index(place)
            if origin:
                place = list(product(*map(range, layer.kernel)))[spot]
            if assign:
                plane[(*index[:2], *place)] = share
            else:
                plane[(*index[:2], *place)] += share
    return plane


def p1(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, assign=True))


def p1_average(layer, X, dY):
    plane = pool_plane(layer, X)
    share = int(np.prod(layer.kernel))
    for i in product(*map(range, layer.out)):
        part = dY[(slice(None), slice(None), *i)] / share
        plane[(slice(None), slice(None), *window(i, layer))] = part.reshape(
            *part.shape, *[1] * layer.dims
        )
    return cropped(layer, plane)


def p2(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, rule="all"))


def p3_split(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, rule="split"))


def p3_last(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, rule="last"))


def p3_column(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, rule="column"))


def p4(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, fill=0.0))


def p5_short(layer, X, dY):
    plane = cropped(layer, max_dx(layer, X, dY))
    return crop(
        plane, (0,) * layer.dims, [h - r for h, r in zip(layer.size, layer.left, strict=True)]
    )


def p5_floor(layer, X, dY):
    """A ceil-mode layer of which only floor mode's windows are gone through."""
    floor = layer._replace(ceil=False).out
    late = max_dx(
        layer, X, dY, skip=lambda at: any(i >= o for i, o in zip(at[2:], floor, strict=True))
    )
    return cropped(layer, late)


def p6_first(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, skip=lambda at: any(at[2:])))


def p6_origin(layer, X, dY):
    return cropped(layer, max_dx(layer, X, dY, origin=True))


def average(layer, X, dY, divisor):
    plane = pool_plane(layer, X)
    for index, places, numbers in pool_places(layer, np.ones_like(X), 0.0):
        inside = sum(number == 1 for number in numbers)
        padded = sum(number >= 0 for number in numbers)
        for place in places:
            count = {"inside": inside, "padded": padded}[divisor]
            plane[(*index[:2], *place)] += dY[index] / count
    return cropped(layer, plane)


def p7_padded(layer, X, dY):
    return average(layer, X, dY, "padded")


def p7_inside(layer, X, dY):
    return average(layer, X, dY, "inside")
