"""The gradients as convolutions, one axis at a time: what slides over what, from where.

    Y    W, with gaps for the dilation,      over X, padded
    dW   dY, with gaps for the stride,       over X, padded
    dX   W, turned by 180°, with its gaps,   over dY, with gaps for the stride, padded by d(k-1)
                                             on each side and by what is left over, the padding
                                             of X cut off again on both sides

The last line is the lectures' recipe with its general case shown: padding d(k-1) - p is padding
d(k-1) of which p is cut (:attr:`convgrad_cli.geometry.Axis.full_padding`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convgrad_cli.geometry import Axis


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a map: the array's index there, or -1 for a zero, and what it is.

    ``role`` is ``value``, ``gap``, ``pad`` or ``rest``, and ``crop`` is added to what is cut off.
    """

    index: int
    role: str


class Sliding(NamedTuple):
    """What slides over ``map``, and where it starts for each position of the result."""

    map: list[Place]
    slider: list[Place]
    starts: list[int]

    def as_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "map": [(place.index, place.role) for place in self.map],
            "slider": [(place.index, place.role) for place in self.slider],
            "starts": self.starts,
        }


def sliding(axis: Axis) -> dict[str, Sliding]:
    """The three convolutions of a layer along one axis."""
    padded = _padded_input(axis)
    forward = [place * axis.stride for place in range(axis.output)]
    backward = [place * axis.dilation for place in range(axis.kernel)]
    # dX keeps the positions of X itself: those of its padding are cut.
    kept = [axis.before + place for place in range(axis.size)]
    return {
        "Y": Sliding(padded, _spread(range(axis.kernel), axis.dilation), forward),
        "dW": Sliding(padded, _spread(range(axis.output), axis.stride), backward),
        "dX": Sliding(_upstream_map(axis), _spread(range(axis.kernel)[::-1], axis.dilation), kept),
    }


def _padded_input(axis: Axis) -> list[Place]:
    before = [Place(-1, "pad")] * axis.before
    after = [Place(-1, "pad")] * axis.after
    return [*before, *(Place(place, "value") for place in range(axis.size)), *after]


def _upstream_map(axis: Axis) -> list[Place]:
    reach = axis.extent - 1
    places = [
        *[Place(-1, "pad")] * reach,
        *_spread(range(axis.output), axis.stride),
        *[Place(-1, "pad")] * reach,
        *[Place(-1, "rest")] * axis.leftover,
    ]
    last = len(places) - axis.after
    return [
        place if axis.before <= at < last else replace(place, role=f"{place.role} crop")
        for at, place in enumerate(places)
    ]


def _spread(indices: range, step: int) -> list[Place]:
    """The indices with ``step - 1`` zeros between them."""
    places = [Place(-1, "gap")] * ((len(indices) - 1) * step + 1)
    places[::step] = [Place(index, "value") for index in indices]
    return places
