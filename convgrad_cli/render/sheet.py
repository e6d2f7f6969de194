"""A short document of headings, paragraphs, tables and lists, as Markdown or as LaTeX to paste in.

The words are given plain; each form escapes them for itself. The LaTeX is a fragment that needs no
package: signs beyond ASCII are written in mathematics.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Sheet(Protocol):
    """A document under construction."""

    def heading(self, level: int, text: str) -> None:
        """A heading; level 1 is the document's."""

    def paragraph(self, text: str) -> None:
        """A paragraph of words."""

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table of short cells."""

    def items(self, entries: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """A list: each entry a bold label, then (name, words) a line each; the name may be ""."""

    def text(self) -> str:
        """The whole."""


class MarkdownSheet:
    """As CommonMark with GitHub's tables."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def heading(self, level: int, text: str) -> None:
        """``##`` for the document, as of a result."""
        self._parts.append(f"{'#' * (level + 1)} {markdown_escaped(text)}")

    def paragraph(self, text: str) -> None:
        """A paragraph of words."""
        self._parts.append(markdown_escaped(text))

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table whose columns line up in the source too."""
        cells = [[markdown_escaped(cell) for cell in row] for row in (headers, *rows)]
        widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
        lines = [_row(row, widths) for row in cells]
        lines.insert(1, _row(["-" * width for width in widths], widths))
        self._parts.append("\n".join(lines))

    def items(self, entries: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """A list, the lines of an entry below each other."""
        lines = []
        for label, told in entries:
            said = [_named(name, words) for name, words in told]
            first = " ".join(part for part in (f"**{label}**" if label else "", said[0]) if part)
            lines += [f"- {first}", *(f"  - {line}" for line in said[1:])]
        self._parts.append("\n".join(lines))

    def text(self) -> str:
        """The whole."""
        return "\n\n".join(self._parts) + "\n"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def _named(name: str, words: str) -> str:
    return f"*{name}:* {markdown_escaped(words)}" if name else markdown_escaped(words)


def markdown_escaped(text: str) -> str:
    """Words that Markdown takes for nothing but words."""
    for sign in "\\`*_[]<>|#~":
        text = text.replace(sign, f"\\{sign}")
    return text


class LatexSheet:
    """As a fragment of LaTeX."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def heading(self, level: int, text: str) -> None:
        """A subsection without a number for the document."""
        kind = "paragraph" if level > 2 else "sub" * level + "section"
        self._parts.append(f"\\{kind}*{{{latex_escaped(text)}}}\n")

    def paragraph(self, text: str) -> None:
        """A paragraph of words, ragged so that no formula runs into the margin."""
        self._parts.append(f"{{\\raggedright\\noindent {latex_escaped(text)}\\par}}\n")

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; a long last column is broken into lines."""
        lines = [" & ".join(map(latex_escaped, row)) + r" \\" for row in (headers, *rows)]
        lines.insert(1, r"\hline")
        long = max(sum(map(len, row)) for row in (headers, *rows)) > LINE
        last = r"p{0.4\textwidth}" if long else "l"
        columns = "l" * (len(headers) - 1) + last
        self._parts.append(
            f"{{\\small\\noindent\\begin{{tabular}}{{{columns}}}\n"
            + "\n".join(lines)
            + "\n\\end{tabular}\\par}\n"
        )

    def items(self, entries: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> None:
        """A list, the lines of an entry below each other."""
        lines = [r"\begin{itemize}\raggedright"]
        for label, told in entries:
            said = [
                (f"\\textit{{{latex_escaped(name)}:}} " if name else "") + latex_escaped(words)
                for name, words in told
            ]
            bold = f"\\textbf{{{latex_escaped(label)}}} " if label else ""
            lines.append(f"\\item {bold}" + "\\\\\n  ".join(said))
        self._parts.append("\n".join([*lines, r"\end{itemize}", ""]))

    def text(self) -> str:
        """The whole."""
        return "\n".join(self._parts)


#: Characters of a small table's row that fit an ordinary page.
LINE: Final = 68
_LATEX: Final[dict[str, str]] = {
    **{sign: f"\\{sign}" for sign in "%&#_{}$"},
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    **{sign: f"${sign}$" for sign in "<>|"},
    '"': "''",
    "[": "{[}",
    "]": "{]}",
    "·": r"$\cdot$",
    "×": r"$\times$",
    "−": "$-$",
    "→": r"$\to$",
    "∂": r"$\partial$",
    "∘": r"$\circ$",
    "′": r"$'$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "Σ": r"$\sum$",
    "∑": r"$\sum$",
    "σ": r"$\sigma$",
    "Φ": r"$\Phi$",
    "φ": r"$\varphi$",
    "π": r"$\pi$",
    "α": r"$\alpha$",
    "ε": r"$\varepsilon$",
    "√": r"$\surd$",
    "½": r"$\frac12$",
    "²": "$^2$",
    "³": "$^3$",
    "⁵": "$^5$",
    "ᵀ": r"$^{\top}$",
    "°": r"$^\circ$",
    "∞": r"$\infty$",
    "ℓ": r"$\ell$",
    "⁄": "/",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    **{sign: f"$_{digit}$" for digit, sign in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
LAST_LATIN: Final = "\u017f"


def latex_escaped(text: str) -> str:
    """Words for LaTeX's text; a letter that no font of it has is a question mark."""
    return "".join(
        _LATEX.get(sign, sign if sign.isascii() or (sign.isalpha() and sign <= LAST_LATIN) else "?")
        for sign in " ".join(text.split())
    )
