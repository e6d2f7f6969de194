"""The README's examples, run: every ``$ command`` of a console block prints what stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.DOTALL | re.MULTILINE
README = (ROOT / "README.md").read_text(encoding="utf-8")


SECTIONS = {text.partition("\n")[0]: text for text in re.split(r"^## ", README, flags=re.MULTILINE)}


def examples(text: str) -> list[tuple[str, str]]:
    """(command, printed) of every console block, in order."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```", text, BLOCKS):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            while command.endswith("\\"):
                more, _, printed = printed.partition("\n")
                command = command[:-1] + more
            found.append((command, printed))
    return found


EXAMPLES = {title: found for title, text in SECTIONS.items() if (found := examples(text))}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory as a reader has it: the samples, and the files that the README shows."""
    shutil.copytree(ROOT / "samples", tmp_path / "samples")
    for name, program in re.findall(
        r"^```(?:python|text)\n# (\w+\.\w+)\n(.*?)^```", README, BLOCKS
    ):
        (tmp_path / name).write_text(program, encoding="utf-8")
    return tmp_path


def run(command: str, directory: Path) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "PYTHONUTF8": "1"}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=120,
    )
    return done.stdout.decode()


def test_the_readme_has_examples() -> None:
    assert sum(map(len, EXAMPLES.values())) == len(examples(README)) > 5


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_example_prints_what_the_readme_says(place: Path, title: str) -> None:
    """In order, as later ones of a section use earlier files. A line ``…`` stands for lines left
    out."""
    wrong = []
    for command, printed in EXAMPLES[title]:
        expected = [re.escape(part) for part in re.split(r"^…\n", printed, flags=re.MULTILINE)]
        found = run(command, place)
        if not re.fullmatch("(?:.*\n)*".join(expected), found):
            wrong.append(f"$ {command}\n{found}")
    assert not wrong, "\n".join(wrong)
