"""A mistake as data: the id of its row, its words, its fix, and the stages it changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from convgrad_cli.geometry import Geometry

    Condition: TypeAlias = "Callable[[Any], bool]"


@dataclass(frozen=True)
class Mistake:
    """One way of going wrong, as a change of named stages of a plain pipeline.

    ``phrase`` completes "the gradient computed with …"; ``fix`` says what to write instead.
    ``common`` keeps rare readings out of the pairs.
    """

    id: str
    phrase: str
    fix: str
    changes: Mapping[str, Any] = field(hash=False)
    stages: frozenset[str]
    common: bool = True


@dataclass(frozen=True)
class Row:
    """A row of the catalogue: what it says in one line, which arrays it can spoil, what it needs.

    ``needs`` names the conditions of :data:`CONDITIONS` without which the mistake does no harm.
    """

    id: str
    title: str
    targets: tuple[str, ...]
    needs: tuple[str, ...] = ()


def _any_axis(test: Callable[[Any], bool]) -> Condition:
    return lambda geometry: any(test(axis) for axis in geometry.axes)


#: What a layer must have for a mistake to show: a test, and what to say of a layer without it.
CONDITIONS: dict[str, tuple[Condition, str]] = {
    "kernel": (_any_axis(lambda a: a.kernel > 1), "the filter is 1 wide"),
    "kernel2": (
        lambda g: sum(a.kernel > 1 for a in g.axes) > 1,
        "fewer than two axes of the filter are longer than 1",
    ),
    "two axes": (lambda g: g.dims > 1, "the layer has one spatial axis"),
    "stride": (_any_axis(lambda a: a.stride > 1 and a.output > 1), "the stride is 1"),
    "dilation": (_any_axis(lambda a: a.dilation > 1 and a.kernel > 1), "the dilation is 1"),
    "stride is not dilation": (
        _any_axis(lambda a: a.stride != a.dilation),
        "stride and dilation are the same number",
    ),
    "padding": (_any_axis(lambda a: a.before + a.after > 0), "there is no padding"),
    "padding before": (_any_axis(lambda a: a.before > 0), "there is no padding before"),
    "uneven": (_any_axis(lambda a: a.before != a.after), "the padding is even"),
    "leftover": (_any_axis(lambda a: a.leftover > 0), "no rows are left over after the stride"),
    "overlap": (
        _any_axis(lambda a: a.kernel > 1 and a.output > 1 and a.stride < a.extent),
        "the windows do not overlap",
    ),
    "batch": (lambda g: g.batch > 1, "the batch has one sample (N = 1)"),
    "places": (
        lambda g: any(size > 1 for size in g.output_size),
        "the output has one position",
    ),
    "windows": (
        lambda g: any(size > 1 for size in g.output_size),
        "there is one window per plane",
    ),
    "channels": (lambda g: g.channels_per_group > 1, "a filter sees one input channel (C = 1)"),
    "channels or filters": (
        lambda g: g.channels_per_group > 1 or g.out_channels > 1,
        "there is one input and one output channel (C = K = 1)",
    ),
    "filters": (lambda g: g.out_channels > 1, "there is one filter (K = 1)"),
    "groups": (lambda g: g.groups > 1, "there is one group"),
    "batch or places": (
        lambda g: g.batch > 1 or any(size > 1 for size in g.output_size),
        "the batch has one sample and the output one position",
    ),
    "odd windows": (
        lambda g: any(a.leftover or a.ceil_mode for a in g.axes),
        "the windows fill the input exactly",
    ),
}


def unmet(row: Row, geometry: Geometry) -> list[str]:
    """What this layer lacks for the row's mistake to show, in words."""
    return [CONDITIONS[name][1] for name in row.needs if not CONDITIONS[name][0](geometry)]


def row_table(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows by id."""
    return {row.id: row for row in rows}
