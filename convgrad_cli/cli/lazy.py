"""Commands that load when they are called: ``convgrad --help`` reads a table, not thirty modules.

Reading the options of every command costs as much as importing numpy; a user runs one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup


class Command(NamedTuple):
    """Where a command is (a module with ``register(app)``), and its line in the help."""

    module: str
    summary: str


class LazyCommands(MutableMapping[str, Any]):
    """Command objects by name, each made when it is first asked for."""

    def __init__(self, table: Mapping[str, Command]) -> None:
        self._table = table
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _load(name, self._table[name].module)
        return self._made[name]

    def __setitem__(self, name: str, made: Any) -> None:
        self._made[name] = made

    def __delitem__(self, name: str) -> None:
        del self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


def lazy_group(table: Mapping[str, Command]) -> type[TyperGroup]:
    """A group class for :class:`typer.Typer` whose commands are those of the table."""

    class Group(TyperGroup):
        def __init__(self, **attributes: Any) -> None:
            attributes["commands"] = None
            super().__init__(**attributes)
            self.commands = LazyCommands(table)

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            with formatter.section("Commands"):
                formatter.write_dl([(name, entry.summary) for name, entry in table.items()])

    return Group


def _load(name: str, module: str) -> Any:
    """The command ``name`` out of what its module registers."""
    holder = typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )
    # A callback keeps Typer from folding a single command into its holder.
    holder.callback()(_nothing)
    import_module(module).register(holder)
    group: Any = typer.main.get_command(holder)
    return group.commands[name]


def _nothing() -> None:
    """The holder of a command does nothing itself."""
