"""Wrong separable convolutions in plain loops, each with one mistake in it.

Nothing here comes from the package: V, Y and all gradients are loops over the windows, in Python's
own numbers; the mistake is written into the step where a user would make it.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np


class Separable(NamedTuple):
    """A 2-D layer; D is (I, 1, *kernel), P is (O, I)."""

    N: int
    I: int
    O: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    dilation: tuple[int, int] = (1, 1)

    @property
    def out(self):
        sizes = zip(self.size, self.kernel, self.stride, self.pads, self.dilation, strict=True)
        return tuple((n + b + a - d * (k - 1) - 1) // s + 1 for n, k, s, (b, a), d in sizes)


def places(t, stride=None, dilation=None, before=None):
    """(output, filter place, input) of every product whose input is no padding."""
    stride, dilation = stride or t.stride, dilation or t.dilation
    before = before or [b for b, _ in t.pads]
    for i in product(*map(range, t.out)):
        for p in product(*map(range, t.kernel)):
            x = tuple(
                a * s + q * d - b
                for a, s, q, d, b in zip(i, stride, p, dilation, before, strict=True)
            )
            if all(0 <= at < n for at, n in zip(x, t.size, strict=True)):
                yield i, p, x


def v_of(t, X, D, **changed):
    V = np.zeros((t.N, t.I, *t.out), X.dtype)
    for i, p, x in places(t, **changed):
        for n, c in product(range(t.N), range(t.I)):
            V[(n, c, *i)] += X[(n, c, *x)] * D[(c, 0, *p)]
    return V


def y_of(t, V, P, b):
    Y = np.zeros((t.N, t.O, *V.shape[2:]), V.dtype)
    for n, o in product(range(t.N), range(t.O)):
        Y[n, o] = b[o] + sum(P[o, c] * V[n, c] for c in range(t.I))
    return Y


def dv_of(t, P, dY):
    dV = np.zeros((t.N, t.I, *t.out), dY.dtype)
    for n, c, o in product(range(t.N), range(t.I), range(t.O)):
        dV[n, c] += P[o, c] * dY[n, o]
    return dV


def dx_of(t, D, dV, **changed):
    dX = np.zeros((t.N, t.I, *t.size), dV.dtype)
    for i, p, x in places(t, **changed):
        for n, c in product(range(t.N), range(t.I)):
            dX[(n, c, *x)] += dV[(n, c, *i)] * D[(c, 0, *p)]
    return dX


def dd_of(t, X, dV, **changed):
    dD = np.zeros((t.I, 1, *t.kernel), dV.dtype)
    for i, p, x in places(t, **changed):
        for n, c in product(range(t.N), range(t.I)):
            dD[(c, 0, *p)] += dV[(n, c, *i)] * X[(n, c, *x)]
    return dD


def dp_of(t, V, dY, samples=None):
    dP = np.zeros((t.O, t.I), V.dtype)
    for n in range(t.N) if samples is None else samples:
        for o, c in product(range(t.O), range(t.I)):
            dP[o, c] += (dY[n, o] * V[n, c]).sum()
    return dP


def right(t, X, D, P, b, dY):
    V, dV = v_of(t, X, D), dv_of(t, P, dY)
    db = np.array([dY[:, o].sum() for o in range(t.O)])
    found = {"Y": y_of(t, V, P, b), "dX": dx_of(t, D, dV), "dDepthwise": dd_of(t, X, dV)}
    return {**found, "dPointwise": dp_of(t, V, dY), "db": db}


# ---- what arrives at the depthwise step


def not_transposed(t, P, dY):
    dV = np.zeros((t.N, t.I, *t.out), dY.dtype)
    for n, c, o in product(range(t.N), range(t.I), range(t.O)):
        dV[n, c] += P[c, o] * dY[n, o]
    return dV


def reshaped(t, P, dY):
    return not_transposed(t, P.reshape(t.I, t.O), dY)


def passed_on(t, P, dY):
    return dY


def broadcast(t, P, dY):
    return np.stack([sum(dY[:, o] for o in range(t.O))] * t.I, axis=1)


def first_share(t, P, dY):
    return np.stack([P[0, c] * dY[:, 0] for c in range(t.I)], axis=1)


def through(dv, target):
    def mutant(t, X, D, P, b, dY):
        dV = dv(t, P, dY)
        return dx_of(t, D, dV) if target == "dX" else dd_of(t, X, dV)

    return mutant


# ---- the depthwise step


def dx_rotated(t, X, D, P, b, dY):
    return dx_of(t, D[..., ::-1, ::-1], dv_of(t, P, dY))


def dx_wrong_side(t, X, D, P, b, dY):
    return dx_of(t, D, dv_of(t, P, dY), before=[a for _, a in t.pads])


def dx_first_filter(t, X, D, P, b, dY):
    return dx_of(t, np.stack([D[0]] * t.I), dv_of(t, P, dY))


def dd_rotated(t, X, D, P, b, dY):
    return dd_of(t, X, dv_of(t, P, dY))[..., ::-1, ::-1]


def dd_mean(t, X, D, P, b, dY):
    return dd_of(t, X, dv_of(t, P, dY)) / t.N


def dd_unpadded(t, X, D, P, b, dY):
    return dd_of(t, X, dv_of(t, P, dY), before=[0, 0])


def dd_not_dilated(t, X, D, P, b, dY):
    return dd_of(t, X, dv_of(t, P, dY), stride=(1, 1))


def dd_options_exchanged(t, X, D, P, b, dY):
    return dd_of(t, X, dv_of(t, P, dY), stride=t.dilation, dilation=t.stride)


def dd_full(t, X, D, P, b, dY):
    """Every filter meets the sum over all channels of X."""
    everything = np.stack([sum(X[:, c] for c in range(t.I))] * t.I, axis=1)
    return dd_of(t, everything, dv_of(t, P, dY))


def dd_one_filter(t, X, D, P, b, dY):
    """One filter for all channels: its gradient, in every entry."""
    dD = dd_of(t, X, dv_of(t, P, dY))
    return np.stack([sum(dD[c] for c in range(t.I))] * t.I)


# ---- the pointwise step


def dp_of_x(t, X, D, P, b, dY):
    return dp_of(t, X, dY)


def dp_of_x_cut(t, X, D, P, b, dY):
    return dp_of(t, X[:, :, : t.out[0], : t.out[1]], dY)


def dp_of_x_strided(t, X, D, P, b, dY):
    strided = X[:, :, :: t.stride[0], :: t.stride[1]]
    return dp_of(t, strided[:, :, : t.out[0], : t.out[1]], dY)


def dp_mean(t, X, D, P, b, dY):
    return dp_of(t, v_of(t, X, D), dY) / t.N


def dp_one_sample(t, X, D, P, b, dY):
    return dp_of(t, v_of(t, X, D), dY, samples=[0])


def dp_transposed(t, X, D, P, b, dY):
    return dp_of(t, v_of(t, X, D), dY).T


def dp_true_convolution(t, X, D, P, b, dY):
    return dp_of(t, v_of(t, X, D[..., ::-1, ::-1]), dY)


def db_mean(t, X, D, P, b, dY):
    return np.array([dY[:, o].mean() for o in range(t.O)])


def db_axes(t, X, D, P, b, dY):
    return sum(dY[n].sum(axis=(1, 2)) * (n == 0) for n in range(t.N))


# ---- Y


def y_true_convolution(t, X, D, P, b, dY):
    return y_of(t, v_of(t, X, D[..., ::-1, ::-1]), P, b)


def y_no_bias(t, X, D, P, b, dY):
    return y_of(t, v_of(t, X, D), P, b * 0)


def y_transposed(t, X, D, P, b, dY):
    return y_of(t, v_of(t, X, D), P.T, b)


def y_depthwise_only(t, X, D, P, b, dY):
    return v_of(t, X, D) + b.reshape(1, -1, 1, 1)


def y_of_x(t, X, D, P, b, dY):
    return y_of(t, X, P, b)


def y_unpadded(t, X, D, P, b, dY):
    bare = t._replace(pads=((0, 0), (0, 0)))
    return y_of(bare, v_of(bare, X, D), P, b)
