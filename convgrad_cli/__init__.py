"""convgrad: gradients of convolutional layers, exact and fast, and why they are what they are.

    Y = conv_forward(X, W, b, stride=2)
    dX, dW, db = conv_backward(X, W, dY, stride=2)

The public names load lazily (PEP 562), so that ``convgrad --help`` does not pay for numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.check import check_arrays, check_equations, check_function, check_power
    from convgrad_cli.layers.conv import conv_backward, conv_forward
    from convgrad_cli.layers.pool import avg_pool, avg_pool_backward, max_pool, max_pool_backward
    from convgrad_cli.tracing import derive

__version__ = "0.1.0"

_HOMES = {
    "conv_forward": "layers.conv",
    "conv_backward": "layers.conv",
    "max_pool": "layers.pool",
    "max_pool_backward": "layers.pool",
    "avg_pool": "layers.pool",
    "avg_pool_backward": "layers.pool",
    "derive": "tracing",
    "check_arrays": "check",
    "check_equations": "check",
    "check_function": "check",
    "check_power": "check",
}

__all__ = [
    "__version__",
    "avg_pool",
    "avg_pool_backward",
    "check_arrays",
    "check_equations",
    "check_function",
    "check_power",
    "conv_backward",
    "conv_forward",
    "derive",
    "max_pool",
    "max_pool_backward",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
