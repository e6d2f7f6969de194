"""Small layers through the Python API, against PyTorch's forward pass and ``autograd.grad``.

Here a call's fixed cost is everything. The peer's time is that of the graph and the gradients;
ours of ``conv_backward`` alone, which needs no forward pass. ratio: our time over the peer's.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from convgrad_cli import conv_backward
from convgrad_cli.geometry import plan_conv
from tests.benchmarks.peer import Peer

CALLS = 300
CASES = {
    # shapes of X and W, stride, padding
    "5x5, 3x3/2": ((1, 1, 5, 5), (1, 1, 3, 3), 2, 0),
    "3x3, 2x2": ((1, 1, 3, 3), (1, 1, 2, 2), 1, 0),
    "2x3@8x8, 4 of 3x3": ((2, 3, 8, 8), (4, 3, 3, 3), 1, 1),
    "16@16x16, 16 of 3x3": ((1, 16, 16, 16), (16, 16, 3, 3), 1, 1),
    "4x8@32x32, 8 of 3x3": ((4, 8, 32, 32), (8, 8, 3, 3), 1, 1),
}


def run(peer_python: str, rounds: int = 5) -> list[dict[str, Any]]:
    """A row per layer and dtype; integers have no peer, so theirs is PyTorch's float32 time."""
    peer = Peer(peer_python)
    rows = [
        _row(name, dtype, peer, rounds)
        for name in CASES
        for dtype in (np.float32, np.float64, np.int64)
    ]
    peer.close()
    return rows


def _row(name: str, dtype: type, peer: Peer, rounds: int) -> dict[str, Any]:
    x_shape, w_shape, stride, padding = CASES[name]
    options = {"stride": stride, "padding": padding}
    plan = plan_conv(x_shape, w_shape, **options)
    chance = np.random.default_rng(0)
    shapes = {"X": x_shape, "W": w_shape, "b": w_shape[:1], "dY": plan.output_shape}
    arrays = {key: chance.integers(-9, 10, shape).astype(dtype) for key, shape in shapes.items()}
    X, W, _, dY = arrays.values()
    if peer.version:
        floating = np.float64 if dtype is np.float64 else np.float32
        peer.layer({key: array.astype(floating) for key, array in arrays.items()}, options)
    mine, theirs = [], []
    for _ in range(rounds):
        if peer.version:
            theirs += [peer.seconds("both") for _ in range(CALLS)]
        for _ in range(CALLS):
            start = time.perf_counter()
            conv_backward(X, W, dY, **options)
            mine.append(time.perf_counter() - start)
    ours, peers = float(np.median(mine)), float(np.median(theirs)) if theirs else None
    return {
        "suite": "small",
        "case": name,
        "dtype": np.dtype(dtype).name,
        "us": ours * 1e6,
        "peer us": peers * 1e6 if peers else None,
        "ratio": ours / peers if peers else None,
        "target": "<= 3",
    }
