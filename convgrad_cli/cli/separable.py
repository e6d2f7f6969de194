"""``convgrad separable``: depthwise, then pointwise, and what that saves (L15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_options import DepthwiseOption, PointwiseOption
from convgrad_cli.cli.options import (
    BiasOption,
    BundleArgument,
    ConvOptions,
    DimsOption,
    InputOption,
    LayoutOption,
    NonfiniteOption,
    OutputOptions,
    RateOption,
    SymbolicOptions,
    UpstreamOption,
)
from convgrad_cli.cli.signature import command

if TYPE_CHECKING:
    import typer

    from convgrad_cli.cli.inputs import Given

_EXAMPLE = {
    "X": [
        [[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8], [9, 7, 9, 3]],
        [[2, 7, 1, 8], [2, 8, 1, 8], [2, 8, 4, 5], [9, 0, 4, 5]],
    ],
    "depthwise": [[[1, -2], [3, 0]], [[2, 1], [-1, 4]]],
    "pointwise": [[1, 2], [-3, 1], [0, 5]],
    "b": [1, 0, -2],
    "dY": [
        [[1, 2, -1], [0, 3, 1], [2, -2, 1]],
        [[-1, 0, 4], [2, 1, 0], [1, 3, -2]],
        [[2, 1, 1], [-3, 0, 2], [1, -1, 5]],
    ],
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "separable",
        example="convgrad separable -x X.npy --depthwise D.npy --pointwise P.npy -g dY.npy",
    )(separable)


def separable(
    options: ConvOptions,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    bundle: BundleArgument = None,
    input: InputOption = None,
    depthwise: DepthwiseOption = None,
    pointwise: PointwiseOption = None,
    bias: BiasOption = None,
    upstream: UpstreamOption = None,
    dims: DimsOption = None,
    layout: LayoutOption = None,
    allow_nonfinite: NonfiniteOption = False,
    learning_rate: RateOption = None,
) -> None:
    """A depthwise separable convolution, forward and backward.

    V from a filter per channel, Y from V by a 1×1 mixture of the channels; with dY all gradients.
    Shown beside it: parameters and multiply-adds of this layer and of the convolution it replaces.
    """
    from convgrad_cli.cli.inputs import typed_options

    if options.groups is not None:
        _no_groups()
    specs = {
        "X": input, "depthwise": depthwise, "pointwise": pointwise, "b": bias, "dY": upstream,
    }  # fmt: skip
    typed = {**typed_options(options), "dims": dims, "layout": layout}
    given = gathered(specs, typed, bundle=bundle, allow_nonfinite=allow_nonfinite)
    _emit(plan_of(given), given, output, symbolic, learning_rate)


def gathered(
    specs: dict[str, str | None],
    typed: dict[str, Any],
    *,
    bundle: str | None = None,
    allow_nonfinite: bool,
) -> Given:
    """The arrays and options, or the built-in layer where there are none."""
    from convgrad_cli.cli.inputs import only_bundles_of
    from convgrad_cli.cli.layer_inputs import example_given, read_given

    given = read_given(specs, typed, bundle=bundle, allow_nonfinite=allow_nonfinite)
    only_bundles_of(given, "separable")
    if not given.arrays:
        note = "No arrays were given: this is a built-in layer of two channels in and three out."
        given = example_given(_EXAMPLE, given.options, note)
        if {"stride", "padding", "dilation", "output_size"} & given.options.keys():
            given.arrays.pop("dY")
    return given


def plan_of(given: Given) -> Any:
    """The plan of X, the depthwise and the pointwise filter; b is checked too."""
    from convgrad_cli.geometry.kinds import plan_of

    shapes = {name: _needed(given, name).shape for name in ("X", "depthwise", "pointwise")}
    plan = given.locating(lambda: plan_of("separable", shapes, given.options))
    b = given.get("b")
    if b is not None:
        given.locating(lambda: plan.pointwise.check_bias(b.shape))
    return plan


def _needed(given: Given, name: str) -> Any:
    from convgrad_cli.errors import UsageError

    if name != "X" and name not in given:
        raise UsageError(f"The {name} filter is missing.", expected=f"--{name}", array=name)
    return given[name]


def _no_groups() -> None:
    from convgrad_cli.errors import UsageError

    raise UsageError(
        "--groups has no meaning here: every channel is a group of its own.",
        remedy="convgrad backward --groups for a plain grouped convolution",
    )


def _emit(
    plan: Any,
    given: Given,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    learning_rate: float | None,
) -> None:
    from convgrad_cli.cli.layer_output import emit_layer
    from convgrad_cli.errors import UsageError
    from convgrad_cli.layers import separable as layer
    from convgrad_cli.render.result import Result

    X, deep, point = given["X"], given["depthwise"], given["pointwise"]
    b, dY = given.get("b"), given.get("dY")
    maps = given.locating(lambda: layer.planned_forward(plan, X, deep, point, b))
    found = {"V": maps.V, "Y": maps.Y}
    if dY is not None:
        found |= given.locating(lambda: layer.planned_backward(plan, X, deep, point, dY))._asdict()
    elif learning_rate is not None:
        raise UsageError(
            "--learning-rate needs the gradients, and there is no upstream gradient.",
            remedy="give -g",
        )
    shapes = {"input": X.shape, "depthwise": deep.shape, "pointwise": point.shape}
    result = Result(
        operation=f"separable_{'forward' if dY is None else 'backward'}",
        geometry=plan.as_dict(),
        arrays=found,
        shapes=shapes if dY is None else {**shapes, "upstream": dY.shape},
        notes=list(given.notes),
        extra={"counts": plan.counts.as_dict()},
    )
    if learning_rate is not None:
        result.updated = _updated(given, found, learning_rate)
    derivations = _derivations(plan, given, found, symbolic) if symbolic.symbolic else {}
    emit_layer(
        result, output, views=[_counts_view(plan)], derivations=derivations, sources=given.sources
    )


def _updated(given: Given, found: dict[str, Any], rate: float) -> dict[str, Any]:
    """One step of gradient descent (course slides, update rule)."""
    from convgrad_cli.layers.update import descend

    updated = {
        "depthwise": descend(given["depthwise"], found["dDepthwise"], rate),
        "pointwise": descend(given["pointwise"], found["dPointwise"], rate),
    }
    if "b" in given:
        b = given["b"]
        updated["b"] = descend(b, found["db"].reshape(b.shape), rate)
    return updated


def _derivations(
    plan: Any, given: Given, found: dict[str, Any], symbolic: SymbolicOptions
) -> dict[str, Any]:
    """The equations of both steps, forward or (with an upstream gradient) backward."""
    from convgrad_cli.cli.layer_output import stage_derivations
    from convgrad_cli.tracing.stages import separable_stages

    backward = "dV" in found
    targets = ["dD", "dX", "dP", "dV", "db"] if backward else ["V", "Y"]
    ranks = [given[name].ndim for name in ("depthwise", "pointwise")]
    arrays = {name: loaded.array for name, loaded in given.arrays.items()}
    stages = separable_stages(plan, arrays, ranks=ranks, bias="b" in given)
    return stage_derivations(stages, targets, symbolic, given.notation)


def _counts_view(plan: Any) -> Any:
    """I·O·K·K against I·O + I·K·K, and the multiply-adds beside them."""
    from convgrad_cli.render.views import View

    counts = plan.counts
    kernel = "·".join(map(str, plan.depthwise.geometry.kernel))
    into, out = plan.depthwise.geometry.in_channels, plan.pointwise.geometry.out_channels
    maps = plan.depthwise.geometry.out_channels
    positions = counts.pointwise_multiply_adds // (maps * out)

    def write(pen: Any) -> Any:
        yield pen.equation("I·O·K·K", f"{into}·{out}·{kernel}", f"{counts.conventional_weights}")
        yield pen.equation(
            "I·O + I·K·K",
            f"{maps}·{out} + {maps}·{kernel}",
            f"{counts.pointwise_weights} + {counts.depthwise_weights}",
            f"{counts.separable_weights}",
        )
        yield pen.sentence(
            f"Parameters (biases apart): one convolution has {counts.conventional_weights}, the "
            f"separable layer {counts.separable_weights}. Multiply-adds at {positions} output "
            f"positions: {counts.conventional_multiply_adds} against "
            f"{counts.separable_multiply_adds}."
        )

    return View("counts", "Parameters and multiply-adds", write, counts.as_dict())
