"""A check's report as JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from convgrad_cli.render.json_output import json_value

#: A list of numbers or words broken into lines. No text holds a line break, so it is a real list.
_SHORT_LIST: Final = re.compile(rb"\[\n\s*([^\[\]{}]{0,200}?)\n\s*\]")


def check_json(report: Any) -> bytes:
    """``report.as_dict()`` as JSON with a final newline; non-finite numbers as words."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    text = orjson.dumps(json_value(report.as_dict()), option=options)
    for _ in range(2):  # pairs of padding stand in a list of their own
        text = _SHORT_LIST.sub(_on_one_line, text)
    return text


def _on_one_line(found: re.Match[bytes]) -> bytes:
    return b"[" + re.sub(rb",\n\s*", b", ", found[1]) + b"]"
