"""Derivations that the tests of the forms print: every built-in example."""

from typing import Any

from convgrad_cli import derive
from convgrad_cli.derivation import NOTATIONS, Derivation
from convgrad_cli.lectures import EXAMPLES

NAMES = list(EXAMPLES)
EVERY_NOTATION = list(NOTATIONS)


def example(name: str, *targets: str, **options: Any) -> Derivation:
    """A built-in example's derivation, in its lecture's notation unless told otherwise."""
    chosen = EXAMPLES[name]
    options = {"notation": chosen.notation, **chosen.options, **options}
    layer = options.pop("layer", "conv" if chosen.layer == "conv" else "maxpool")
    return derive(*targets, layer=layer, **chosen.arrays, **options)


def shapes_alone(*targets: str, **options: Any) -> Derivation:
    """A 3×3 input and a 2×2 filter without numbers."""
    return derive(*targets, input_shape=(3, 3), filter_shape=(2, 2), **options)
