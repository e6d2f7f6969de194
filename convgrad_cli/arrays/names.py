"""The words of a bundle: which key is which array, which is an option, which is only information.

The one home of the contract's names. A key that stands in none of these tables is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SPELLINGS: Final[dict[str, tuple[str, ...]]] = {
    "X": ("X", "x", "input"),
    "W": ("W", "F", "w", "filter", "weight", "kernel"),
    "b": ("b", "B", "bias"),
    "dY": ("dY", "dZ", "dO", "dout", "upstream", "grad_output"),
    "Y": ("Y",),
    "dX": ("dX",),
    "dW": ("dW",),
    "db": ("db",),
    "switches": ("switches",),
    "A": ("A",),
    "dA": ("dA", "dQ"),
    "depthwise": ("depthwise",),
    "pointwise": ("pointwise",),
    "dDepthwise": ("dDepthwise", "dD"),
    "dPointwise": ("dPointwise", "dP"),
    "V": ("V",),
    "dV": ("dV",),
}

ARRAY_OF_KEY: Final[dict[str, str]] = {
    key: name for name, keys in _SPELLINGS.items() for key in keys
}
"""Every accepted key of an array, to the array's one name in the code."""

OPTIONS: Final = frozenset(
    {
        "stride",
        "padding",
        "dilation",
        "groups",
        "dims",
        "layout",
        "filter_layout",
        "window",
        "ceil_mode",
        "ties",
        "count_include_pad",
        "activation",
        "slope",
        "transforms",
        "output_padding",
        "mode",
    }
)
"""The options of the command line that a bundle may hold."""

METADATA: Final = frozenset(
    {
        "convgrad",
        "shapes",
        "notes",
        "dtypes",
        "verify",
        "derivation",
        "convolution",
        "activation_derivation",
        "depthwise_derivation",
        "pointwise_derivation",
        "counts",
        "derivative",
        "maps",
        "views",
        "updated",  # one object in JSON …
        "updated_W",  # … and an array each in .npz
        "updated_b",
        "updated_depthwise",
        "updated_pointwise",
    }
)
"""Keys of our own results that describe and are not read back (``dtypes`` restores the dtypes)."""

STRUCTURE: Final = frozenset({"operation", "geometry"})
"""Keys of our own results that are read: what was computed, and with which options."""

VECTORS: Final = frozenset({"b", "db"})
"""The arrays that have one axis by nature, so that a lone number or row can be one."""

OPTION_OF_ARRAY: Final[dict[str, str]] = {
    "X": "--input",
    "W": "--filter",
    "b": "--bias",
    "dY": "--upstream",
    "depthwise": "--depthwise",
    "pointwise": "--pointwise",
}


def option_of(name: str) -> str:
    """The command-line option that gives the array, or the array's name where there is none."""
    return OPTION_OF_ARRAY.get(name, name)


def unknown_key(key: str) -> UsageError:
    """The error for a bundle key that means nothing here, with the nearest word that does."""
    known = [*ARRAY_OF_KEY, *sorted(OPTIONS | METADATA | STRUCTURE)]
    near = nearest(key, known)
    return UsageError(
        f"The bundle has a key that means nothing here: {shown(key)}.",
        expected="arrays (input X, filter W, bias b, upstream dY, …), options (stride, padding, …) "
        "or the keys of convgrad's own results",
        found=shown(key),
        remedy=f"did you mean {shown(near)}?" if near else "rename it, or take it out",
    )


def two_names(name: str, first: str, second: str) -> UsageError:
    """The error for a bundle that holds one array under two of its names."""
    return UsageError(
        f"The bundle has two names for one array: {shown(first)} and {shown(second)} are both "
        f"{name}.",
        expected=f"{name} once",
        found=f"{shown(first)} and {shown(second)}",
        remedy="take one of them out",
        array=name,
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` most resembles (case aside), or None."""
    import difflib  # only an error needs it

    by_lower: dict[str, str] = {}
    for candidate in known:
        by_lower.setdefault(candidate.lower(), candidate)
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


def shown(word: str, limit: int = 60) -> str:
    """A word of the user's as a message quotes it: in quotes, escaped, and not endless."""
    return repr(word if len(word) <= limit else word[:limit] + "…")
