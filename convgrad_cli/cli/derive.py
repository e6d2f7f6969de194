"""``convgrad derive``: every equation of a layer, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from convgrad_cli.cli.options import (
    BiasOption,
    CountPadOption,
    DilationOption,
    DimsOption,
    FilterLayoutOption,
    FilterOption,
    InputOption,
    LayoutOption,
    NonfiniteOption,
    OutputOptions,
    PaddingOption,
    SampleOption,
    StrideOption,
    TiesOption,
    UpstreamOption,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.options import SymbolicOptions
    from convgrad_cli.derivation import Derivation
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.result import Result

BUNDLE_SUFFIXES = (".json", ".npz", ".safetensors")


@dataclass(frozen=True)
class DeriveArrays:
    """Where the arrays come from, or their shapes alone."""

    input: InputOption = None
    filter: FilterOption = None
    bias: BiasOption = None
    upstream: UpstreamOption = None
    sample: SampleOption = None
    input_shape: Annotated[
        str | None, Option("--input-shape", help="X's shape alone, e.g. 5,5.", metavar="N,N")
    ] = None
    filter_shape: Annotated[
        str | None, Option("--filter-shape", help="W's shape alone, e.g. 3,3.", metavar="N,N")
    ] = None
    dims: DimsOption = None
    layout: LayoutOption = None
    filter_layout: FilterLayoutOption = None
    allow_nonfinite: NonfiniteOption = False


@dataclass(frozen=True)
class DeriveLayer:
    """Which layer, and its geometry."""

    layer: Annotated[
        str | None, Option("--layer", help="conv (default), maxpool, avgpool or transposed.")
    ] = None
    stride: StrideOption = None
    padding: PaddingOption = None
    dilation: DilationOption = None
    groups: Annotated[int | None, Option("--groups", help="Groups of channels.")] = None
    output_size: Annotated[
        str | None,
        Option("--output-size", help="Pick the padding that gives this output.", metavar="N[,N]"),
    ] = None
    window: Annotated[
        str | None, Option("--window", "-k", help="A pool's window: 2, or 2,3.", metavar="N[,N]")
    ] = None
    ceil_mode: Annotated[
        bool | None, Option("--ceil-mode/--floor-mode", help="Keep a last, partly filled window.")
    ] = None
    ties: TiesOption = None
    count_include_pad: CountPadOption = None
    output_padding: Annotated[
        str | None,
        Option("--output-padding", help="Of a transposed layer: 1, or 1,0.", metavar="N[,N]"),
    ] = None


@dataclass(frozen=True)
class DeriveOptions:
    """What is derived and how it is written."""

    with_bias: Annotated[
        bool, Option("--with-bias", help="A bias in the forward equations (shapes alone).")
    ] = False
    steps: Annotated[
        str | None,
        Option(
            "--steps",
            help="Some of forward, chain, local, substituted, numbers, convolution (all).",
            metavar="STEPS",
        ),
    ] = None
    notation: Annotated[
        str | None,
        Option("--notation", help="slides, recitation, tutorial, diba, lecture12 or plain."),
    ] = None
    symbols: Annotated[
        str | None, Option("--symbols", help="Own letters: X=A,W=K,Y=Z,b=c.", metavar="LETTERS")
    ] = None
    base: Annotated[int | None, Option("--base", help="Indices count from 0 or 1.")] = None
    everything: Annotated[bool, Option("--all", help="Print every term, however many.")] = False
    standalone: Annotated[
        bool, Option("--standalone", help="LaTeX: the whole document, ready to compile.")
    ] = False


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "derive", example="convgrad derive dW 'dX[2,2]' --sample recitation-2")(derive)


def derive(
    arrays: DeriveArrays,
    layer: DeriveLayer,
    options: DeriveOptions,
    output: OutputOptions,
    targets: Annotated[
        list[str] | None,
        Argument(
            metavar="[TARGET]...",
            help="dW, dX, db, Y, an element as 'dX[2,2]' or F11; - or a bundle file.",
        ),
    ] = None,
) -> None:
    """Why each gradient element is what it is: its equation, step by step.

    The steps are the lectures': forward equations, chain rule, local gradients, substituted, with
    your numbers, and the whole as a convolution. Shapes alone are enough.
    """
    from convgrad_cli.cli.output import put
    from convgrad_cli.derivation.steps import checked_steps
    from convgrad_cli.render.derivation import Written

    asked, bundle = _without_bundle(targets or [])
    steps = checked_steps(options.steps)
    given, kind = given_layer(arrays, layer, bundle, transposed=True)
    traced, values = _traced(given, kind, arrays, options)
    derivation = _derivation(traced, values, asked, options, given)
    written = Written(derivation, steps, options.everything, options.standalone)
    result = _envelope(derivation, given, written)
    output = _as_latex(output, options)

    def form(name: str, **display: Any) -> str | bytes:
        return _form(result, written, name, output.precision, display)

    put(form, {}, output, inputs=given.sources, notes=given.notes)


def symbolic_result(
    result: Result,
    given: Given,
    plan: Plan,
    symbolic: SymbolicOptions,
    *,
    targets: tuple[str, ...],
    upstream: Any = None,
) -> None:
    """Add the steps *substituted* and *numbers* to a numeric result (``--symbolic``)."""
    from convgrad_cli.derivation.steps import SYMBOLIC
    from convgrad_cli.render.derivation import Written

    options = DeriveOptions(notation=symbolic.notation, everything=symbolic.all_terms)
    traced = _of_plan(plan, result.operation.partition("_")[0], given, with_bias=False)
    values = _values(traced, given)
    if upstream is not None:
        values |= canonical(traced, {"dY": upstream})
    derivation = _derivation(traced, values, list(targets), options, given)
    result.derivation = Written(derivation, SYMBOLIC, symbolic.all_terms)


def _without_bundle(texts: list[str]) -> tuple[list[str], str | None]:
    """The targets, and the one positional that is a bundle, if any."""
    from convgrad_cli.errors import UsageError

    bundles = [t for t in texts if t == "-" or t.lower().endswith(BUNDLE_SUFFIXES)]
    if len(bundles) > 1:
        raise UsageError("Two bundles are given.", found=" and ".join(bundles))
    return [text for text in texts if text not in bundles], bundles[0] if bundles else None


def given_layer(
    arrays: DeriveArrays, layer: DeriveLayer, bundle: str | None, *, transposed: bool = False
) -> tuple[Given, str]:
    """The arrays and options, and the kind of layer: asked for, or what was given, or a conv.

    transposed: whether that may be a transposed convolution too.
    """
    from convgrad_cli.cli.inputs import Given, gather, typed_options
    from convgrad_cli.derivation.api import LAYERS
    from convgrad_cli.errors import UsageError

    kinds = (*LAYERS, "transposed") if transposed else LAYERS
    if layer.layer is not None and layer.layer not in kinds:
        raise UsageError(f"Unknown layer {layer.layer!r}.", expected=f"one of {', '.join(kinds)}")
    extra = {
        "ties": layer.ties,
        "count_include_pad": layer.count_include_pad,
        "output_padding": _output_padding(layer),
    }
    sources: Any = SimpleNamespace(bundle=bundle, **vars(arrays))
    geometry: Any = layer
    flags = (arrays.input, arrays.filter, arrays.bias, arrays.upstream, arrays.sample, bundle)
    if not any(flags) and (arrays.input_shape or arrays.filter_shape):
        own = {key: getattr(arrays, key) for key in ("dims", "layout", "filter_layout")}
        chosen = typed_options(geometry) | own | extra
        given = Given(options={key: v for key, v in chosen.items() if v is not None})
    else:
        if layer.layer == "transposed":
            from convgrad_cli.cli.transposed import gathered

            typed = {key: value for key, value in extra.items() if value is not None}
            return gathered(sources, geometry, typed, filtered=True), "transposed"
        if layer.layer not in (None, "conv") or layer.window is not None:
            del sources.filter  # a pool: its examples are to be chosen from
        given = gather(sources, geometry, extra)
    return given, layer.layer or _kind_of(given)


def _output_padding(layer: DeriveLayer) -> tuple[int, ...] | None:
    from convgrad_cli.cli import words
    from convgrad_cli.errors import UsageError

    if layer.output_padding is None:
        return None
    if layer.layer != "transposed":
        raise UsageError(
            "--output-padding is a transposed convolution's.", remedy="add --layer transposed"
        )
    return words.whole_numbers(layer.output_padding, "--output-padding")


def _kind_of(given: Given) -> str:
    """What a bundle says it is; else a pool where there is a window; else a convolution."""
    from convgrad_cli.derivation.api import LAYERS

    named = (given.operation or "").partition("_")[0]
    if named in LAYERS:
        return named
    return "maxpool" if given.options.get("window") is not None else "conv"


def _traced(
    given: Given, kind: str, arrays: DeriveArrays, options: DeriveOptions
) -> tuple[Any, dict[str, Any]]:
    """The layer's tracer and the numbers there are; dY is 1 everywhere where none is given."""
    from convgrad_cli.cli.inputs import upstream

    traced, values = traced_layer(given, kind, arrays, with_bias=options.with_bias)
    if "dY" in given or {"X", "W"} <= values.keys():
        values |= canonical(traced, {"dY": upstream(given, traced.plan)})
    return traced, values


def traced_layer(
    given: Given, kind: str, arrays: DeriveArrays, *, with_bias: bool
) -> tuple[Any, dict[str, Any]]:
    """The layer's tracer and the given numbers but dY's."""
    from convgrad_cli.cli.inputs import conv_keywords, pool_keywords
    from convgrad_cli.geometry import plan_conv, plan_pool

    x_shape = _shape(given, "X", arrays.input_shape, "--input-shape")
    plan: Plan
    if kind == "conv":
        w_shape = _shape(given, "W", arrays.filter_shape, "--filter-shape")
        plan = given.locating(lambda: plan_conv(x_shape, w_shape, **conv_keywords(given.options)))
        if "b" in given:
            given.locating(lambda: plan.check_bias(given["b"].shape))  # type: ignore[attr-defined]
    elif kind == "transposed":
        from convgrad_cli.cli.transposed import plan_of

        w_shape = _shape(given, "W", arrays.filter_shape, "--filter-shape")
        plan = plan_of(given, x_shape, w_shape)
    else:
        _no_filter(given, arrays)
        plan = given.locating(lambda: plan_pool(x_shape, **pool_keywords(given.options)))
    traced = _of_plan(plan, kind, given, with_bias=with_bias)
    return traced, _values(traced, given)


def _of_plan(plan: Plan, kind: str, given: Given, *, with_bias: bool) -> Any:
    from convgrad_cli.derivation import trace_conv, trace_pool
    from convgrad_cli.geometry import ConvPlan, PoolPlan

    if isinstance(plan, ConvPlan):
        return trace_conv(plan, bias=with_bias or "b" in given)
    if kind == "transposed":
        from convgrad_cli.derivation.transposed import TracedTransposed

        return TracedTransposed(plan, with_bias or "b" in given)  # type: ignore[arg-type]
    assert isinstance(plan, PoolPlan)
    return trace_pool(
        kind,
        plan,
        given.get("X"),
        ties=given.options.get("ties") or "first",
        count_include_pad=bool(given.options.get("count_include_pad")),
    )


def _values(traced: Any, given: Given) -> dict[str, Any]:
    """The given arrays that the layer's equations speak of."""
    found = {name: given[name] for name in ("X", "W", "b") if name in given}
    return canonical(traced, {name: found[name] for name in found if name in traced.frames})


def canonical(traced: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays with canonical axes; deferred, because it loads numpy."""
    from convgrad_cli.derivation.derivation import canonical as with_canonical_axes

    return with_canonical_axes(traced, arrays)


def _derivation(
    traced: Any, values: dict[str, Any], targets: list[str], options: DeriveOptions, given: Given
) -> Derivation:
    from convgrad_cli.derivation import Derivation, notation_named, parse_symbols
    from convgrad_cli.derivation.api import default_targets

    symbols = None if options.symbols is None else parse_symbols(options.symbols)
    name = options.notation or given.notation or "slides"
    notation = notation_named(name, symbols, options.base)
    return Derivation.of(traced, targets or default_targets(traced), notation, values)


def _envelope(derivation: Derivation, given: Given, written: Any) -> Result:
    from convgrad_cli.render.result import Result

    names = {"X": "input", "W": "filter", "b": "bias", "Y": "upstream"}
    frames = derivation.traced.frames
    return Result(
        operation="derive",
        geometry=derivation.traced.plan.geometry.as_dict(),  # type: ignore[attr-defined]
        arrays={},
        shapes={
            long: frames[name].given_shape
            for name, long in names.items()
            if name in frames and (name != "b" or getattr(derivation.traced, "bias", False))
        },
        notes=list(given.notes),
        derivation=written,
    )


def _form(
    result: Result, written: Any, name: str, precision: int | None, display: dict[str, Any]
) -> str | bytes:
    if name != "json":
        from convgrad_cli.render.derivation import render_derivation

        return render_derivation(written, name, precision=precision, **display)
    from convgrad_cli.render.result import render

    return render(result, "json")


def _shape(given: Given, name: str, text: str | None, option: str) -> tuple[int, ...]:
    """An array's shape, from the array or from the option that gives it alone."""
    from convgrad_cli.cli import words
    from convgrad_cli.errors import ShapeError, UsageError

    array = given.get(name)
    if text is None and array is not None:
        return tuple(array.shape)
    if text is None:
        raise UsageError(
            f"{name} is missing.",
            expected=f"--{'input' if name == 'X' else 'filter'}, {option} alone, or a bundle",
            array=name,
        )
    shape = words.whole_numbers(text, option)
    if min(shape) < 1:
        raise UsageError(f"{option} takes sizes of at least 1.", found=text)
    if array is not None and tuple(array.shape) != shape:
        raise ShapeError(
            f"{name} and {option} contradict each other.",
            expected=f"{shape}   from {option}",
            found=str(tuple(array.shape)),
            array=name,
            source=given.arrays[name].source,
        )
    return shape


def _no_filter(given: Given, arrays: DeriveArrays) -> None:
    from convgrad_cli.errors import UsageError

    if arrays.filter_shape is not None or arrays.filter is not None:
        raise UsageError(
            "A pool has no filter.",
            expected="--window, and X or (for an average pool) --input-shape",
            remedy="drop --filter and --filter-shape, or --layer",
        )


def _as_latex(output: OutputOptions, options: DeriveOptions) -> OutputOptions:
    """``--standalone`` means LaTeX."""
    from convgrad_cli.errors import UsageError

    if not options.standalone or output.format == "latex" or output.output is not None:
        return output
    if output.json or output.format is not None:
        raise UsageError("--standalone prints a LaTeX document.", remedy="add --format latex")
    return replace(output, format="latex")
