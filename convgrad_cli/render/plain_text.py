"""The usual signs in ASCII, for terminals and pipes without UTF-8: one table for all."""

from __future__ import annotations

_ASCII = str.maketrans(
    {
        "∂": "d",
        "·": "*",
        "×": "x",
        "−": "-",
        "≤": "<=",
        "≈": "~",
        "Σ": "sum ",
        "→": "->",
        "ε": "eps",
        "√": "sqrt",
        "½": "1/2",
        "°": " deg",
        "∞": "inf",
        "…": "...",
        "–": "-",
        "α": "alpha",
        "′": "'",
        "∘": "o",
        "≥": ">=",
        "²": "^2",
        "σ": "sigma",
        "π": "pi",
        "φ": "phi",
        "Φ": "Phi",
    }
)


def plain_ascii(text: str) -> str:
    """The text with its signs in ASCII; signs the table does not know stay."""
    return text.translate(_ASCII)
