"""The Python door of the tracer: ``derive``, from arrays or from shapes alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from convgrad_cli.derivation.layer import Writing, derivation_of
from convgrad_cli.errors import UsageError
from convgrad_cli.geometry.padding import whole_number
from convgrad_cli.layers.numbers import numeric
from convgrad_cli.tracing.kinds import kind_named
from convgrad_cli.tracing.layer import planned_layer, shape_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from convgrad_cli.derivation import Derivation, LayerDerivation
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.geometry import Padding
    from convgrad_cli.tracing.kinds import Kind

    Sizes = int | Sequence[int]

ARRAYS = ("X", "W", "b", "dY", "dA", "depthwise", "pointwise")
"""What :func:`derive` takes in numbers."""
SHAPES = {
    "X": "input_shape",
    "W": "filter_shape",
    "depthwise": "depthwise_shape",
    "pointwise": "pointwise_shape",
}
"""And the option that gives an array's shape alone."""


def derive(
    *targets: str,
    layer: str = "conv",
    X: ArrayLike | None = None,
    W: ArrayLike | None = None,
    b: ArrayLike | None = None,
    dY: ArrayLike | None = None,
    dA: ArrayLike | None = None,
    depthwise: ArrayLike | None = None,
    pointwise: ArrayLike | None = None,
    input_shape: Sequence[int] | None = None,
    filter_shape: Sequence[int] | None = None,
    depthwise_shape: Sequence[int] | None = None,
    pointwise_shape: Sequence[int] | None = None,
    with_bias: bool = False,
    window: Sizes | None = None,
    stride: Sizes | None = None,
    padding: Padding | None = None,
    dilation: Sizes | None = None,
    groups: int | None = None,
    dims: int | None = None,
    layout: str | None = None,
    filter_layout: str | None = None,
    output_size: Sizes | None = None,
    output_padding: Sizes | None = None,
    ceil_mode: bool | None = None,
    ties: str | None = None,
    count_include_pad: bool | None = None,
    activation: str | None = None,
    slope: float | None = None,
    transforms: str | Sequence[str] | None = None,
    upsample: str | None = None,
    notation: str = "slides",
    symbols: Mapping[str, str] | None = None,
    base: int | None = None,
) -> Derivation | LayerDerivation:
    """The equations of a layer, one for each element: every gradient unless targets are named.

        layer            made of                     options of its own                 targets
        conv             X W (b)                     groups, filter_layout, output_size Y dW dX db
          ... then σ     X W (b), dA from above      activation, slope                  and A dY
          ... transforms X W (b), dY (N,S,K,oH,oW)   transforms                         Y dW dX db
        maxpool          X itself, not its shape     window, ceil_mode, ties            Y dX
        avgpool          X                           window, ceil_mode, count_include_pad   Y dX
        transposed       X W (C, K/groups, ...) (b)  groups, output_padding, output_size Y dW dX db
        activation       X is z, dA from above       activation, slope                  A dY
        upsample         X                           upsample (nearest, zeros), stride  Y dX
        separable        X depthwise pointwise (b)   output_size        V Y dX dD dP dV db

    Arrays as for the layer's own functions, or their shapes alone (``input_shape``,
    ``filter_shape``, ``depthwise_shape``, ``pointwise_shape``): what is not given in numbers has
    none in the equations. ``stride``, ``padding``, ``dilation``, ``dims`` and ``layout`` as for
    :func:`convgrad_cli.conv_backward`; ``with_bias`` puts b into the forward equations. Targets are
    written as ``"dX"``, ``"dX[2,2]"`` or a label of the notation, ``"F11"``.

    A layer of several steps (with an activation, separable) gives a
    :class:`~convgrad_cli.derivation.LayerDerivation`, whose equations are those of every step.

    Raises UsageError for an unknown layer, target, notation or an option that the layer does not
    take, ShapeError and GeometryError for what fits no layer, DataError for arrays without numbers.

        >>> print(derive("dX[1,1]", input_shape=(3, 3), filter_shape=(2, 2)))
        ∂L/∂X22 = ∂L/∂O11·F22 + ∂L/∂O12·F21 + ∂L/∂O21·F12 + ∂L/∂O22·F11
        >>> print(derive("dY[0,1]", layer="activation", activation="relu", input_shape=(2, 2)))
        ∂L/∂O12 = ∂L/∂A12·σ′(O12)
    """
    _check_texts(targets)
    arrays = {"X": X, "W": W, "b": b, "dY": dY, "dA": dA}
    arrays |= {"depthwise": depthwise, "pointwise": pointwise}
    shapes = {"X": input_shape, "W": filter_shape}
    shapes |= {"depthwise": depthwise_shape, "pointwise": pointwise_shape}
    options: dict[str, Any] = {"window": window, "stride": stride, "padding": padding}
    options |= {"dilation": dilation, "transforms": transforms}
    options |= {"groups": groups, "dims": dims, "layout": layout, "filter_layout": filter_layout}
    options |= {"output_size": output_size, "output_padding": output_padding}
    options |= {"ceil_mode": ceil_mode, "ties": ties, "count_include_pad": count_include_pad}
    options |= {"activation": activation, "slope": slope, "mode": upsample}
    found = traced_stages(layer, arrays, shapes, options, with_bias=with_bias)
    return derivation_of(found, targets, Writing(notation, symbols, base))


def traced_stages(
    layer: str,
    arrays: Mapping[str, ArrayLike | None],
    shapes: Mapping[str, Sequence[int] | None],
    options: Mapping[str, Any],
    *,
    with_bias: bool = False,
) -> list[Stage]:
    """The stages of the layer that these arrays, or shapes alone, and options describe.

    Everything stands under :func:`derive`'s names (``upsample`` as ``mode``); None is not given.
    """
    kind = kind_named(layer)
    given = {name: numeric(array, name) for name, array in arrays.items() if array is not None}
    alone = {n: sizes(shape, SHAPES[n]) for n, shape in shapes.items() if shape is not None}
    _only_its_arrays(kind, given, alone)
    made = {
        name: shape_of(
            name,
            given.get(name),
            alone.get(name),
            option=SHAPES[name],
            missing=f"{name}, or {SHAPES[name]} alone",
        )
        for name in kind.operands
    }
    planned = planned_layer(layer, made, options)
    _check_upstream(planned.upstream, given)
    return planned.stages(given, with_bias=with_bias)


def sizes(shape: object, option: str) -> tuple[int, ...]:
    """A shape given alone, as whole numbers. Raises UsageError for anything else."""
    found = () if isinstance(shape, str) or not isinstance(shape, Iterable) else tuple(shape)
    whole = [size for size in map(whole_number, found) if size is not None and size >= 0]
    if not whole or len(whole) != len(found):
        raise UsageError(
            f"{option} must be positive whole numbers, one for each axis.",
            expected=f"for example {option}=(3, 3)",
            found=repr(shape),
        )
    return tuple(whole)


def _check_texts(targets: Sequence[object]) -> None:
    """Raise UsageError for a target that is no text: a list of them, an array."""
    for target in targets:
        if not isinstance(target, str):
            raise UsageError(
                "A target is a text.",
                expected='"dX", "dX[2,2]", or a label of the notation, each an argument of its own',
                found=type(target).__name__,
                remedy="derive(*targets) for a list; X=…, W=…, dY=… for arrays",
            )


def _only_its_arrays(kind: Kind, arrays: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
    """Raise UsageError for an array of another layer."""
    strange = [name for name in arrays if name not in (*kind.arrays, "dY", "dA")]
    strange += [SHAPES[name] for name in shapes if name not in kind.operands]
    if strange:
        raise UsageError(
            f"The layer {kind.name} has no {strange[0]}.",
            expected=", ".join(kind.arrays),
            found=strange[0],
        )


def _check_upstream(name: str, arrays: Mapping[str, Any]) -> None:
    """Raise UsageError where the gradient from above is not the one that arrives here."""
    other = "dY" if name == "dA" else "dA"
    if other not in arrays:
        return
    if name == "dA":
        raise UsageError(
            "dY is given, but after an activation the gradient from above is dA.",
            expected="dA: dY = dA ∘ σ′(Y) is derived from it",
            array="dY",
        )
    raise UsageError(
        "dA is given, but no activation.",
        expected="dY, or activation=NAME, after which dA is the gradient",
        array="dA",
    )
