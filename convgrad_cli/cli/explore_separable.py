"""``convgrad explore --layer separable``: the page of its two convolutions, as a chain of one."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_options import LayerOptions
    from convgrad_cli.cli.options import ConvArrays
    from convgrad_cli.cli.picture import NamingOptions

_TITLE = "Forward and backward of a depthwise separable convolution"
_TAKEN = ("stride", "padding", "dilation", "output_size")


def separable_asked(layer: str | None, depthwise: str | None, pointwise: str | None) -> bool:
    """Whether a separable layer is meant: by its name, or by a filter only it has.

    Raises UsageError for such a filter beside another layer's name.
    """
    for flag, given in (("--depthwise", depthwise), ("--pointwise", pointwise)):
        if given is not None and layer not in (None, "separable"):
            raise UsageError(
                f"The layer {layer} does not take {flag}.",
                found=flag,
                remedy=f"{flag} is for --layer separable",
            )
    return layer == "separable" or depthwise is not None or pointwise is not None


def gather_separable(
    arrays: ConvArrays, options: LayerOptions, depthwise: str | None, pointwise: str | None
) -> Given:
    """X, both filters, b and dY, perhaps from a bundle, or the built-in layer.

    Raises UsageError for what the layer has not.
    """
    from convgrad_cli.cli.inputs import typed_options
    from convgrad_cli.cli.separable import gathered

    _refuse(arrays, options)
    specs = {
        "X": arrays.input, "depthwise": depthwise, "pointwise": pointwise,
        "b": arrays.bias, "dY": arrays.upstream,
    }  # fmt: skip
    typed = {**typed_options(options), "dims": arrays.dims, "layout": arrays.layout}
    return gathered(specs, typed, bundle=arrays.bundle, allow_nonfinite=arrays.allow_nonfinite)


def separable_page(given: Given, naming: NamingOptions) -> str:
    """The page: the layer as depthwise and pointwise, every map beside its gradient."""
    from convgrad_cli.cli.inputs import upstream
    from convgrad_cli.cli.picture import notation_of
    from convgrad_cli.cli.separable import plan_of
    from convgrad_cli.layers.chain import Ending, run
    from convgrad_cli.layers.chain_nodes import NODES
    from convgrad_cli.render.page import chain_page

    if given.options.get("layout") not in (None, "nchw"):
        raise UsageError(
            "The page of a separable layer has its channels first.",
            expected="--layout nchw",
            found=f"--layout {given.options['layout']}",
        )
    plan = plan_of(given)
    parameters = {name: given[name] for name in ("depthwise", "pointwise", "b") if name in given}
    dY = upstream(given, plan.pointwise)
    node = NODES["separable"](given["X"].shape, None, parameters, _chosen(given))
    done = run([node], given["X"], Ending(upstream=dY))
    title = _TITLE if naming.title is None else naming.title
    return chain_page(done, notation_of(given, naming), title=title, notes=given.notes)


def _chosen(given: Given) -> dict[str, Any]:
    """The layer's options as a chain's file has them."""
    from convgrad_cli.geometry.kinds import chosen

    return chosen(given.options, *_TAKEN, "dims")


def _refuse(arrays: ConvArrays, options: LayerOptions) -> None:
    """Raise UsageError for arrays and options of other layers."""
    if arrays.sample is not None:
        raise UsageError(
            "No built-in example is a separable layer.",
            expected="--input, --depthwise, --pointwise (and --bias, --upstream), or a bundle",
            found=f"--sample {arrays.sample}",
        )
    if options.groups is not None:
        raise UsageError("--groups has no meaning here: every channel is a group of its own.")
    others = {field.name: getattr(options, field.name) for field in fields(options)}
    others |= {key: getattr(arrays, key) for key in ("filter", "filter_layout")}
    for name, value in others.items():
        if value is not None and name not in _TAKEN:
            flag = f"--{name.replace('_', '-')}"
            remedy = "its filters are --depthwise and --pointwise" if name == "filter" else None
            raise UsageError(
                f"The layer separable does not take {flag}.", found=flag, remedy=remedy
            )
