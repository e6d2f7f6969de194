"""Every command has help with an example that runs as printed, and stands in the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from convgrad_cli.cli.main import COMMANDS as TABLE
from convgrad_cli.cli.main import app
from tests.conftest import Convgrad

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
TREE = typer.main.get_command(app)
COMMANDS = [
    " ".join((name, *more))
    for name, command in TREE.commands.items()
    for more in ([(sub,) for sub in getattr(command, "commands", ())] or [()])
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help(convgrad: Convgrad, command: str) -> None:
    done = convgrad(*command.split(), "--help")
    assert done.returncode == 0
    assert re.search(r"Example: convgrad " + command, " ".join(done.stdout.split()))
    for line in done.stdout.splitlines():
        assert len(line) <= 80
    assert f"convgrad {command}" in README


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_help_in_another_encoding(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convgrad_cli", "backward", "--help"],
        capture_output=True,
        encoding=encoding,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Example: convgrad backward" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_has_help(command: str) -> None:
    tree = TREE
    for name in command.split():
        tree = tree.commands[name]
    for parameter in tree.params:
        assert parameter.help, parameter.name


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_commands_says_what_the_command_says(name: str) -> None:
    help_text = TREE.commands[name].help
    assert help_text.split("\n")[0] == TABLE[name].summary
    assert len(TABLE[name].summary) <= 70


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "convgrad_cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.fullmatch(r"convgrad \d+\.\d+\.\d+\n", done.stdout)


def test_an_unknown_command_or_option(convgrad: Convgrad) -> None:
    for arguments in (("backwards",), ("backward", "--strides", "2")):
        done = convgrad(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "No such" in done.stderr
