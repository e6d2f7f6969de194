"""The built-in chains: a small CNN, the tutorial's pooling example with its loss, Diba's fig. 1.

Plain data, as a chain file holds it; ``samples/`` has the same as files.
"""

from __future__ import annotations

from typing import Any, Final

_TUTORIAL_POOL: Final = {
    "input": [[1, 2, 3], [4, 10, 5], [11, 12, 13]],
    "layers": [{"type": "maxpool", "window": 2, "stride": 1}],
    "loss": {"type": "neg-log"},
}

_TWO_LAYER: Final = {
    "input": [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8], [9, 7, 9, 3]],
    "layers": [
        {"type": "conv", "filter": [[1, -2], [3, 1]], "bias": [-16]},
        {"type": "relu"},
        {"type": "conv", "filter": [[2, -1], [0, 3]], "bias": [1]},
    ],
    "loss": {"type": "sum"},
}

_CNN: Final = {
    "input": [
        [
            [
                [0.2, 0.7, -0.1, 0.5, 0.9, 0.3],
                [0.8, -0.4, 0.6, 0.1, 0.2, -0.7],
                [0.4, 0.9, 0.3, -0.2, 0.5, 0.6],
                [-0.3, 0.1, 0.8, 0.7, -0.5, 0.4],
                [0.6, 0.2, -0.6, 0.9, 0.3, 0.1],
                [0.5, -0.8, 0.4, 0.2, 0.7, -0.9],
            ]
        ],
        [
            [
                [-0.5, 0.3, 0.8, 0.2, -0.6, 0.1],
                [0.9, 0.4, -0.3, 0.7, 0.5, 0.8],
                [0.1, -0.7, 0.6, 0.4, 0.9, -0.2],
                [0.7, 0.5, 0.2, -0.8, 0.3, 0.6],
                [-0.4, 0.8, 0.1, 0.6, -0.9, 0.5],
                [0.3, 0.2, 0.9, -0.1, 0.4, 0.7],
            ]
        ],
    ],
    "layers": [
        {
            "type": "conv",
            "filter": [
                [[[0.5, -0.3, 0.2], [0.1, 0.4, -0.6], [-0.2, 0.7, 0.3]]],
                [[[-0.4, 0.6, 0.1], [0.3, -0.5, 0.2], [0.8, -0.1, 0.4]]],
            ],
            "bias": [0.15, -0.25],
            "padding": 1,
        },
        {"type": "relu"},
        {"type": "maxpool", "window": 2},
        {"type": "flatten"},
        {
            "type": "dense",
            "weight": [
                [
                    0.3, -0.2, 0.5, 0.1, -0.4, 0.6, 0.2, -0.1, 0.4,
                    0.3, -0.5, 0.2, 0.1, -0.3, 0.6, 0.4, -0.2, 0.5,
                ],
                [
                    -0.1, 0.4, 0.2, -0.3, 0.5, 0.1, -0.6, 0.3, 0.2,
                    -0.4, 0.1, 0.5, -0.2, 0.6, 0.3, -0.1, 0.4, -0.5,
                ],
                [
                    0.2, 0.1, -0.4, 0.6, 0.3, -0.5, 0.4, 0.2, -0.1,
                    0.5, 0.3, -0.2, 0.6, 0.1, -0.4, 0.2, -0.3, 0.1,
                ],
            ],
            "bias": [0.05, -0.1, 0.2],
        },
    ],
    "loss": {"type": "cross-entropy", "target": [2, 0]},
}  # fmt: skip

TITLES: Final = {
    "cnn": "two 6×6 images, conv, ReLU, max pool, flatten, dense, cross-entropy",
    "tutorial-chain": "3×3 input, 2×2 max pool, stride 1, loss Σ −log A (tutorial)",
    "two-layer": "conv, ReLU, conv: dq of one layer is the upstream of the one before (Diba)",
}
"""One line on each chain."""

CHAINS: Final[dict[str, dict[str, Any]]] = {
    "cnn": _CNN,
    "tutorial-chain": _TUTORIAL_POOL,
    "two-layer": _TWO_LAYER,
}
"""The chains by name."""
