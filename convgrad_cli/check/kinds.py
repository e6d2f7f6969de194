"""The layers that can be checked, one entry each: how its problem is made, and how it is called.

``check arrays``, ``check function`` and ``check power`` read this table and nothing else of a
layer; what a layer says of itself is its :class:`~convgrad_cli.check.problem.Problem`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convgrad_cli.check import (
    kind_activation,
    kind_pool,
    kind_separable,
    kind_transforms,
    kind_transposed,
    kind_upsample,
)
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from convgrad_cli.check.kind import Kind

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        kind_activation.CONV_OR_ACTIVATED,
        kind_pool.MAXPOOL,
        kind_pool.AVGPOOL,
        kind_transposed.TRANSPOSED,
        kind_activation.ACTIVATION,
        kind_upsample.UPSAMPLE,
        kind_separable.SEPARABLE,
    )
}
LAYERS = tuple(KINDS)


def kind_named(layer: Any, options: Mapping[str, Any] | None = None) -> Kind:
    """The kind of layer called ``layer``, with the activation or transforms that ``options`` name.

    Raises UsageError for an unknown layer.
    """
    if layer not in KINDS:
        raise UsageError(f"Unknown layer {layer!r}.", expected=f"one of {', '.join(LAYERS)}")
    kind = KINDS[layer]
    if layer == "conv" and (options or {}).get("transforms") is not None:
        return kind_transforms.TRANSFORMED
    followed = (options or {}).get("activation") is not None
    return kind.activated if followed and kind.activated is not None else kind


#: Options of some layers only; the others have a value in Python whatever the layer.
OWN = ("output_size", "output_padding", "activation", "slope", "mode", "transforms")


def refuse_others(kind: Kind, options: Mapping[str, Any], names: Iterable[str] = OWN) -> None:
    """Raise UsageError for an option that is another layer's."""
    for name in names:
        if options.get(name) is not None and name not in kind.takes:
            flag = "--upsample" if name == "mode" else f"--{name.replace('_', '-')}"
            raise UsageError(f"{kind.article} does not take {flag}.", found=flag)
