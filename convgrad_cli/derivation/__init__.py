"""Floor 2: why each gradient element is what it is, one equation each, from geometry's taps.

A layer plugs in by being :class:`~convgrad_cli.derivation.model.Traced`: named arrays, and for each
element of a target the products that make it. Notations, steps, forms, numbers and SymPy follow
from that. SymPy is used here only, and only when asked for.
"""

from convgrad_cli.derivation.conv import TracedConv
from convgrad_cli.derivation.derivation import Derivation
from convgrad_cli.derivation.equation import Equation
from convgrad_cli.derivation.layer import LayerDerivation
from convgrad_cli.derivation.model import Factor, Frame, Index, Term, Traced
from convgrad_cli.derivation.names import Names
from convgrad_cli.derivation.notation import Notation
from convgrad_cli.derivation.notation_known import NOTATIONS, notation_named, parse_symbols
from convgrad_cli.derivation.pool import TracedAvgPool, TracedMaxPool, trace_pool
from convgrad_cli.derivation.targets import Label, Selected, read_label
from convgrad_cli.derivation.writer import Writer, latex, mathml

__all__ = [
    "NOTATIONS",
    "Derivation",
    "Equation",
    "Factor",
    "Frame",
    "Index",
    "Label",
    "LayerDerivation",
    "Names",
    "Notation",
    "Selected",
    "Term",
    "Traced",
    "TracedAvgPool",
    "TracedConv",
    "TracedMaxPool",
    "Writer",
    "latex",
    "mathml",
    "notation_named",
    "parse_symbols",
    "read_label",
    "trace_pool",
]
