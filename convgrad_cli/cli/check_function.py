"""``convgrad check function FILE.py:NAME``: your own backward function on small layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from convgrad_cli.cli.check_layer import (
    LongOption,
    RuleOptions,
)
from convgrad_cli.cli.lecture_options import (
    ActivationOption,
    SlopeOption,
    TransformsOption,
    UpsampleOption,
)
from convgrad_cli.cli.options import OutputOptions, TiesOption
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

FunctionArgument = Annotated[str, Argument(metavar="FILE.py:NAME", help="The function to run.")]
SignatureOption = Annotated[
    str,
    Option(
        "--signature",
        help="arrays: (X, W, dY, stride=…) → (dX, dW, db), with an activation (X, W, b, dA, …), "
        "pools (X, dY, window) and upsampling (X, dY, scale) → dX, an activation (Z, dA) → dZ, a "
        "separable layer (X, D, P, dY, …) → (dX, dD, dP, db); "
        "cs231n: (dout, cache); dlai: (dZ, cache), NHWC.",
    ),
]
KindOption = Annotated[
    str,
    Option(
        "--layer",
        help="conv, maxpool, avgpool, transposed, activation, upsample or separable.",
    ),
]
DimensionsOption = Annotated[int, Option("--dims", help="Spatial dimensions: 1, 2 or 3.")]
PythonOption = Annotated[
    str | None,
    Option("--python", help="The interpreter to run it with; it needs numpy.", metavar="PYTHON"),
]
TimeoutOption = Annotated[float, Option("--timeout", help="Seconds for one call.")]
TotalOption = Annotated[float, Option("--total-timeout", help="Seconds for all calls together.")]
SaveOption = Annotated[
    str | None,
    Option("--save", help="Write the smallest failing layer as a bundle.", metavar="FILE"),
]


def register(check: typer.Typer) -> None:
    """Add the command."""
    command(check, "function", example="convgrad check function mine.py:conv_backward")(function)


def function(
    function: FunctionArgument,
    rule: RuleOptions,
    output: OutputOptions,
    signature: SignatureOption = "arrays",
    layer: KindOption = "conv",
    dims: DimensionsOption = 2,
    ties: TiesOption = None,
    activation: ActivationOption = None,
    slope: SlopeOption = None,
    upsample: UpsampleOption = None,
    transforms: TransformsOption = None,
    python: PythonOption = None,
    timeout: TimeoutOption = 10.0,
    total_timeout: TotalOption = 120.0,
    save: SaveOption = None,
    long: LongOption = False,
) -> None:
    """Your own backward function, run on small layers that grow.

    It runs in a process of its own, with time limits. Reports the smallest failing layer and the
    mistake. Exit code 0 right, 1 wrong (or it crashes), 2 not checkable.
    """
    from convgrad_cli.check.compare import choose_rule
    from convgrad_cli.check.function import bundle_of_case, check_function_file
    from convgrad_cli.check.function_process import Limits, read_target
    from convgrad_cli.cli.check_layer import finish_check
    from convgrad_cli.cli.check_power import save_bundle
    from convgrad_cli.errors import UsageError

    for name, value in (("--timeout", timeout), ("--total-timeout", total_timeout)):
        if not 0 < value < 1e6:
            raise UsageError(f"{name} must be a positive number of seconds.", found=f"{value:g}")
    target = read_target(function, python)
    report = check_function_file(
        target,
        layer=layer,
        signature=signature,
        dims=dims,
        options={
            "ties": ties,
            "activation": activation,
            "slope": slope,
            "mode": upsample,
            "transforms": transforms,
        },
        rule=choose_rule(rule.rule, rule.rtol, rule.atol),
        limits=Limits(timeout, total_timeout),
    )
    notes = []
    if save is not None:
        if report.smallest is None:
            notes.append("Nothing failed, so nothing was saved.")
        else:
            save_bundle(bundle_of_case(report.smallest), save, [str(target.file)])
            notes.append(f"The smallest failing layer was written to {save}.")
    finish_check(report, output, long=long, inputs=[str(target.file)], notes=notes)
