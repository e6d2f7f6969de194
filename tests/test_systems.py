"""The README's table of the lectures' systems: every row's commands run and print something."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Convgrad

README = Path(__file__).parent.parent / "README.md"
ROWS = re.findall(r"^\| (L\d+) \|.*\|(.*)\|$", README.read_text(encoding="utf-8"), re.MULTILINE)
COMMANDS = [
    pytest.param(command, id=f"{number} {command[:40]}")
    for number, cell in ROWS
    for command in re.findall(r"`convgrad ([^`]*)`", cell)
]


def test_every_system_has_a_row() -> None:
    assert [number for number, _ in ROWS] == [f"L{place}" for place in range(1, 18)]
    assert all("`convgrad " in cell for _, cell in ROWS)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_command_runs(convgrad: Convgrad, command: str) -> None:
    done = convgrad(*shlex.split(command))
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert done.stdout.strip()
    assert "DIFFERENT" not in done.stdout
    assert "OTHER numbers" not in done.stdout
