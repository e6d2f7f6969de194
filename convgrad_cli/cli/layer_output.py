"""The way out of the lectures' further layers: the result, its derivation, its views, one text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions
    from convgrad_cli.derivation.model import Traced
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.render.result import Result


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


def stage_derivations(
    stages: Sequence[Stage],
    targets: Sequence[str],
    symbolic: SymbolicOptions,
    notation: str | None = None,
) -> dict[str, Any]:
    """The equations of a layer of several stages, by JSON field, ready to be written."""
    from convgrad_cli.derivation.stages import derivations
    from convgrad_cli.derivation.steps import SYMBOLIC
    from convgrad_cli.render.derivation import Written

    found = derivations(stages, targets, symbolic.notation or notation or "slides")
    return {
        field: Written(each, SYMBOLIC, everything=symbolic.all_terms)
        for field, each in found.items()
    }


def emit_layer(
    result: Result,
    output: OutputOptions,
    *,
    derivations: Mapping[str, Any] | None = None,
    views: Sequence[Any] = (),
    sources: Iterable[str] = (),
) -> None:
    """Write a result with its derivations and views as the options say; notes go to stderr.

    derivations: by the JSON field they stand under, ``derivation`` first.
    """
    from convgrad_cli.cli.output import put
    from convgrad_cli.render.derivation import render_derivation
    from convgrad_cli.render.result import render

    written = dict(derivations or {})
    if views:
        result.extra["views"] = {view.name: view.data for view in views}

    def form(name: str, **display: Any) -> str | bytes:
        if name == "json":
            result.extra |= {field: each.as_json() for field, each in written.items()}
            return render(result, name)
        text = render(result, name, precision=output.precision, **display)
        assert isinstance(text, str)
        texts = [text]
        for part in (*written.values(), *views):
            texts.append(render_derivation(part, name, precision=output.precision, **display))
        return "\n\n".join(text.strip("\n") for text in texts if text.strip()) + "\n"

    put(form, _members(result, output), output, inputs=sources, notes=result.notes)


def _members(result: Result, output: OutputOptions) -> dict[str, Any]:
    """The arrays for files; an .npz has the options too, so that it is a bundle that pipes on."""
    from convgrad_cli.arrays.names import OPTIONS
    from convgrad_cli.cli.bundles import option_arrays, result_options

    updated = {f"updated_{name}": array for name, array in (result.updated or {}).items()}
    target = output.output or ""
    if target.endswith(".npz"):
        options = {name: value for name, value in result.extra.items() if name in OPTIONS}
        return {**result.arrays, **updated, **result_options(result), **option_arrays(options)}
    inputs = () if target.endswith(".json") else ("X", "W", "b")
    return {name: a for name, a in (result.arrays | updated).items() if name not in inputs}
