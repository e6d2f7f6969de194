"""Files and bundles in, results out: every way of giving arrays, and whole-or-nothing writing."""

from convgrad_cli.arrays.bundle import Bundle, read_bundle
from convgrad_cli.arrays.files import BUNDLES
from convgrad_cli.arrays.sources import Loaded, read_array
from convgrad_cli.arrays.stdin import Stdin
from convgrad_cli.arrays.write import write_content, write_results

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
