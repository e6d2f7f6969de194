"""Files and bundles in, results out: every way of giving arrays, and whole-or-nothing writing.

The names load lazily, as the package's own do: a command pays for the formats that it uses.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.arrays.bundle import Bundle, read_bundle
    from convgrad_cli.arrays.files import BUNDLES
    from convgrad_cli.arrays.loaded import Loaded
    from convgrad_cli.arrays.sources import read_array
    from convgrad_cli.arrays.stdin import Stdin
    from convgrad_cli.arrays.write import write_content, write_results

_HOMES = {
    "BUNDLES": "files",
    "Bundle": "bundle",
    "Loaded": "loaded",
    "Stdin": "stdin",
    "read_array": "sources",
    "read_bundle": "bundle",
    "write_content": "write",
    "write_results": "write",
}

__all__ = [
    "BUNDLES",
    "Bundle",
    "Loaded",
    "Stdin",
    "read_array",
    "read_bundle",
    "write_content",
    "write_results",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
