"""The general formula of a target, with running indices, and what is to be said about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convgrad_cli.derivation import formula
from convgrad_cli.derivation.activation import SIGMA, SIGMA_PRIME, TracedActivation
from convgrad_cli.derivation.blocks import Formula, Math, sentence
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.plain_math import in_script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.derivation.steps import Report


def general_blocks(report: Report, target: str) -> Iterator[Block]:
    """The formula with running indices."""
    writer = report.writer
    names = writer.names
    left = writer.target(target, formula.target_index(names, target))
    sums = [] if target == names.traced.targets[target] else [formula.chain_rule(writer, target)]
    inserted = formula.substituted(writer, target)
    sides = tuple(str(one) for one in (*sums, inserted) if one is not None)
    if sides:
        yield Formula(left, sides)
    traced = names.traced
    if isinstance(traced, TracedConv) and inserted is not None:
        yield from _formula_notes(report, traced, target)
    if isinstance(traced, TracedActivation):
        yield from _activation_formulas(report, traced, target)


def _activation_formulas(report: Report, traced: TracedActivation, target: str) -> Iterator[Block]:
    """σ(z) under the forward pass, σ′(z) under the gradient (both where it stands alone)."""
    asked = {selected.target for selected in report.derivation.selection}
    alone = "A" not in asked and "forward" not in report.steps
    wanted = (SIGMA,) if target == "A" else (SIGMA, SIGMA_PRIME) if alone else (SIGMA_PRIME,)
    script = report.writer.script.name
    for function in wanted:
        if function in traced.formulas:
            written = in_script(traced.formulas[function], script)
            yield Formula(in_script(f"{function}(z)", script), (written,))


def _formula_notes(report: Report, traced: TracedConv, target: str) -> Iterator[Block]:
    letter = Math(report.writer.atom(report.writer.names.whole("W" if target == "dX" else "X")))
    if target == "dX":
        yield sentence("An index outside ", letter, " (or not whole) gives no term.")
    elif any(side for pair in traced.plan.geometry.padding for side in pair) and target != "db":
        yield sentence("Entries outside ", letter, " are the padding: they are 0.")
    if traced.plan.geometry.groups > 1 and target != "db":
        yield sentence(
            f"With {traced.plan.geometry.groups} groups every filter meets only the channels "
            "of its own group; a filter's channels count within the group."
        )
