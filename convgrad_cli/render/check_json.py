"""A check's report as JSON."""

from __future__ import annotations

from typing import Any

import orjson

from convgrad_cli.render.json_output import json_value


def check_json(report: Any) -> bytes:
    """``report.as_dict()`` as indented JSON with a final newline; non-finite numbers as words."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(json_value(report.as_dict()), option=options)
