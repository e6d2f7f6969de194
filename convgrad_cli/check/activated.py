"""What mistakes make of a convolution and its activation, or of a part of both."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from convgrad_cli.check.kept import Kept
from convgrad_cli.check.problem import merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.check.catalogue_activation import Local, Setting
    from convgrad_cli.check.mistake import Mistake
    from convgrad_cli.check.planes import Array
    from convgrad_cli.check.problem_conv import ConvProblem


class Activated:
    """A convolution with the right dZ for its dY, and the activation with z and dA there.

    Of a part of the layer z is given, as it cannot be computed there.
    """

    def __init__(self, conv: ConvProblem, setting: Setting) -> None:
        self.conv, self.setting = conv, setting
        self._mistaken = Kept()

    def cost(self, target: str) -> int:
        """The work of one variant."""
        return self.conv.cost("Y" if target in ("A", "dZ") else target)

    def variant(self, target: str, mistakes: Sequence[Mistake]) -> Array:
        """What ``mistakes`` together would have given."""
        changes = merged(mistakes)
        local, value = changes.pop("local", None), changes.pop("value", self.setting.plain.value)
        with np.errstate(over="ignore", invalid="ignore"):
            if target == "A":
                return np.asarray(value(self.conv.changed("Y", changes)))
            if target == "Y":
                return self.conv.changed("Y", changes)
            if target == "dZ":
                return self._dZ(local)
            below = self.conv if local is None else replace(self.conv, dY=self._dZ(local))
            return below.changed(target, changes)

    def _dZ(self, local: Local | None) -> Array:
        """dA ∘ σ′(z), or what a mistake puts in its place: the same for all it is paired with."""
        s = self.setting
        if local is None:
            return np.asarray(s.dA * s.plain.slope(s.Z))
        return self._mistaken.of(local, lambda: np.asarray(local.function(s.Z, s.dA)))
