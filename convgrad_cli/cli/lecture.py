"""``forward`` and ``backward`` with an activation, transforms of the filter, or views (L8–L16).

The plain commands hand over here when one of these is asked for, on the command line or by a
bundle; the convolution itself is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_options import LectureOptions
    from convgrad_cli.cli.options import OutputOptions, SymbolicOptions


@dataclass
class Asked:
    """What is asked of the layer: the activation, the transforms, the views by name."""

    activation: Any = None
    transforms: tuple[str, ...] = ()
    views: tuple[str, ...] = ()


@dataclass
class Layer:
    """A planned layer: the arrays, and the functions that are right for it."""

    plan: Any
    given: Given
    asked: Asked
    found: dict[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> Any:
        """The layer's numerics: ``planned_forward`` and ``planned_backward``."""
        from convgrad_cli.layers import conv, transforms

        return transforms if self.asked.transforms else conv


def asked_of(lecture: LectureOptions, given: Given) -> Asked | None:
    """What is asked for beyond the plain convolution, or None."""
    name = _first(lecture.activation, given.options.get("activation"))
    slope = _first(lecture.slope, given.options.get("slope"))
    names = _first(lecture.transforms, given.options.get("transforms"))
    if name is None and names is None and lecture.view is None:
        if lecture.slope is not None:
            from convgrad_cli.errors import UsageError

            raise UsageError("--slope is leaky-relu's.", remedy="add --activation leaky-relu")
        if "dA" in given and "dY" not in given:
            from convgrad_cli.errors import UsageError

            raise UsageError(
                "dA is given, but no activation.",
                expected="dY, or --activation NAME, after which dA is the gradient",
                array="dA",
            )
        return None
    from convgrad_cli.cli import words
    from convgrad_cli.cli.activation import chosen_activation
    from convgrad_cli.cli.lecture_views import VIEWS
    from convgrad_cli.geometry.transforms import transform_names

    asked = Asked()
    if name is not None:
        asked.activation = chosen_activation(name, slope)
    if names is not None:
        asked.transforms = transform_names(names)
    if lecture.view is not None:
        asked.views = words.names(lecture.view, VIEWS, "--view")
        _no_views_of_transforms(asked)
    return asked


def _first(typed: Any, bundled: Any) -> Any:
    """The command line wins over the bundle."""
    return bundled if typed is None else typed


def forward_with(
    asked: Asked, given: Given, output: OutputOptions, symbolic: SymbolicOptions
) -> None:
    """Y, and A = σ(Y) where there is an activation."""
    from convgrad_cli.cli.activation import activation_view
    from convgrad_cli.cli.lecture_views import conv_views

    layer = _planned(asked, given)
    Y = _forward(layer)
    arrays: dict[str, Any] = {}
    views = []
    if asked.activation is not None:
        A = _activated(layer, Y)
        arrays["A"] = A
        views.append(activation_view(asked.activation, Y, A))
    arrays["Y"] = Y
    arrays |= {name: given[name] for name in ("X", "W", "b") if name in given}
    views += conv_views(layer.plan, asked.views, given["X"], given["W"], given.get("b"), None)
    _emit(layer, "conv_forward", arrays, output, symbolic, views, targets=("Y",))


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
    from convgrad_cli.cli.lecture_views import conv_views

    layer = _planned(asked, given)
    views = []
    arrays: dict[str, Any] = {}
    if asked.activation is not None:
        views.append(_through_activation(layer, arrays))
        dY = arrays["dY"]
    else:
        dY = _upstream(layer, "dY")
    X, W = given["X"], given["W"]
    only = {} if asked.transforms else {"only": wanted}
    gradients = given.locating(lambda: layer.module.planned_backward(layer.plan, X, W, dY, **only))
    found = {name: getattr(gradients, name) for name in wanted}
    # --only means these and nothing else; without it A and dY come along.
    arrays = arrays | found if len(wanted) == 3 else found
    if asked.transforms:
        from convgrad_cli.cli.lecture_views import pull_back_view

        views.append(pull_back_view(asked.transforms, W, gradients.shares, gradients.dW))
    views += conv_views(layer.plan, asked.views, X, W, given.get("b"), dY)
    result = _result(layer, "conv_backward", arrays, upstream=dY)
    if learning_rate is not None:
        from convgrad_cli.cli.backward import updated

        result.updated = updated(given, found, learning_rate)
    if verify:
        result.verify = _verified(layer, X, W, dY, found)
    _unreached(layer, result, wanted)
    _finish(layer, result, output, symbolic, views, targets=tuple(wanted), upstream=dY)


def _planned(asked: Asked, given: Given) -> Layer:
    """The plan of the convolution, or of all its transformed ones."""
    from convgrad_cli.cli.inputs import conv_keywords, conv_plan
    from convgrad_cli.geometry.transforms import plan_transforms

    if not asked.transforms:
        return Layer(conv_plan(given), given, asked)
    held = given.arrays.get("dY")
    if held is not None and held.source.startswith("the built-in example"):
        given.arrays.pop("dY")  # the upstream of its one map, not of a stack of maps
    shapes = given["X"].shape, given["W"].shape
    keywords = conv_keywords(given.options)
    plan = given.locating(lambda: plan_transforms(*shapes, asked.transforms, **keywords))
    b = given.get("b")
    if b is not None:
        given.locating(lambda: plan.check_bias(b.shape))
    return Layer(plan, given, asked)


def _forward(layer: Layer) -> Any:
    given = layer.given
    return given.locating(
        lambda: layer.module.planned_forward(layer.plan, given["X"], given["W"], given.get("b"))
    )


def _activated(layer: Layer, Y: Any) -> Any:
    from convgrad_cli.layers import activation

    if note := activation.kink_note(layer.asked.activation, Y):
        layer.given.notes.append(note)
    return activation.forward(layer.asked.activation, Y)


def _through_activation(layer: Layer, arrays: dict[str, Any]) -> Any:
    """Y, A and dY = dA ∘ σ′(Y) into ``arrays``; the step as a view."""
    from convgrad_cli.cli.activation import activation_view
    from convgrad_cli.layers import activation

    Y = _forward(layer)
    A = _activated(layer, Y)
    dA = _upstream(layer, "dA")
    layer.found |= {"Y": Y, "dA": dA}
    arrays |= {"A": A, "dY": activation.grad_input(layer.asked.activation, Y, dA)}
    return activation_view(layer.asked.activation, Y, A, dA)


def _upstream(layer: Layer, name: str) -> Any:
    """The gradient from above in Y's shape: ``dA`` (or what -g gave), else ones."""
    import numpy as np

    given, plan = layer.given, layer.plan
    if name == "dA" and "dA" in given:
        given.arrays["dY"] = given.arrays["dA"]
    dY = given.get("dY")
    if dY is None:
        from convgrad_cli.cli.inputs import upstream

        if name == "dY" and not layer.asked.transforms:
            return upstream(given, plan)
        letter = name[1]
        given.notes.append(
            f"No upstream gradient was given: {name} = 1 everywhere, that is L = Σ{letter}."
        )
        return np.ones(plan.output_shape, dtype=np.result_type(given["X"], given["W"]))
    given.locating(lambda: plan.check_upstream(dY.shape))
    return dY.reshape(plan.output_shape)


def _result(layer: Layer, operation: str, arrays: dict[str, Any], *, upstream: Any = None) -> Any:
    from convgrad_cli.cli.results import conv_result

    given, asked = layer.given, layer.asked
    result = conv_result(operation, layer.plan, given, arrays, upstream=upstream)
    if asked.activation is not None:
        result.extra["activation"] = asked.activation.name
        if asked.activation.name == "leaky-relu":
            kink = asked.activation.kink
            result.extra["slope"] = 1.0 if kink is None else kink
    if asked.transforms:
        geometry = layer.plan.geometry
        # Each map has its own padding, so the word that was given says more than the numbers.
        result.geometry.pop("padding", None)
        result.extra["transforms"] = list(asked.transforms)
        if given.options.get("padding") is not None:
            result.extra["padding"] = given.options["padding"]
        result.extra["maps"] = [
            {"transform": name, "kernel": list(each.kernel), "padding": each.padding}
            for name, each in zip(geometry.names, geometry.maps, strict=True)
        ]
    return result


def _emit(
    layer: Layer,
    operation: str,
    arrays: dict[str, Any],
    output: OutputOptions,
    symbolic: SymbolicOptions,
    views: list[Any],
    *,
    targets: tuple[str, ...],
) -> None:
    result = _result(layer, operation, arrays)
    _finish(layer, result, output, symbolic, views, targets=targets)


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
    from convgrad_cli.cli.layer_output import derivation_of, emit_layer
    from convgrad_cli.cli.results import raise_if_not_verified

    derivations: dict[str, Any] = {}
    if symbolic.symbolic:
        given = layer.given
        values = {name: given[name] for name in ("X", "W", "b") if name in given}
        if upstream is not None:
            values["dY"] = upstream
        notation = given.notation
        derivations["derivation"] = derivation_of(
            _traced(layer), targets, values, symbolic, notation
        )
        if layer.asked.activation is not None:
            traced, own, wanted = _traced_activation(layer, result.arrays)
            derivations["activation_derivation"] = derivation_of(
                traced, wanted, own, symbolic, notation
            )
    emit_layer(result, output, derivations=derivations, views=views, sources=layer.given.sources)
    raise_if_not_verified(result)


def _traced(layer: Layer) -> Any:
    from convgrad_cli.derivation import TracedConv
    from convgrad_cli.derivation.transforms import TracedTransforms

    kind = TracedTransforms if layer.asked.transforms else TracedConv
    return kind(layer.plan, "b" in layer.given)


def _traced_activation(layer: Layer, arrays: dict[str, Any]) -> Any:
    """The activation's tracer on Y's frame, its numbers, and its target."""
    from convgrad_cli.cli.activation import trace

    traced = trace(layer.asked.activation, _traced(layer).frames["Y"])
    if "dA" not in layer.found:
        return traced, {"Y": arrays["Y"]}, ("A",)
    return traced, {"Y": layer.found["Y"], "dA": layer.found["dA"]}, ("dY",)


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


def _no_views_of_transforms(asked: Asked) -> None:
    if asked.transforms:
        from convgrad_cli.errors import UsageError

        raise UsageError(
            "--view shows one convolution, and --transforms makes several.",
            remedy="give one of them",
        )
