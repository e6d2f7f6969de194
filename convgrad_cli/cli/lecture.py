"""``forward`` and ``backward`` with an activation, transforms of the filter, or views (L8–L16).

The plain commands hand over here when one of these is asked for, on the command line or by a
bundle; the convolution itself is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.lecture_layer import (
    forward,
    planned,
    traced,
    traced_activation,
    upstream_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_layer import Asked, Layer
    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions


def forward_with(
    asked: Asked, given: Given, output: OutputOptions, symbolic: SymbolicOptions
) -> None:
    """Y, and A = σ(Y) where there is an activation."""
    from convgrad_cli.cli.activation import activation_view

    layer = planned(asked, given)
    Y = forward(layer)
    arrays: dict[str, Any] = {}
    views = []
    if asked.activation is not None:
        A = _activated(layer, Y)
        arrays["A"] = A
        layer.found["Y"] = Y
        views.append(activation_view(asked.activation, Y, A))
    arrays["Y"] = Y
    arrays |= {name: given[name] for name in ("X", "W", "b") if name in given}
    views += _views(layer, symbolic, None)
    targets = ("Y",) if asked.activation is None else ("Y", "A")
    _finish(layer, _result(layer, "conv_forward", arrays), output, symbolic, views, targets=targets)


def backward_with(
    asked: Asked,
    given: Given,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    *,
    wanted: Sequence[str],
    learning_rate: float | None,
    verify: bool,
) -> None:
    """dX, dW, db, and before them dY = dA ∘ σ′(Y) where there is an activation."""
    layer = planned(asked, given)
    views = []
    arrays: dict[str, Any] = {}
    if asked.activation is not None:
        views.append(_through_activation(layer, arrays))
        dY = arrays["dY"]
    else:
        dY = upstream_of(layer, "dY")
    X, W = given["X"], given["W"]
    only = tuple(name for name in wanted if name not in ("A", "dY"))
    keywords = {} if asked.transforms else {"only": only}
    gradients = given.locating(
        lambda: layer.module.planned_backward(layer.plan, X, W, dY, **keywords)
    )
    found = {name: getattr(gradients, name) for name in only}
    arrays = {name: array for name, array in arrays.items() if name in wanted} | found
    if asked.transforms:
        from convgrad_cli.cli.lecture_views import pull_back_view

        views.append(pull_back_view(asked.transforms, W, gradients.shares, gradients.dW))
    views += _views(layer, symbolic, dY)
    result = _result(layer, "conv_backward", arrays, upstream=dY)
    if learning_rate is not None:
        from convgrad_cli.cli.backward import updated

        result.updated = updated(given, found, learning_rate)
    if verify:
        result.verify = _verified(layer, X, W, dY, found)
    _unreached(layer, result, wanted)
    _finish(layer, result, output, symbolic, views, targets=tuple(wanted), upstream=dY)


def _views(layer: Layer, symbolic: SymbolicOptions, dY: Any) -> list[Any]:
    """The views asked for, in the notation asked for or the example's."""
    from convgrad_cli.cli.lecture_views import conv_views
    from convgrad_cli.derivation import notation_named

    given = layer.given
    arrays = {name: given.get(name) for name in ("X", "W", "b")}
    notation = notation_named(symbolic.notation or given.notation or "slides")
    return conv_views(layer.plan, layer.asked.views, notation, **arrays, dY=dY, back=dY is not None)


def _activated(layer: Layer, Y: Any) -> Any:
    from convgrad_cli.layers import activation

    if note := activation.kink_note(layer.asked.activation, Y):
        layer.given.notes.append(note)
    return activation.forward(layer.asked.activation, Y)


def _through_activation(layer: Layer, arrays: dict[str, Any]) -> Any:
    """Y, A and dY = dA ∘ σ′(Y) into ``arrays``; the step as a view."""
    from convgrad_cli.cli.activation import activation_view
    from convgrad_cli.layers import activation

    Y = forward(layer)
    A = _activated(layer, Y)
    dA = upstream_of(layer, "dA")
    layer.found |= {"Y": Y, "dA": dA}
    arrays |= {"A": A, "dY": activation.grad_input(layer.asked.activation, Y, dA)}
    return activation_view(layer.asked.activation, Y, A, dA)


def _result(layer: Layer, operation: str, arrays: dict[str, Any], *, upstream: Any = None) -> Any:
    from convgrad_cli.cli.described import conv_described
    from convgrad_cli.cli.results import conv_result

    given = layer.given
    result = conv_result(operation, layer.plan, given, arrays, upstream=upstream)
    padding = given.options.get("padding")
    _, result.extra = conv_described(layer.plan, layer.asked.activation, padding)
    if layer.asked.transforms:
        result.geometry.pop("padding", None)
    return result


def _finish(
    layer: Layer,
    result: Any,
    output: OutputOptions,
    symbolic: SymbolicOptions,
    views: list[Any],
    *,
    targets: tuple[str, ...],
    upstream: Any = None,
) -> None:
    """The equations where asked, everything written, and a failed verification raised."""
    from convgrad_cli.cli.layer_output import emit_layer
    from convgrad_cli.cli.results import raise_if_not_verified

    derivations = _derivations(layer, symbolic, targets, upstream) if symbolic.symbolic else {}
    emit_layer(result, output, derivations=derivations, views=views, sources=layer.given.sources)
    raise_if_not_verified(result)


def _derivations(
    layer: Layer, symbolic: SymbolicOptions, targets: tuple[str, ...], upstream: Any
) -> dict[str, Any]:
    """The equations of the targets: the convolution's, and the activation's where there is one."""
    from convgrad_cli.cli.layer_output import derivation_of

    given, found = layer.given, {}
    own = tuple(target for target in targets if target not in ("A", "dY"))
    if own:
        values = {name: given[name] for name in ("X", "W", "b") if name in given}
        values |= {} if upstream is None else {"dY": upstream}
        found["derivation"] = derivation_of(traced(layer), own, values, symbolic, given.notation)
    pointwise = tuple(target for target in targets if target in ("A", "dY"))
    if pointwise:
        # Letters of its own: some lectures call A what they call the next layer's X.
        found["activation_derivation"] = derivation_of(
            traced_activation(layer), pointwise, layer.found, symbolic, given.notation, {"A": "A"}
        )
    return found


def _verified(layer: Layer, X: Any, W: Any, dY: Any, found: dict[str, Any]) -> dict[str, Any]:
    from convgrad_cli.check.verify import verify_conv
    from convgrad_cli.check.verify_transforms import verify_transforms

    plan = layer.plan
    layouts = {"dX": plan.X, "dW": plan.W}
    canonical = {
        name: layouts[name].to_canonical(array) if name in layouts else array
        for name, array in found.items()
    }
    check: Any = verify_transforms if layer.asked.transforms else verify_conv
    arrays = plan.X.to_canonical(X), plan.W.to_canonical(W), plan.canonical_upstream(dY)
    verdict: dict[str, Any] = check(*arrays, canonical, plan.geometry).as_dict()
    return verdict


def _unreached(layer: Layer, result: Any, wanted: Sequence[str]) -> None:
    """Rows that no window reaches; under transforms every map would have to miss them."""
    from convgrad_cli.cli.results import unreached_note

    if "dX" in wanted and not layer.asked.transforms:
        note = unreached_note(layer.plan.geometry)
        result.notes += [note] if note else []
