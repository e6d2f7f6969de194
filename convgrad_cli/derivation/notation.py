"""How a lecture names things: which letter, which subscripts, counted from where, and gradients.

A :class:`Notation` is data; :class:`~convgrad_cli.derivation.names.Names` binds it to a layer and
yields glyphs, which scripts write (:mod:`convgrad_cli.derivation.notation_scripts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Style = Literal["run", "flat", "paren", "layered", "brackets"]


@dataclass(frozen=True)
class Variables:
    """The letters of running indices in general formulas."""

    sample: str = "s"
    channel: str = "c"
    filter: str = "k"
    output: tuple[str, str, str] = ("i", "j", "l")
    """Place in Y."""
    kernel: tuple[str, str, str] = ("m", "n", "p")
    """Place in W."""
    input: tuple[str, str, str] = ("m", "n", "p")
    """Place in X, where it is derived."""
    output_for_input: tuple[str, str, str] | None = None
    """Place in Y, where X is derived, if the output's own letters are taken."""
    output_for_kernel: tuple[str, str, str] | None = None
    """Place in Y, where W is derived, if the output's own letters are taken."""
    kernel_for_output: tuple[str, str, str] | None = None
    """Place in W in the forward pass, if the filter's own letters are taken."""

    def of_target(self, target: str) -> tuple[str, str, str]:
        """The letters of the element that is derived."""
        return {"Y": self.output, "dX": self.input}.get(target, self.kernel)

    def summed(self, target: str) -> tuple[str, str, str]:
        """The letters that are summed over: places in Y for a gradient, in W for Y itself."""
        own = {
            "Y": self.kernel_for_output,
            "dX": self.output_for_input,
            "dW": self.output_for_kernel,
        }
        return own.get(target) or (self.kernel if target == "Y" else self.output)


@dataclass(frozen=True)
class Notation:
    """One lecture's way of writing."""

    name: str
    letters: Mapping[str, str]
    base: int
    style: Style
    gradient: Literal["quotient", "prefix", "prime"] = "quotient"
    loss: str = "L"
    always: str = ""
    """Kinds of index shown even where there is only one value."""
    pool_letters: Mapping[str, str] | None = None
    activated: str = "A"
    """The letter of an activation's output, where the layer is an activation."""
    variables: Variables = Variables()

    def letter(self, role: str, operation: str) -> str:
        """The letter of an array in a layer of this kind."""
        if role == "A":
            return self.activated
        pool = operation.endswith("pool") and self.pool_letters is not None
        letters = self.pool_letters if pool and self.pool_letters else self.letters
        return letters.get(role, role)
