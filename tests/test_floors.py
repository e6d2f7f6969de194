"""The house: imports go only down, and rooms on one floor do not import each other."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "convgrad_cli"

FLOORS = {
    "errors": 0,
    "lectures": 0,
    "lecture_chains": 0,
    "geometry": 1,
    "layers": 2,
    "derivation": 2,
    "arrays": 2,
    "tracing": 3,
    "check": 4,
    "render": 5,
    "cli": 6,
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_names(path: Path) -> list[str]:
    """Every ``convgrad_cli.…`` name the file imports, whether at the top or inside a function."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if name.startswith("convgrad_cli.")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_only_down(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for name in imported_names(path):
        other = name.split(".")[1]
        if other == "__version__":
            continue
        assert other in FLOORS, f"{path.name} imports {name}, which is on no floor"
        allowed = other == room or FLOORS[other] < FLOORS[room]
        assert allowed, f"{room} (floor {FLOORS[room]}) imports {name} (floor {FLOORS[other]})"


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in MODULES} == {*FLOORS, "__init__", "__main__"}


def test_sympy_is_imported_in_the_derivation_room_only() -> None:
    users = {
        room_of(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(a.name.startswith("sympy") for a in node.names))
        or (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sympy"))
    }
    assert users <= {"derivation"}


def loaded_by(*arguments: str) -> set[str]:
    """The top-level modules in memory after a command has run."""
    program = (
        "import sys\n"
        f"sys.argv = ['convgrad', *{list(arguments)!r}]\n"
        "from convgrad_cli.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + ' '.join(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_imports_neither_numpy_nor_sympy_nor_rich() -> None:
    assert not loaded_by("--help") & {"numpy", "sympy", "rich", "matplotlib", "orjson"}
    assert not loaded_by("backward", "--help") & {"numpy", "sympy", "rich", "matplotlib"}


@pytest.mark.parametrize("form", ["json", "text", "latex", "markdown"])
def test_results_load_no_sympy_and_no_rich(form: str) -> None:
    loaded = loaded_by("backward", "--stride", "2", "--format", form)
    assert "numpy" in loaded
    assert not loaded & {"sympy", "rich", "matplotlib", "pydantic"}


def test_a_table_loads_no_sympy() -> None:
    assert "sympy" not in loaded_by("backward", "--stride", "2", "--format", "table")


def test_the_public_names_are_all_there() -> None:
    import convgrad_cli

    for name in convgrad_cli.__all__:
        assert getattr(convgrad_cli, name) is not None
        assert name in dir(convgrad_cli)
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = convgrad_cli.nothing_like_it
