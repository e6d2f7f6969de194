"""The layers that can be derived: the arrays they are made of, their options, and their stages.

A further layer is one more entry of ``KINDS``. Options stand under their names in a bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from convgrad_cli.errors import UsageError
from convgrad_cli.tracing import stages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from convgrad_cli.derivation.stages import Stage
    from convgrad_cli.tracing.layer import PlannedLayer

    Arrays: TypeAlias = Mapping[str, Any]

_SLIDING = frozenset({"stride", "padding", "dilation"})
_FILTERED = _SLIDING | {"groups", "output_size"}
_POOLED = _SLIDING | {"window", "ceil_mode"}
_EVERY = frozenset({"dims", "layout"})


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    operands: the arrays whose shapes make it, X first. options: what it takes beside ``dims`` and
    ``layout``. stages: its tracers, with the numbers that the arrays give, and with or without b.
    """

    name: str
    operands: tuple[str, ...]
    options: frozenset[str]
    stages: Callable[[PlannedLayer, Arrays, bool], list[Stage]]
    biased: bool = False

    @property
    def arrays(self) -> tuple[str, ...]:
        """Every array that it takes but the upstream gradient."""
        return (*self.operands, "b") if self.biased else self.operands

    def own_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a bundle's options that mean something here."""
        return {name: options[name] for name in options if name in self.options | _EVERY}

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise UsageError for an option that another layer has."""
        for name, value in options.items():
            if value is None or name in self.options | _EVERY:
                continue
            having = [kind.name for kind in KINDS.values() if name in kind.options]
            word = "upsample" if name == "mode" else name
            raise UsageError(
                f"The layer {self.name} does not take {word}.",
                expected=", ".join(sorted(self.options | _EVERY)),
                found=f"{word} {value!r}",
                remedy=f"{word} is for the layer {' or '.join(having)}" if having else None,
            )


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "conv",
            ("X", "W"),
            _FILTERED | {"filter_layout", "activation", "slope", "transforms"},
            stages.conv,
            biased=True,
        ),
        Kind("maxpool", ("X",), _POOLED | {"ties"}, stages.pool),
        Kind("avgpool", ("X",), _POOLED | {"count_include_pad"}, stages.pool),
        Kind(
            "transposed", ("X", "W"), _FILTERED | {"output_padding"}, stages.transposed, biased=True
        ),
        Kind("activation", ("X",), frozenset({"activation", "slope"}), stages.activation),
        Kind("upsample", ("X",), frozenset({"stride", "mode"}), stages.upsample),
        Kind(
            "separable",
            ("X", "depthwise", "pointwise"),
            _SLIDING | {"output_size"},
            stages.separable,
            biased=True,
        ),
    )
}
LAYERS = tuple(KINDS)


def kind_named(layer: str) -> Kind:
    """The kind of layer of that name. Raises UsageError for an unknown one."""
    if layer not in KINDS:
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(LAYERS)}")
    return KINDS[layer]
