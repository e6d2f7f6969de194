"""What a figure shows of a layer: its numbers or symbols, one chosen element, and its pairs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.activation import SIGMA_PRIME
from convgrad_cli.derivation.model import Factor
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.writer import Writer
from convgrad_cli.render.figure_ink import Cell
from convgrad_cli.render.figure_sheet import Block

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.model import Index, Term
    from convgrad_cli.geometry.sliding import Place
    from convgrad_cli.render.layer import Layer

_WINDOWED = {"transposed": ("Y", "dY"), "upsample": ("Y", "dY")}
"""The arrays that windows pass over, where they are not X and dX."""
LONGEST = 7
"""Digits of a whole number that a cell writes out."""
TERMS_SHOWN = 9
"""Terms of an equation under a figure; more are counted and not written."""


@dataclass(frozen=True)
class Scene:
    """A layer with one element chosen: ``target[index]``, the index canonical."""

    layer: Layer
    target: str
    index: Index
    symbols: bool = False

    @cached_property
    def names(self) -> Names:
        """The notation bound to the layer."""
        return Names(self.layer.notation, self.layer.traced)

    @cached_property
    def writer(self) -> Writer:
        """Spells symbols as LaTeX, which matplotlib sets itself."""
        return Writer(self.names, "latex")

    @cached_property
    def values(self) -> dict[str, Any]:
        """Every array with canonical axes."""
        frames, targets = self.layer.traced.frames, self.layer.traced.targets
        plan, found = self.layer.plan, {}
        for name, array in self.layer.arrays.items():
            frame = frames.get(targets.get(name, name.removeprefix("d")))
            layout = plan.Y if frame is None else frame.layout
            vector = name in ("b", "db")
            found[name] = array.reshape(-1) if vector else layout.to_canonical(array)
        return found

    @property
    def upstream(self) -> str:
        """The array that arrives from above."""
        return f"d{self.layer.traced.upstream}"

    @cached_property
    def terms(self) -> list[Term]:
        """The products that make the chosen element."""
        return list(self.layer.traced.terms(self.target, self.index))

    @cached_property
    def pairs(self) -> dict[tuple[str, Index], int]:
        """The colour of every entry that takes part: its term's number."""
        found: dict[tuple[str, Index], int] = {}
        for number, term in enumerate(self.terms):
            if term.upstream is not None:
                found.setdefault((self.upstream, term.upstream), number)
            for factor in term.entries():
                found.setdefault((factor.operand, factor.index), number)
                if factor.function == SIGMA_PRIME:
                    found.setdefault(("derivative", factor.index), number)
        return found

    def cell(self, name: str, index: Index, role: str = "value", *, marked: bool = True) -> Cell:
        """One entry of an array, marked where it takes part in the chosen element."""
        here = marked and (name, index) == (self.target, self.index)
        pair = self.pairs.get((name, index)) if marked else None
        tag = "" if pair is None or len(self.terms) == 1 else str(pair + 1)
        if self.symbols and name != "switches":
            return Cell(self.symbol(name, index), role, pair, here, tag=tag, math=True)
        text = number(self.values[name][index]).replace("-", "−")
        return Cell(text, role, pair, here, tag=tag)

    def symbol(self, name: str, index: Index) -> str:
        """An entry's symbol, or its gradient's, as LaTeX."""
        if name == "derivative":
            return large(self.writer.factor(Factor("Y", index, SIGMA_PRIME)))
        if name.startswith("d"):
            return large(self.writer.gradient(name[1:], index))
        return self.writer.entry(name, index)

    def block(self, name: str, lead: Index, *, title: str | None = None, about: str = "") -> Block:
        """One plane of an array as it is."""
        shape = self.values[name].shape[len(lead) :]
        rows = [
            [self.cell(name, (*lead, *place), self._role(name, place)) for place in row]
            for row in planes(shape)
        ]
        return Block(name if title is None else title, rows, about)

    def spread(
        self, name: str, lead: Index, along: Sequence[Sequence[Place]], *, marked: bool = True
    ) -> list[list[Cell]]:
        """An array laid out with zeros between, around, and with what is cut off."""
        rows: list[list[Place]] = [[place] for place in along[0]] if len(along) > 1 else [[]]
        return [
            [self._spread_cell(name, lead, [*row, place], marked) for place in along[-1]]
            for row in rows
        ]

    def _spread_cell(self, name: str, lead: Index, axes: Sequence[Place], marked: bool) -> Cell:
        words = {word for place in axes for word in place.role.split()}
        role = next((w for w in ("crop", "rest", "pad", "gap") if w in words), "value")
        if any(place.index < 0 for place in axes):
            return Cell("0", role)
        index = (*lead, *(place.index for place in axes))
        return self.cell(name, index, role, marked=marked)

    def _role(self, name: str, place: Index) -> str:
        """Positions that no window reaches are shown as such; inserted zeros as gaps."""
        kind, g = self.layer.kind, self.layer.plan.geometry
        if kind == "activation" or name not in _WINDOWED.get(kind, ("X", "dX")):
            return "value"
        axes = g.convolution.axes if kind == "transposed" else g.axes
        if all(x < a.size and a.taps_of_input(x) for a, x in zip(axes, place, strict=True)):
            return "value"
        return "gap" if (kind, name) == ("upsample", "Y") else "unreached"

    def equation(self, per_line: int = TERMS_SHOWN) -> list[str]:
        """The chosen element's equation as LaTeX lines: symbols, then numbers and the value."""
        left = self.writer.target(self.target, self.index)
        value = typeset(self.values[self.target][self.index])
        if not self.terms:
            return [large(f"{left} = {value}")]
        shown = self.terms[:TERMS_SHOWN]
        more = len(self.terms) - len(shown)
        rest = rf" + \mathrm{{{more}\ more}}" if more else ""
        symbols = _lines([self.writer.term(term) for term in shown], per_line)
        numbers = _lines([self._numbers(term) for term in shown], per_line)
        if numbers == [value] or numbers == [f"({value})"]:
            return [large(f"{left} = {symbols[0]} = {value}")]
        symbols[0] = f"{left} = {symbols[0]}"
        symbols[-1] += rest
        numbers[0] = f"= {numbers[0]}"
        numbers[-1] += f"{rest} = {value}"
        return [large(line) for line in (*symbols, *numbers)]

    def _numbers(self, term: Term) -> str:
        factors = [] if term.upstream is None else [(self.upstream, term.upstream)]
        factors += [
            ("derivative" if f.function == SIGMA_PRIME else f.operand, f.index)
            for f in term.entries()
        ]
        texts = [typeset(self.values[name][index]) for name, index in factors]
        parts = [f"({text})" if text[0] == "-" else text for text in texts]
        if term.coefficient != 1:
            parts.insert(0, self.writer.script.fraction(Fraction(term.coefficient)))
        return r" \cdot ".join(parts)


def planes(shape: Sequence[int]) -> Iterator[list[Index]]:
    """The index rows of a plane of one or two dimensions."""
    if len(shape) == 1:
        yield [(i,) for i in range(shape[0])]
    else:
        for r in range(shape[0]):
            yield [(r, c) for c in range(shape[1])]


def large(latex: str) -> str:
    """Fractions in full size, to be read on a slide; a prime after its subscript, which matplotlib
    else sets beside it."""
    return re.sub(r"(\w)'_\{([^}]*)\}", r"\1_{\2}'", latex).replace(r"\frac", r"\dfrac")


def _lines(terms: list[str], per_line: int) -> list[str]:
    """The terms joined by plus signs, so many a line; further lines are set in, after a plus."""
    starts = range(0, len(terms), per_line)
    lines = [" + ".join(terms[start : start + per_line]) for start in starts]
    return [lines[0], *(rf"\quad\, {{}} + {line}" for line in lines[1:])]


def number(value: Any) -> str:
    """A number as a cell shows it: whole ones whole up to seven places, others with three
    significant digits."""
    plain = value.item() if hasattr(value, "item") else value
    whole = isinstance(plain, int) or (plain.is_integer() and abs(plain) < 1e6)
    text = str(int(plain)) if whole else f"{plain:.3g}"
    if whole and len(text.lstrip("-")) > LONGEST:
        text = f"{plain:.3e}"
    mantissa, mark, exponent = text.partition("e")
    if mark:
        mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
        text = f"{mantissa}e{int(exponent)}"
    return {"nan": "NaN", "inf": "∞", "-inf": "-∞"}.get(text, text)


def typeset(value: Any) -> str:
    """A number as an equation shows it, in LaTeX."""
    mantissa, mark, exponent = number(value).partition("e")
    if mark:
        return rf"{mantissa} \times 10^{{{int(exponent)}}}"
    words = {"NaN": r"\mathrm{NaN}", "∞": r"\infty", "-∞": r"-\infty"}
    return words.get(mantissa, mantissa)
