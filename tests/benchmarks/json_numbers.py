"""A million floats read from JSON and written to it, beside the JSON library alone (orjson).

read     from bytes to an array, every check included; the library's side parses the same bytes
write    a whole result to bytes; the library's side writes its arrays
Both sides drop what they made within their time. Processor time, the best of many rounds in turn.
ratio    our time over the library's
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson

from convgrad_cli.arrays.json_text import JsonText
from convgrad_cli.arrays.numeric import as_numbers
from convgrad_cli.render.json_output import json_output
from convgrad_cli.render.result import Result

SHAPES = ((1000, 1000), (1_000_000,), (100, 100, 10, 10), (333_334, 3))
TARGET = 1.5


def run(rounds: int = 7, only: str = "") -> list[dict[str, Any]]:
    """A row per shape and direction."""
    chance = np.random.default_rng(0)
    rows = []
    for shape in SHAPES:
        array = chance.standard_normal(shape)
        for name, (ours, theirs) in _sides(array).items():
            case = f"{name} {'x'.join(map(str, shape))}"
            if only in case:
                mine, library = _best_in_turn(ours, theirs, rounds)
                rows.append(_row(case, mine, library))
    return rows


def _sides(array: Any) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    lone = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
    result = Result("conv_backward", {"dims": 2}, {"dX": array, "db": np.ones(3)})
    bundle = orjson.dumps(
        {"X": array, "W": [[1.5]], "stride": 1, "layout": "nchw"},
        option=orjson.OPT_SERIALIZE_NUMPY,
    )
    return {
        "read": (lambda: _read(lone, None), lambda: orjson.loads(lone)),
        "read in a bundle": (lambda: _read(bundle, "X"), lambda: orjson.loads(bundle)),
        "write": (
            lambda: json_output(result),
            lambda: orjson.dumps(result.arrays, option=orjson.OPT_SERIALIZE_NUMPY),
        ),
    }


def _read(text: bytes, key: str | None) -> Any:
    return as_numbers(JsonText(text, "X").array(key, "X"), "X")


def _best_in_turn(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int
) -> tuple[float, float]:
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for side, function in enumerate((ours, theirs)):
            start = time.process_time()
            function()
            best[side] = min(best[side], time.process_time() - start)
    return best[0], best[1]


def _row(case: str, ours: float, theirs: float) -> dict[str, Any]:
    return {
        "suite": "json",
        "case": case,
        "ms": ours * 1e3,
        "library ms": theirs * 1e3,
        "ratio": ours / theirs,
        "target": f"<= {TARGET}",
    }
