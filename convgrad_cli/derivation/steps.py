"""The steps of a derivation, as in the lectures, as blocks for the forms to lay out.

forward      O11 = X11·F11 + …
chain        ∂L/∂F11 = ∂L/∂O11·∂O11/∂F11 + …
local        ∂O11/∂F11 = X11            pools: 0/1 matrices
substituted  ∂L/∂F11 = ∂L/∂O11·X11 + …
numbers      = 2·1 + 0·3 + … = 10
convolution  the gradient seen as a convolution, the matrices themselves

Only where asked for: padding, stride, vectorized, toeplitz (:data:`VIEWS`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from convgrad_cli.derivation.as_convolution import MOST_CHECKED, convolution_blocks
from convgrad_cli.derivation.blocks import Heading, Local, Side, sentence
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.figures import Digits
from convgrad_cli.derivation.general import general_blocks
from convgrad_cli.derivation.numbers import scaled, total
from convgrad_cli.derivation.pictures_pool import local_matrices, pool_notes
from convgrad_cli.derivation.pool import TracedPool
from convgrad_cli.derivation.rows import equation_rows
from convgrad_cli.derivation.targets import Selected
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.derivation import Derivation
    from convgrad_cli.derivation.writer import Writer

STEPS = ("forward", "chain", "local", "substituted", "numbers", "convolution")
VIEWS = ("padding", "stride", "vectorized", "toeplitz")
"""Further steps, of a plain convolution and only where asked for: the lectures' other roads."""
SYMBOLIC = ("substituted", "numbers")
"""The steps that ``--symbolic`` adds to a numeric result."""

MOST_FORWARD = 5_000
"""Terms of forward equations printed beside the derivation of single elements."""
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
        yield from self.forward_blocks()
        yield from self.target_blocks()

    def forward_blocks(self) -> Iterator[Block]:
        """The forward equations, where they are asked for beside the targets."""
        traced = self.derivation.traced
        asked = {selected.target for selected in self.derivation.selection}
        if "forward" in self.steps and traced.upstream in traced.targets.keys() - asked:
            yield from self._forward()

    def target_blocks(self, *, forward: bool | None = None) -> Iterator[Block]:
        """Every target that was asked for; the forward results or the gradients alone if told."""
        if not set(self.steps) & set(STEPS):
            return
        by_target: dict[str, list[Selected]] = {}
        results = self.derivation.traced.targets
        for selected in self.derivation.selection:
            if forward is None or (results[selected.target] == selected.target) is forward:
                by_target.setdefault(selected.target, []).append(selected)
        for target, chosen in by_target.items():
            yield from self._target(target, chosen)

    def _forward(self) -> Iterator[Block]:
        """The forward equations: all, or those that the chosen elements influence."""
        derivation = self.derivation
        upstream = derivation.traced.upstream
        yield self._heading(upstream)
        yield from general_blocks(self, upstream)
        if all(selected.index is not None for selected in derivation.selection):
            if self.limits.capped and derivation.term_count > MOST_CHECKED:
                products = derivation.term_count
                yield sentence(f"The outputs are too many to print: {products:,} terms use them.")
                return
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
            every = derivation[upstream]
            equations, count, products = iter(every), len(every), every.term_count
        yield equation_rows(self, equations, count, products, ("substituted", "numbers"))
        whole = any(selected.index is None for selected in derivation.selection)
        if whole and "convolution" in self.steps and not isinstance(derivation.traced, TracedConv):
            yield from convolution_blocks(self, upstream, [Selected(upstream)])

    def _target(self, target: str, chosen: Sequence[Selected]) -> Iterator[Block]:
        derivation = replace(self.derivation, selection=tuple(chosen))
        own = dict.fromkeys(step for step in self.steps if step in STEPS[1:5])
        forward = target == derivation.traced.targets[target]
        if forward:
            own = {s: None for s in own if s in SYMBOLIC} or {"substituted": None}
        if own or "convolution" in self.steps:
            yield self._heading(target)
        if "chain" in own or (forward and "forward" in self.steps):
            yield from general_blocks(self, target)
        as_matrices = "local" in own and local_matrices(self, target)
        if own:
            columns = tuple(step for step in own if not (step == "local" and as_matrices))
            yield equation_rows(
                self, iter(derivation), len(derivation), derivation.term_count, columns
            )
        if as_matrices:
            yield from as_matrices
        if isinstance(derivation.traced, TracedPool) and "local" in own:
            yield from pool_notes(self, derivation)
        if "convolution" in self.steps:
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


def local_pairs(side: Side) -> Local:
    """A ``local`` side as pairs of left and right."""
    pairs = [(left, right) for left, _, right in (text.partition(" = ") for text in side.terms)]
    return Local(pairs, side.more)


def checked_steps(text: str | None) -> tuple[str, ...]:
    """``forward,chain`` as steps, in the lectures' order; all of STEPS where nothing is said.

    Raises UsageError for an unknown step, and lists them.
    """
    if text is None:
        return STEPS
    given = [part.strip() for part in text.split(",") if part.strip()]
    known = (*STEPS, *VIEWS)
    unknown = [step for step in given if step not in known]
    if unknown or not given:
        raise UsageError(
            f"Unknown step {unknown[0]!r}." if unknown else "--steps names no step.",
            expected=f"some of {', '.join(known)}",
        )
    return tuple(step for step in known if step in given)


__all__ = [
    "STEPS",
    "SYMBOLIC",
    "VIEWS",
    "Limits",
    "Report",
    "checked_steps",
    "local_pairs",
    "scaled",
    "total",
]
