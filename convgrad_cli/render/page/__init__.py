"""The page of ``convgrad explore``: one self-contained HTML file, from the text files beside this.

Python writes the layer into the page (:mod:`.payload`): numbers, per-axis tap tables, symbol
fragments. The scripts evaluate those tables and join those fragments; they know no convolution
formula of their own. Nothing is loaded from anywhere.
"""

from __future__ import annotations

import json
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from convgrad_cli.render.facts import facts
from convgrad_cli.render.page.payload import payload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.render.layer import Layer

__all__ = ["page"]

STYLES = ("page.css", "grid.css")
SCRIPTS = (
    "array.js", "products.js", "pool.js", "activation.js", "equation.js", "flow.js", "fine.js",
    "board.js", "views.js", "marks.js", "dock.js", "page.js", "player.js", "controls.js", "edit.js",
    "state.js", "main.js",
)  # fmt: skip
"""In the order in which they build on each other; the last one starts the page."""


def page(layer: Layer, *, title: str, notes: Iterable[str] = ()) -> str:
    """The whole page as HTML text. ``title`` and ``notes`` may hold any characters."""
    return _filled(
        _asset("page.html"),
        {
            "title": escape(title),
            "facts": escape(facts(layer)),
            "notes": "\n".join(f'<p class="note">{escape(note)}</p>' for note in notes),
            "style": "\n".join(map(_asset, STYLES)),
            "script": "\n".join(map(_asset, SCRIPTS)),
            "payload": script_json(payload(layer)),
        },
    )


def script_json(value: Any) -> str:
    """JSON that stays text inside ``<script>``: no ``</script>``, no ``<!--`` can end it."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    # U+2028 and U+2029 end lines in older script engines.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _filled(template: str, parts: dict[str, str]) -> str:
    """The template with each ``{{name}}`` replaced once; what is put in is never searched again."""
    pieces = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled += [parts[name], rest]
    return "".join(filled)


def _asset(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8").rstrip("\n")
