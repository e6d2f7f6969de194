"""Scripts: one symbol as Unicode text, ASCII text, a SymPy-safe name, LaTeX, or MathML.

Unicode      ∂L/∂X21      W_01(0,2)   z′_5      X_{1,12}
ASCII        dL/dX21      W_01(0,2)   z'_5      X_{1,12}
expression   dL_dX21      W_0_1_0_2   dL_dz_5   X_1_12
LaTeX        \\frac{\\partial L}{\\partial X_{21}}
MathML       <mfrac>…</mfrac>
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Protocol

from convgrad_cli.derivation.glyph import Glyph, Quotient

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from convgrad_cli.derivation.glyph import Atom, Part

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi",
    "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip
SYMPY_LETTERS = frozenset("CEINOQS")
"""Single letters that SymPy gives a meaning of its own (C in older versions)."""


class Script(Protocol):
    """How atoms, numbers and sums are written in one script."""

    name: str
    times: str
    beside: str
    """Between an input's entry and a weight in a forward equation."""

    def atom(self, atom: Atom) -> str:
        """A symbol or a partial derivative."""

    def fraction(self, value: Fraction) -> str:
        """A fraction that stands as a coefficient."""

    def total(self, variable: str, low: str, high: str) -> str:
        """A summation sign."""

    def phrase(self, text: str) -> str:
        """Unicode mathematics that is no symbol (``2i′+m−1``)."""


class UnicodeText:
    """Text for a terminal or file that has Unicode."""

    name = "unicode"
    times = "·"
    beside = "·"
    d = "∂"
    prime = "′"

    def atom(self, atom: Atom) -> str:
        """A symbol or a partial derivative."""
        if isinstance(atom, Quotient):
            return f"{self.d}{self.atom(atom.top)}/{self.d}{self.atom(atom.bottom)}"
        prime = self.prime if atom.prime else ""
        text = f"{atom.prefix}{self.phrase(atom.letter)}{prime}{self._subscript(atom)}"
        if not atom.args:
            return text
        opening, closing = tuple(atom.brackets)
        return f"{text}{opening}{self._joined(atom.args)}{closing}"

    def fraction(self, value: Fraction) -> str:
        """``1/9``."""
        return str(value)

    def total(self, variable: str, low: str, high: str) -> str:
        """``Σ_{i=0..1}``."""
        return f"Σ_{{{variable}={low}..{high}}}"

    def phrase(self, text: str) -> str:
        """As it is."""
        return text

    def _subscript(self, glyph: Glyph) -> str:
        parts = [self.phrase(str(part)) for part in glyph.sub]
        if not parts:
            return ""
        if glyph.together and (len(parts) == 1 or all(len(part) == 1 for part in parts)):
            return ("_" if glyph.underscore else "") + "".join(parts)
        if len(parts) == 1 and parts[0].isalnum():
            return f"_{parts[0]}"
        return f"_{{{','.join(parts)}}}"

    def _joined(self, parts: Sequence[Part]) -> str:
        return ",".join(self.phrase(str(part)) for part in parts)


class AsciiText(UnicodeText):
    """The same where there is no Unicode."""

    name = "ascii"
    times = "*"
    beside = "*"
    d = "d"
    prime = "'"

    def total(self, variable: str, low: str, high: str) -> str:
        """``sum_{i=0..1}``."""
        phrases = (self.phrase(text) for text in (variable, low, high))
        return "sum_{{{}={}..{}}}".format(*phrases)

    def phrase(self, text: str) -> str:
        """Greek letters by name, primes and minus signs plain."""
        if text.isascii():
            return text
        plain = text.replace("′", "'").replace("−", "-").replace("·", "*")
        for letter, name in GREEK.items():
            plain = plain.replace(letter, name)
        return plain


class Expression:
    """Names that ``sympy.sympify`` reads as symbols and nothing else."""

    name = "expression"
    times = "*"
    beside = "*"

    def atom(self, atom: Atom) -> str:
        """One identifier."""
        if isinstance(atom, Quotient):
            return f"d{_named(atom.top.letter)}_d{self._bare(atom.bottom)}"
        if atom.prime:
            return f"dL_d{self._bare(atom)}"
        name = self._bare(atom)
        owned = name.isalpha() and (len(name) > 1 or name in SYMPY_LETTERS)
        return f"{atom.prefix}{name}_" if owned else f"{atom.prefix}{name}"

    def fraction(self, value: Fraction) -> str:
        """``1/9``."""
        return str(value)

    def total(self, variable: str, low: str, high: str) -> str:
        """Not part of an element's equation."""
        raise NotImplementedError

    def phrase(self, text: str) -> str:
        """A function's name as an identifier: ``sigma_prime``."""
        plain = text.replace("′", "_prime").replace("'", "_prime")
        return "".join(GREEK.get(letter, letter) for letter in plain)

    def _bare(self, glyph: Glyph) -> str:
        letter = _named(glyph.letter)
        numbers = [str(part) for part in (*glyph.sub, *glyph.args) if isinstance(part, int)]
        # SymPy owns E1, hn1 and the like; none of its names has a digit after an underscore.
        if glyph.together and not glyph.underscore and len(letter) == 1 and letter != "E":
            return letter + "".join(numbers)
        return "_".join([letter, *numbers])


class Latex:
    """LaTeX mathematics."""

    name = "latex"
    times = r" \cdot "
    beside = " "

    def atom(self, atom: Atom) -> str:
        """A symbol, or ``\\frac{\\partial L}{\\partial X_{21}}``."""
        if isinstance(atom, Quotient):
            top, bottom = self.atom(atom.top), self.atom(atom.bottom)
            return rf"\frac{{\partial {top}}}{{\partial {bottom}}}"
        text = self._letter(atom) + ("'" if atom.prime else "")
        if atom.sub:
            text += f"_{{{self._joined(atom.sub, '' if atom.together else ',')}}}"
        if atom.args:
            opening, closing = tuple(atom.brackets)
            text += f"{opening}{self._joined(atom.args, ',')}{closing}"
        return rf"\mathrm{{{atom.prefix}}}{text}" if atom.prefix else text

    def fraction(self, value: Fraction) -> str:
        """``\\frac{1}{9}``."""
        sign = "-" if value < 0 else ""
        return rf"{sign}\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"

    def total(self, variable: str, low: str, high: str) -> str:
        """``\\sum_{i=0}^{1}``."""
        variable, low, high = (self.phrase(text) for text in (variable, low, high))
        return rf"\sum_{{{variable}={low}}}^{{{high}}}"

    def phrase(self, text: str) -> str:
        """Greek letters as commands, primes and minus signs as LaTeX has them."""
        if text.isascii():
            return text
        plain = text.replace("′", "'").replace("−", "-").replace("·", r" \cdot ")
        for letter, name in GREEK.items():
            plain = plain.replace(letter, rf"\{name} ")
        return plain.rstrip()

    def _letter(self, glyph: Glyph) -> str:
        letter = glyph.letter
        if letter in GREEK:
            return rf"\{GREEK[letter]}"
        if len(letter) > 1:
            return rf"\mathrm{{{letter}}}"
        return rf"\mathbf{{{letter}}}" if glyph.bold else letter

    def _joined(self, parts: Sequence[Part], separator: str) -> str:
        return separator.join(self.phrase(str(part)) for part in parts)


class MathML:
    """MathML fragments, which browsers show natively; every text is escaped."""

    name = "mathml"
    times = "<mo>·</mo>"
    beside = "<mo>&#x2062;</mo>"

    def atom(self, atom: Atom) -> str:
        """``<msub>…`` or ``<mfrac>…``."""
        if isinstance(atom, Quotient):
            top, bottom = (f"<mrow><mo>∂</mo>{self.atom(part)}</mrow>" for part in atom)
            return f"<mfrac>{top}{bottom}</mfrac>"
        base = f"<mi>{escape(atom.letter)}</mi>"
        base = self._scripted(base, atom)
        if atom.prefix:
            base = f"<mi mathvariant='normal'>{escape(atom.prefix)}</mi>{base}"
        if atom.args:
            opening, closing = tuple(atom.brackets)
            inside = self._joined(atom.args, ",")
            base = f"{base}<mo stretchy='false'>{opening}</mo>{inside}"
            base += f"<mo stretchy='false'>{closing}</mo>"
        return f"<mrow>{base}</mrow>" if atom.prefix or atom.args else base

    def fraction(self, value: Fraction) -> str:
        """``<mfrac>``."""
        return f"<mfrac><mn>{value.numerator}</mn><mn>{value.denominator}</mn></mfrac>"

    def total(self, variable: str, low: str, high: str) -> str:
        """``<munderover>``."""
        variable, low, high = (self.phrase(text) for text in (variable, low, high))
        below = f"<mrow>{variable}<mo>=</mo>{low}</mrow>"
        return f"<munderover><mo>∑</mo>{below}{high}</munderover>"

    def phrase(self, text: str) -> str:
        """A number or an identifier."""
        tag = "mn" if text.isdigit() else "mi"
        return f"<{tag}>{escape(text)}</{tag}>"

    def _scripted(self, base: str, glyph: Glyph) -> str:
        below = self._joined(glyph.sub, "" if glyph.together else ",")
        if glyph.prime and glyph.sub:
            return f"<msubsup>{base}{below}<mo>′</mo></msubsup>"
        if glyph.prime:
            return f"<msup>{base}<mo>′</mo></msup>"
        return f"<msub>{base}{below}</msub>" if glyph.sub else base

    def _joined(self, parts: Sequence[Part], separator: str) -> str:
        if all(isinstance(part, int) for part in parts):
            return f"<mn>{separator.join(map(str, parts))}</mn>"
        comma = f"<mo>{separator}</mo>" if separator else ""
        return f"<mrow>{comma.join(self.phrase(str(part)) for part in parts)}</mrow>"


def _named(letter: str) -> str:
    return GREEK.get(letter, letter)
