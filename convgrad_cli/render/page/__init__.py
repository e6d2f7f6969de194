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
from convgrad_cli.render.page.chain import chain_payload
from convgrad_cli.render.page.payload import payload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convgrad_cli.derivation.notation import Notation
    from convgrad_cli.layers.chain import Pass
    from convgrad_cli.render.layer import Layer

__all__ = ["chain_page", "page"]

STYLES = ("page.css", "grid.css")
SCRIPTS = (
    "array.js", "products.js", "pool.js", "activation.js", "losses.js", "equation.js", "chain.js",
    "flow.js", "tones.js", "fine.js", "board.js", "views.js", "marks.js", "dock.js", "page.js",
    "player.js", "controls.js", "edit.js", "state.js", "main.js",
)  # fmt: skip
"""In the order in which they build on each other; the last one starts the page."""


def page(layer: Layer, *, title: str, notes: Iterable[str] = ()) -> str:
    """The whole page as HTML text. ``title`` and ``notes`` may hold any characters."""
    return _page(payload(layer), title, facts(layer), notes)


def chain_page(done: Pass, notation: Notation, *, title: str, notes: Iterable[str] = ()) -> str:
    """The page of a chain of layers, all of them on one stage.

    Raises UsageError for a layer that has no page, and for a chain too large for one.
    """
    words = " → ".join(step.node.word for step in done.steps)
    end = "" if done.loss is None else f" → {done.ending.name}"
    return _page(chain_payload(done, notation), title, f"{words}{end}", notes)


def _page(held: dict[str, Any], title: str, said: str, notes: Iterable[str]) -> str:
    return _filled(
        _asset("page.html"),
        {
            "title": escape(title),
            "facts": escape(said),
            "notes": "\n".join(f'<p class="note">{escape(note)}</p>' for note in notes),
            "style": "\n".join(map(_asset, STYLES)),
            "script": "\n".join(map(_asset, SCRIPTS)),
            "payload": script_json(held),
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
