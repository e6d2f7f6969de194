"""What the commands of ``check`` share: the layer of any kind, the user's answers, the way out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.boundary import ExitCode, leave
from convgrad_cli.cli.lecture_options import DepthwiseOption, LayerOptions, PointwiseOption
from convgrad_cli.cli.options import ConvArrays, OutputOptions, PoolArrays
from convgrad_cli.errors import ShapeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.check.kind import Kind
    from convgrad_cli.check.problem import Problem
    from convgrad_cli.cli.inputs import Given

#: The lectures' further layers, which have examples of their own.
FURTHER = ("transposed", "activation", "upsample", "separable")
#: A separable layer's two filters.
FILTERS = ("depthwise", "pointwise")

LayerOption = Annotated[
    str | None,
    Option(
        "--layer",
        help="conv, maxpool, avgpool, transposed, activation, upsample or separable (default: the "
        "bundle's, else conv).",
    ),
]
LongOption = Annotated[bool, Option("--long", "-l", help="Say everything that was found out.")]


@dataclass(eq=False, repr=False)
class CheckedArrays(ConvArrays):
    """Where the arrays of any layer come from."""

    depthwise: DepthwiseOption = None
    pointwise: PointwiseOption = None


@dataclass(eq=False, repr=False)
class RuleOptions:
    """How close is close enough."""

    rule: Annotated[
        str | None, Option("--rule", help="default, allclose, cs231n or exact.", metavar="RULE")
    ] = None
    rtol: Annotated[
        float | None, Option("--rtol", help="|found − expected| ≤ atol + rtol·|expected|.")
    ] = None
    atol: Annotated[float | None, Option("--atol", help="See --rtol.")] = None


def gather_layer(
    arrays: ConvArrays, options: LayerOptions, layer: str | None, transforms: str | None = None
) -> tuple[Given, str]:
    """What was given, and the kind of layer: as asked, else the bundle's or the sample's."""
    from convgrad_cli.check.kinds import kind_named, refuse_others

    if layer is None and _filters_given(arrays):
        layer = "separable"
    typed = own_options(options) | ({} if transforms is None else {"transforms": transforms})
    if layer is not None:
        refuse_others(kind_named(layer, typed), typed, ("transforms",))
        refuse_strangers(kind_named(layer, typed), arrays, options)
    # The user's own answers may hold NaN; the layer's arrays are looked at afterwards.
    wide = replace(arrays, allow_nonfinite=True)
    pool = layer in ("maxpool", "avgpool") or _pool_sample(arrays)
    given = _gathered(wide, options, layer, typed, pool=pool)
    kind = layer or _kind_of(given, pool=pool)
    refuse_strangers(kind_named(kind, given.options), arrays, options)
    _settle(given, kind, arrays)
    if not arrays.allow_nonfinite:
        _finite(given)
    return given, kind


def own_options(options: LayerOptions) -> dict[str, Any]:
    """The options that not every layer has, as typed, under their names in a bundle."""
    from convgrad_cli.cli import words

    typed: dict[str, Any] = {"ties": options.ties, "count_include_pad": options.count_include_pad}
    typed |= {"activation": options.activation, "slope": options.slope, "mode": options.upsample}
    if options.output_padding is not None:
        typed["output_padding"] = words.whole_numbers(options.output_padding, "--output-padding")
    return {name: value for name, value in typed.items() if value is not None}


def _gathered(
    arrays: ConvArrays,
    options: LayerOptions,
    layer: str | None,
    typed: dict[str, Any],
    *,
    pool: bool,
) -> Given:
    from convgrad_cli.cli.inputs import gather

    if layer in ("transposed", "upsample"):
        from convgrad_cli.cli import transposed

        return transposed.gathered(arrays, options, typed, filtered=layer == "transposed")
    if layer == "separable":
        return _separable(arrays, options, typed)
    alone = not (arrays.bundle or arrays.input)
    if layer == "activation" and alone and (arrays.sample or not arrays.upstream):
        return _activation(arrays, typed)
    return gather(_pool_arrays(arrays) if pool else arrays, options, typed)


def _filters_given(arrays: ConvArrays) -> bool:
    return any(getattr(arrays, name, None) is not None for name in FILTERS)


def _activation(arrays: ConvArrays, typed: dict[str, Any]) -> Given:
    """The built-in z, or the activation that follows an example's layer."""
    from convgrad_cli.cli import activation

    given = activation.gathered(None, None, arrays.upstream, True, sample=arrays.sample)
    if arrays.upstream is not None:
        given.arrays["dY"] = given.arrays.pop("dA")
    given.options |= typed
    return given


def _separable(arrays: ConvArrays, options: LayerOptions, typed: dict[str, Any]) -> Given:
    """As the command itself reads it."""
    from convgrad_cli.cli import separable
    from convgrad_cli.cli.inputs import typed_options

    if arrays.sample is not None:
        raise UsageError("No built-in example is a separable layer.", found="--sample")
    specs = {"X": arrays.input, "b": arrays.bias, "dY": arrays.upstream}
    specs |= {name: getattr(arrays, name, None) for name in FILTERS}
    own = {"dims": arrays.dims, "layout": arrays.layout}
    chosen = typed_options(options) | typed | own
    return separable.gathered(specs, chosen, bundle=arrays.bundle, allow_nonfinite=True)


def _pool_sample(arrays: ConvArrays) -> bool:
    if arrays.sample is None:
        return False
    from convgrad_cli.cli.examples import named_example

    return named_example(arrays.sample).layer == "pool"


def _pool_arrays(arrays: ConvArrays) -> PoolArrays:
    return PoolArrays(**{field.name: getattr(arrays, field.name) for field in fields(PoolArrays)})


def _kind_of(given: Given, *, pool: bool) -> str:
    from convgrad_cli.check.kinds import LAYERS

    if given.operation is not None:
        kind = given.operation.partition("_")[0]
        if kind in LAYERS:
            return kind
    if any(name in given for name in FILTERS):
        return "separable"
    if pool:
        return "maxpool"
    if given.options.get("window") is not None and "W" not in given:
        raise UsageError(
            "A window is given, but not which pool it is.",
            expected="--layer maxpool or --layer avgpool",
        )
    return "conv"


def refuse_strangers(kind: Kind, arrays: ConvArrays, options: LayerOptions) -> None:
    """Raise UsageError for an array or an option of the command line that the layer has not."""
    for name, array in (("filter", "W"), ("bias", "b"), *((name, name) for name in FILTERS)):
        if getattr(arrays, name, None) is not None and array not in kind.operands:
            noun = f"{name} filter" if name in FILTERS else name
            raise UsageError(f"{kind.article} has no {noun}.", found=f"--{name}")
    for field in fields(LayerOptions):
        name = {"upsample": "mode"}.get(field.name, field.name)
        if getattr(options, field.name) is not None and name not in kind.takes:
            flag = f"--{field.name.replace('_', '-')}"
            raise UsageError(
                f"{kind.article} does not take {flag}.",
                found=flag,
                remedy="add --activation leaky-relu" if name == "slope" else None,
            )


def _settle(given: Given, kind: str, arrays: ConvArrays) -> None:
    """Names told apart: where an activation comes last, what arrives from above is dA.

    A bundle's dY beside dA, and z's gradient, is then an answer: dZ.
    """
    if given.options.get("transforms") is not None and not (arrays.bundle or arrays.upstream):
        given.arrays.pop("dY", None)  # an example's is that of one map
    if kind != "activation" and given.options.get("activation") is None:
        return
    if arrays.upstream is not None or "dA" not in given:
        given.arrays.pop("dA", None)
    elif "dY" in given:
        given.arrays["dZ"] = given.arrays.pop("dY")
    if "dA" in given:
        given.arrays["dY"] = given.arrays.pop("dA")
    if kind == "activation" and "Y" in given:
        Z = given.arrays.pop("Y")
        given.arrays.setdefault("X", Z)


def _finite(given: Given) -> None:
    """Refuse NaN and infinities in the layer's own arrays."""
    from convgrad_cli.arrays.numeric import as_numbers

    for name in ("X", "W", "b", "dY", *FILTERS):
        array = given.get(name)
        if array is not None:
            given.locating(lambda array=array, name=name: as_numbers(array, name))  # type: ignore[misc]


def problem_of(given: Given, kind: str, answers: Mapping[str, Any]) -> Problem:
    """The layer as the checker takes it; dY (or dA) is 1 everywhere where none is given."""
    from convgrad_cli.check.kind import named_upstream
    from convgrad_cli.check.kinds import kind_named
    from convgrad_cli.cli.inputs import upstream

    chosen = kind_named(kind, given.options)
    for name in ("X", "W"):
        if name in chosen.operands:
            given[name]  # missing: an error that says how to give it
    arrays = {name: loaded.array for name, loaded in given.arrays.items()}
    plan: Any = given.locating(lambda: chosen.plan(arrays, given.options))
    if "dY" in arrays or set(answers) - {"Y", "A"}:
        try:
            last = getattr(plan, "pointwise", plan)
            arrays["dY"] = upstream(given, last, chosen.upstream[1:])
        except ShapeError as error:
            raise named_upstream(error, chosen.upstream) from None
    made: Problem = given.locating(lambda: chosen.problem(plan, arrays, answers, given.options))
    return made


def finish_check(
    report: Any,
    output: OutputOptions,
    *,
    long: bool,
    inputs: list[str],
    notes: list[str],
) -> None:
    """Print and write the report; end with exit code 1 where it is not right."""
    from convgrad_cli.cli.output import put
    from convgrad_cli.render.check import check_output

    def form(name: str, **display: Any) -> str | bytes:
        return check_output(report, name, long=long, precision=output.precision, **display)

    put(form, {}, output, inputs=inputs, notes=notes)
    if report.verdict != "right":
        leave(ExitCode.DIFFERENCE)
