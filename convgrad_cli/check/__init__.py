"""Floor 3: is this gradient, equation or function right, and if not, which mistake is it?

The public names load lazily: the verification of a plain ``backward`` must not pay for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.check.arrays import check_arrays
    from convgrad_cli.check.equations import check_equations
    from convgrad_cli.check.function import check_function
    from convgrad_cli.check.power import check_power

_HOMES = {
    "check_arrays": "arrays",
    "check_equations": "equations",
    "check_function": "function",
    "check_power": "power",
}

__all__ = ["check_arrays", "check_equations", "check_function", "check_power"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
