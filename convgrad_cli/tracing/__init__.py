"""Floor 3: layers of every kind planned, traced, and with their numbers: where equations and
numerics meet.

What passes between a layer's steps (the pre-activation, a separable layer's V and dV) is worked out
by ``layers``; every equation is the ``derivation`` room's. :func:`derive` is the Python door, and
``convgrad derive`` and ``convgrad check equations`` go through the same pieces.
"""

from convgrad_cli.tracing.api import derive
from convgrad_cli.tracing.kinds import KINDS, LAYERS, Kind, kind_named
from convgrad_cli.tracing.layer import PlannedLayer, planned_layer, shape_of

__all__ = [
    "KINDS",
    "LAYERS",
    "Kind",
    "PlannedLayer",
    "derive",
    "kind_named",
    "planned_layer",
    "shape_of",
]
