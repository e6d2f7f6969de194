"""The options that a bundle may hold: their types here, their meaning in ``geometry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from convgrad_cli.arrays.names import OPTIONS, nearest, shown
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_sizes(value: object) -> bool:
    return _is_int(value) or (isinstance(value, list) and value != [] and all(map(_is_int, value)))


def _is_padding(value: object) -> bool:
    if isinstance(value, list):
        return value != [] and all(_is_int(entry) or _is_pair(entry) for entry in value)
    return _is_int(value) or isinstance(value, str)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_int, value))


def _is_bool(value: object) -> bool:
    return isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_words(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and all(map(_is_text, value)))


class _Rule(NamedTuple):
    fits: Callable[[object], bool]
    expected: str


_SIZES: Final = _Rule(_is_sizes, "an integer, or a list with one for each dimension")
_WORD: Final = _Rule(_is_text, "text")
_FLAG: Final = _Rule(_is_bool, "true or false")
_COUNT: Final = _Rule(_is_int, "an integer")

RULES: Final[Mapping[str, _Rule]] = {
    "stride": _SIZES,
    "padding": _Rule(_is_padding, "an integer, a list of integers or [before, after], or a word"),
    "dilation": _SIZES,
    "groups": _COUNT,
    "dims": _COUNT,
    "layout": _WORD,
    "filter_layout": _WORD,
    "window": _SIZES,
    "ceil_mode": _FLAG,
    "ties": _WORD,
    "count_include_pad": _FLAG,
    "activation": _WORD,
    "slope": _Rule(_is_number, "a number"),
    "transforms": _Rule(_is_words, "text, or a list of texts"),
    "output_padding": _SIZES,
    "mode": _WORD,
}
assert RULES.keys() == OPTIONS

#: What the arrays' own shapes say again.
_FROM_SHAPES: Final = frozenset({"kernel", "in_channels", "out_channels"})
_POOL_ONLY: Final = frozenset({"ceil_mode", "ties", "count_include_pad"})


def checked(options: Mapping[str, object]) -> dict[str, object]:
    """The options without those that are null. Raises UsageError for a value of a wrong type."""
    given = {key: value for key, value in options.items() if value is not None}
    for key, value in given.items():
        if not RULES[key].fits(value):
            raise UsageError(
                f"The bundle's {key} has a value of the wrong type.",
                expected=RULES[key].expected,
                found=shown_value(value),
            )
    return given


def from_geometry(geometry: object, operation: str | None) -> dict[str, object]:
    """The flat options that the ``geometry`` of one of our own results stands for.

    ``kernel`` is a pool's window; for a convolution the filter's own shape says it again.
    Raises UsageError for a key that no geometry has.
    """
    if not isinstance(geometry, dict):
        raise UsageError(
            "The bundle's geometry is not an object.",
            expected='{"stride": …, "padding": …, …}',
            found=shown_value(geometry),
        )
    flat = {key: value for key, value in geometry.items() if key not in _FROM_SHAPES}
    for key in flat:
        if key not in OPTIONS:
            near = nearest(key, sorted(OPTIONS))
            raise UsageError(
                f"The bundle's geometry has a key that means nothing here: {shown(key)}.",
                expected=", ".join(sorted(OPTIONS | {"kernel"})),
                found=shown(key),
                remedy=f"did you mean {shown(near)}?" if near else "take it out",
            )
    is_pool = "pool" in (operation or "") or not _POOL_ONLY.isdisjoint(geometry)
    if is_pool and "kernel" in geometry:
        flat.setdefault("window", geometry["kernel"])
    return flat


def shown_value(value: object) -> str:
    """A JSON value as a message shows it: short."""
    text = "true" if value is True else "false" if value is False else repr(value)
    return text if len(text) <= 60 else text[:60] + "…"
