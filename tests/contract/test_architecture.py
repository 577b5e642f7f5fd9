"""docs/architecture.md matches the tree: the docstring of every module, and the layers.

`python tests/contract/test_architecture.py` rewrites both.
"""

from __future__ import annotations

import ast
import configparser
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "src" / "finesweep"
MAX_MODULES = 15
"""Modules that a folder of the package may have, without __init__.py."""


def layers() -> list[str]:
    """The layers of the import contract, top first."""
    contract = configparser.ConfigParser()
    contract.read(ROOT / ".importlinter")
    names = contract["importlinter:contract:house"]["layers"].replace("finesweep.", "")
    return names.strip().splitlines()


def tree() -> str:
    """One line per module of src/finesweep, packages in the order of the layers."""
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
    """The page with its tree and its layers brought up to date."""
    for name, lines in (("tree", tree()), ("layers", "\n".join(layers()))):
        block = f"<!-- {name} -->\n\n```text\n{lines}\n```\n"
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
    assert page(text) == text, f"python {Path(__file__).relative_to(ROOT)} rewrites it"


def test_every_module_has_a_docstring() -> None:
    assert not [file for file in PACKAGE.rglob("*.py") if not _first_paragraph(file)]


def test_no_folder_is_too_full() -> None:
    folders = [PACKAGE, *(each for each in PACKAGE.rglob("*") if each.is_dir())]
    counts = {str(each.relative_to(PACKAGE)): len(_modules(each)) for each in folders}
    full = {name: n for name, n in counts.items() if n > MAX_MODULES}
    assert full == {}


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
