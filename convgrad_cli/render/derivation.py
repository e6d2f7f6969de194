"""A derivation as text: the one entry for its five forms, and what a form is asked for.

The derivation's room decides what is said (steps, rows, matrices); the forms only lay it out.
Tables, LaTeX and Markdown stop at a stated number of terms unless all are asked for; text and JSON
are whole or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from convgrad_cli.derivation.steps import STEPS, Limits, Report
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from convgrad_cli.derivation import Derivation
    from convgrad_cli.derivation.blocks import Block
    from convgrad_cli.render.views import View

MOST_TERMS = 10_000_000
"""Terms that text and JSON print at most: about one gigabyte."""


@dataclass(frozen=True)
class Written:
    """A derivation with how it is to be written; what a result carries to be printed."""

    derivation: Derivation
    steps: Sequence[str] = STEPS
    everything: bool = False
    standalone: bool = False

    def as_json(self) -> object:
        """The contract's ``derivation`` object, as a ready-made piece of JSON."""
        from convgrad_cli.render.derivation_json import derivation_json

        refuse_endless(self.derivation, "JSON")
        return derivation_json(self.derivation, convolution="convolution" in self.steps)

    def report(self, script: str, digits: int | None, *, capped: bool = True) -> Report:
        """What is to be laid out, in one script."""
        whole = self.everything or not capped
        limits = Limits.none() if self.everything else Limits.none(Limits.cells)
        limits = limits if whole else Limits()
        if whole:
            refuse_endless(self.derivation, "--all" if capped else "text")
        return Report(self.derivation, script, self.steps, limits, digits)


class Reported(Protocol):
    """Something with blocks, in one script."""

    def blocks(self) -> Iterator[Block]:
        """What is laid out."""


@dataclass(frozen=True)
class Document:
    """A whole layer's derivation: of every stage, by JSON field and in forward order, and views.

    The forward pass stands first, stage by stage, then the gradients, last stage first.
    """

    parts: Mapping[str, Written]
    views: tuple[View, ...] = ()
    standalone: bool = False

    def fields(self) -> dict[str, object]:
        """The JSON fields beside ``derivation``."""
        found: dict[str, object] = {
            name: part.as_json() for name, part in self.parts.items() if name != "derivation"
        }
        if self.views:
            found["views"] = {view.name: view.data for view in self.views}
        return found

    def report(self, script: str, digits: int | None, *, capped: bool = True) -> Reported:
        """What is to be laid out, in one script."""
        reports = [part.report(script, digits, capped=capped) for part in self.parts.values()]
        views = [view.report(script, digits, capped=capped) for view in self.views]
        return _Pages(reports, views)


@dataclass(frozen=True)
class _Pages:
    """A document in one script."""

    stages: Sequence[Report]
    views: Sequence[Reported]

    def blocks(self) -> Iterator[Block]:
        """Forward, then back, then the views."""
        for stage in self.stages:
            yield from stage.forward_blocks()
        for stage in self.stages:
            yield from stage.target_blocks(forward=True)
        for stage in reversed(self.stages):
            yield from stage.target_blocks(forward=False)
        for view in self.views:
            yield from view.blocks()


def render_derivation(
    written: Written | Document | View,
    format: str,
    *,
    precision: int | None = None,
    width: int = 80,
    color: bool = False,
    ascii_only: bool = False,
) -> str:
    """The derivation as ``table``, ``text``, ``latex`` or ``markdown``, ending in a newline."""
    writer = import_module(f"convgrad_cli.render.derivation_{format}")
    text: str = writer.write(
        written, precision=precision, width=width, color=color, ascii_only=ascii_only
    )
    return text


def refuse_endless(derivation: Derivation, form: str) -> None:
    """Raise UsageError where there are more terms than anyone could want printed."""
    count = derivation.term_count
    if count > MOST_TERMS:
        raise UsageError(
            f"The derivation has too many terms for {form}, which is whole or refused.",
            expected=f"at most {MOST_TERMS:,} terms",
            found=f"{count:,}",
            remedy="ask for single elements, such as 'dX[0,0]', or use a smaller layer",
        )
