"""Examples and random layers as files: bundles, one file an array, and readable JSON."""

from __future__ import annotations

import json
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from convgrad_cli.arrays import write_results
from convgrad_cli.arrays.write import refusals
from convgrad_cli.cli.bundles import option_arrays
from convgrad_cli.lecture_chains import CHAINS
from convgrad_cli.lectures import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.geometry import ConvPlan

_OPERATIONS = {"conv": "conv_backward", "pool": "maxpool_backward"}


def save_examples(directory: str) -> list[Path]:
    """Write each example as NAME.json, NAME.npz, and NAME/ with an array a file.

    Two-dimensional arrays are .csv, others .npy. Returns the files written.
    """
    home = Path(directory)
    with refusals(home):
        home.mkdir(exist_ok=True)
    written = []
    for example in EXAMPLES.values():
        arrays = {name: np.array(rows) for name, rows in example.arrays.items()}
        options = {"operation": _OPERATIONS[example.layer], **example.options}
        bundle = bundle_text(arrays, options)
        for path in (home / f"{example.name}.json", home / f"{example.name}.npz"):
            everything = {**arrays, **option_arrays(example.options)}
            write_results(str(path), everything, partial(_same, bundle), inputs=())
            written.append(path)
        folder = home / example.name
        with refusals(folder):
            folder.mkdir(exist_ok=True)
        written += [_save_array(folder, name, array) for name, array in arrays.items()]
    for name, chain in CHAINS.items():
        path = home / f"{name}.json"
        write_results(str(path), {}, partial(_same, chain_text(chain)), inputs=())
        written.append(path)
    return written


def random_layer(plan: ConvPlan, seed: int) -> dict[str, Any]:
    """X, W, b and dY of small integers, distinct in absolute value and none 0.

    Such numbers can tell right from wrong: nothing is symmetric, nothing cancels by chance of
    equal values, no factor hides. In large arrays numbers up to 99 repeat.
    """
    chance = np.random.default_rng(seed)
    shapes = {
        "X": plan.X.given_shape(plan.geometry.input_shape),
        "W": plan.W.given_shape(plan.geometry.filter_shape),
        "b": (plan.geometry.out_channels,),
        "dY": plan.output_shape,
    }
    return {name: _distinct(chance, shape) for name, shape in shapes.items()}


def bundle_text(arrays: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """A JSON bundle that a person can read: an option a line, a row of numbers a line."""
    entries = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in options.items()]
    entries += [f"{json.dumps(name)}: {_rows(array.tolist(), 1)}" for name, array in arrays.items()]
    return "{\n  " + ",\n  ".join(entries) + "\n}\n"


def chain_text(chain: Mapping[str, Any]) -> str:
    """A chain file that a person can read: an entry a line, a row of numbers a line."""
    return _readable(chain, 0) + "\n"


def _distinct(chance: np.random.Generator, shape: tuple[int, ...]) -> Any:
    count = prod(shape)
    sizes = chance.permutation(count) + 1
    if count > 9999:
        sizes = sizes % 99 + 1
    return (sizes * chance.choice((-1, 1), count)).reshape(shape)


def _save_array(folder: Path, name: str, array: Any) -> Path:
    path = folder / f"{name}.{'csv' if array.ndim <= 2 else 'npy'}"
    if path.suffix == ".npy":
        write_results(str(path), {name: array}, None, inputs=())
    else:
        rows = "\n".join(",".join(map(repr, row)) for row in np.atleast_2d(array).tolist())
        path.write_text(f"# {name}\n{rows}\n", encoding="utf-8")
    return path


def _same(text: str, _form: str) -> str:
    return text


def _readable(value: Any, depth: int) -> str:
    """Objects and lists of objects broken open, arrays by rows."""
    indent = "  " * (depth + 1)
    if isinstance(value, dict):
        entries = [
            f"{json.dumps(key)}: {_readable(each, depth + 1)}" for key, each in value.items()
        ]
        if all("\n" not in entry for entry in entries) and sum(map(len, entries)) < 80:
            return "{" + ", ".join(entries) + "}"
        return "{\n" + indent + f",\n{indent}".join(entries) + f"\n{'  ' * depth}}}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        entries = [_readable(each, depth + 1) for each in value]
        return "[\n" + indent + f",\n{indent}".join(entries) + f"\n{'  ' * depth}]"
    return _rows(value, depth)


def _rows(value: Any, depth: int) -> str:
    if not isinstance(value, list) or not value or not isinstance(value[0], list):
        return json.dumps(value)
    indent = "  " * (depth + 1)
    inner = f",\n{indent}".join(_rows(row, depth + 1) for row in value)
    return f"[\n{indent}{inner}\n{'  ' * depth}]"
