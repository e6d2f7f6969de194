"""Whether a gradient seen as a convolution multiplies exactly the terms of its equations.

The recipe's pairs come from :mod:`.routes`, the equations' from the taps: two derivations of one
thing, compared pair by pair.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from convgrad_cli.derivation import routes
from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.transforms import TracedTransforms
from convgrad_cli.derivation.transposed import TracedTransposed
from convgrad_cli.geometry.transforms import scale, source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.derivation.model import Index, Term, Traced

    Pair = tuple[Index | None, Index | None]


def has_route(traced: Traced, target: str) -> bool:
    """Whether the target is a convolution in its own right (a bias's gradient is a plain sum)."""
    match traced:
        case TracedConv() | TracedTransforms():
            return target in ("dX", "dW")
        case TracedTransposed():
            return target in ("Y", "dX", "dW")
    return False


def agrees(traced: Traced, target: str, index: Index) -> bool:
    """Whether the convolution multiplies exactly the pairs of the element's equation."""
    terms = Counter(pair for term in traced.terms(target, index) if (pair := _pair(term)))
    return Counter(_route(traced, target, index)) == terms


def _pair(term: Term) -> Pair | None:
    """The two places that a term multiplies; None for a bias."""
    if term.upstream is not None:
        return term.upstream, term.index
    return None if term.filter is None else (term.index, term.filter)


def _route(traced: Traced, target: str, index: Index) -> Iterator[Pair]:
    match traced:
        case TracedConv():
            road = {"dX": routes.input_route, "dW": routes.weight_route}[target]
            yield from road(traced.plan.geometry, index)
        case TracedTransposed():
            yield from _of_transposed(traced, target, index)
        case TracedTransforms():
            yield from _of_transforms(traced, target, index)


def _of_transposed(traced: TracedTransposed, target: str, index: Index) -> Iterator[Pair]:
    """The convolution underneath, X and Y exchanged: Y is its dX, dX its forward, dW its dW."""
    geometry = traced.plan.geometry
    below = geometry.convolution
    match target:
        case "Y":
            inside = zip(index[2:], below.input_size, strict=True)
            if all(place < size for place, size in inside):
                yield from routes.input_route(below, index)
        case "dX":
            yield from routes.forward_route(below, index)
        case "dW":
            yield from ((dY, X) for X, dY in routes.weight_route(below, index))


def _of_transforms(traced: TracedTransforms, target: str, index: Index) -> Iterator[Pair]:
    """Every map's own convolution, its filter's places led back through the transform."""
    geometry = traced.plan.geometry
    for s, (name, each) in enumerate(zip(geometry.names, geometry.maps, strict=True)):
        if target == "dX":
            for (n, *rest), (k, c, p, q) in routes.input_route(each, index):
                yield (n, s, *rest), (k, c, *source(name, (p, q), geometry.filter_size))
            continue
        k, c, *place = index
        size = range(geometry.filter_size * scale(name))
        for p in size:
            for q in size:
                if source(name, (p, q), geometry.filter_size) == tuple(place):
                    for (n, *rest), X in routes.weight_route(each, (k, c, p, q)):
                        yield (n, s, *rest), X
