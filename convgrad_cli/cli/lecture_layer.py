"""A convolution with what the lectures add to it: an activation after it, transforms of its filter.

What is asked for, the plan of it, its upstream gradient and its tracers; ``forward`` and
``backward`` start here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.cli.lecture_options import LectureOptions


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
    from convgrad_cli.derivation.steps import VIEWS
    from convgrad_cli.geometry.transforms import transform_names
    from convgrad_cli.layers.activation import activation

    asked = Asked()
    if name is not None:
        asked.activation = activation(str(name), slope=slope)
    if names is not None:
        asked.transforms = transform_names(names)
    if lecture.view is not None:
        asked.views = words.names(lecture.view, VIEWS, "--view")
        _no_views_of_transforms(asked)
    return asked


def _first(typed: Any, bundled: Any) -> Any:
    """The command line wins over the bundle."""
    return bundled if typed is None else typed


def planned(asked: Asked, given: Given) -> Layer:
    """The plan of the convolution, or of all its transformed ones."""
    from convgrad_cli.geometry.kinds import plan_of

    shapes = {name: given[name].shape for name in ("X", "W")}
    options = given.options | {"transforms": asked.transforms or None}
    held = given.arrays.get("dY")
    if asked.transforms and held is not None and held.source.startswith("the built-in example"):
        given.arrays.pop("dY")  # the upstream of its one map, not of a stack of maps
    plan = given.locating(lambda: plan_of("conv", shapes, options))
    b = given.get("b")
    if b is not None:
        given.locating(lambda: plan.check_bias(b.shape))
    return Layer(plan, given, asked)


def forward(layer: Layer) -> Any:
    """Y, the pre-activation."""
    given = layer.given
    return given.locating(
        lambda: layer.module.planned_forward(layer.plan, given["X"], given["W"], given.get("b"))
    )


def upstream_of(layer: Layer, name: str) -> Any:
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


def traced(layer: Layer) -> Any:
    """The tracer of the convolution, or of the filter under its transforms."""
    from convgrad_cli.tracing.stages import traced_conv

    return traced_conv(layer.plan, bias="b" in layer.given)


def traced_activation(layer: Layer) -> Any:
    """The activation's tracer, on Y's frame."""
    from convgrad_cli.tracing.activation import traced_activation as of

    return of(layer.asked.activation, traced(layer).frames["Y"])


def _no_views_of_transforms(asked: Asked) -> None:
    if asked.transforms:
        from convgrad_cli.errors import UsageError

        raise UsageError(
            "--view shows one convolution, and --transforms makes several.",
            remedy="give one of them",
        )
