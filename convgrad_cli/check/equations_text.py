"""The text of a derivation as tokens with their places, and the equations that stand in it.

One equation a line. A line that begins with ``=`` or an operator goes on with the one before, as in
LaTeX's ``align``; a comma or semicolon between two equations parts them. ``#``, ``%`` and ``//``
begin comments. Everything here is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from convgrad_cli.derivation.notation_scripts import GREEK
from convgrad_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CHARACTERS = 4_000_000
"""A longer text is refused: no derivation by hand is."""


MOST_SHOWN = 40
"""Characters of the user's text that a message repeats."""


class Span(NamedTuple):
    """A place in the text: a line, and columns of it (from 1; the end is the column after)."""

    line: int
    column: int
    end: int


class Token(NamedTuple):
    """A piece of the text. Kinds: name number sub prime d op frac sum bad break."""

    kind: str
    text: str
    span: Span

    def glued(self, before: Token) -> bool:
        """Whether nothing stands between the token before and this one."""
        return self.span.line == before.span.line and self.span.column == before.span.end


class Statement(NamedTuple):
    """The tokens of one equation, and the line it begins on."""

    line: int
    tokens: tuple[Token, ...]


class Unreadable(Exception):
    """A place that cannot be read; becomes a problem of the equation."""

    def __init__(self, span: Span, expected: str, found: str, text: str | None = None) -> None:
        super().__init__(expected)
        self.span = span
        self.expected = expected
        self.found = _shown(found)
        self.text = text or f"cannot be read: {self.found} stands where {expected} was expected"


def _shown(text: str) -> str:
    """The user's own words in a message: short, and without codes for the terminal."""
    short = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)


class General(Unreadable):
    """A place that speaks of a whole array or of running indices, not of one element."""


_SPACING = frozenset(
    (
        "left",
        "right",
        "big",
        "Big",
        "bigg",
        "Bigg",
        "bigl",
        "bigr",
        "Bigl",
        "Bigr",
        "biggl",
        "biggr",
        "quad",
        "qquad",
        "displaystyle",
        "textstyle",
        "nonumber",
        "notag",
        "limits",
        "nolimits",
        "allowdisplaybreaks",
        "small",
        "hfill",
    )
)
_TIMES = frozenset(("cdot", "times", "ast", "star", "circ", "odot"))
_FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
_PROSE = re.compile(
    r"\s*(```|>|\{?\s*(\\small)?\\(documentclass|usepackage|(sub)*section|paragraph|title|author|maketitle|medskip|"
    r"noindent|textbf|intertext|setlength)\b)"
)
_MATRIX = re.compile(r"\\begin\{((?:[bpvBV]|small)?matrix|array|cases)\}")
_COMMENT = re.compile(r"(?:^|(?<=\s))(?:#|//).*|(?<!\\)%.*")
_LETTERS = {name: letter for letter, name in GREEK.items()} | {"ell": "l", "max": "max"}
_OPERATORS = {
    "−": "-", "–": "-", "—": "-", "·": "*", "×": "*", "⋅": "*", "∙": "*", "•": "*", "∗": "*",
    "⊙": "*", "∘": "*", "÷": "/", "⁄": "/", "≈": "=", "==": "=",
}  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<space>[\s&$~\ufeff]+)
    |(?P<newrow>\\\\(?:\[[^\]]*\])?)
    |(?P<gone>\\(?:begin|end)\{[^}]*\}(?:\{[^}]*\})?
        |\\renewcommand\{[^}]*\}\{[^}]*\}|\\(?:label|tag)\{[^}]*\}|\\[,;:!\ \[\]()])
    |(?P<word>\\(?:mathrm|mathbf|mathit|mathsf|mathcal|text|operatorname|bm|boldsymbol)\s*
        \{\s*(?P<inner>[A-Za-z]+)\s*\})
    |(?P<command>\\[A-Za-z]+\*?|\\[{}_])
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?|\.[0-9]+)
    |(?P<sub>[₀-₉]+)
    |(?P<d>[∂𝜕])
    |(?P<prime>['′’‘´`ʹ])
    |(?P<sum>[Σ∑])
    |(?P<name>[^\W\d_₀-₉]+)
    |(?P<op>==|[-+*/()\[\]{},;=_^−–—·×⋅∙•∗⊙∘÷⁄≈])
    |(?P<bad>.)""",
    re.VERBOSE,
)
_DIGITS = re.compile("[0-9]+")
_PLAIN_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
OPENING = {"(": ")", "[": "]", "{": "}"}


def statements(text: str) -> list[Statement]:
    """The equations of the text, in order. Raises UsageError where the text is far too long."""
    if len(text) > MOST_CHARACTERS:
        raise UsageError(
            "The text is too long for a derivation.",
            expected=f"at most {MOST_CHARACTERS} characters",
            found=str(len(text)),
        )
    text = _without_matrices(text)
    found: list[list[Token]] = []
    open_ended = False  # whether the row before is one that the next may go on with
    for row in _rows(text):
        if not row:
            open_ended = False
        elif open_ended and _goes_on(found[-1], row):
            found[-1] += row
        else:
            found.append(row)
            open_ended = True
    return [part for row in found for part in _parted(row)]


def _without_matrices(text: str) -> str:
    """The text with Σ and blanks for each LaTeX matrix: what holds one is a general formula."""
    pieces, place = [], 0
    while begin := _MATRIX.search(text, place):
        end = text.find("\\end{" + begin[1] + "}", begin.end())
        end = len(text) if end < 0 else end
        matrix = text[begin.start() : end]
        pieces += [text[place : begin.start()], "Σ", re.sub(r"[^\n]", " ", matrix[1:])]
        place = end
    return "".join([*pieces, text[place:]])


def _rows(text: str) -> Iterator[list[Token]]:
    """The tokens of each line (and of each part of one that ``\\\\`` ends)."""
    for number, line in enumerate(text.splitlines(), 1):
        if _PROSE.match(line):
            continue
        kept = _COMMENT.sub("", line)
        if not kept.strip() and line.strip():
            continue  # a comment between two lines of one equation does not part them
        row: list[Token] = []
        for token in tokens(kept, number):
            if token.kind == "break":
                if row:
                    yield row
                row = []
            else:
                row.append(token)
        bare = all(token.text in "{})]" for token in row)
        if not bare or not line.strip():
            yield [] if bare else row


def tokens(line: str, number: int) -> Iterator[Token]:
    """The tokens of one line; blanks and what LaTeX needs for the look are left out."""
    place, attached = 0, False
    while place < len(line):
        match = _TOKEN.match(line, place)
        assert match is not None  # the last alternative takes anything
        kind, text = match.lastgroup or "", match.group()
        if kind == "inner":
            kind = "word"
        if kind == "number" and attached:
            text = _DIGITS.match(line, place).group() if text[0] != "." else text  # type: ignore[union-attr]
        end = place + len(text)
        span = Span(number, place + 1, end + 1)
        attached = kind in ("name", "prime", "word") or text.endswith("_")
        place = end
        made = _made(kind, text, match, span)
        if made is not None:
            yield made


def _made(kind: str, text: str, match: re.Match[str], span: Span) -> Token | None:
    match kind:
        case "space" | "gone":
            return None
        case "newrow":
            return Token("break", text, span)
        case "word":
            return Token("name", match["inner"], span)
        case "command":
            return _command(text, span)
        case "sub":
            return Token("sub", text.translate(_PLAIN_DIGITS), span)
        case "name":
            return Token("name", unicodedata.normalize("NFKC", text), span)
        case "op":
            return Token("op", _OPERATORS.get(text, text), span)
    return Token(kind, text, span)


def _command(text: str, span: Span) -> Token | None:
    """A LaTeX command as the token it stands for."""
    name = text[1:].rstrip("*")
    if name in _SPACING or name.startswith(("math", "text", "bold", "boxed", "operatorname")):
        return None
    if name in _TIMES:
        return Token("op", "*", span)
    if name in _FRACTIONS:
        return Token("frac", text, span)
    if name in _LETTERS:
        return Token("name", _LETTERS[name], span)
    other = {
        "partial": ("d", "∂"),
        "prime": ("prime", "′"),
        "sum": ("sum", "Σ"),
        "div": ("op", "/"),
        "{": ("op", "("),
        "}": ("op", ")"),
        "_": ("op", "_"),
    }
    kind, meaning = other.get(name, ("bad", text))
    return Token(kind, meaning, span)


def _goes_on(before: list[Token], row: list[Token]) -> bool:
    """Whether a row belongs to the equation before: it begins with ``=``, or it holds no ``=`` and
    an operator stands at the join."""
    if row[0].text == "=" and row[0].kind == "op":
        return True
    if any(token.text == "=" for token in row):
        return False
    joins = "+-*/=("
    return (row[0].kind == "op" and row[0].text in joins[:4]) or (
        before[-1].kind == "op" and before[-1].text in joins
    )


def _parted(row: list[Token]) -> Iterator[Statement]:
    """One statement per equation: commas outside all brackets part them where both have a ``=``."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in row:
        if token.kind == "op":
            depth += (token.text in OPENING) - (token.text in OPENING.values())
            if token.text == ";" or (token.text == "," and depth <= 0):
                parts.append([])
                continue
        parts[-1].append(token)
    for part in parts:
        if part:
            if part[-1].text == "." and part[-1].kind == "bad":
                part.pop()  # the full stop of a sentence
            if part:
                yield Statement(part[0].span.line, tuple(part))
