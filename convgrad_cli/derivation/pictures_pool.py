"""Local gradients as matrices, as the tutorial has them, and what a pool's derivation says.

∂a_1/∂Z = [0 0 0; 0 1 0; 0 0 0]          max pool: 0/1 matrices, and their weighted sum
∂z_1/∂W = [a_1 a_2; a_4 a_5]             convolution, in the tutorial's notation
"""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

from convgrad_cli.derivation.activation import TracedActivation
from convgrad_cli.derivation.blocks import Math, Picture, Side, sentence
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.glyph import Quotient
from convgrad_cli.derivation.pictures import fits, grids, side_by_side
from convgrad_cli.derivation.pool import TracedMaxPool, TracedPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from convgrad_cli.derivation.blocks import Block, Grid
    from convgrad_cli.derivation.derivation import Derivation
    from convgrad_cli.derivation.model import Index, Term
    from convgrad_cli.derivation.steps import Report
    from convgrad_cli.derivation.writer import Writer
    from convgrad_cli.geometry import Member

MOST_MATRICES = 16


def local_matrices(report: Report, target: str) -> list[Block]:
    """The matrices of local gradients and their weighted sum; none where they would be unwieldy.

    Shown for pools in every notation, and for one-channel convolutions in the tutorial's.
    """
    names = report.writer.names
    traced = names.traced
    role = traced.targets[target]
    frame, outputs = names.frames[role], names.frames[traced.upstream]
    flat = names.notation.style == "flat"
    if role == traced.upstream or not (flat or isinstance(traced, TracedPool)):
        return []
    if isinstance(traced, TracedActivation):  # one entry each, which stands by itself
        return []
    many = outputs.size > min(MOST_MATRICES, report.limits.elements)
    if (
        many
        or not frame.spatial
        or not fits(frame.shape, report.limits.cells)
        or _planes(frame.shape) > 1
    ):
        return []
    matrices = _matrices(report, target)
    parts: list[str | Grid] = []
    for left, matrix in matrices:
        parts += [f",  {left} = " if parts else f"{left} = ", *matrix]
    blocks: list[Block] = [Picture(tuple(parts))]
    if "substituted" in report.steps and report.derivation.traced.count(target) <= 400:
        blocks.append(_weighted_sum(report, target, [matrix for _, matrix in matrices]))
    return blocks


def pool_notes(report: Report, derivation: Derivation) -> Iterator[Block]:
    """Where windows overlap and where maxima tie, in words."""
    traced, writer = derivation.traced, report.writer
    if not isinstance(traced, TracedMaxPool):
        return
    overlaps = ((e, [t.upstream for t in e.terms if t.upstream]) for e in derivation)
    shared = [(e, windows) for e, windows in islice(overlaps, 10_000) if len(windows) > 1]
    for equation, windows in shared[: report.limits.elements]:
        place = Math(writer.entry("X", equation.index))
        yield sentence(
            place,
            f" is the maximum of {len(windows)} windows that overlap (",
            *_listed(writer, "Y", windows),
            "): their gradients add up.",
        )
    yield from _tie_notes(report, traced)


def window_side(writer: Writer, equation: Equation) -> Side:
    """``max(z_1, z_2, z_4, z_5)``: the members of the window of a max pool's output."""
    from convgrad_cli.geometry import window_members

    members: Iterator[Member] = window_members(equation.traced.plan.geometry, equation.index)  # type: ignore[attr-defined]
    inside = ", ".join(writer.entry("X", member.input) for member in members)
    name = r"\max" if writer.script.name == "latex" else "max"
    return Side([f"{name}({inside})"])


def _tie_notes(report: Report, traced: TracedMaxPool) -> Iterator[Block]:
    goes = {
        "first": "the first in row-major order gets the gradient.",
        "last": "the last in row-major order gets the gradient.",
        "split": "they share the gradient evenly.",
    }[traced.ties]
    writer = report.writer
    outputs = product(*map(range, traced.frames["Y"].shape))
    found = 0
    for output in islice(outputs, 10_000):
        maxima = traced.maxima(output)
        if len(maxima) > 1:
            found += 1
            if found > report.limits.elements:
                yield sentence("… and more ties.")
                return
            window = Math(writer.entry("Y", output))
            yield sentence(
                f"Tie: {len(maxima)} equal maxima in the window of ", window, " (",
                *_listed(writer, "X", maxima), f"); {goes}",
            )  # fmt: skip


def _matrices(report: Report, target: str) -> list[tuple[str, tuple[str | Grid, ...]]]:
    """(``∂a_1/∂Z``, its matrix) per output."""
    writer = report.writer
    names = writer.names
    traced = names.traced
    role = traced.targets[target]
    frame = names.frames[role]
    found = []
    for output in product(*map(range, names.frames[traced.upstream].shape)):
        entries = {
            _place_of(term, role)[len(frame.shape) - len(frame.spatial) :]: writer.term(
                _without(term, role)
            )
            for term in traced.terms(traced.upstream, output)
            if _place_of(term, role)
        }
        shape = tuple(frame.shape[axis] for axis in frame.spatial)
        matrix = grids(shape, lambda place, entries=entries: entries.get(place, "0"))  # type: ignore[misc]
        left = writer.atom(Quotient(names.entry(traced.upstream, output), names.whole(role)))
        found.append((left, side_by_side(matrix)))
    return found


def _weighted_sum(
    report: Report, target: str, matrices: Sequence[tuple[str | Grid, ...]]
) -> Picture:
    """``∂L/∂Z = a′_1 [ … ] + … = [ … ]``."""
    writer = report.writer
    names = writer.names
    role, upstream = names.traced.targets[target], names.traced.upstream
    frame = names.frames[role]
    parts: list[str | Grid] = [f"{writer.atom(names.whole_gradient(role))} = "]
    outputs = product(*map(range, names.frames[upstream].shape))
    for at, (output, matrix) in enumerate(zip(outputs, matrices, strict=True)):
        before = " + " if at else parts.pop()
        parts += [f"{before}{writer.gradient(upstream, output)} ", *matrix]
    if not isinstance(names.traced, TracedPool):
        return Picture(tuple(parts))
    leading = (0,) * (len(frame.shape) - len(frame.spatial))
    shape = tuple(frame.shape[axis] for axis in frame.spatial)
    whole = grids(
        shape,
        lambda place: writer.right_side(Equation(report.derivation, target, (*leading, *place))),
    )
    return Picture((*parts, " = ", *side_by_side(whole)))


def _place_of(term: Term, role: str) -> Index:
    """Where in the array of ``role`` a forward term's entry stands."""
    if term.operand == role and term.index is not None:
        return term.index
    return term.filter if role == "W" and term.filter is not None else ()


def _without(term: Term, role: str) -> Term:
    """A forward term's derivative with respect to its entry of ``role``."""
    if term.operand == role:
        return term._replace(operand=None, index=None)
    return term._replace(filter=None)


def _planes(shape: Index) -> int:
    return shape[0] * shape[1]


def _listed(writer: Writer, role: str, places: Sequence[Index]) -> list[str | Math]:
    parts: list[str | Math] = []
    for place in places:
        parts += (
            [", ", Math(writer.entry(role, place))] if parts else [Math(writer.entry(role, place))]
        )
    return parts
