"""The steps of a derivation, as in the lectures, as blocks for the forms to lay out.

forward      O11 = X11·F11 + …
chain        ∂L/∂F11 = ∂L/∂O11·∂O11/∂F11 + …
local        ∂O11/∂F11 = X11            pools: 0/1 matrices
substituted  ∂L/∂F11 = ∂L/∂O11·X11 + …
numbers      = 2·1 + 0·3 + … = 10
convolution  the gradient seen as a convolution, the matrices themselves
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from convgrad_cli.derivation import formula
from convgrad_cli.derivation.blocks import Formula, Heading, Local, Math, Row, Rows, Side, sentence
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.figures import Digits
from convgrad_cli.derivation.numbers import scaled, total
from convgrad_cli.derivation.pictures_conv import convolution_blocks
from convgrad_cli.derivation.pictures_pool import local_matrices, pool_notes, window_side
from convgrad_cli.derivation.pool import TracedMaxPool, TracedPool
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.derivation import Derivation
    from convgrad_cli.derivation.model import Term
    from convgrad_cli.derivation.numbers import Number
    from convgrad_cli.derivation.targets import Selected
    from convgrad_cli.derivation.writer import Writer

STEPS = ("forward", "chain", "local", "substituted", "numbers", "convolution")
SYMBOLIC = ("substituted", "numbers")
"""The steps that ``--symbolic`` adds to a numeric result."""

MOST_FORWARD = 5_000
"""Terms of forward equations printed beside the derivation of single elements."""
MOST_WORK = 200_000
"""Terms that are gone through for the elements of a capped table."""

_WORDS = {"Y": "output", "dW": "filter", "dX": "input", "db": "bias", "dY": "pre-activation"}


_ENDLESS = 10**12


@dataclass(frozen=True)
class Limits:
    """How much is printed: terms an equation, elements a target, rows and columns of a matrix."""

    terms: int = 32
    elements: int = 60
    cells: int = 16

    @property
    def capped(self) -> bool:
        """Whether there is a cap on terms."""
        return self.terms < _ENDLESS

    @classmethod
    def none(cls, cells: int = _ENDLESS) -> Limits:
        """No cap on equations; by default none on matrices either."""
        return cls(_ENDLESS, _ENDLESS, cells)


@dataclass(frozen=True)
class Report:
    """A derivation to be written: in which script, which steps, how much of it."""

    derivation: Derivation
    script: str = "unicode"
    steps: Sequence[str] = STEPS
    limits: Limits = Limits()
    digits: int | None = None

    @property
    def writer(self) -> Writer:
        """The writer of the script."""
        return self.derivation.writer(self.script)

    @property
    def figures(self) -> Digits:
        """How numbers are written."""
        return Digits(self.script, self.digits)

    def blocks(self) -> Iterator[Block]:
        """Everything, in the lectures' order."""
        by_target: dict[str, list[Selected]] = {}
        for selected in self.derivation.selection:
            by_target.setdefault(selected.target, []).append(selected)
        traced = self.derivation.traced
        if "forward" in self.steps and traced.upstream in traced.targets.keys() - by_target.keys():
            yield from self._forward()
        for target, chosen in by_target.items():
            yield from self._target(target, chosen)

    def _forward(self) -> Iterator[Block]:
        """The forward equations: all, or those that the chosen elements influence."""
        derivation = self.derivation
        upstream = derivation.traced.upstream
        yield self._heading(upstream)
        yield from self._general(upstream)
        if all(selected.index is not None for selected in derivation.selection):
            found = {term.upstream for equation in derivation for term in equation.terms}
            touched = sorted(index for index in found if index is not None)
            equations: Iterable[Equation] = (
                Equation(derivation, upstream, index) for index in touched
            )
            count = len(touched)
            products = (
                count * derivation.traced.count(upstream) // max(1, len(derivation[upstream]))
            )
            if products > MOST_FORWARD and tuple(self.steps) != ("forward",):
                yield sentence(
                    f"The elements touch {count:,} outputs of {products:,} terms: "
                    "--steps forward prints them."
                )
                return
        else:
            whole = derivation[upstream]
            equations, count, products = iter(whole), len(whole), whole.term_count
        yield self._rows(equations, count, products, ("substituted", "numbers"))

    def _target(self, target: str, chosen: Sequence[Selected]) -> Iterator[Block]:
        derivation = replace(self.derivation, selection=tuple(chosen))
        own = dict.fromkeys(step for step in self.steps if step in STEPS[1:5])
        forward = target == derivation.traced.targets[target]
        if forward:
            own = {s: None for s in own if s in SYMBOLIC} or {"substituted": None}
        yield self._heading(target)
        if "chain" in own or (forward and "forward" in self.steps):
            yield from self._general(target)
        as_matrices = "local" in own and local_matrices(self, target)
        if own:
            columns = tuple(step for step in own if not (step == "local" and as_matrices))
            yield self._rows(iter(derivation), len(derivation), derivation.term_count, columns)
        if as_matrices:
            yield from as_matrices
        if isinstance(derivation.traced, TracedPool) and "local" in own:
            yield from pool_notes(self, derivation)
        if "convolution" in self.steps and isinstance(derivation.traced, TracedConv):
            yield from convolution_blocks(self, target, chosen)

    def _heading(self, target: str) -> Heading:
        names = self.writer.names
        role = names.traced.targets[target]
        forward = role == target
        symbol = names.whole(role) if forward else names.whole_gradient(role)
        words = (
            "Forward pass"
            if forward
            else f"Gradient with respect to the {_WORDS.get(target, role)}"
        )
        return Heading(words, self.writer.atom(symbol))

    def _general(self, target: str) -> Iterator[Block]:
        """The formula with running indices."""
        writer = self.writer
        names = writer.names
        left = writer.target(target, formula.target_index(names, target))
        sums = (
            [] if target == names.traced.targets[target] else [formula.chain_rule(writer, target)]
        )
        inserted = formula.substituted(writer, target)
        sides = tuple(str(one) for one in (*sums, inserted) if one is not None)
        if sides:
            yield Formula(left, sides)
        traced = names.traced
        if isinstance(traced, TracedConv) and inserted is not None:
            yield from self._formula_notes(traced, target)

    def _formula_notes(self, traced: TracedConv, target: str) -> Iterator[Block]:
        letter = Math(self.writer.atom(self.writer.names.whole("W" if target == "dX" else "X")))
        if target == "dX":
            yield sentence("An index outside ", letter, " (or not whole) gives no term.")
        elif any(side for pair in traced.plan.geometry.padding for side in pair) and target != "db":
            yield sentence("Entries outside ", letter, " are the padding: they are 0.")
        if traced.plan.geometry.groups > 1 and target != "db":
            yield sentence(
                f"With {traced.plan.geometry.groups} groups every filter meets only the channels "
                "of its own group; a filter's channels count within the group."
            )

    def _rows(
        self, equations: Iterable[Equation], count: int, terms: int, columns: tuple[str, ...]
    ) -> Rows:
        """The first of so many equations that have so many terms in all."""
        shown = min(count, self.limits.elements)
        if self.limits.capped and count > 1:
            shown = min(shown, max(1, MOST_WORK * count // max(1, terms)))
        rows = (self._row(equation, columns) for equation in islice(equations, shown))
        return Rows(columns, rows, count - shown)

    def _row(self, equation: Equation, columns: tuple[str, ...]) -> Row:
        """One element with the right sides asked for."""
        limit = self.limits.terms
        terms = list(islice(equation.terms, limit))
        more = 0
        numeric = "numbers" in columns and self.derivation.values.known(equation.target)
        value: Number | None = None
        if len(terms) == limit:
            rest = equation.terms
            left_out = list(islice(rest, limit, None))
            more = len(left_out)
        if numeric:
            value = self.derivation.values.equation(equation)
        sides: dict[str, Side] = {}
        if equation.is_forward and isinstance(equation.traced, TracedMaxPool):
            sides["window"] = window_side(self.writer, equation)
        if not terms:
            columns = columns[:1] if columns[:1] != ("local",) else ("substituted",)
            more = 0
        for column in columns:
            if column == "numbers" and not numeric:
                continue
            alone = len(terms) == 1
            texts = [self._side(column, equation, term, alone=alone) for term in terms]
            sides[column] = Side(texts or ["0"], more)
        shown = None if value is None else self.figures.number(value)
        return Row(self.writer.left_side(equation), sides, shown)

    def _side(self, column: str, equation: Equation, term: Term, *, alone: bool) -> str:
        writer = self.writer
        match column:
            case "chain":
                assert term.upstream is not None
                upstream = writer.gradient(writer.names.traced.upstream, term.upstream)
                local = writer.local(term.upstream, equation.role, equation.index)
                return writer.script.times.join([upstream, local])
            case "local":
                assert term.upstream is not None
                local = writer.local(term.upstream, equation.role, equation.index)
                return f"{local} = {writer.term(term._replace(upstream=None))}"
            case "numbers":
                numbers = self.derivation.values.factors(term)
                if alone and len(numbers) == 1 and term.coefficient == 1:
                    return self.figures.number(numbers[0])
                return self.figures.product(numbers, term.coefficient)
        return writer.term(term)


def local_pairs(side: Side) -> Local:
    """A ``local`` side as pairs of left and right."""
    pairs = [(left, right) for left, _, right in (text.partition(" = ") for text in side.terms)]
    return Local(pairs, side.more)


def checked_steps(text: str | None) -> tuple[str, ...]:
    """``forward,chain`` as steps, in the lectures' order; all where nothing is said.

    Raises UsageError for an unknown step, and lists them.
    """
    if text is None:
        return STEPS
    given = [part.strip() for part in text.split(",") if part.strip()]
    unknown = [step for step in given if step not in STEPS]
    if unknown or not given:
        raise UsageError(
            f"Unknown step {unknown[0]!r}." if unknown else "--steps names no step.",
            expected=f"some of {', '.join(STEPS)}",
        )
    return tuple(step for step in STEPS if step in given)


__all__ = [
    "STEPS",
    "SYMBOLIC",
    "Limits",
    "Report",
    "checked_steps",
    "local_pairs",
    "scaled",
    "total",
]
