"""Pools, forward and backward together, as a ratio to PyTorch's in the same run.

Both use every core. ratio: the peer's best time over ours; none where there is no peer.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli import avg_pool, avg_pool_backward, max_pool, max_pool_backward
from tests.benchmarks.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS = [
    # (N, C, H, W), window, stride, padding
    ((8, 64, 112, 112), 2, 2, 0),
    ((8, 64, 112, 112), 3, 2, 0),
    ((8, 64, 112, 112), 3, 2, 1),
    ((8, 64, 56, 56), 3, 1, 0),
    ((8, 64, 56, 56), 3, 1, 1),
]
ROUNDS = 8
CALLS = 3  # of one side before it is the other's turn


def run(peer_python: str, rounds: int = ROUNDS, only: str = "") -> list[dict[str, Any]]:
    """One row per kind, dtype and layer."""
    peer = Peer(peer_python)
    rows = [
        _row(kind, dtype, layer, peer, rounds)
        for kind in ("max", "average")
        for dtype in (np.float32, np.float64)
        for layer in LAYERS
        if only in kind
    ]
    peer.close()
    return rows


def _row(kind: str, dtype: type, layer: tuple[Any, ...], peer: Peer, rounds: int) -> dict[str, Any]:
    shape, window, stride, padding = layer
    chance = np.random.default_rng(0)
    X = chance.standard_normal(shape).astype(dtype)
    out = [(n + 2 * padding - window) // stride + 1 for n in shape[2:]]
    dY = chance.standard_normal((*shape[:2], *out)).astype(dtype)
    options = (window, stride, padding)
    ours = _ours(kind, X, dY, options)
    if peer.version:
        peer.pool({"X": X, "dY": dY}, kind, *options)
    best, peers = float("inf"), float("inf")
    for _ in range(rounds + 1):
        for _ in range(CALLS):
            start = time.perf_counter()
            ours()
            best = min(best, time.perf_counter() - start)
        if peer.version:
            peers = min(peers, *(peer.seconds("both") for _ in range(CALLS)))
    return {
        "suite": "pools",
        "case": f"{kind} {'x'.join(map(str, shape))} window {window}/{stride} padding {padding}",
        "dtype": np.dtype(dtype).name,
        "ms": best * 1e3,
        "peer ms": peers * 1e3 if peer.version else None,
        "ratio": peers / best if peer.version else None,
        "target": ">= 1.0",
    }


def _ours(kind: str, X: Any, dY: Any, options: tuple[int, ...]) -> Callable[[], Any]:
    if kind == "average":
        return lambda: (avg_pool(X, *options), avg_pool_backward(X, dY, *options))

    def both() -> Any:
        Y, switches = max_pool(X, *options)
        return Y, max_pool_backward(X, dY, *options, switches=switches)

    return both
