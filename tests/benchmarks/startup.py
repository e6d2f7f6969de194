"""What a small command costs beside ``python -c "import numpy"``, the least any of them could.

ratio    the command's best time over that of the import, in the same run
median   the median of the ratios turn by turn
"""

from __future__ import annotations

import sys
from typing import Any

from tests.benchmarks.processes import alternately, installed, median_ratio

CASES = {
    "--help": (("--help",), 1.0),
    "backward --help": (("backward", "--help"), None),
    "backward --stride 2 --json": (("backward", "--stride", "2", "--json"), 1.6),
    "backward --stride 2, table": (("backward", "--stride", "2", "--format", "table"), 2.2),
    "backward --stride 2, in a terminal": (("backward", "--stride", "2"), 2.2),
    "backward --stride 2 --symbolic": (("backward", "--stride", "2", "--symbolic"), None),
    "maxpool --json": (("maxpool", "--json"), None),
}


def run(rounds: int = 15, only: str = "") -> list[dict[str, Any]]:
    """A row per command."""
    cases = {name: case for name, case in CASES.items() if only in name}
    with installed() as here:
        commands = {name: here.convgrad(*arguments) for name, (arguments, _) in cases.items()}
        plain = {"import numpy": [sys.executable, "-c", "import numpy"]}
        runs = alternately(here, plain | commands, rounds)
    base = runs["import numpy"]
    return [
        {
            "suite": "startup",
            "case": name,
            "ms": min(runs[name]) * 1e3,
            "import numpy ms": min(base) * 1e3,
            "median": median_ratio(runs[name], base),
            "ratio": min(runs[name]) / min(base),
            "target": None if target is None else f"<= {target}",
        }
        for name, (_, target) in cases.items()
    ]
