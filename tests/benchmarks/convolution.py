"""Convolutions of real layer sizes, forward and backward (dX + dW + db), against PyTorch's own.

GFLOP/s   ours; 2 flops a multiply-add, padding counted, the backward pass twice the forward
ratio     PyTorch's time over ours (above 1: ours is faster); for ``backward`` PyTorch's backward
          pass alone, without the forward pass it needs
of GEMM   our GFLOP/s over those of a large NumPy matrix product of the dtype, in this run
error     max |a - e| / max |e| of ours, the worst of the pass's results
of peer's our error over PyTorch's

The truth e is float64 for float32 arrays, and for float64 ones extended precision at a few places.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convgrad_cli import conv_backward, conv_forward
from convgrad_cli.geometry import input_taps, output_taps, plan_conv, weight_taps
from convgrad_cli.layers.kernels import taps
from tests.benchmarks.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Case(NamedTuple):
    """One layer."""

    x_shape: tuple[int, ...]
    w_shape: tuple[int, ...]
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1


CASES = {
    "3x3 64@56": Case((8, 64, 56, 56), (64, 64, 3, 3), padding=1),
    "3x3 128@28": Case((8, 128, 28, 28), (128, 128, 3, 3), padding=1),
    "3x3 256@14": Case((8, 256, 14, 14), (256, 256, 3, 3), padding=1),
    "3x3 512@7": Case((8, 512, 7, 7), (512, 512, 3, 3), padding=1),
    "7x7/2 3@224": Case((8, 3, 224, 224), (64, 3, 7, 7), stride=2, padding=3),
    "3x3/2 64@56": Case((8, 64, 56, 56), (128, 64, 3, 3), stride=2, padding=1),
    "1x1 256@56": Case((8, 256, 56, 56), (64, 256, 1, 1)),
    "3x3 64@224": Case((2, 64, 224, 224), (64, 64, 3, 3), padding=1),
    "depthwise 128@56": Case((8, 128, 56, 56), (128, 1, 3, 3), padding=1, groups=128),
    "depthwise/2 128@56": Case((8, 128, 56, 56), (128, 1, 3, 3), 2, 1, groups=128),
    "dilated 64@56": Case((8, 64, 56, 56), (64, 64, 3, 3), padding=2, dilation=2),
    "conv1d 64@4096": Case((8, 64, 4096), (64, 64, 9), padding=4),
    "conv3d 16@16": Case((2, 16, 16, 16, 16), (32, 16, 3, 3, 3), padding=1),
}

# What is asked of every layer, and of their geometric mean.
LEAST = 0.7
MEANS = {"float32": 1.0, "float64": 2.0}
# Calls of one side before it is the other's turn: long enough to be in its own stride.
CALLS = 4
# Between the sides: threads that wait for more work keep a core busy for some milliseconds.
REST = 0.05
PLACES = 24
GEMM_SIZE = 2048


def run(peer_python: str, rounds: int = 4, only: str = "") -> list[dict[str, Any]]:
    """A row per layer, dtype and pass."""
    peer = Peer(peer_python)
    rows = []
    for dtype in (np.float32, np.float64):
        for name, case in CASES.items():
            if only in name:
                rows += _rows(name, case, dtype, peer, rounds)
    peer.close()
    return rows


def summary(rows: list[dict[str, Any]]) -> Iterable[str]:
    """The geometric mean and the least of the ratios."""
    for dtype in ("float32", "float64"):
        for which in ("backward", "forward"):
            ratios = [
                row["ratio"]
                for row in rows
                if (row["dtype"], row["pass"]) == (dtype, which) and row["ratio"]
            ]
            if ratios:
                mean = float(np.exp(np.mean(np.log(ratios))))
                yield (
                    f"{dtype} {which}: geometric mean {mean:.2f} (target >= {MEANS[dtype]}), "
                    f"least {min(ratios):.2f}"
                )


def _large_product(dtype: type) -> Callable[[], Any]:
    """A large matrix product with every core: the machine's rate, measured in turn with ours."""
    A = np.random.default_rng(0).standard_normal((GEMM_SIZE, GEMM_SIZE)).astype(dtype)
    out = np.empty_like(A)
    return lambda: np.matmul(A, A, out=out)


def _rows(name: str, case: Case, dtype: type, peer: Peer, rounds: int) -> list[dict[str, Any]]:
    x_shape, w_shape, *values = case
    options = dict(zip(("stride", "padding", "dilation", "groups"), values, strict=True))
    plan = plan_conv(x_shape, w_shape, dims=len(x_shape) - 2, **options)
    chance = np.random.default_rng(0)
    shapes = {"X": x_shape, "W": w_shape, "b": w_shape[:1], "dY": plan.output_shape}
    arrays = {key: chance.standard_normal(shape).astype(dtype) for key, shape in shapes.items()}
    X, W, b, dY = arrays.values()
    options["dims"] = plan.geometry.dims
    ours: dict[str, Callable[[], Any]] = {
        "forward": lambda: conv_forward(X, W, b, **options),
        "backward": lambda: conv_backward(X, W, dY, **options),
    }
    if peer.version:
        peer.layer(arrays, {key: value for key, value in options.items() if key != "dims"})
    errors = _errors(plan.geometry, arrays, ours, peer)
    rows = []
    for which, flops in (("backward", 4), ("forward", 2)):
        mine, theirs, product = _turns(ours[which], which, peer, _large_product(dtype), rounds)
        gemm = 2 * GEMM_SIZE**3 / product / 1e9
        rate = flops * plan.geometry.multiply_adds / mine / 1e9
        error, of_peer = errors[which]
        rows.append(
            {
                "suite": "convolution",
                "case": name,
                "dtype": np.dtype(dtype).name,
                "pass": which,
                "ms": mine * 1e3,
                "peer ms": theirs * 1e3 if theirs else None,
                "ratio": theirs / mine if theirs else None,
                "target": f">= {LEAST}",
                "GFLOP/s": round(rate),
                "of GEMM": rate / gemm,
                "error": f"{error:.0e}",
                "of peer's": of_peer,
            }
        )
    return rows


def _turns(
    ours: Callable[[], Any], which: str, peer: Peer, product: Callable[[], Any], rounds: int
) -> tuple[float, float | None, float]:
    """The best time of each side, and of the large matrix product."""
    mine, theirs, products = [], [], []
    for _ in range(rounds):
        time.sleep(REST)
        if peer.version:
            theirs += [peer.seconds(which) for _ in range(CALLS + 1)][1:]
        time.sleep(REST)
        mine += [_seconds(ours) for _ in range(CALLS + 1)][1:]
        products += [_seconds(product) for _ in range(2)]
    return min(mine), min(theirs) if theirs else None, min(products)


def _seconds(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def _errors(
    geometry: Any, arrays: dict[str, np.ndarray], ours: dict[str, Callable[[], Any]], peer: Peer
) -> dict[str, tuple[float, float | None]]:
    """Per pass: the worst relative error of ours, and that over the peer's."""
    found = dict(zip(("Y", "dX", "dW"), (ours["forward"](), *ours["backward"]()), strict=False))
    truth = _exactly if arrays["X"].dtype == np.float64 else _in_doubles
    others = peer.results() if peer.version else {}
    own, other = {}, {}
    for name, (index, expected) in truth(geometry, arrays).items():
        scale = np.abs(expected).max()
        own[name] = float(np.abs(found[name][index] - expected).max() / scale)
        if others:
            other[name] = float(np.abs(others[name][index] - expected).max() / scale)
    errors = {}
    for which, names in {"forward": ["Y"], "backward": ["dX", "dW"]}.items():
        ratios = [own[name] / max(other[name], 1e-30) for name in names] if other else []
        errors[which] = (max(own[name] for name in names), max(ratios) if ratios else None)
    return errors


def _in_doubles(geometry: Any, arrays: dict[str, np.ndarray]) -> dict[str, tuple[Any, Any]]:
    X, W, b, dY = (arrays[name].astype(np.float64) for name in ("X", "W", "b", "dY"))
    Y = taps.forward(X, W, geometry) + b.reshape(-1, *(1,) * geometry.dims)
    dX, dW = taps.grad_input(W, dY, geometry), taps.grad_weight(X, dY, geometry)
    return {"Y": (..., Y), "dX": (..., dX), "dW": (..., dW)}


def _exactly(geometry: Any, arrays: dict[str, np.ndarray]) -> dict[str, tuple[Any, Any]]:
    """A few elements of each result, term by term in extended precision."""
    X, W, b, dY = (arrays[name] for name in ("X", "W", "b", "dY"))
    chance = np.random.default_rng(1)
    truth = {}
    for name, shape, terms, one, other in (
        ("Y", dY.shape, output_taps, (X, "input"), (W, "filter")),
        ("dX", X.shape, input_taps, (dY, "output"), (W, "filter")),
        ("dW", W.shape, weight_taps, (dY, "output"), (X, "input")),
    ):
        places = [tuple(int(chance.integers(n)) for n in shape) for _ in range(PLACES)]
        values = []
        for place in places:
            products = list(terms(geometry, place))
            factors = [
                array[tuple(np.array([getattr(p, side) for p in products]).T)].astype(np.longdouble)
                for array, side in (one, other)
            ]
            bias = b[place[1]] if name == "Y" else 0
            values.append((factors[0] * factors[1]).sum() + bias)
        truth[name] = (tuple(np.array(places).T), np.array(values))
    return truth
