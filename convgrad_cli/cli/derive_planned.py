"""From what was given to a layer that is planned and traced, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convgrad_cli.cli.derive_options import DeriveArrays
    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.tracing import Kind, PlannedLayer

    Shape = tuple[int, ...]

FLAGS = {
    "X": ("--input", "--input-shape"),
    "W": ("--filter", "--filter-shape"),
    "depthwise": ("--depthwise", "--depthwise-shape"),
    "pointwise": ("--pointwise", "--pointwise-shape"),
}
"""The options that give an array, and its shape alone."""


@dataclass(frozen=True)
class Traced:
    """A layer with its stages: what ``derive`` writes out and ``check equations`` checks by."""

    layer: PlannedLayer
    stages: list[Stage]

    @property
    def kind(self) -> str:
        """The kind of layer, by name."""
        return self.layer.kind.name


def traced_layer(
    given: Given, kind: str, arrays: DeriveArrays, *, with_bias: bool, ones: bool
) -> Traced:
    """The layer of that kind: planned, traced, its numbers worked out as far as they are known.

    ones: whether a missing upstream gradient is 1 everywhere, where the rest has numbers. Raises a
    ConvgradError for shapes and options that describe no layer.
    """
    from convgrad_cli.tracing import KINDS, planned_layer

    chosen = KINDS[kind]
    shapes = {name: _shape(given, name, arrays, z=kind == "activation") for name in chosen.operands}
    layer: PlannedLayer = given.locating(
        lambda: planned_layer(kind, shapes, chosen.own_options(given.options))
    )
    _settle(given, layer)
    if ones and layer.upstream not in given and _all_known(given, chosen):
        from convgrad_cli.arrays import Loaded
        from convgrad_cli.cli.inputs import upstream

        made = upstream(given, layer.last, layer.upstream[1:])
        given.arrays[layer.upstream] = Loaded(made, "ones")
    names = [name for name in (*chosen.arrays, layer.upstream) if name in given]
    numbers = {name: given[name] for name in names}
    return Traced(layer, given.locating(lambda: layer.stages(numbers, with_bias=with_bias)))


def _all_known(given: Given, kind: Kind) -> bool:
    """Whether a layer with a filter has all its numbers but the upstream gradient's."""
    return len(kind.operands) > 1 and all(name in given for name in kind.operands)


def _settle(given: Given, layer: PlannedLayer) -> None:
    """The upstream gradient under its own name: where an activation comes last it is dA.

    A bundle may hold both; dY is then one of its results.
    """
    from convgrad_cli.errors import UsageError

    held = given.arrays
    if layer.upstream == "dA":
        above = held.pop("dY", None)
        if above is not None:
            held.setdefault("dA", above)
    elif "dA" in held and "dY" not in held:
        raise UsageError(
            "dA is given, but no activation.",
            expected="dY, or --activation NAME, after which dA is the gradient",
            array="dA",
        ).located(held["dA"].source)
    source = held["dY"].source if "dY" in held else ""
    if layer.options.get("transforms") is not None and source.startswith("the built-in example"):
        held.pop("dY")  # the upstream of its one map, not of a stack of maps


def _shape(given: Given, name: str, arrays: DeriveArrays, *, z: bool) -> Shape:
    """An array's shape, from the array or from the option that gives it alone."""
    from convgrad_cli.cli import words
    from convgrad_cli.errors import UsageError
    from convgrad_cli.tracing import shape_of

    flag, option = FLAGS[name]
    text = getattr(arrays, option[2:].replace("-", "_"))
    alone = None if text is None else words.whole_numbers(text, option)
    if alone is not None and min(alone) < 1:
        raise UsageError(f"{option} takes sizes of at least 1.", found=text)
    expected = f"{flag}, {option} alone, or a bundle"
    array = given.get(name)
    return given.locating(  # type: ignore[no-any-return]
        lambda: shape_of("z" if z else name, array, alone, option=option, missing=expected)
    )
