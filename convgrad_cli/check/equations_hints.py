"""One idea behind several wrong products: another element's equation, or a filter not rotated."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from convgrad_cli.check.equations_symbols import Factor, Local, Symbol
from convgrad_cli.check.equations_truth import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from convgrad_cli.check.equations_match import Side
    from convgrad_cli.check.equations_truth import Key, Sum, Truth

MOST_TERMS = 20_000
"""Terms of a target that is searched for the element a right side belongs to."""


def hints(truth: Truth, subject: Factor, expected: Sum, side: Side) -> Iterator[str]:
    """What explains the whole side, if anything does."""
    written: dict[Key, Fraction] = {}
    for term in side.products:
        written[term.key] = written.get(term.key, Fraction(0)) + term.coefficient
    if isinstance(subject, Local) or not written:
        return
    owner = _owner(truth, subject, written)
    if owner is not None:
        yield f"this is the right side of {truth.text(owner)}"
    elif {_turned(truth, key): c for key, c in expected.items()} == written:
        letter = truth.names.letter("W")
        yield f"{letter} is not rotated by 180°: every {letter} stands at the opposite place"


def _owner(truth: Truth, subject: Symbol, written: Sum) -> Symbol | None:
    """The element of the same target that has this right side."""
    target = truth.target(subject)
    if target is None or truth.traced.count(target) > MOST_TERMS:
        return None
    first = min(written)
    for index in truth.holders(target).get(first, ()):
        other = subject._replace(index=index)
        if other != subject and truth.right(other) == written:
            return other
    return None


def _turned(truth: Truth, key: Key) -> Key:
    """The product with W's entry at the opposite place."""
    if "W" not in truth.traced.frames:
        return key
    frame = truth.traced.frames["W"]

    def turned(factor: Factor) -> Factor:
        if isinstance(factor, Local) or factor.role != "W":
            return factor
        index = tuple(
            size - 1 - at if axis in frame.spatial else at
            for axis, (at, size) in enumerate(zip(factor.index, frame.shape, strict=True))
        )
        return factor._replace(index=index)

    return key_of(map(turned, key))
