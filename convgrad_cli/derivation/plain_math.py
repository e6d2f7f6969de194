"""Plain mathematics, such as ``dA ∘ σ′(z)`` or ``max(z, 0)``, in Unicode, ASCII or LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from convgrad_cli.derivation.notation_scripts import AsciiText, Latex, UnicodeText

if TYPE_CHECKING:
    from convgrad_cli.derivation.notation_scripts import Script

_SIGNS: Final = {
    "latex": {
        "∘": r" \circ ",
        "·": r" \cdot ",
        "ᵀ": "^{T}",
        "*": "^{*}",
        "²": "^{2}",
        "^−z": "^{−z}",
    },
    "ascii": {"∘": "o", "·": "*", "ᵀ": "^T", "×": "x", "…": "...", "²": "^2"},
    "unicode": {},
}

_WORDS: Final = re.compile(r" ?\b(?:if|[A-Za-z]{3,})\b ?(?:[A-Za-z]{3,}\b ?)*")

_SCRIPTS: Final[dict[str, type[Script]]] = {
    "unicode": UnicodeText,
    "ascii": AsciiText,
    "latex": Latex,
}


def in_script(text: str, script: str) -> str:
    """The text in a script; LaTeX sets its words as text."""
    if script == "latex":
        text = _WORDS.sub(r"\\text{\g<0>}", text)
    for sign, written in _SIGNS[script].items():
        text = text.replace(sign, written)
    return _SCRIPTS[script]().phrase(text)
