"""The plan of a layer of any kind, from its arrays' shapes and its options.

Shapes stand under their arrays' names, options under those they have in a bundle; None or left out
is "not given".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.planning import plan_conv, plan_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Shape: TypeAlias = Sequence[int]
    Shapes: TypeAlias = Mapping[str, Shape]
    Options: TypeAlias = Mapping[str, Any]

_SLIDING = ("stride", "padding", "dilation", "dims", "layout")


def plan_of(kind: str, shapes: Shapes, options: Options) -> Any:
    """The plan of the layer, with its filter under transforms where the options name some.

    Raises a ConvgradError for what describes no layer of that kind.
    """
    return _PLANS[kind](shapes, options)


def chosen(options: Options, *names: str) -> dict[str, Any]:
    """Those of the options that were given."""
    return {name: options[name] for name in names if options.get(name) is not None}


def conv_keywords(options: Options) -> dict[str, Any]:
    """Options as the keywords of :func:`convgrad_cli.geometry.plan_conv`."""
    keywords = chosen(options, *_SLIDING, "groups", "output_size")
    if options.get("filter_layout") is not None:
        keywords["filter_order"] = options["filter_layout"]
    return keywords


def pool_keywords(options: Options) -> dict[str, Any]:
    """Options as the keywords of :func:`convgrad_cli.geometry.plan_pool`."""
    if options.get("window") is None:
        raise UsageError(
            "The pool has no window.",
            expected="--window, e.g. --window 2 or 2,3 (window= in Python)",
        )
    return chosen(options, *_SLIDING, "window", "ceil_mode")


def _conv(shapes: Shapes, options: Options) -> Any:
    keywords = conv_keywords(options)
    if options.get("transforms") is None:
        return plan_conv(shapes["X"], shapes["W"], **keywords)
    from convgrad_cli.geometry.transforms import plan_transforms, transform_names

    names = transform_names(options["transforms"])
    return plan_transforms(shapes["X"], shapes["W"], names, **keywords)


def _pool(shapes: Shapes, options: Options) -> Any:
    return plan_pool(shapes["X"], **pool_keywords(options))


def _transposed(shapes: Shapes, options: Options) -> Any:
    from convgrad_cli.geometry.transposed import plan_transposed

    keywords = chosen(options, *_SLIDING, "groups", "output_padding", "output_size")
    return plan_transposed(shapes["X"], shapes["W"], **keywords)


def _activation(shapes: Shapes, options: Options) -> Any:
    from convgrad_cli.geometry.pointwise import plan_pointwise

    return plan_pointwise(shapes["X"], **chosen(options, "dims", "layout"))


def _upsample(shapes: Shapes, options: Options) -> Any:
    """Nearest, and twice as large, unless told otherwise."""
    from convgrad_cli.geometry.upsample import plan_upsample

    told = chosen(options, "stride", "mode")
    scale, mode = told.get("stride", 2), told.get("mode", "nearest")
    return plan_upsample(shapes["X"], scale, mode, **chosen(options, "dims", "layout"))


def _separable(shapes: Shapes, options: Options) -> Any:
    from convgrad_cli.geometry.separable import plan_separable

    filters = (shapes["depthwise"], shapes["pointwise"])
    return plan_separable(shapes["X"], *filters, **chosen(options, *_SLIDING, "output_size"))


_PLANS: dict[str, Callable[[Shapes, Options], Any]] = {
    "conv": _conv,
    "maxpool": _pool,
    "avgpool": _pool,
    "transposed": _transposed,
    "activation": _activation,
    "upsample": _upsample,
    "separable": _separable,
}
