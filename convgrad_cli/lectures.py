"""The built-in examples: the lectures' layers, with small numbers that can tell right from wrong.

No filter is symmetric and no upstream gradient is constant, so that an unrotated filter or a
forgotten factor shows. Plain lists, so that listing them costs nothing; ``samples/`` holds the
same as files, written by ``convgrad samples --save``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True)
class Example:
    """A ready-made layer: its arrays under the contract's names, and its options."""

    name: str
    title: str
    source: str
    layer: str
    """``conv`` or ``pool``; a pool serves maxpool and avgpool."""
    arrays: dict[str, Any]
    notation: str
    options: dict[str, Any] = field(default_factory=dict)


_SLIDES: Final = Example(
    "slides",
    "3×3 input, 2×2 filter, stride 1, with bias",
    "course slides, conv backward with bias",
    "conv",
    {
        "X": [[1, 5, 2], [7, 3, 8], [4, 9, 6]],
        "W": [[2, -1], [3, 4]],
        "b": [1],
        "dY": [[1, 2], [-3, 4]],
    },
    "slides",
)

_RECITATION_1: Final = Example(
    "recitation-1",
    "3×3 input, 2×2 filter, stride 1",
    "recitation on CNN backpropagation, stride 1",
    "conv",
    {
        "X": [[3, 1, 4], [2, 7, 5], [8, 6, 9]],
        "W": [[1, 4], [-2, 3]],
        "dY": [[2, -1], [5, 3]],
    },
    "slides",
)

_RECITATION_2: Final = Example(
    "recitation-2",
    "5×5 input, 3×3 filter, stride 2",
    "recitation on CNN backpropagation, stride > 1",
    "conv",
    {
        "X": [
            [2, 14, 7, 21, 9],
            [16, 5, 23, 11, 1],
            [8, 19, 3, 15, 25],
            [12, 24, 17, 6, 20],
            [4, 10, 22, 18, 13],
        ],
        "W": [[1, -2, 3], [4, 0, -1], [5, 2, -3]],
        "dY": [[1, 2], [3, 4]],
    },
    "recitation",
    {"stride": 2},
)

_TUTORIAL_CONV: Final = Example(
    "tutorial-conv",
    "3×3 input, 2×2 filter, one bias, flat subscripts",
    "backward pass tutorial, convolution",
    "conv",
    {
        "X": [[6, 2, 9], [4, 8, 1], [3, 5, 7]],
        "W": [[3, 1], [-1, 2]],
        "b": [-2],
        "dY": [[4, -2], [1, 3]],
    },
    "tutorial",
)

_TUTORIAL_POOL: Final = Example(
    "tutorial-pool",
    "3×3 input, 2×2 max pool, stride 1, L = Σ −log A",
    "backward pass tutorial, pooling",
    "pool",
    {
        "X": [[1, 2, 3], [4, 10, 5], [11, 12, 13]],
        # dL/dA of L = sum of -log A at A = [[10, 10], [12, 13]].
        "dY": [[-1 / 10, -1 / 10], [-1 / 12, -1 / 13]],
    },
    "tutorial",
    {"window": 2, "stride": 1},
)

_BATCH: Final = Example(
    "batch",
    "two samples, two channels, three filters, 4×5 input, padding 1, stride 2",
    "derivation notes (Diba), several channels and a mini-batch",
    "conv",
    {
        "X": [
            [
                [[3, 8, -1, 5, 2], [7, 0, 4, 9, 6], [1, -2, 11, 10, 12], [13, 15, 14, -3, 16]],
                [[17, 2, 5, -4, 8], [6, 19, 1, 3, 7], [18, 4, 9, 0, 20], [-5, 21, 12, 11, 10]],
            ],
            [
                [[4, 1, 9, 7, -6], [2, 22, 5, 8, 3], [0, 13, -7, 6, 24], [10, 15, 23, 12, 11]],
                [[5, 16, 0, 2, 9], [25, 3, 7, -8, 1], [14, 6, 26, 4, 8], [11, 10, -9, 17, 13]],
            ],
        ],
        "W": [
            [[[1, -2, 0], [3, 2, -1], [4, 5, -3]], [[2, 1, 3], [-4, 0, 5], [-1, 6, -2]]],
            [[[-3, 4, 1], [0, 2, 6], [5, -1, -2]], [[7, 0, -5], [1, 3, 2], [-2, -4, 4]]],
            [[[2, 5, -1], [-6, 1, 3], [0, -2, 4]], [[-3, 8, 1], [4, -1, 0], [6, 2, -5]]],
        ],
        "b": [1, -2, 3],
        "dY": [
            [[[1, -2, 3], [4, 0, 2]], [[-1, 5, 2], [3, 1, -4]], [[2, 1, 0], [-3, 6, 1]]],
            [[[0, 3, -1], [2, -5, 4]], [[6, -2, 1], [0, 2, 3]], [[-4, 1, 5], [2, 3, -1]]],
        ],
    },
    "diba",
    {"stride": 2, "padding": 1},
)

_UNEVEN: Final = Example(
    "uneven",
    "4×5 input, 2×2 filter, output 4×5: the odd padding pixel before (Diba, eq. 7 and 8)",
    "derivation notes (Diba), uneven padding",
    "conv",
    {
        "X": [[4, 7, 1, 9, 12], [3, 8, 15, 2, 6], [10, 5, 14, 11, 0], [13, 16, -1, 18, 17]],
        "W": [[2, -3], [1, 5]],
        "dY": [[1, 4, -2, 3, 0], [2, -1, 5, 1, 6], [-3, 2, 0, 4, 1], [7, 1, -4, 2, 3]],
    },
    "diba",
    {"padding": [[1, 0], [1, 0]]},
)

EXAMPLES: Final = {
    example.name: example
    for example in (
        _SLIDES,
        _RECITATION_1,
        _RECITATION_2,
        _TUTORIAL_CONV,
        _TUTORIAL_POOL,
        _BATCH,
        _UNEVEN,
    )
}
"""The examples by name, in the order in which one is chosen for given options."""
