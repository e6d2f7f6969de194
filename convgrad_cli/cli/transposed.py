"""``convgrad transposed``: the transposed convolution, and upsampling, which is one (L13)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from convgrad_cli.cli.lecture_options import OutputPaddingOption, UpsampleOption
from convgrad_cli.cli.options import (
    ConvArrays,
    ConvOptions,
    OutputOptions,
    RateOption,
    SymbolicOptions,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "transposed", example="convgrad transposed -x X.npy -w W.npy --stride 2")(
        transposed
    )


def transposed(
    arrays: ConvArrays,
    options: ConvOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    output_padding: OutputPaddingOption = None,
    upsample: UpsampleOption = None,
    view: Annotated[
        bool,
        Option("--view", help="Show it as a convolution: zeros inserted, padded, W rotated."),
    ] = False,
    learning_rate: RateOption = None,
) -> None:
    """The transposed convolution, forward and backward.

    Y from X (C, …) and W (C, K/groups, …) as in PyTorch; with an upstream gradient dY also dX, dW
    and db. Its forward is a convolution's dX and its dX a convolution's forward: without arrays, a
    built-in example's dY stands for X and its X for dY.
    """
    from convgrad_cli.cli import words
    from convgrad_cli.cli.inputs import only_bundles_of

    typed: dict[str, Any] = {}
    if output_padding is not None:
        typed["output_padding"] = words.whole_numbers(output_padding, "--output-padding")
    given = gathered(arrays, options, typed, filtered=upsample is None)
    only_bundles_of(given, "transposed" if upsample is None else "upsample")
    if upsample is not None:
        _upsampled(given, upsample, output)
        return
    _convolved(given, output, symbolic, view=view, learning_rate=learning_rate)


def gathered(
    arrays: ConvArrays, options: ConvOptions, typed: dict[str, Any], *, filtered: bool
) -> Given:
    """The arrays; without any (or with --sample), a convolution's example, X and Y exchanged."""
    from convgrad_cli.cli.inputs import gather

    named = (arrays.bundle, arrays.input, arrays.filter, arrays.bias, arrays.upstream)
    exchanged = not any(spec is not None for spec in named)
    if exchanged and filtered and arrays.sample is None and options.stride is None:
        arrays = ConvArrays(sample="recitation-2", dims=arrays.dims, layout=arrays.layout)
    given = gather(arrays, options, typed)
    if arrays.filter_layout is not None:
        from convgrad_cli.errors import UsageError

        raise UsageError(
            "--filter-layout has no meaning here.",
            expected="W as (C_in, K/groups, …), PyTorch's order for a transposed convolution",
        )
    if exchanged and "dY" in given:
        given.arrays["X"], given.arrays["dY"] = given.arrays["dY"], given.arrays["X"]
        given.arrays.pop("b", None)
        changed = (options.padding, options.dilation, options.groups, options.output_size)
        if typed or any(option is not None for option in changed):
            given.arrays.pop("dY")  # the example's X is the upstream of its own geometry only
        given.notes = [
            "The convolution's example with X and Y exchanged: its dY is X here, its X is dY; "
            "so Y is that convolution's dX, and dX its forward."
        ]
        if not filtered:
            given.arrays.pop("dY", None)
            given.notes = ["The upstream gradient of a convolution's example is X here."]
    return given


def _convolved(
    given: Given,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    *,
    view: bool,
    learning_rate: float | None,
) -> None:
    from convgrad_cli.cli.layer_output import derivation_of, emit_layer
    from convgrad_cli.derivation.transposed import TracedTransposed
    from convgrad_cli.layers import transposed as layer

    X, W, b = given["X"], given["W"], given.get("b")
    plan = plan_of(given)
    Y = given.locating(lambda: layer.planned_forward(plan, X, W, b))
    found, dY = {"Y": Y}, given.get("dY")
    if dY is not None:
        gradients = given.locating(lambda: layer.planned_backward(plan, X, W, dY))
        found |= gradients._asdict()
    elif learning_rate is not None:
        _no_upstream("--learning-rate")
    result = _result("transposed", plan.geometry.as_dict(), given, found)
    if learning_rate is not None:
        result.updated = _updated(given, found, learning_rate)
    derivations: dict[str, Any] = {}
    if symbolic.symbolic:
        traced = TracedTransposed(plan, bias=b is not None)
        targets = ("dW", "dX", "db") if dY is not None else ("Y",)
        values = {name: given[name] for name in ("X", "W", "b", "dY") if name in given}
        derivations["derivation"] = derivation_of(traced, targets, values, symbolic, given.notation)
    views = [_as_convolution(plan, X, W, Y, b)] if view else []
    emit_layer(result, output, derivations=derivations, views=views, sources=given.sources)


def plan_of(given: Given) -> Any:
    """The plan of the transposed convolution the user gave; b is checked too where there is one."""
    from convgrad_cli.geometry.kinds import plan_of

    shapes = {name: given[name].shape for name in ("X", "W")}
    plan = given.locating(lambda: plan_of("transposed", shapes, given.options))
    b = given.get("b")
    if b is not None:
        given.locating(lambda: plan.check_bias(b.shape))
    return plan


def _upsampled(given: Given, mode: str, output: OutputOptions) -> None:
    from convgrad_cli.cli.layer_output import emit_layer
    from convgrad_cli.errors import ShapeError, UsageError
    from convgrad_cli.geometry.layer import per_dimension
    from convgrad_cli.layers import upsample as layer

    X = given["X"]
    if mode not in layer.UPSAMPLINGS:
        raise UsageError(
            f"Unknown upsampling {mode!r}.", expected=f"one of {', '.join(layer.UPSAMPLINGS)}"
        )
    dims = given.options.get("dims") or min(2, X.ndim)
    steps = given.options.get("stride", 2)
    scale = given.locating(lambda: per_dimension(steps, dims, "stride"))
    Y = layer.nearest(X, scale) if mode == "nearest" else layer.zeros(X, scale)
    found, dY = {"Y": Y}, given.get("dY")
    if dY is not None:
        if dY.shape != Y.shape:
            raise ShapeError(
                "dY has the wrong shape.",
                expected=f"{Y.shape}   the upsampled X {X.shape} by {scale}",
                found=str(dY.shape),
                array="dY",
            )
        size = X.shape[X.ndim - dims :]
        nearest = mode == "nearest"
        dX = layer.grad_nearest(dY, scale) if nearest else layer.grad_zeros(dY, scale, size)
        found["dX"] = dX
    result = _result("upsample", {"dims": dims, "stride": list(scale)}, given, found)
    result.extra["mode"] = mode
    emit_layer(result, output, sources=given.sources)


def _result(name: str, geometry: dict[str, Any], given: Given, found: dict[str, Any]) -> Any:
    from convgrad_cli.render.result import Result

    backward = "dX" in found
    shapes = {"input": given["X"].shape}
    if "W" in given and name == "transposed":
        shapes["filter"] = given["W"].shape
    if backward:
        shapes["upstream"] = given["dY"].shape
    return Result(
        operation=f"{name}_{'backward' if backward else 'forward'}",
        geometry=geometry,
        arrays=found,
        shapes=shapes,
        notes=list(given.notes),
    )


def _updated(given: Given, found: dict[str, Any], rate: float) -> dict[str, Any]:
    """One step of gradient descent (course slides, update rule)."""
    from convgrad_cli.layers.update import descend

    updated = {"W": descend(given["W"], found["dW"], rate)}
    if "b" in given:
        b = given["b"]
        updated["b"] = descend(b, found["db"].reshape(b.shape), rate)
    return updated


def _no_upstream(option: str) -> None:
    from convgrad_cli.errors import UsageError

    raise UsageError(f"{option} needs the gradients, and there is no upstream gradient.",
                     remedy="give -g")  # fmt: skip


def _as_convolution(plan: Any, X: Any, W: Any, Y: Any, b: Any) -> Any:
    """The second road to Y, and whether it leads to the same numbers."""
    import numpy as np

    from convgrad_cli.derivation.blocks import sentence
    from convgrad_cli.layers.transposed import by_convolution
    from convgrad_cli.render.views import View

    road = by_convolution(plan.X.to_canonical(X), plan.W.to_canonical(W), plan.geometry)
    plain = road.Y if b is None else road.Y + b.reshape(-1, *(1,) * plan.geometry.dims)
    agrees = bool(np.allclose(plain, plan.Y.to_canonical(Y), rtol=1e-5))
    shown = {
        "X with zeros inserted": plan.X.from_canonical(road.inserted),
        "padded": plan.X.from_canonical(road.padded),
        "rot180(W)": road.rotated if W.ndim > plan.geometry.dims else road.rotated[0, 0],
    }

    def write(pen: Any) -> Any:
        yield sentence(
            "Zeros between X's entries (stride − 1 of them), then d(k−1) − p around, then a "
            "convolution of stride 1 with the filter rotated by 180°: the recipe of a "
            "convolution's dX, for the upstream gradient X."
        )
        for label, array in shown.items():
            yield from pen.matrices(label, array)
        verdict = "the same numbers" if agrees else "DIFFERENT numbers"
        yield sentence(f"Both ways give {verdict} for Y (checked).")

    data = {
        "inserted": shown["X with zeros inserted"],
        "padded": shown["padded"],
        "rotated": shown["rot180(W)"],
        "agrees": agrees,
    }
    return View("convolution", "The transposed convolution as a convolution", write, data)
