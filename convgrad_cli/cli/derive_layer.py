"""The layer of ``convgrad derive`` and ``convgrad check equations``: arrays, or shapes alone."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

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
    PaddingOption,
    SampleOption,
    StrideOption,
    TiesOption,
    UpstreamOption,
)

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.geometry import Plan


@dataclass(eq=False, repr=False)
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


@dataclass(eq=False, repr=False)
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
    traced = of_plan(plan, kind, given, with_bias=with_bias)
    return traced, given_values(traced, given)


def of_plan(plan: Plan, kind: str, given: Given, *, with_bias: bool) -> Any:
    """The tracer of a planned layer of that kind."""
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


def given_values(traced: Any, given: Given) -> dict[str, Any]:
    """The given arrays that the layer's equations speak of."""
    found = {name: given[name] for name in ("X", "W", "b") if name in given}
    return canonical(traced, {name: found[name] for name in found if name in traced.frames})


def canonical(traced: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays with canonical axes; deferred, because it loads numpy."""
    from convgrad_cli.derivation.derivation import canonical as with_canonical_axes

    return with_canonical_axes(traced, arrays)


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
