"""``convgrad activation``: A = σ(z), and dz = dA ∘ σ′(z)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from convgrad_cli.cli.lecture_options import SlopeOption
from convgrad_cli.cli.options import (
    BundleArgument,
    NonfiniteOption,
    OutputOptions,
    SymbolicOptions,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given

NameArgument = Annotated[
    str,
    Argument(
        metavar="NAME",
        help="relu, leaky-relu, sigmoid, tanh, softplus, gelu, silu or identity.",
    ),
]
_EXAMPLE = [[1.5, -2.0, 0.0], [0.5, 3.0, -0.25]]


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "activation", example="convgrad activation relu -x '[[1,-2]]' -g '[[3,4]]'")(
        activation
    )


def activation(
    name: NameArgument,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    bundle: BundleArgument = None,
    input: Annotated[
        str | None,
        Option("--input", "-x", help="z: file, FILE.npz:name, - or JSON.", metavar="ARRAY"),
    ] = None,
    upstream: Annotated[
        str | None, Option("--upstream", "-g", help="dA, the upstream gradient.", metavar="ARRAY")
    ] = None,
    slope: SlopeOption = None,
    allow_nonfinite: NonfiniteOption = False,
) -> None:
    """A pointwise activation and its gradient.

    A = σ(z) and, with an upstream gradient dA, dz = dA ∘ σ′(z). A bundle gives z as Y (so that
    the output of convgrad forward pipes on) or X, and dA.
    """
    from convgrad_cli.layers import activation as layer

    chosen = layer.activation(name, slope=slope)
    given = gathered(bundle, input, upstream, allow_nonfinite)
    Z, dA = given["Y"], given.get("dA")
    if note := layer.kink_note(chosen, Z):
        given.notes.append(note)
    found = {"Y": Z, "A": layer.forward(chosen, Z)}
    if dA is not None:
        found["derivative"] = layer.derivative(chosen, Z)
        found |= {"dA": dA, "dY": layer.grad_input(chosen, Z, dA)}
    _emit(chosen, found, given, output, symbolic)


def activation_view(chosen: Any, Z: Any, A: Any, dA: Any = None) -> Any:
    """The step dz = dA ∘ σ′(z) (Diba, eq. 10) as matrices: z, σ(z), σ′(z), dA, dz."""
    from convgrad_cli.layers import activation as layer
    from convgrad_cli.render.views import View

    slope = layer.derivative(chosen, Z)
    dY = None if dA is None else layer.grad_input(chosen, Z, dA)

    def write(pen: Any) -> Any:
        yield pen.equation("σ(z)", chosen.formula)
        yield pen.equation("σ′(z)", chosen.derivative)
        if dA is not None:
            yield pen.equation("dz", "dA ∘ σ′(z)")
        for label, array in (("z", Z), ("A = σ(z)", A), ("σ′(z)", slope), ("dA", dA), ("dz", dY)):
            if array is not None:
                yield from pen.matrices(label, array)

    data = {"activation": chosen.name, "derivative": slope}
    return View("activation", f"Activation {chosen.name}, pointwise", write, data)


def formula_view(chosen: Any, *, backward: bool) -> Any:
    """σ and σ′ as formulas, and the step between them."""
    from convgrad_cli.render.views import View

    def write(pen: Any) -> Any:
        yield pen.equation("σ(z)", chosen.formula)
        if backward:
            yield pen.equation("σ′(z)", chosen.derivative)
            yield pen.equation("dY", "dA ∘ σ′(Y)")

    data = {"value": chosen.formula, "derivative": chosen.derivative}
    return View("formula", f"Activation {chosen.name}, pointwise", write, data)


def gathered(
    bundle: str | None,
    input: str | None,
    upstream: str | None,
    allow_nonfinite: bool,
    *,
    sample: str | None = None,
) -> Given:
    """z as Y and dA: from options, a bundle (with its options), an example's layer, or built in."""
    import sys

    import numpy as np

    from convgrad_cli.arrays import Loaded, Stdin, read_array, read_bundle
    from convgrad_cli.cli.inputs import Given

    stdin = Stdin(getattr(sys.stdin, "buffer", None))
    given = Given()
    if sample is not None:
        given = after_example(sample, upstream is not None)
    if bundle is not None:
        held = read_bundle(bundle, stdin, allow_nonfinite=allow_nonfinite)
        given.options |= {key: v for key, v in held.options.items() if key != "operation"}
        for name, keys in (("Y", ("Y", "X")), ("dA", ("dA", "dY"))):
            found = next((held.arrays[key] for key in keys if key in held.arrays), None)
            given.arrays |= {name: found} if found is not None else {}
    for name, spec in (("Y", input), ("dA", upstream)):
        if spec is not None:
            subject = {"Y": "X", "dA": "dY"}[name]
            given.arrays[name] = read_array(spec, subject, stdin, allow_nonfinite=allow_nonfinite)
    if "Y" not in given:
        example = np.array(_given_or_example(bundle, upstream, given.notes))
        given.arrays["Y"] = Loaded(example, "a built-in example")
    if "dA" in given:
        _check_upstream(given)
    return given


def after_example(name: str, has_upstream: bool) -> Given:
    """The activation that follows an example's layer: z is that layer's Y, dA the example's dY."""
    from convgrad_cli.arrays import Loaded
    from convgrad_cli.cli.examples import example_arrays, named_example
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.geometry.kinds import plan_of
    from convgrad_cli.layers import conv, pool

    example = named_example(name)
    held = example_arrays(example)
    X, W, b = (held[key].array if key in held else None for key in ("X", "W", "b"))
    assert X is not None
    if W is None:
        plan = plan_of("maxpool", {"X": X.shape}, example.options)
        Y = pool.planned_max(plan, X)[0]
    else:
        plan = plan_of("conv", {"X": X.shape, "W": W.shape}, example.options)
        Y = conv.planned_forward(plan, X, W, b)
    z = Loaded(Y, f"Y of the built-in example {name}")
    note = f"The activation after the layer of the example {name}: z is its Y"
    note += "." if has_upstream else ", dA its dY."
    return Given({"Y": z, "dA": held["dY"]}, {}, [note], example.notation)


def _given_or_example(bundle: str | None, upstream: str | None, notes: list[str]) -> Any:
    from convgrad_cli.errors import UsageError

    if bundle is not None or upstream is not None:
        raise UsageError(
            "z is missing.", expected="--input, or a bundle that holds Y or X", array="X"
        )
    notes.append("No arrays were given: this is a built-in z with a zero in it.")
    return _EXAMPLE


def _check_upstream(given: Given) -> None:
    from convgrad_cli.errors import ShapeError

    if given["dA"].shape != given["Y"].shape:
        raise ShapeError(
            "dA has the wrong shape.",
            expected=f"{given['Y'].shape}   the shape of z",
            found=str(given["dA"].shape),
            array="dA",
        ).located(given.arrays["dA"].source)


def _emit(
    chosen: Any,
    found: dict[str, Any],
    given: Given,
    output: OutputOptions,
    symbolic: SymbolicOptions,
) -> None:
    from convgrad_cli.cli.described import named_activation
    from convgrad_cli.cli.layer_output import derivation_of, emit_layer
    from convgrad_cli.render.result import Result

    backward = "dY" in found
    result = Result(
        operation=f"activation_{'backward' if backward else 'forward'}",
        geometry={},
        arrays=found,
        shapes={"input": found["Y"].shape} | ({"upstream": found["dA"].shape} if backward else {}),
        notes=given.notes,
        extra=named_activation(chosen),
    )
    derivations: dict[str, Any] = {}
    if symbolic.symbolic:
        from convgrad_cli.tracing.activation import plain_frame, traced_activation

        traced = traced_activation(chosen, plain_frame(found["Y"].shape))
        values: dict[str, Any] = {name: found[name] for name in ("Y", "dA") if name in found}
        targets = ("dY",) if backward else ("A",)
        derivations["derivation"] = derivation_of(traced, targets, values, symbolic)
    emit_layer(
        result,
        output,
        derivations=derivations,
        views=[formula_view(chosen, backward=backward)],
        sources=given.sources,
    )
