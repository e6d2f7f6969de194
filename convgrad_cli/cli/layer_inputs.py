"""Arrays of the lectures' further layers: from options, from a bundle, or from an example."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from convgrad_cli.cli.inputs import Given, bundled

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_given(
    specs: Mapping[str, str | None],
    options: Mapping[str, Any],
    *,
    bundle: str | None = None,
    allow_nonfinite: bool = False,
) -> Given:
    """What the user gave: a bundle first, then the arrays of ``specs`` (name to what was written)
    and the options, which win over it."""
    from convgrad_cli.arrays import Stdin, read_array

    stdin = Stdin(getattr(sys.stdin, "buffer", None))
    given = Given()
    if bundle is not None:
        given = bundled(bundle, stdin, allow_nonfinite=allow_nonfinite)
    for name, spec in specs.items():
        if spec is not None:
            given.arrays[name] = read_array(spec, name, stdin, allow_nonfinite=allow_nonfinite)
    given.options |= {key: value for key, value in options.items() if value is not None}
    return given


def example_given(arrays: Mapping[str, Any], options: Mapping[str, Any], note: str) -> Given:
    """A built-in layer as if it had been given."""
    import numpy as np

    from convgrad_cli.arrays import Loaded

    loaded = {name: Loaded(np.array(rows), "a built-in example") for name, rows in arrays.items()}
    return Given(loaded, dict(options), [note])
