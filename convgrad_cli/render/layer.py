"""A layer as the pictures take it: its plan, its arrays, and how its entries are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.pool import TracedAvgPool, TracedMaxPool
from convgrad_cli.geometry import ConvPlan, Plan, PoolPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.derivation.notation import Notation


@dataclass(frozen=True)
class Layer:
    """A layer to look at. ``arrays`` holds X, dY and perhaps W and b in the user's own rank; for a
    figure the results (Y, dX, dW, db, switches) too."""

    kind: str
    """``conv``, ``maxpool`` or ``avgpool``."""
    plan: Plan
    arrays: Mapping[str, np.ndarray[Any, Any]]
    notation: Notation
    ties: str = "first"
    count_include_pad: bool = False

    @property
    def traced(self) -> Traced:
        """The layer as the tracer sees it."""
        if isinstance(self.plan, ConvPlan):
            return TracedConv(self.plan, bias="b" in self.arrays)
        assert isinstance(self.plan, PoolPlan)
        if self.kind == "maxpool":
            return TracedMaxPool(self.plan, self.plan.X.to_canonical(self.arrays["X"]), self.ties)
        return TracedAvgPool(self.plan, self.count_include_pad)
