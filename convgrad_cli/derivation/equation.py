"""One element's equation, in the notation and with the numbers of its derivation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.conv import TracedConv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.derivation import Derivation
    from convgrad_cli.derivation.model import Frame, Index, Term, Traced


@dataclass(frozen=True, slots=True)
class Equation:
    """``target[index] = sum of terms``. The index is canonical; terms are made when asked for."""

    derivation: Derivation
    target: str
    index: Index

    @property
    def traced(self) -> Traced:
        """The layer."""
        return self.derivation.traced

    @property
    def role(self) -> str:
        """The array the target has the shape of."""
        return self.traced.targets[self.target]

    @property
    def frame(self) -> Frame:
        """The frame of that array."""
        return self.traced.frames[self.role]

    @property
    def is_forward(self) -> bool:
        """Whether the target is an output and not a gradient."""
        return self.target == self.role

    @property
    def terms(self) -> Iterator[Term]:
        """The terms in the lectures' order, made anew each time."""
        return self.traced.terms(self.target, self.index)

    @property
    def term_count(self) -> int:
        """Number of terms; a convolution's are not walked."""
        if isinstance(self.traced, TracedConv):
            return self.traced.count_of(self.target, self.index)
        return sum(1 for _ in self.terms)

    @property
    def given_index(self) -> Index:
        """The index in the user's own rank and layout, from 0."""
        return self.frame.layout.given_index(self.index)

    @property
    def name(self) -> str:
        """``dX[2,2]``: the element as a target of the command line."""
        target = self.derivation.called.get(self.target, self.target)
        return f"{target}[{','.join(map(str, self.given_index))}]"

    @property
    def label(self) -> str:
        """The left side as the notation writes it: ``∂L/∂F11``."""
        return self.derivation.writer().left_side(self)

    @property
    def expression(self) -> str:
        """The right side in names that ``sympy.sympify`` reads; ``0`` where there are no terms."""
        return self.derivation.writer("expression").right_side(self)

    @property
    def latex(self) -> str:
        """The whole equation as LaTeX mathematics."""
        writer = self.derivation.writer("latex")
        return f"{writer.left_side(self)} = {writer.right_side(self)}"

    @property
    def value(self) -> int | float | None:
        """The number it comes to, where the arrays were given."""
        return self.derivation.value(self)

    def to_sympy(self) -> Any:
        """The right side as a SymPy expression of the names in :attr:`expression`."""
        import sympy

        writer = self.derivation.writer("expression")
        products = []
        for term in self.terms:
            names = writer.factors(term)
            factors = [_symbolic(sympy, name) for name in names]
            products.append(sympy.Mul(sympy.Rational(term.coefficient), *factors))
        return sympy.Add(*products)

    def __str__(self) -> str:
        writer = self.derivation.writer()
        return f"{writer.left_side(self)} = {writer.right_side(self)}"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_latex_(self) -> str:
        lines = aligned(
            self.derivation.writer("latex").left_side(self),
            list(self.derivation.writer("latex").terms(self)) or ["0"],
        )
        return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _symbolic(sympy: Any, name: str) -> Any:
    """A symbol, or an undefined function of one (an activation's factor)."""
    function, opening, argument = name.partition("(")
    if not opening:
        return sympy.Symbol(name)
    return sympy.Function(function)(sympy.Symbol(argument.removesuffix(")")))


def aligned(left: str, terms: list[str], per_line: int = 4) -> list[str]:
    """An equation as lines of an ``align*``: broken before plus signs, aligned after the equals
    sign."""
    rows = [terms[i : i + per_line] for i in range(0, len(terms), per_line)]
    lines = [f"{left} &= {joined(rows[0])}"]
    for row in rows[1:]:
        sign = "" if row[0].startswith("-") else "+ "
        lines.append(f"&\\quad {sign}{joined(row)}")
    return lines


def joined(terms: list[str]) -> str:
    """Terms with their signs between them."""
    return " + ".join(terms).replace("+ -", "- ")
