"""What the commands of ``check`` share: the layer of any kind, the user's answers, the way out."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.boundary import ExitCode, leave
from convgrad_cli.cli.options import (
    ConvArrays,
    ConvOptions,
    CountPadOption,
    OutputOptions,
    PoolArrays,
    TiesOption,
)
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from convgrad_cli.check.problem import Problem
    from convgrad_cli.cli.inputs import Given

LAYERS = ("conv", "maxpool", "avgpool")

LayerOption = Annotated[
    str | None,
    Option("--layer", help="conv, maxpool or avgpool (default: the bundle's, else conv)."),
]
LongOption = Annotated[bool, Option("--long", "-l", help="Say everything that was found out.")]


@dataclass(eq=False, repr=False)
class LayerOptions(ConvOptions):
    """The geometry of a convolution or a pool."""

    window: Annotated[
        str | None, Option("--window", "-k", help="A pool's window: 2, or 2,3.", metavar="N[,N]")
    ] = None
    ceil_mode: Annotated[
        bool | None,
        Option("--ceil-mode/--floor-mode", help="A pool's last, partly filled window counts."),
    ] = None
    ties: TiesOption = None
    count_include_pad: CountPadOption = None


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


def gather_layer(arrays: ConvArrays, options: LayerOptions, layer: str | None) -> tuple[Given, str]:
    """What was given, and the kind of layer: as asked, else the bundle's or the sample's."""
    from convgrad_cli.cli.inputs import gather

    if layer is not None and layer not in LAYERS:
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(LAYERS)}")
    # The user's own answers may hold NaN; the layer's arrays are looked at afterwards.
    wide = replace(arrays, allow_nonfinite=True)
    extra = {"ties": options.ties, "count_include_pad": options.count_include_pad}
    pool = layer in ("maxpool", "avgpool") or _pool_sample(arrays)
    if pool:
        _no_conv_options(arrays, options)
    given = gather(_pool_arrays(wide) if pool else wide, options, extra)
    kind = layer or _kind_of(given, pool=pool)
    if kind != "conv":
        _no_conv_options(arrays, options)
    if not arrays.allow_nonfinite:
        _finite(given)
    return given, kind


def _pool_sample(arrays: ConvArrays) -> bool:
    if arrays.sample is None:
        return False
    from convgrad_cli.cli.examples import named_example

    return named_example(arrays.sample).layer == "pool"


def _pool_arrays(arrays: ConvArrays) -> PoolArrays:
    return PoolArrays(**{field.name: getattr(arrays, field.name) for field in fields(PoolArrays)})


def _kind_of(given: Given, *, pool: bool) -> str:
    if given.operation is not None:
        kind = given.operation.partition("_")[0]
        if kind in LAYERS:
            return kind
    if pool:
        return "maxpool"
    if given.options.get("window") is not None and "W" not in given:
        raise UsageError(
            "A window is given, but not which pool it is.",
            expected="--layer maxpool or --layer avgpool",
        )
    return "conv"


def _no_conv_options(arrays: ConvArrays, options: LayerOptions) -> None:
    for name in ("filter", "bias"):
        if getattr(arrays, name) is not None:
            raise UsageError(f"A pool has no {name}.", found=f"--{name}")
    for name in ("groups", "output_size"):
        if getattr(options, name) is not None:
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"A pool does not take {flag}.", found=flag)


def _finite(given: Given) -> None:
    """Refuse NaN and infinities in the layer's own arrays."""
    from convgrad_cli.arrays.numeric import as_numbers

    for name in ("X", "W", "b", "dY"):
        array = given.get(name)
        if array is not None:
            given.locating(lambda array=array, name=name: as_numbers(array, name))  # type: ignore[misc]


def problem_of(given: Given, kind: str, answers: Mapping[str, Any]) -> Problem:
    """The layer as the checker takes it; dY is 1 everywhere where none is given."""
    from convgrad_cli.check.arrays import conv_problem, pool_problem
    from convgrad_cli.cli.inputs import conv_plan, pool_plan, upstream

    plan: Any = conv_plan(given) if kind == "conv" else pool_plan(given)
    arrays = {name: loaded.array for name, loaded in given.arrays.items()}
    if "dY" in arrays or set(answers) - {"Y"}:
        arrays["dY"] = upstream(given, plan)
    if kind == "conv":
        problem: Problem = given.locating(lambda: conv_problem(plan, arrays, answers))
        return problem
    ties = given.options.get("ties") or "first"
    counting = bool(given.options.get("count_include_pad"))
    pool: Problem = given.locating(
        lambda: pool_problem(plan, arrays, answers, kind, ties, counting)
    )
    return pool


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
