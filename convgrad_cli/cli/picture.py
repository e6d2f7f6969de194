"""What ``figure`` and ``explore`` share: the layer to look at, and where its picture goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

if TYPE_CHECKING:
    import numpy as np

    from convgrad_cli.cli.inputs import Given
    from convgrad_cli.derivation import Notation
    from convgrad_cli.geometry import Plan
    from convgrad_cli.render.layer import Layer

TITLES = {
    "conv": "Forward and backward of a convolution",
    "maxpool": "Forward and backward of a max pool",
    "avgpool": "Forward and backward of an average pool",
}


@dataclass(eq=False, repr=False)
class NamingOptions:
    """How the picture names things."""

    notation: Annotated[
        str | None,
        Option("--notation", help="slides, recitation, tutorial, diba, lecture12 or plain."),
    ] = None
    symbols: Annotated[
        str | None, Option("--symbols", help="Own letters: X=A,W=K,Y=Z,b=c.", metavar="LETTERS")
    ] = None
    base: Annotated[int | None, Option("--base", help="Indices count from 0 or 1.")] = None
    title: Annotated[str | None, Option("--title", help="The picture's heading.")] = None


QuietOption = Annotated[bool, Option("--quiet", "-q", help="No notes on stderr.")]


def planned(given: Given, kind: str) -> Plan:
    """The layer's plan."""
    from convgrad_cli.cli.inputs import conv_plan, pool_plan

    return conv_plan(given) if kind == "conv" else pool_plan(given)


def given_arrays(given: Given, kind: str, plan: Plan) -> dict[str, np.ndarray[Any, Any]]:
    """X, W, b and dY of the layer, b flat; dY is 1 everywhere where none is given."""
    from convgrad_cli.cli.inputs import upstream

    names = ("X", "W", "b") if kind == "conv" else ("X",)
    arrays = {name: given[name] for name in names if name in given or name != "b"}
    if "b" in arrays:
        arrays["b"] = arrays["b"].reshape(-1)
    return arrays | {"dY": upstream(given, plan)}


def layer_of(
    given: Given, kind: str, plan: Plan, arrays: dict[str, Any], naming: NamingOptions
) -> Layer:
    """The layer with its arrays and names."""
    from convgrad_cli.derivation.pool import TIES
    from convgrad_cli.errors import UsageError
    from convgrad_cli.render.layer import Layer

    ties = str(given.options.get("ties") or "first")
    if ties not in TIES:
        raise UsageError(f"Unknown tie rule {ties!r}.", expected=f"one of {', '.join(TIES)}")
    counting = bool(given.options.get("count_include_pad"))
    return Layer(kind, plan, arrays, _notation(given, naming), ties, counting)


def heading(kind: str, naming: NamingOptions) -> str:
    """The title asked for, or the layer's."""
    return naming.title or TITLES[kind]


def _notation(given: Given, naming: NamingOptions) -> Notation:
    from convgrad_cli.derivation import notation_named, parse_symbols

    symbols = None if naming.symbols is None else parse_symbols(naming.symbols)
    return notation_named(naming.notation or given.notation or "slides", symbols, naming.base)
