"""docs/architecture.md shows the house as it is: every file by its first sentence, and the layers.

`python tests/contract/test_architecture.py` writes both anew.
"""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "src" / "finesweep"
FULLEST = 15
"""Modules that a folder of the package may hold, beside __init__.py."""


def layers() -> list[str]:
    """Of the import contract, from the command line down to the ground."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    shown = contract["importlinter:contract:house"]["layers"].replace("finesweep.", "")
    return shown.strip().splitlines()


def tree() -> str:
    """src/finesweep, packages in the order of the layers, a line for each module."""
    names = [name for layer in layers() for name in re.findall(r"\w+", layer)]
    packages = [PACKAGE / name for name in names if (PACKAGE / name).is_dir()]
    lines = [_line(PACKAGE, 0), *(line for package in packages for line in _lines(package, 1))]
    return "\n".join([*lines, *(_line(file, 1) for file in _modules(PACKAGE))])


def _lines(folder: Path, depth: int) -> list[str]:
    inner = sorted(each for each in folder.iterdir() if (each / "__init__.py").exists())
    return [
        _line(folder, depth),
        *(_line(file, depth + 1) for file in _modules(folder)),
        *(line for package in inner for line in _lines(package, depth + 1)),
    ]


def _modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")


def _line(path: Path, depth: int) -> str:
    is_folder = path.is_dir()
    name = f"{'  ' * depth}{path.name}{'/' if is_folder else ''}"
    return f"{name:<26}{_first_paragraph(path / '__init__.py' if is_folder else path)}"


def _first_paragraph(file: Path) -> str:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).rstrip(".")


def page(text: str) -> str:
    """text with its tree and its layers as they are now."""
    for name, shown in (("tree", tree()), ("layers", "\n".join(layers()))):
        block = f"<!-- {name} -->\n\n```text\n{shown}\n```\n"
        text = re.sub(
            rf"<!-- {name} -->\n\n```text\n.*?\n```\n",
            lambda _, block=block: block,
            text,
            flags=re.S,
        )
    return text


def test_the_page_shows_every_module_and_the_layers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.count("<!-- tree -->") == text.count("<!-- layers -->") == 1
    assert page(text) == text, f"python {Path(__file__).relative_to(ROOT)} writes it anew"


def test_every_module_says_what_it_is_for() -> None:
    assert not [file for file in PACKAGE.rglob("*.py") if not _first_paragraph(file)]


def test_no_folder_is_too_full() -> None:
    folders = [PACKAGE, *(each for each in PACKAGE.rglob("*") if each.is_dir())]
    counts = {str(each.relative_to(PACKAGE)): len(_modules(each)) for each in folders}
    full = {name: n for name, n in counts.items() if n > FULLEST}
    assert full == {}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
