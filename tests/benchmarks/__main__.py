"""All benchmarks, or some: ``python -m tests.benchmarks [--suite startup,json] …``.

Every suite is one file beside this one with a ``run(...)`` that returns its rows (dictionaries of
one shape) and stands in SUITES below; its docstring says what its columns are. A row holds a
``ratio`` measured within one run, where the two sides take turns in short runs and the best of each
counts, so that a busy machine slows both; the ``target`` of the project for it where there is one;
and whether it is ``met``. Nothing here is a test; nothing fails for being slow.

PyTorch is the peer, and optional. It is found in this interpreter, or, so that it need not be
installed beside convgrad, in the one given by ``--peer-python PATH``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

SUITES = (
    "startup",
    "process",
    "json",
    "convolution",
    "small",
    "pools",
    "scaling",
    "memory",
    "tracing",
)
# A file called json.py would hide the library's from peer.py, which runs as a script.
FILES = {"json": "json_numbers"}


def main() -> None:
    """Run the suites asked for; print a table of each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--suite", default=",".join(SUITES), help="comma-separated; default all")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter with PyTorch")
    parser.add_argument("--rounds", type=int, help="how often the two sides take turns")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--huge", action="store_true", help="memory: also 6 GB (and 7 GB of disk)")
    parser.add_argument("--json", type=Path, help="write all rows to this file as well")
    chosen = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, NumPy {np.__version__}"
    print(machine)
    rows = []
    for name in chosen.suite.split(","):
        suite = suite_of(name)
        options = {key: value for key, value in vars(chosen).items() if value is not None}
        taken = inspect.signature(suite.run).parameters
        found = suite.run(**{key: options[key] for key in taken if key in options})
        found = [judged(row) for row in found]
        print(f"\n{name}: {(suite.__doc__ or '').splitlines()[0]}\n")
        print(table(found))
        for line in getattr(suite, "summary", lambda rows: [])(found):
            print(line)
        rows += found
    if chosen.json:
        chosen.json.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1))


def suite_of(name: str) -> Any:
    """The module of a suite."""
    return import_module(f"tests.benchmarks.{FILES.get(name, name)}")


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """The row with whether its ratio meets its target (``>= 4``, ``<= 1.6``); None without one."""
    value, target = row.get("ratio"), row.get("target")
    if value is None or target is None:
        return {**row, "met": None}
    sign, bound = target.split()
    return {**row, "met": value <= float(bound) if sign == "<=" else value >= float(bound)}


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as aligned columns; the first column to the left, numbers to the right."""
    if not rows:
        return "(no rows)"
    heads = [key for key in rows[0] if key != "suite"]
    cells = [[_cell(row.get(key)) for key in heads] for row in rows]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(heads))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in [heads, *cells]
    ]
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
