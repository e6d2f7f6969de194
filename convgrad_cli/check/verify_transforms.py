"""``--verify`` for one filter under transforms: the definition, with T_s W copied entry by entry.

The transforms are taken from the rule (T·W)[p, q] = W[source(p, q)] and the maps from the forward
pass of :mod:`convgrad_cli.check.verify`, so nothing is shared with the numeric layer.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check import verify
from convgrad_cli.geometry.transforms import scale, source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from convgrad_cli.check.verify import Array, Verification
    from convgrad_cli.geometry.transforms import TransformedGeometry


def verify_transforms(
    X: Array, W: Array, dY: Array, gradients: Mapping[str, Array], geometry: TransformedGeometry
) -> Verification:
    """Check dX, dW, db (those given) of a filter under transforms. All arrays canonical."""
    products = len(geometry.names) * max(prod(g.filter_shape[1:]) for g in geometry.maps)
    X, W = verify._wide(X, products), verify._wide(W, products)

    def maps(X: Array, W: Array) -> Array:
        pairs = zip(geometry.names, geometry.maps, strict=True)
        each = [verify._correlate(X, _transformed(W, name), g) for name, g in pairs]
        return np.stack(each, axis=1)

    forwards: dict[str, Callable[[Array, Callable[[Array], Array]], Array]] = {
        "dX": lambda V, size: maps(V, size(W)),
        "dW": lambda V, size: maps(size(X), V),
        "db": lambda V, size: np.broadcast_to(V.reshape(1, 1, -1, 1, 1), geometry.output_shape),
    }
    return verify.Verification(
        {
            name: verify._deviation(forwards[name], dY, gradient)
            for name, gradient in gradients.items()
        }
    )


def _transformed(W: Array, name: str) -> Array:
    kernel = W.shape[-1]
    size = kernel * scale(name)
    rows = [[source(name, (p, q), kernel) for q in range(size)] for p in range(size)]
    return np.stack([np.stack([W[..., p, q] for p, q in row], axis=-1) for row in rows], axis=-2)
