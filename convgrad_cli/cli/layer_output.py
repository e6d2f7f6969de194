"""The way out of the lectures' further layers: the result, its derivation, its views, one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions
    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.render.result import Result


@dataclass(frozen=True)
class Named:
    """Several derivations of one result, by name."""

    parts: list[tuple[str, Any]]

    def as_json(self) -> object:
        """One ``derivation`` object per name."""
        return {name: written.as_json() for name, written in self.parts}


def derivation_of(
    traced: Traced,
    targets: Sequence[str],
    values: Mapping[str, Any],
    symbolic: SymbolicOptions,
    notation: str | None = None,
    symbols: Mapping[str, str] | None = None,
) -> Any:
    """The equations of the targets, with numbers, ready to be written."""
    from convgrad_cli.derivation import Derivation, notation_named
    from convgrad_cli.derivation.derivation import canonical
    from convgrad_cli.derivation.steps import SYMBOLIC
    from convgrad_cli.render.derivation import Written

    chosen = notation_named(symbolic.notation or notation or "slides", symbols)
    derivation = Derivation.of(traced, targets, chosen, canonical(traced, values))
    return Written(derivation, SYMBOLIC, everything=symbolic.all_terms)


def emit_layer(
    result: Result,
    output: OutputOptions,
    *,
    derivation: Any = None,
    views: Sequence[Any] = (),
    sources: Iterable[str] = (),
) -> None:
    """Write a result with its derivation and views as the options say; notes go to stderr.

    derivation: one, or several with a name each; JSON then has one object with these names.
    """
    from convgrad_cli.cli.output import put
    from convgrad_cli.render.derivation import render_derivation
    from convgrad_cli.render.result import render

    parts = derivation if isinstance(derivation, list) else [("", derivation)] if derivation else []
    if parts:
        result.derivation = Named(parts) if isinstance(derivation, list) else derivation
    if views:
        result.extra["views"] = {view.name: view.data for view in views}

    def form(name: str, **display: Any) -> str | bytes:
        text = render(result, name, precision=output.precision, **display)
        if isinstance(text, bytes):
            return text
        texts = [text]
        for part in (*(written for _, written in parts), *views):
            texts.append(render_derivation(part, name, precision=output.precision, **display))
        return "\n\n".join(text.strip("\n") for text in texts if text.strip()) + "\n"

    updated = {f"updated_{name}": array for name, array in (result.updated or {}).items()}
    put(form, {**result.arrays, **updated}, output, inputs=sources, notes=result.notes)
