"""A chain's result: one envelope with a part per layer, or the layers one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.cli.chain_file import OpenedChain
    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions
    from convgrad_cli.layers.chain import Pass, Step
    from convgrad_cli.render.result import Result

    Parts = dict[str, Any]
    """A layer's derivations by their JSON field."""


def emit_chain(
    done: Pass, opened: OpenedChain, output: OutputOptions, symbolic: SymbolicOptions
) -> None:
    """Write the pass as the options say: every layer, the loss between forward and backward."""
    from convgrad_cli.cli.chain_trace import step_derivations
    from convgrad_cli.cli.output import put

    notes = _notes(done, opened)
    written = [step_derivations(step, symbolic) if symbolic.symbolic else {} for step in done.steps]

    def form(name: str, **display: Any) -> str | bytes:
        if name == "json":
            return _json(done, opened, notes, written)
        return _text(done, name, written, output, display)

    put(form, _arrays(done), output, inputs=opened.files, notes=notes)


def emit_chain_page(
    done: Pass, opened: OpenedChain, output: OutputOptions, notation: str | None
) -> None:
    """Write the page of the whole chain."""
    from convgrad_cli.arrays import write_content
    from convgrad_cli.cli.output import tell
    from convgrad_cli.derivation import notation_named
    from convgrad_cli.render.page import chain_page

    notes = _notes(done, opened)
    text = opened.locating(
        lambda: chain_page(
            done,
            notation_named(notation or "slides"),
            title="Forward and backward of a chain of layers",
            notes=notes,
        )
    )
    tell(notes, output)
    assert output.output is not None
    write_content(output.output, text.encode(), inputs=opened.files)


def _notes(done: Pass, opened: OpenedChain) -> list[str]:
    """What to say about the chain, its layers, and a loss that nobody gave."""
    notes = opened.notes + [
        f"layers[{place}]: {note}" for place, step in enumerate(done.steps) for note in step.notes
    ]
    if done.ending.assumed:
        notes.append("No loss was given: it is L = ΣY, so dY = 1 everywhere at the end.")
    return notes


def emit_layer_bundle(done: Pass, place: int, opened: OpenedChain, output: OutputOptions) -> None:
    """One layer with its arrays and options, so that the other commands take it from there."""
    from convgrad_cli.cli.bundles import option_arrays
    from convgrad_cli.cli.output import tell, write_stdout
    from convgrad_cli.cli.sample_files import bundle_text
    from convgrad_cli.errors import UsageError

    if not 0 <= place < len(done.steps):
        raise UsageError(
            f"There is no layers[{place}].", expected=f"0 to {len(done.steps) - 1}"
        ).located(opened.source)
    step = done.steps[place]
    if step.node.kind not in ("conv", "maxpool", "avgpool"):
        raise UsageError(
            f"layers[{place}] ({step.node.word}) is no layer of its own to the other commands.",
            expected="a conv, a maxpool or an avgpool",
            remedy="convgrad chain --symbolic shows its equations",
        )
    arrays = {"X": step.X, **step.node.parameters, "dY": step.dY}
    options: dict[str, Any] = {"operation": f"{step.node.kind}_backward", **step.node.options}
    text = bundle_text(arrays, options)
    tell(opened.notes, output)
    if output.output is None:
        write_stdout(text)
        return
    from convgrad_cli.arrays import write_results

    everything = {**arrays, **option_arrays(options)}
    write_results(output.output, everything, lambda _suffix: text, inputs=opened.files)


def _arrays(done: Pass) -> dict[str, Any]:
    """Every layer's arrays under ``0_Y``, ``0_dX``, ``0_dW`` …, for files of arrays."""
    found: dict[str, Any] = {}
    for place, step in enumerate(done.steps):
        named = {"Y": step.Y, "dY": step.dY, "dX": step.dX, **step.gradients}
        named |= {f"updated_{name}": array for name, array in step.updated.items()}
        found |= {f"{place}_{name}": array for name, array in named.items()}
    return found


def _result(step: Step, arrays: dict[str, Any]) -> Result:
    from convgrad_cli.render.result import Result

    node = step.node
    shapes = {"input": node.input_shape}
    shapes |= {_LONG.get(name, name): array.shape for name, array in node.parameters.items()}
    return Result(node.word, dict(node.geometry or {}), arrays, shapes)


_LONG = {"W": "filter", "b": "bias"}


def _text(
    done: Pass,
    format: str,
    written: list[Parts],
    output: OutputOptions,
    display: dict[str, Any],
) -> str:
    """Forward through all, the loss, then back: last layer first, as the gradients come."""
    from convgrad_cli.render.chain import headed, loss_words
    from convgrad_cli.render.derivation import render_derivation
    from convgrad_cli.render.result import render

    def part(result: Result, heading: str) -> str:
        text = render(result, format, precision=output.precision, **display)
        assert isinstance(text, str)
        return headed(heading, text, format)

    last = len(done.steps) - 1
    texts = [
        part(_result(step, {"Y": step.Y}), f"forward, layers[{place}] {step.node.word}")
        for place, step in enumerate(done.steps)
    ]
    texts.append(loss_words(done, format))
    for place in range(last, -1, -1):
        step = done.steps[place]
        origin = f"the dX of layers[{place + 1}]" if place < last else "from the loss"
        if place == last and done.loss is None:
            origin = "the upstream given"
        result = _result(step, {"dY": step.dY, **step.gradients, "dX": step.dX})
        result.updated = step.updated or None
        heading = f"backward, layers[{place}] {step.node.word}: dY is {origin}"
        texts.append(part(result, heading))
        for each in written[place].values():
            precision = output.precision
            texts.append(render_derivation(each, format, precision=precision, **display))
    return "\n\n".join(text.strip("\n") for text in texts) + "\n"


def _json(done: Pass, opened: OpenedChain, notes: list[str], written: list[Parts]) -> bytes:
    from convgrad_cli.render.chain import chain_json

    layers = []
    for place, step in enumerate(done.steps):
        node = step.node
        entry: dict[str, Any] = {
            "position": place,
            "type": node.word,
            "geometry": node.geometry or {},
            "shapes": {"input": node.input_shape, "output": node.output_shape},
            "Y": step.Y,
            "dY": step.dY,
            "dX": step.dX,
            **step.gradients,
        }
        if step.updated:
            entry["updated"] = step.updated
        entry |= {field: part.as_json() for field, part in written[place].items()}
        layers.append(entry)
    return chain_json(done, layers, notes)
